//! Structured values such as `audio/32KADPCM; name="a b"` (RFC 2045 section 5.1), with comments and stray spaces.

use super::charset;
use super::field::{Field, find_within};
use crate::legible;
use crate::limits::{MEDIA_TYPE_CHARS_MAX, PARAMETERS_MAX, STRUCTURED_LEN_MAX, within};

/// A value in front of its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structured {
    /// What stands before the first semicolon, lower case, without comments or spaces, at most [`MEDIA_TYPE_CHARS_MAX`] of it.
    pub value: String,
    /// What stands behind it, as it was written. A parameter is looked for when it is asked for: few ever are.
    parameters: String,
}

impl Structured {
    /// Reads the first field of that name; `None` if there is none.
    pub fn of(fields: &[Field<'_>], name: &str) -> Option<Structured> {
        let value = find_within(fields, name, STRUCTURED_LEN_MAX)?;
        Some(Structured::read(&value))
    }

    /// Reads a header value, or the first [`STRUCTURED_LEN_MAX`] bytes of it. Accepts `voice= Voice-Message` and `voice =x` as in the
    /// examples of RFC 3801 Appendix B.
    pub fn read(text: &str) -> Structured {
        let mut pieces = ParameterPieces(Some(within(text, STRUCTURED_LEN_MAX)));
        let value = pieces.next().unwrap_or_default();
        let value = value
            .chars()
            .filter(|&c| !c.is_whitespace() && !legible::is_hidden(c))
            .take(MEDIA_TYPE_CHARS_MAX)
            .collect::<String>()
            .to_ascii_lowercase();
        let parameters = pieces.0.unwrap_or_default().to_string();
        Structured { value, parameters }
    }

    /// The value and the parameters as they were written, without quotes and comments.
    pub fn pieces(text: &str) -> impl Iterator<Item = String> + '_ {
        ParameterPieces(Some(text))
    }

    /// The parameter of that (lower-case) name, unquoted, among the first [`PARAMETERS_MAX`]. Also in the forms of RFC 2231: with a
    /// character set, `name*=charset'language'text`, and in sections, `name*0=…; name*1*=…`, in whatever order. A sender that gives
    /// several forms means those as a help for old readers that have none of this.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut plain = None;
        let mut sections = Vec::new();
        for piece in ParameterPieces(Some(&self.parameters)).take(PARAMETERS_MAX) {
            let Some((its, value)) = piece.split_once('=') else {
                continue;
            };
            let (its, value) = (its.trim(), value.trim());
            if its.eq_ignore_ascii_case(name) {
                plain = plain.or_else(|| Some(value.to_string()));
            } else if let Some(section) = Section::read(its, name, value) {
                sections.push(section);
            }
        }
        joined(sections).or(plain)
    }
}

/// One piece of a value that was cut into pieces.
struct Section {
    /// 0 also where there is but one.
    number: usize,
    /// It is percent-encoded.
    is_extended: bool,
    value: String,
}

impl Section {
    /// Reads `name*`, `name*1` or `name*1*` and its value; `None` if that is the name of something else.
    fn read(its: &str, name: &str, value: &str) -> Option<Section> {
        let (front, rest) = its.split_at_checked(name.len())?;
        let rest = rest.strip_prefix('*')?;
        if !front.eq_ignore_ascii_case(name) {
            return None;
        }
        let (number, is_extended) = match rest.strip_suffix('*') {
            Some(number) => (number, true),
            None => (rest, rest.is_empty()),
        };
        let number = if number.is_empty() {
            0
        } else {
            number.parse().ok()?
        };
        Some(Section {
            number,
            is_extended,
            value: value.to_string(),
        })
    }
}

/// The value of sections 0, 1, …, as far as there are such. A character may be cut between two.
fn joined(mut sections: Vec<Section>) -> Option<String> {
    // Stable: of two with the same number the first counts.
    sections.sort_by_key(|section| section.number);
    sections.dedup_by_key(|section| section.number);
    let mut label = String::new();
    let mut bytes = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        if section.number != number {
            break;
        }
        let mut value = section.value.as_str();
        if number == 0 && section.is_extended {
            let mut parts = value.splitn(3, '\'');
            if let (Some(charset), Some(_), Some(text)) = (parts.next(), parts.next(), parts.next())
            {
                (label, value) = (charset.to_string(), text);
            }
        }
        if section.is_extended {
            bytes.extend(percent_decoded(value));
        } else {
            bytes.extend_from_slice(value.as_bytes());
        }
    }
    let is_there = sections.first().is_some_and(|first| first.number == 0);
    is_there.then(|| charset::decode(&label, &bytes))
}

