//! Text in header fields: encoded words (RFC 2047) and the few character sets that voice systems use.

use std::borrow::Cow;
use std::fmt::Write;

use super::transfer;
use crate::limits::{ENCODED_TEXT_LEN_MAX, ENCODED_WORD_LEN_MAX, within};

/// Decodes `=?charset?B|Q?text?=`; white space between two encoded words is dropped. What is not well formed stays. What
/// stands beyond [`ENCODED_TEXT_LEN_MAX`] is left out.
pub(crate) fn decode(text: &str) -> String {
    let text = within(text, ENCODED_TEXT_LEN_MAX);
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, word) = rest.split_at(start);
        let Some((text, len)) = encoded_word(word) else {
            decoded.push_str(before);
            decoded.push_str("=?");
            rest = &word[2..];
            after_word = false;
            continue;
        };
        if !(after_word && before.trim().is_empty()) {
            decoded.push_str(before);
        }
        decoded.push_str(&text);
        rest = &word[len..];
        after_word = true;
    }
    decoded.push_str(rest);
    decoded
}

/// The encoded word at the front of `text` and its length.
fn encoded_word(text: &str) -> Option<(String, usize)> {
    // The bound keeps the search linear.
    let mut parts = within(text, ENCODED_WORD_LEN_MAX)[2..].splitn(4, '?');
    let (charset, encoding, payload) = (parts.next()?, parts.next()?, parts.next()?);
    if !parts.next()?.starts_with('=') || charset.is_empty() {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => transfer::base64(payload.as_bytes()),
        "Q" | "q" => transfer::quoted_printable(payload.replace('_', " ").as_bytes()),
        _ => return None,
    };
    let len = 2 + charset.len() + 1 + encoding.len() + 1 + payload.len() + 2;
    Some((decode_charset(charset, &bytes), len))
}

/// Text of a named character set. Unknown sets are read as UTF-8, with replacement characters where that fails.
pub(crate) fn decode_charset(charset: &str, bytes: &[u8]) -> String {
    // RFC 2231 allows a language after an asterisk.
    let name = charset
        .split('*')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match name.as_str() {
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" => {
            bytes.iter().map(|&byte| windows_1252(byte)).collect()
        }
        "iso-8859-15" => bytes
            .iter()
            .map(|&byte| {
                if byte == 0xa4 {
                    '€'
                } else {
                    char::from(byte)
                }
            })
            .collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Senders say ISO 8859-1 and mean Windows-1252, whose 0x80-0x9f are printable.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Text for a header field: as it is when it is plain ASCII, else as encoded words of at most 75 characters.
pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("=?") {
        return Cow::Borrowed(text);
    }
    let mut words = String::new();
    // 45 bytes give 60 characters of base64; with the frame 72. A character is never cut in two.
    let mut rest = text;
    while !rest.is_empty() {
        let cut = (1..=45.min(rest.len()))
            .rev()
            .find(|&cut| rest.is_char_boundary(cut))
            .unwrap_or(rest.len());
        let (chunk, tail) = rest.split_at(cut);
        let space = if words.is_empty() { "" } else { " " };
        let _ = write!(
            words,
            "{space}=?UTF-8?B?{}?=",
            base64_simd::STANDARD.encode_to_string(chunk.as_bytes())
        );
        rest = tail;
    }
    Cow::Owned(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded_and_joined() {
        assert_eq!(decode("=?UTF-8?B?R3LDvMOfZQ==?= x"), "Grüße x");
        assert_eq!(
            decode("a =?iso-8859-1?Q?b_=FC?= =?utf-8*de?q?c?="),
            "a b üc"
        );
        assert_eq!(decode("=?windows-1252?Q?=93hi=94?="), "“hi”");
    }

    #[test]
    fn what_is_not_an_encoded_word_stays() {
        for text in [
            "plain",
            "=?x",
            "=?a?x?c?=",
            "=?UTF-8?B?AAAA",
            "=?=?=?=?",
            "ends with =?",
        ] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode(&"=?".repeat(20_000)).len(), ENCODED_TEXT_LEN_MAX);
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        for text in [
            "plain",
            "Grüße aus Köln, an alle die dort wohnen und sonst wo, auch 日本語テキストです",
            "a =?b",
        ] {
            let encoded = encode(text);
            assert!(
                encoded
                    .split(' ')
                    .all(|word| word.len() <= 75 && word.is_ascii())
            );
            assert_eq!(decode(&encoded), text);
        }
    }
}
