//! The fingerprint of a certificate: what people compare, and what is pinned.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "SHA256:";

/// SHA-256 of a certificate in DER, as `openssl x509 -fingerprint -sha256` prints it. Written `SHA256:AB:CD:…`, of 32 octets.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// That of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
        Self(octets)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        for (i, octet) in self.0.iter().enumerate() {
            let colon = if i == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NoFingerprint;

    fn try_from(text: String) -> Result<Self, NoFingerprint> {
        text.parse()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Something else than 32 octets in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no SHA-256 fingerprint, which has 64 hexadecimal digits")]
pub struct NoFingerprint(String);

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let fault = || NoFingerprint(text.to_owned());
        let upper = text.trim().to_ascii_uppercase();
        let digits = upper
            .strip_prefix(PREFIX)
            .unwrap_or(&upper)
            .replace(':', "");
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(fault());
        }
        let mut octets = [0; 32];
        for (octet, pair) in octets.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| fault())?;
            *octet = u8::from_str_radix(pair, 16).map_err(|_| fault())?;
        }
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_as_it_is_read_in_all_its_forms() {
        let print = Fingerprint::of(b"a certificate");
        let text = print.to_string();
        assert_eq!((text.len(), &text[..7]), (7 + 32 * 3 - 1, "SHA256:"));
        let bare = text[7..].replace(':', "").to_lowercase();
        for form in [&text, &text[7..], &bare, &text.to_lowercase()] {
            assert_eq!(form.parse(), Ok(print), "{form}");
        }
        for wrong in [
            "",
            "SHA256:",
            &bare[1..],
            &format!("{}g", &bare[1..]),
            &format!("{bare}00"),
        ] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }
}
