//! The words of an HTML text, for people who are shown plain text.
//!
//! No browser: elements become line breaks or nothing, references become characters, and what is no text of the document (scripts, styles,
//! comments) is left out. One pass, without a tree, so that any input costs its length.

mod references;

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::legible;

/// The words of `html`, at most `len_max` bytes of them, and whether those are all.
pub(crate) fn words(html: &str, len_max: usize) -> (String, bool) {
    let mut page = Rendering {
        len_max,
        ..Rendering::default()
    };
    let mut rest = html;
    while !rest.is_empty() && !page.is_full {
        let end = memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        page.text(&rest[..end]);
        rest = &rest[end..];
        if !rest.is_empty() {
            rest = page.markup(rest);
        }
    }
    page.words.truncate(page.words.trim_end().len());
    (legible::without_idle_joiners(page.words), !page.is_full)
}

/// The value of the first `charset=` near the front of an HTML file, for a mail that does not say it.
pub(crate) fn charset(html: &[u8]) -> Option<Cow<'_, str>> {
    /// Browsers look no further either (HTML Standard, "prescan a byte stream").
    const FRONT_LEN: usize = 1_024;
    let front = &html[..html.len().min(FRONT_LEN)];
    let lower = front.to_ascii_lowercase();
    let at = memmem::find(&lower, b"charset=")? + "charset=".len();
    let value = front[at..].trim_ascii_start();
    let value = value
        .strip_prefix(b"\"")
        .or(value.strip_prefix(b"'"))
        .unwrap_or(value);
    let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte);
    let len = value.iter().take_while(|byte| is_label(byte)).count();
    Some(String::from_utf8_lossy(&value[..len]))
}

/// The words, as far as they are read.
#[derive(Default)]
struct Rendering {
    words: String,
    len_max: usize,
    is_full: bool,
    /// Line breaks that come before the next word, if there is one. More than one blank line says nothing.
    breaks: usize,
    /// A blank comes before the next word, unless that begins a line.
    blank: bool,
    /// Elements in which white space counts.
    preformatted: usize,
}

impl Rendering {
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if self.is_full {
                return;
            }
            match (c, references::at_front(rest)) {
                (_, Some((c, len))) => {
                    self.push(if c == '\u{a0}' { ' ' } else { c });
                    rest = &rest[len..];
                    continue;
                }
                ('\n', _) if self.preformatted > 0 => self.breaks += 1,
                (' ' | '\t', _) if self.preformatted > 0 => self.push(c),
                (' ' | '\t' | '\n' | '\r' | '\u{c}', _) => self.blank = true,
                _ => self.push(c),
            }
            rest = &rest[c.len_utf8()..];
        }
    }

    fn push(&mut self, c: char) {
        if legible::is_hidden(c) && c != '\t' {
            return;
        }
        const BREAKS_MAX: usize = 2;
        let breaks = std::mem::take(&mut self.breaks).min(BREAKS_MAX);
        let blank = std::mem::take(&mut self.blank);
        if self.words.len() + breaks + 1 + c.len_utf8() > self.len_max {
            self.is_full = true;
        } else if self.words.is_empty() {
            self.words.extend(Some(c).filter(|&c| c != ' '));
        } else if breaks > 0 {
            self.words.truncate(self.words.trim_end_matches(' ').len());
            self.words.extend(std::iter::repeat_n('\n', breaks));
            self.words.push(c);
        } else {
            self.words.extend(blank.then_some(' '));
            self.words.push(c);
        }
    }

    /// What follows the markup that `html` begins with.
    fn markup<'a>(&mut self, html: &'a str) -> &'a str {
        if let Some(comment) = html.strip_prefix("<!--") {
            // `<!-->` is a comment without anything in it.
            let comment = comment.strip_prefix('-').unwrap_or(comment);
            return comment
                .strip_prefix('>')
                .unwrap_or_else(|| behind(comment, "-->"));
        }
        if html.starts_with("<!") || html.starts_with("<?") {
            return behind(html, ">");
        }
        let (is_end, inner) = match html[1..].strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, &html[1..]),
        };
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.push('<');
            return &html[1..];
        }
        let name_len = inner.find(|c: char| c.is_ascii_whitespace() || "/>".contains(c));
        let name = &inner[..name_len.unwrap_or(inner.len())];
        let rest = behind_tag(&inner[name.len()..]);
        self.element(name, is_end);
        let is_left_out = LEFT_OUT
            .iter()
            .any(|left_out| name.eq_ignore_ascii_case(left_out));
        if is_left_out && !is_end {
            behind_element(rest, name)
        } else {
            rest
        }
    }

    fn element(&mut self, name: &str, is_end: bool) {
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        if is(&"br") {
            self.breaks += 1;
        } else if is(&"td") || is(&"th") {
            self.blank = true;
        } else if BLOCKS.split(' ').any(|block| is(&block)) {
            self.breaks = self.breaks.max(1);
        }
        if is(&"pre") && is_end {
            self.preformatted = self.preformatted.saturating_sub(1);
        } else if is(&"pre") {
            self.preformatted += 1;
        }
    }
}

/// Elements that stand in lines of their own.
const BLOCKS: &str = "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure \
                      footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section table tr ul";