/// The pieces between semicolons outside quotes and comments, without quotes and comments.
struct ParameterPieces<'a>(Option<&'a str>);

impl Iterator for ParameterPieces<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut chars = self.0.take()?.chars();
        let (mut quoted, mut comment) = (false, 0usize);
        let mut piece = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\\' if quoted => piece.extend(chars.next()),
                '\\' if comment > 0 => drop(chars.next()),
                '"' if comment == 0 => quoted = !quoted,
                _ if quoted => piece.push(c),
                '(' => comment += 1,
                ')' if comment > 0 => comment -= 1,
                _ if comment > 0 => {}
                ';' => {
                    self.0 = Some(chars.as_str());
                    break;
                }
                _ => piece.push(c),
            }
        }
        Some(piece)
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten();
        let hex = hex.filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        decoded.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Writes `name=value`, quoted when the value is not a token. The characters that cannot stand in a quoted string are
/// left out.
pub(crate) fn write(name: &str, value: &str) -> String {
    let token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    if !value.is_empty() && value.chars().all(token) {
        return format!("{name}={value}");
    }
    let escaped: String = value
        .chars()
        .filter(|c| !c.is_control())
        .flat_map(escape)
        .collect();
    format!("{name}=\"{escaped}\"")
}

/// Writes a parameter that may hold any text: what is not plain ASCII in pieces of percent-encoded UTF-8 (RFC 2231 sections 3 and 4), so that no
/// line becomes too long.
pub(crate) fn write_text(name: &str, value: &str) -> String {
    const PIECE_LEN: usize = 48;
    let plain = |c: char| matches!(c, ' '..='~');
    if value.chars().all(plain) && value.len() <= PIECE_LEN {
        return write(name, value);
    }
    let mut pieces = vec![String::new()];
    for c in value.chars().filter(|c| !c.is_control()) {
        let encoded = percent_encoded(c);
        let piece = pieces.len() - 1;
        if pieces[piece].len() + encoded.len() > PIECE_LEN {
            pieces.push(encoded);
        } else {
            pieces[piece] += &encoded;
        }
    }
    if let [whole] = &pieces[..] {
        return format!("{name}*=utf-8''{whole}");
    }
    let piece = |(n, piece): (usize, &String)| {
        let set = if n == 0 { "utf-8''" } else { "" };
        format!("{name}*{n}*={set}{piece}")
    };
    let pieces: Vec<_> = pieces.iter().enumerate().map(piece).collect();
    pieces.join("; ")
}

/// A character as RFC 2231 section 7 writes it: letters, digits and a few signs as they are.
fn percent_encoded(c: char) -> String {
    if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
        return c.to_string();
    }
    let mut octets = [0; 4];
    let octets = c.encode_utf8(&mut octets).bytes();
    octets.map(|octet| format!("%{octet:02X}")).collect()
}

