//! Text in header fields: encoded words (RFC 2047).

use std::borrow::Cow;
use std::fmt::Write;

use super::{charset, transfer};
use crate::limits::{ENCODED_TEXT_LEN_MAX, LABEL_CHARS_MAX, within};

/// Decodes `=?charset?B|Q?text?=`; white space between two encoded words is dropped. What is not well formed stays. What
/// stands beyond [`ENCODED_TEXT_LEN_MAX`] is left out.
pub(crate) fn decode(text: &str) -> String {
    let mut rest = within(text, ENCODED_TEXT_LEN_MAX);
    let mut decoded = String::with_capacity(rest.len());
    let mut run = Run::default();
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        let word = EncodedWord::at_front(from);
        if word.is_none() || !run.is_open || !before.trim().is_empty() {
            run.end(&mut decoded);
            decoded.push_str(before);
        }
        let len = match word {
            Some(word) => {
                run.take(&word, &mut decoded);
                word.len
            }
            None => {
                decoded.push_str("=?");
                2
            }
        };
        rest = &from[len..];
    }
    run.end(&mut decoded);
    decoded.push_str(rest);
    decoded
}

/// An encoded word, not yet decoded.
pub(crate) struct EncodedWord<'a> {
    charset: &'a str,
    is_base64: bool,
    /// What stands between the last two question marks.
    pub payload: &'a str,
    /// Bytes of all of it.
    pub len: usize,
}

impl<'a> EncodedWord<'a> {
    /// The encoded word that `text` begins with. However long it is (RFC 2047 section 2 allows 75 characters): senders differ.
    pub fn at_front(text: &'a str) -> Option<EncodedWord<'a>> {
        let inner = text.strip_prefix("=?")?;
        // The bound keeps the search linear.
        let label_len = within(inner, 2 * LABEL_CHARS_MAX).find('?')?;
        let (charset, rest) = (&inner[..label_len], &inner[label_len + 1..]);
        if charset.is_empty() || !charset.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let is_base64 = match rest.as_bytes() {
            [b'B' | b'b', b'?', ..] => true,
            [b'Q' | b'q', b'?', ..] => false,
            _ => return None,
        };
        let payload = &rest[2..];
        let payload = &payload[..payload_end(payload.as_bytes())?];
        let len = text.len() - rest.len() + 2 + payload.len() + 2;
        Some(EncodedWord {
            charset,
            is_base64,
            payload,
            len,
        })
    }
}

/// Where the `?=` of a word stands. A lone question mark is forgiven. Where another word begins this one has no end; so no byte is
/// searched for two words.
fn payload_end(payload: &[u8]) -> Option<usize> {
    for mark in memchr::memchr_iter(b'?', payload) {
        if payload.get(mark + 1) == Some(&b'=') {
            return Some(mark);
        }
        if mark > 0 && payload[mark - 1] == b'=' {
            return None;
        }
    }
    None
}

/// Adjacent words of one character set. Their bytes are joined before they are decoded, because some senders cut a character in two
/// (against RFC 2047 section 5).
#[derive(Default)]
struct Run<'a> {
    is_open: bool,
    charset: &'a str,
    bytes: Vec<u8>,
    /// Base64 that ended within a group of four.
    unfinished: String,
}

impl<'a> Run<'a> {
    fn take(&mut self, word: &EncodedWord<'a>, decoded: &mut String) {
        let charset = charset::without_language(word.charset);
        if !self.charset.eq_ignore_ascii_case(charset) || charset::begins_anew(charset) {
            self.end(decoded);
        }
        (self.is_open, self.charset) = (true, charset);
        if word.is_base64 {
            self.take_base64(word.payload);
        } else {
            self.finish_base64();
            let text = word.payload.replace('_', " ");
            let bytes = transfer::quoted_printable(text.as_bytes());
            self.bytes.extend(bytes);
        }
    }

