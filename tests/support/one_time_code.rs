//! What an application for second factors does: codes by RFC 6238, of secrets in base 32.

use aws_lc_rs::hmac;
use std::time::{SystemTime, UNIX_EPOCH};

/// The octets of a secret as it is typed (RFC 4648 section 6, without padding).
pub fn base32(secret: &str) -> Vec<u8> {
    let mut bits = secret.bytes().flat_map(|c| {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            _ => c - b'2' + 26,
        };
        (0..5).rev().map(move |n| (value >> n) & 1)
    });
    let mut bytes = Vec::new();
    loop {
        let eight: Vec<u8> = bits.by_ref().take(8).collect();
        if eight.len() < 8 {
            return bytes;
        }
        bytes.push(eight.iter().fold(0, |byte, bit| (byte << 1) | bit));
    }
}

/// The code that an application makes of a secret, so many steps of thirty seconds from now.
pub fn one_time_code(secret: &str, later: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let step = i64::try_from(now.as_secs() / 30).unwrap() + later;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret));
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().unwrap();
    format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
    )
}
