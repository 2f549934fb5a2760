//! The parameters of MAIL and RCPT: `KEYWORD[=value]`, and xtext (RFC 3461 section 4, which RFC 4954 uses for AUTH).

use super::{BAD_ARGUMENT, BodyKind, Reply};

/// What MAIL may say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    pub size: Option<u64>,
    pub body: Option<BodyKind>,
}

impl MailParameters {
    pub fn parse(text: &str) -> Result<Self, Reply> {
        let mut out = Self::default();
        for (keyword, value) in pairs(text) {
            match (keyword.as_str(), value) {
                ("SIZE", Some(v)) if out.size.is_none() => out.size = Some(size(v)?),
                ("BODY", Some(v)) if out.body.is_none() => out.body = Some(body(v)?),
                // RFC 4954 section 5: whom the client has the mail from is its own affair.
                ("AUTH", Some(v)) if v.len() <= 500 => drop(xtext(v)?),
                ("SIZE" | "BODY" | "AUTH", _) => return Err(invalid(&keyword)),
                _ => return Err(unknown(&keyword)),
            }
        }
        Ok(out)
    }
}

/// What RCPT may say: nothing. Those of RFC 3461 (DSN) belong to an extension that is not offered, for no report is made of a delivery.
///
/// # Errors
/// The refusal of whatever is said.
pub fn of_rcpt(text: &str) -> Result<(), Reply> {
    match pairs(text).next() {
        None => Ok(()),
        Some((keyword, _)) => Err(unknown(&keyword)),
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (String, Option<&str>)> {
    text.split_ascii_whitespace()
        .map(|word| match word.split_once('=') {
            Some((keyword, value)) => (keyword.to_ascii_uppercase(), Some(value)),
            None => (word.to_ascii_uppercase(), None),
        })
}

fn size(value: &str) -> Result<u64, Reply> {
    let digits =
        !value.is_empty() && value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit());
    // Twenty digits that do not fit are a size beyond any limit, not a syntax error.
    if digits {
        Ok(value.parse().unwrap_or(u64::MAX))
    } else {
        Err(invalid("SIZE"))
    }
}

fn body(value: &str) -> Result<BodyKind, Reply> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(BodyKind::SevenBit),
        "8BITMIME" => Ok(BodyKind::EightBit),
        "BINARYMIME" => Ok(BodyKind::Binary),
        _ => Err(invalid("BODY")),
    }
}

/// `+` and two upper-case hex digits stand for one octet; only printable ASCII may come out.
fn xtext(value: &str) -> Result<String, Reply> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '+' {
            out.push(c);
            continue;
        }
        let hex = |h: &&str| {
            h.bytes()
                .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
        };
        let octet = rest
            .get(..2)
            .filter(hex)
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match octet {
            Some(b) if (b' '..=b'~').contains(&b) => out.push(char::from(b)),
            _ => return Err(Reply::new(501, BAD_ARGUMENT, "Not xtext (RFC 3461)")),
        }
        rest = &rest[2..];
    }
    Ok(out)
}

fn invalid(keyword: &str) -> Reply {
    Reply::new(
        501,
        BAD_ARGUMENT,
        format!("{keyword} has no such value here"),
    )
}

fn unknown(keyword: &str) -> Reply {
    let shown: String = keyword.chars().take(40).collect();
    Reply::new(
        555,
        BAD_ARGUMENT,
        format!("Parameter {shown} is not known here"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_mail_are_read() {
        let mail = MailParameters::parse(" size=120 Body=binarymime AUTH=a+2Bb").unwrap();
        assert_eq!((mail.size, mail.body), (Some(120), Some(BodyKind::Binary)));
        assert_eq!(xtext("a+2Bb").unwrap(), "a+b");
    }

    #[test]
    fn wrong_values_are_501_and_unknown_parameters_555() {
        let code = |r: Result<MailParameters, Reply>| r.unwrap_err().code;
        for text in [
            "SIZE",
            "SIZE=",
            "SIZE=-1",
            "SIZE=1 SIZE=1",
            "BODY=9BIT",
            "AUTH=+zz",
            "AUTH=+0D",
            "AUTH=a+4",
        ] {
            assert_eq!(code(MailParameters::parse(text)), 501, "{text}");
        }
        assert_eq!(
            MailParameters::parse("SIZE=99999999999999999999")
                .unwrap()
                .size,
            Some(u64::MAX)
        );
        assert_eq!(code(MailParameters::parse("SMTPUTF8")), 555);
    }

    #[test]
    fn no_report_of_a_delivery_is_promised() {
        for text in ["RET=HDRS", "ENVID=abc"] {
            assert_eq!(MailParameters::parse(text).unwrap_err().code, 555, "{text}");
        }
        for text in ["NOTIFY=SUCCESS", "ORCPT=rfc822;a@b.example"] {
            assert_eq!(of_rcpt(text).unwrap_err().code, 555, "{text}");
        }
        assert!(of_rcpt("").is_ok() && of_rcpt("  ").is_ok());
    }
}