    /// A sender that cuts anywhere leaves a group for the next word to finish; one that leaves out padding does not.
    fn take_base64(&mut self, payload: &str) {
        let is_code = |c: &char| c.is_ascii_alphanumeric() || "+/=".contains(*c);
        let len = self.unfinished.len() + payload.chars().filter(is_code).count();
        if !len.is_multiple_of(4) && self.unfinished.len() % 4 != 1 {
            self.finish_base64();
        }
        self.unfinished.extend(payload.chars().filter(is_code));
        if self.unfinished.len().is_multiple_of(4) {
            self.finish_base64();
        }
    }

    fn finish_base64(&mut self) {
        let text = std::mem::take(&mut self.unfinished);
        self.bytes.extend(transfer::base64(text.as_bytes()));
    }

    fn end(&mut self, decoded: &mut String) {
        if self.is_open {
            self.finish_base64();
            decoded.push_str(&charset::decode(self.charset, &self.bytes));
        }
        self.bytes.clear();
        self.is_open = false;
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
    fn a_character_that_is_cut_between_two_words_is_put_together() {
        let cut = "=?UTF-8?Q?pa=C5?=  =?utf-8*lt?q?=BEad=C4=97jim=C5=B3?=";
        assert_eq!(decode(cut), "pažadėjimų");
        assert_eq!(decode("=?utf-8?B?YcM=?=\t=?utf-8?B?tmI=?="), "aöb");
        assert_eq!(decode("=?utf-8?B?YcM=?= =?utf-8?Q?=B6b?="), "aöb");
        assert_eq!(
            decode("=?utf-8?B?w7Z?= =?utf-8?B?4?= =?utf-8?B?eHg?="),
            "öxxx"
        );
        assert_eq!(
            decode("=?utf-8?B?w6Q?= =?utf-8?B?w7w?="),
            "äü",
            "only the padding is missing"
        );
        let sets = "=?iso-8859-2?Q?=F8?= =?iso-8859-1?Q?=F8?= =?koi8-r?B?78zYx8E=?=";
        assert_eq!(decode(sets), "řøОльга");
        assert_eq!(
            decode("=?iso-2022-jp?B?GyRCRUU=?= =?iso-2022-jp?B?T0MbKEI=?="),
            "電話"
        );
    }

    #[test]
    fn adjacent_words_of_a_set_that_changes_its_meaning_are_read() {
        for (words, text) in [
            (
                "=?ISO-2022-JP?B?GyRCTjFIVhsoQg==?=\r\n =?ISO-2022-JP?B?GyRCRUVPQxsoQg==?=",
                "留番電話",
            ),
            (
                "=?iso-2022-jp?Q?=1B$B5^MQ=1B(B?= =?iso-2022-jp?Q?=1B$BEEOC=1B(B?=",
                "急用電話",
            ),
            (
                "=?utf-7?Q?J+APY-rg?= =?utf-7?Q?_+ZeVnLIqe?= =?utf-7?Q?+ZeU-?=",
                "Jörg 日本語日",
            ),
            (
                "=?iso-2022-kr?Q?=1B$)C=0E@|?= =?iso-2022-kr?Q?=1B$)C=0EH-=0F!?=",
                "전화!",
            ),
        ] {
            assert_eq!(decode(words), text);
        }
    }

    #[test]
    fn a_word_may_be_longer_than_the_standard_allows() {
        let text = format!("Willkommen {}", "ü".repeat(3_000));
        let payload = base64_simd::STANDARD.encode_to_string(text.as_bytes());
        assert_eq!(
            decode(&format!("=?UTF-8?B?{payload}?= x")),
            format!("{text} x")
        );
        assert_eq!(
            decode("=?utf-8?Q?Who is it? J=C3=B6rg!?="),
            "Who is it? Jörg!"
        );
        assert_eq!(decode("=?x?q?a =?utf-8?q?b?="), "=?x?q?a b");
        assert_eq!(decode("=?utf-8?q??=a=?utf-8?q?b?==?utf-8?q?c?="), "abc");
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
