//! UTF-7 (RFC 2152), which browsers do not read any more and old mail servers send.

use encoding_rs::UTF_16BE;
use std::borrow::Cow;

use super::transfer;

/// Whether a label means UTF-7.
pub(crate) fn is_meant(label: &str) -> bool {
    let names = ["utf-7", "utf7", "unicode-1-1-utf-7", "csunicode11utf7"];
    names.iter().any(|name| label.eq_ignore_ascii_case(name))
}

/// Text of UTF-7. What is not shifted is read by `plain`: bytes that cannot stand in UTF-7 stand there, too.
pub(crate) fn decode(bytes: &[u8], plain: impl Fn(&[u8]) -> Cow<'_, str>) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        text.push_str(&plain(&rest[..plus]));
        rest = &rest[plus + 1..];
        let is_code = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let len = rest.iter().take_while(is_code).count();
        if len == 0 {
            text.push('+');
        } else {
            let mut utf_16 = transfer::base64(&rest[..len]);
            // Bits that are left over are padding.
            utf_16.truncate(utf_16.len() / 2 * 2);
            text.push_str(&UTF_16BE.decode_without_bom_handling(&utf_16).0);
        }
        rest = &rest[len..];
        rest = rest.strip_prefix(b"-").unwrap_or(rest);
    }
    text.push_str(&plain(rest));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifted_sequences_become_characters() {
        for (bytes, text) in [
            (&b"J+APY-rg +- Co. 1 +ZeVnLIqe-"[..], "Jörg + Co. 1 日本語"),
            (b"Gr+APwA3w.+", "Grüß.+"),
            (b"A+ImIDkQ.", "A≢Α."),
            (b"+2D3cZw-!", "👧!"),
            (b"\xfc+AA", "\u{fffd}"),
        ] {
            assert_eq!(decode(bytes, String::from_utf8_lossy), text);
        }
        assert!(is_meant("UTF-7") && !is_meant("utf-8"));
    }
}