fn escape(c: char) -> impl Iterator<Item = char> {
    matches!(c, '"' | '\\')
        .then_some('\\')
        .into_iter()
        .chain([c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_written_in_short_pieces_and_read_back() {
        for name in [
            "memo.wav",
            "Grüße an alle.wav",
            "a\"b;c.wav",
            "100 % öl.wav",
        ] {
            let written = write_text("filename", name);
            assert!(
                written.is_ascii() && !written.contains(['\r', '\n']),
                "{written}"
            );
            let read = Structured::read(&format!("inline; {written}"));
            assert_eq!(
                read.parameter("filename").as_deref(),
                Some(name),
                "{written}"
            );
        }
        let long = format!("{}.wav", "語".repeat(116));
        let written = write_text("filename", &long);
        assert!(
            written.split("; ").all(|piece| piece.len() < 78),
            "{written}"
        );
        let read = Structured::read(&format!("inline; {written}"));
        assert_eq!(read.parameter("filename").as_deref(), Some(&long[..]));
        let split = Structured::read(&format!("inline; {}", write_text("filename", "a\r\nb.wav")));
        assert_eq!(split.parameter("filename").as_deref(), Some("ab.wav"));
    }

    #[test]
    fn case_spaces_quotes_and_comments_do_not_matter() {
        let read = Structured::read(
            "Audio/32KADPCM (voice; really) ; Name = \"a;\\\"b (c)\" ; voice= Voice-Message;;x",
        );
        assert_eq!(read.value, "audio/32kadpcm");
        assert_eq!(read.parameter("name").as_deref(), Some("a;\"b (c)"));
        assert_eq!(read.parameter("voice").as_deref(), Some("Voice-Message"));
        assert_eq!(read.parameter("x"), None);
        assert_eq!(Structured::read(""), Structured::default());
    }

    #[test]
    fn parameters_and_types_beyond_the_limits_are_left_out() {
        let read = Structured::read(&format!("a/{}; x=1", "b".repeat(1_000)));
        assert_eq!(read.value.chars().count(), MEDIA_TYPE_CHARS_MAX);
        assert_eq!(read.parameter("x").as_deref(), Some("1"));
        let behind = |parameters: usize| format!("a/b{}; y=2", "; x=1".repeat(parameters));
        let y = |text: &str| Structured::read(text).parameter("y");
        assert_eq!(y(&behind(PARAMETERS_MAX - 1)).as_deref(), Some("2"));
        assert_eq!(y(&behind(PARAMETERS_MAX)), None);
        let long = format!("a/b; x={}", "y".repeat(1_000_000));
        let value = Structured::read(&long).parameter("x").expect("a value");
        assert_eq!(value.len(), STRUCTURED_LEN_MAX - "a/b; x=".len());
    }

    #[test]
    fn a_parameter_in_another_charset_is_decoded() {
        let read = Structured::read("inline; filename*=iso-8859-1'de'Gr%FC%DFe%2");
        assert_eq!(read.parameter("filename").as_deref(), Some("Grüße%2"));
        let name = |parameters: &str| {
            Structured::read(&format!("inline; {parameters}")).parameter("filename")
        };
        for (parameters, expected) in [
            ("filename*=KOI8-R''%EF%CC%D8%C7%C1.wav", "Ольга.wav"),
            (
                "filename=Gr__e.wav; FileName*=utf-8''Gr%C3%BC%C3%9Fe.wav",
                "Grüße.wav",
            ),
            ("filename*=utf-8''it's.wav", "it's.wav"),
            ("filename*=\"Gr%FC%DFe\"", "Grüße"),
            ("filename*=''%C3%BC+%+1", "ü+%+1"),
            ("filename*=us-ascii'en'a%20b", "a b"),
        ] {
            assert_eq!(name(parameters).as_deref(), Some(expected), "{parameters}");
        }
    }

    #[test]
    fn a_parameter_in_sections_is_put_together() {
        let read =
            |parameters: &str| Structured::read(&format!("a/b; {parameters}")).parameter("x");
        for (parameters, expected) in [
            ("x*0=\"ABC;\"; x*1=DEF", Some("ABC;DEF")),
            ("x*1=DEF; X*0=ABC; x*3=no", Some("ABCDEF")),
            (
                "x*0*=utf-8'de'%C3; x*1*=%BC%20; x*2=\"%20 b\"",
                Some("ü %20 b"),
            ),
            ("x*0*=iso-8859-2''%F8; x*1=y", Some("řy")),
            ("x=old; x*0=new", Some("new")),
            ("x=old; x*1=y", Some("old")),
            ("x*0=a; x*0=b", Some("a")),
            ("x*y=a; xx*0=b; x*-1=c; *0=d", None),
        ] {
            assert_eq!(read(parameters).as_deref(), expected, "{parameters}");
        }
    }

    #[test]
    fn unbalanced_quotes_and_comments_end_with_the_value() {
        assert_eq!(
            Structured::read("a/b; c=\"d; e").parameter("c").as_deref(),
            Some("d; e")
        );
        assert_eq!(Structured::read("a/b ((x; c=d").value, "a/b");
        assert_eq!(Structured::read("a)b\\").value, "a)b\\");
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for value in ["msg1.726", "a b", "say \"hi\" \\ (x);", ""] {
            let text = format!("inline; {}", write("filename", value));
            assert_eq!(
                Structured::read(&text).parameter("filename").as_deref(),
                Some(value)
            );
        }
    }
}
