//! The codes of a second factor: RFC 6238 as every application for it has it (SHA-1, six digits, thirty seconds).
//!
//! Which code was used last is for the caller to remember: [`step_of`] says which step of time a code is of.

use aws_lc_rs::hmac;
use domain::Timestamp;

/// Bytes of a new secret (RFC 4226 section 4, R6: 160 bits).
pub const SECRET_LENGTH: usize = 20;
const STEP_MS: i64 = 30_000;
const DIGITS: usize = 6;
/// A telephone's clock may differ by so many steps (RFC 6238 section 5.2).
const STEPS_OFF: i64 = 1;

/// The code of a step.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    // RFC 4226 section 5.3.
    let bytes = tag.as_ref();
    let at = usize::from(bytes[bytes.len() - 1] & 0x0f);
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000;
    format!("{number:06}")
}

/// The step of time that a code is right for at a moment, later than the last one that was used; `None` if it is wrong, or was used.
pub fn step_of(secret: &[u8], typed: &str, now: Timestamp, used: Option<i64>) -> Option<i64> {
    // Applications show it in two groups.
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if typed.len() != DIGITS {
        return None;
    }
    let step = now.0.div_euclid(STEP_MS);
    let mut found = None;
    for step in step - STEPS_OFF..=step + STEPS_OFF {
        let right = code(secret, step);
        let same =
            aws_lc_rs::constant_time::verify_slices_are_equal(right.as_bytes(), typed.as_bytes());
        if same.is_ok() && used.is_none_or(|used| step > used) {
            found = Some(step);
        }
    }
    found
}

/// A secret as it is typed: base 32 (RFC 4648 section 6) without padding.
pub fn base32(bytes: &[u8]) -> String {
    data_encoding::BASE32_NOPAD.encode(bytes)
}

/// The address that applications read from a QR code. `server` and `name` hold letters, digits, dots, hyphens and underscores alone.
pub fn uri(secret: &[u8], server: &str, name: &str) -> String {
    let secret = base32(secret);
    format!(
        "otpauth://totp/CallPilot%20{server}:{name}?secret={secret}&issuer=CallPilot%20{server}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, and RFC 4226, appendix D; the last six of its eight digits.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, right) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, seconds / 30), right, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_right_for_a_short_while_and_once() {
        let at = |seconds: i64| Timestamp(seconds * 1_000);
        let step = 1_111_111_111 / 30;
        let of = |typed: &str, seconds, used| step_of(SECRET, typed, at(seconds), used);
        assert_eq!(of("050471", 1_111_111_111, None), Some(step));
        assert_eq!(
            of("050 471", 1_111_111_141, None),
            Some(step),
            "a clock off by one step"
        );
        assert_eq!(of("050471", 1_111_111_081, None), Some(step));
        assert_eq!(of("050471", 1_111_111_171, None), None, "too late");
        assert_eq!(of("050471", 1_111_111_111, Some(step)), None, "it was used");
        assert_eq!(of("050471", 1_111_111_111, Some(step - 1)), Some(step));
        for wrong in ["", "050472", "50471", "0504711", "٠٥٠٤٧١"] {
            assert_eq!(of(wrong, 1_111_111_111, None), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_typed_in_base_32() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"foob"), "MZXW6YQ");
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            uri(b"foobar", "cp-a.example", "mira"),
            "otpauth://totp/CallPilot%20cp-a.example:mira?secret=MZXW6YTBOI&issuer=CallPilot%20cp-a.example"
        );
    }
}
