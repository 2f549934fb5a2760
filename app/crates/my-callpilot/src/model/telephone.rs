//! Telephone numbers as people read them.

/// An international number in groups, as ITU-T E.123 has it: the country code, then threes and fours. `+442079460107` is `+44 207 946 0107`.
/// What is no international number, such as a mailbox number, stays as it is. Where exactly a country divides its numbers is not known here: those tables
/// are larger than all of this application.
pub fn grouped(number: &str) -> String {
    let digits = number.strip_prefix('+').unwrap_or_default();
    let is_number = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number {
        return number.to_owned();
    }
    let (country, national) = digits.split_at(country_code_length(digits));
    let mut words = format!("+{country}");
    let groups = national.len() / 3;
    let mut rest = national;
    for left in (1..=groups).rev() {
        // What three does not divide makes the last groups longer.
        let (group, behind) = rest.split_at(rest.len() / left);
        words.push(' ');
        words += group;
        rest = behind;
    }
    words
}

/// Digits of the country code (ITU-T E.164).
fn country_code_length(digits: &str) -> usize {
    /// Of the codes that begin with 2 these two have two digits; of all others that do not begin with 1 or 7, these have three.
    const TWO: [&str; 2] = ["20", "27"];
    const THREE: [&str; 17] = [
        "35", "37", "38", "42", "50", "59", "67", "68", "69", "80", "85", "87", "88", "89", "96",
        "97", "99",
    ];
    let begins = |codes: &[&str]| codes.iter().any(|code| digits.starts_with(code));
    match digits.as_bytes().first() {
        Some(b'1' | b'7') => 1,
        Some(b'2') if !begins(&TWO) => 3,
        _ if begins(&THREE) => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn international_numbers_come_in_groups_and_others_as_they_are() {
        for (number, shown) in [
            ("+442079460107", "+44 207 946 0107"),
            ("+17035245550", "+1 703 524 5550"),
            ("+33612345678", "+33 612 345 678"),
            ("+4930123456", "+49 3012 3456"),
            ("+353861234567", "+353 861 234 567"),
            ("+420601234567", "+420 601 234 567"),
            ("+2348031234567", "+234 803 123 4567"),
            ("+78121234567", "+7 812 123 4567"),
            ("+85223456789", "+852 2345 6789"),
            ("7214", "7214"),
            ("+44", "+44"),
            ("+44 20 7946 0018", "+44 20 7946 0018"),
            ("*72#", "*72#"),
            ("", ""),
        ] {
            assert_eq!(grouped(number), shown);
        }
    }
}
