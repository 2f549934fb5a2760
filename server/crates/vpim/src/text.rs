//! Text for people: what a part says, whatever character set and markup it was sent in.

mod flowed;

use std::borrow::Cow;

pub(crate) use flowed::Flow;

use crate::data::Data;
use crate::limits::{HTML_LEN_MAX, LABEL_CHARS_MAX};
use crate::mime::charset;
use crate::mime::parameter::Structured;
use crate::{html, legible};

/// Text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The subtype, lower case: `plain`, `html`, …
    pub subtype: String,
    /// The `charset` parameter, lower case; `us-ascii` when nothing is said.
    pub charset: String,
    /// The bytes in that character set.
    pub data: Data<'a>,
    /// How its lines belong together, if they are parts of longer ones.
    pub(crate) flow: Option<Flow>,
}

impl<'a> Text<'a> {
    pub(crate) fn read(subtype: &str, content_type: &Structured, data: Data<'a>) -> Text<'a> {
        let charset = content_type.parameter("charset");
        Text {
            subtype: subtype.to_string(),
            charset: charset
                .unwrap_or("us-ascii".to_string())
                .chars()
                .take(LABEL_CHARS_MAX)
                .collect::<String>()
                .to_ascii_lowercase(),
            data,
            flow: Flow::of(subtype, content_type),
        }
    }
}

impl Text<'_> {
    /// The text as a person reads it: decoded from its character set, of HTML the words alone, with line feeds at the ends of lines (of
    /// paragraphs where lines are broken to be joined again, RFC 3676), and
    /// without control characters, those that set the direction of writing, and those that cannot be seen.
    pub fn text(&self) -> String {
        self.text_within(usize::MAX).0
    }

    /// The text in the first `len_max` bytes of the part, and whether that is all of it. Of HTML, whose markup is often longer than its
    /// words, the first `len_max` bytes of the words in the first [`HTML_LEN_MAX`] bytes of the part.
    pub fn text_within(&self, len_max: usize) -> (String, bool) {
        if self.is_html() {
            let (source, is_whole) = self.decoded(HTML_LEN_MAX);
            let (words, are_all) = html::words(&source, len_max);
            return (words, is_whole && are_all);
        }
        let (text, is_whole) = self.decoded(len_max);
        let text = legible::lines(text);
        match self.flow {
            Some(flow) => (flow.joined(&text), is_whole),
            None => (text, is_whole),
        }
    }

    fn decoded(&self, len_max: usize) -> (String, bool) {
        let front = &self.data[..self.data.len().min(len_max)];
        let is_whole = front.len() == self.data.len();
        let label = Some(self.charset.as_str());
        let own = html::charset(front)
            .filter(|_| self.is_html() && !label.is_some_and(charset::is_named));
        let label = own.unwrap_or(Cow::Borrowed(&self.charset));
        (charset::decode_front(&label, front, is_whole), is_whole)
    }

    /// Whether it is a page rather than a plain text.
    pub(crate) fn is_html(&self) -> bool {
        self.subtype == "html"
    }

    /// Whether there is nothing to read. Only of a short text it is known how it reads.
    pub fn is_blank(&self) -> bool {
        /// Longest text that is decoded to see that it says nothing: a mark, hard blanks, an empty page.
        const LEN_MAX: usize = 1_024;
        self.data.iter().all(u8::is_ascii_whitespace)
            || self.data.len() <= LEN_MAX && self.text().trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(content_type: &str, bytes: &'a [u8]) -> Text<'a> {
        let content_type = Structured::read(content_type);
        let subtype = content_type.value.replace("text/", "");
        Text::read(&subtype, &content_type, bytes.into())
    }

    #[test]
    fn a_text_is_shown_in_its_letters_and_without_what_is_hidden() {
        let plain = "text/plain; charset";
        for (content_type, bytes, shown) in [
            (format!("{plain}=utf-8"), &b"\xef\xbb\xbfHello"[..], "Hello"),
            (format!("{plain}=KOI8-R"), b"\xef\xcc\xd8\xc7\xc1", "Ольга"),
            (plain.to_string(), b"R\xfcckruf", "Rückruf"),
            (plain.to_string(), "Rückruf".as_bytes(), "Rückruf"),
            (
                plain.to_string(),
                b"a\x1b[1m\r\n\tb\rc\0\x7f",
                "a[1m\n\tb\nc",
            ),
            (
                plain.to_string(),
                "from \u{202e}5551000".as_bytes(),
                "from 5551000",
            ),
        ] {
            assert_eq!(text(&content_type, bytes).text(), shown, "{content_type}");
        }
    }

    #[test]
    fn a_text_that_flows_is_shown_in_paragraphs() {
        let flowed = text(
            "text/plain; format=flowed; delsp=yes",
            b"call \r\nback\r\nsoon",
        );
        assert_eq!(flowed.text(), "callback\nsoon");
    }

    #[test]
    fn html_is_shown_as_its_words() {
        let page = b"<p>Call <b>7204</b></p>";
        assert_eq!(text("text/html", page).text(), "Call 7204");
        let own = b"<meta charset=windows-1251><p>\xcf\xe5";
        assert_eq!(text("text/html", own).text(), "Пе");
        assert_eq!(text("text/html; charset=latin1", own).text(), "Ïå");
        let long = format!("<style>{}</style>one<br>two", "x".repeat(300_000));
        let long = text("text/html", long.as_bytes());
        assert_eq!(long.text_within(5), ("one".to_string(), false));
        assert_eq!(long.text_within(9), ("one\ntwo".to_string(), true));
        let longer = format!("a{}", " ".repeat(HTML_LEN_MAX));
        assert_eq!(
            text("text/html", longer.as_bytes()).text_within(9),
            ("a".to_string(), false)
        );
    }

    #[test]
    fn what_says_nothing_is_blank() {
        for (content_type, bytes) in [
            ("text/plain", &b"\xef\xbb\xbf \r\n"[..]),
            ("text/plain; charset=utf-8", b"\xc2\xa0\r\n"),
            ("text/plain; charset=utf-16", b"\xff\xfe \0"),
            (
                "text/html",
                b"<html><body><div><br></div>&nbsp;</body></html>",
            ),
        ] {
            assert!(text(content_type, bytes).is_blank(), "{content_type}");
        }
        assert!(!text("text/plain", b" x ").is_blank());
        assert!(!text("text/html", b"<p>x").is_blank());
    }

    #[test]
    fn the_front_of_a_text_has_whole_characters() {
        let german = text("text/plain; charset=utf-8", "Größe".as_bytes());
        assert_eq!(german.text_within(3), ("Gr".to_string(), false));
        let japanese = text("text/plain; charset=shift_jis", b"\x93d\x98b");
        assert_eq!(japanese.text_within(3), ("電".to_string(), false));
        assert_eq!(japanese.text_within(4), ("電話".to_string(), true));
    }
}