/// Elements whose content is not read by people, or in another place. No markup is read in them.
const LEFT_OUT: [&str; 6] = ["iframe", "noframes", "script", "style", "template", "title"];

fn behind<'a>(text: &'a str, end: &str) -> &'a str {
    match memmem::find(text.as_bytes(), end.as_bytes()) {
        Some(at) => &text[at + end.len()..],
        None => "",
    }
}

/// What follows the `>` of a tag. One in a quoted value is none; where a quote is not closed, the next `>` is the end. There is no
/// other such quote then, so that happens twice at most.
fn behind_tag(attributes: &str) -> &str {
    let bytes = attributes.as_bytes();
    let (mut at, mut is_value) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'>' => return &attributes[at + 1..],
            b'"' | b'\'' if is_value => match memchr(byte, &bytes[at + 1..]) {
                Some(len) => at += len + 1,
                None => return behind(&attributes[at..], ">"),
            },
            _ => {}
        }
        is_value = byte == b'=' || is_value && byte.is_ascii_whitespace();
        at += 1;
    }
    ""
}

/// What follows the element of that name, in whose content `html` begins.
fn behind_element<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    loop {
        rest = behind(rest, "</");
        if rest.is_empty() {
            return rest;
        }
        let front = rest.get(..name.len());
        if front.is_some_and(|front| front.eq_ignore_ascii_case(name)) {
            return behind(rest, ">");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(html: &str) -> String {
        let (words, is_whole) = words(html, usize::MAX);
        assert!(is_whole);
        words
    }

    #[test]
    fn elements_become_line_breaks_or_nothing() {
        assert_eq!(all("<p>Call <b>7204</b></p>\r\n"), "Call 7204");
        assert_eq!(
            all("<h1>Hi</h1>\n<p>one\n two<br>three<p>four"),
            "Hi\none two\nthree\nfour"
        );
        assert_eq!(
            all("<div>a</div><div><br></div><div>b<br></div>c"),
            "a\n\nb\nc"
        );
        assert_eq!(all("a<br><BR/><br /><br>b"), "a\n\nb");
        assert_eq!(all("<ul><li>a<li>b</ul>"), "a\nb");
        assert_eq!(
            all("<table><tr><td>a<td>b</tr><tr><th>c</th></table>"),
            "a b\nc"
        );
        assert_eq!(all("<pre>a\n  b</pre> c"), "a\n  b\nc");
        assert_eq!(all("wo<i>r</i>d <em> x </em> y"), "word x y");
    }

    #[test]
    fn what_is_no_text_of_the_document_is_left_out() {
        let html = "<!DOCTYPE html><html><head><title>T</title><STYLE type='a>b'>p { x: '</p>' }</Style></head>\
                    <body>a<!-- x > <b> --><script>if (a < b) {}</script >b<![endif]--><?xml x?><iframe>c</iframe></body>";
        assert_eq!(all(html), "ab");
        assert_eq!(all("a<!-->b<!--->c"), "abc");
        assert_eq!(all("a<script>never closed"), "a");
        assert_eq!(all("<a href=\"x>y\" title = 'p>q'>l</a>"), "l");
    }

    #[test]
    fn what_is_no_markup_is_text() {
        assert_eq!(all("1 < 2 <3 a<>b &x; &&amp;"), "1 < 2 <3 a<>b &x; &&");
        assert_eq!(all("a<b c=\"d>e"), "ae");
        assert_eq!(all("it's <i don't>so</i>"), "it's so");
        assert_eq!(all("a<b"), "a");
    }

    #[test]
    fn references_become_characters_and_none_that_is_hidden() {
        let html = "Gr&uuml;&szlig;e &amp; &lt;b&gt;&nbsp;&#8364;&#x263A;&#128;&hellip;";
        assert_eq!(all(html), "Grüße & <b> €☺€…");
        assert_eq!(all("a&#8238;b&#x202E;c&#7;d&rlm;e"), "abcde");
        assert_eq!(
            all("&#xD800;&#x110000;&#;&#x;&unknown;"),
            "\u{fffd}\u{fffd}&#;&#x;&unknown;"
        );
        assert_eq!(all("AT&T &ampm &copy 2"), "AT&T &ampm © 2");
    }

    #[test]
    fn words_are_bounded_and_markup_costs_its_length() {
        assert_eq!(
            words("<p>aaaa</p><p>bbbb</p>", 6),
            ("aaaa".to_string(), false)
        );
        assert_eq!(words("", 6), (String::new(), true));
        for piece in [
            "<", "</", "<a ", "<a b=\"", "<a b='", "<!--", "<script>", "</s", "&", "&#", "&a",
            "<br>", "\n", "é<p>", "<a\"",
        ] {
            let (words, _) = words(&piece.repeat(2_000_000 / piece.len()), 64 * 1024);
            assert!(words.len() <= 64 * 1024, "{piece}");
        }
    }

    #[test]
    fn a_file_may_name_its_own_character_set() {
        let named = |html: &str| charset(html.as_bytes()).map(Cow::into_owned);
        assert_eq!(
            named("<META http-equiv=x content=\"text/html; Charset=KOI8-R\">").as_deref(),
            Some("KOI8-R")
        );
        assert_eq!(named("<meta charset='utf-8'>").as_deref(), Some("utf-8"));
        assert_eq!(named("<p>"), None);
    }
}
