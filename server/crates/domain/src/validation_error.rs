//! What may be kept: bounds and forms of what people enter, and how a value that does not fit is told.

/// A value that cannot be kept; a sentence for people says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValidationError(pub String);

/// Refuses with a sentence unless `fits`.
pub(crate) fn ensure(fits: bool, sentence: impl FnOnce() -> String) -> Result<(), ValidationError> {
    if fits {
        Ok(())
    } else {
        Err(ValidationError(sentence()))
    }
}

/// A mailbox number: 3 to 20 digits.
pub fn check_mailbox_number(number: &str) -> Result<(), ValidationError> {
    ensure(is_digits(number, 3, 20), || {
        format!("\"{number}\" is not a mailbox number: it has 3 to 20 digits.")
    })
}

/// A telephone number as it is dialled: 1 to 30 digits, stars and hashes, perhaps with a plus before them.
pub fn check_telephone_number(number: &str) -> Result<(), ValidationError> {
    let dialled = number.strip_prefix('+').unwrap_or(number);
    let fits = (1..=30).contains(&dialled.len())
        && dialled
            .bytes()
            .all(|b| b.is_ascii_digit() || b"*#".contains(&b));
    ensure(fits, || {
        format!("\"{number}\" is not a telephone number: it has 1 to 30 digits, stars and hashes.")
    })
}

/// An address: a number, or `local@domain` of at most 254 bytes (RFC 5321 section 4.5.3.1.3).
pub fn check_address(address: &str) -> Result<(), ValidationError> {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    let mail = address
        .rsplit_once('@')
        .is_some_and(|(local, domain)| plain(local) && plain(domain));
    let fits = address.len() <= 254 && (mail || check_telephone_number(address).is_ok());
    ensure(fits, || {
        format!(
            "\"{address}\" is neither a number nor an address such as 7200@cp-north.example.net."
        )
    })
}

/// A name that people read: 1 to `length_max` characters on one line. `what` begins the sentence.
pub fn check_name(what: &str, name: &str, length_max: usize) -> Result<(), ValidationError> {
    let fits = !name.trim().is_empty()
        && name.chars().count() <= length_max
        && !name.chars().any(char::is_control);
    ensure(fits, || {
        format!("{what} must have 1 to {length_max} characters on one line.")
    })
}

/// Digits, `least` to `most` of them.
pub(crate) fn is_digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_are_told_from_nonsense() {
        for good in ["720", "12345678901234567890"] {
            assert!(check_mailbox_number(good).is_ok(), "{good}");
        }
        for bad in ["", "72", "72o0", "٧٢٠٠", "123456789012345678901"] {
            assert!(check_mailbox_number(bad).is_err(), "{bad}");
        }
        for good in ["9", "+441632960018", "*72#"] {
            assert!(check_telephone_number(good).is_ok(), "{good}");
        }
        for bad in ["", "+", "01632 960018", "1+2"] {
            assert!(check_telephone_number(bad).is_err(), "{bad}");
        }
        for good in ["7200", "o.renn@cp-north.example.net"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in ["", "renn", "@x", "a@", "a b@c", "a@b\r\nTo: c@d"] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
        assert!(check_address(&format!("{}@x", "a".repeat(252))).is_ok());
        assert!(check_address(&format!("{}@x", "a".repeat(253))).is_err());
    }

    #[test]
    fn a_name_is_one_line_that_says_something() {
        assert!(check_name("The name", "Grün & Söhne", 12).is_ok());
        for bad in ["", "  ", "two\nlines", "thirteen long"] {
            let said = check_name("The name", bad, 12).unwrap_err().to_string();
            assert_eq!(said, "The name must have 1 to 12 characters on one line.");
        }
    }
}
