//! Structured values such as `audio/32KADPCM; name="a b"` (RFC 2045 section 5.1), with comments and stray spaces.

/// A value in front of its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structured {
    /// What stands before the first semicolon, lower case, without comments or spaces.
    pub value: String,
    /// Names in lower case; values as written, unquoted.
    pub parameters: Vec<(String, String)>,
}

impl Structured {
    /// Reads a header value. Accepts `voice= Voice-Message` and `voice =x` as in the examples of RFC 3801 Appendix B.
    pub fn read(text: &str) -> Structured {
        let mut pieces = pieces(text).into_iter();
        let value = pieces.next().unwrap_or_default();
        let value = value
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_ascii_lowercase();
        let parameters = pieces
            .filter_map(|piece| {
                let (name, value) = piece.split_once('=')?;
                Some((name.trim().to_ascii_lowercase(), value.trim().to_string()))
            })
            .collect();
        Structured { value, parameters }
    }

    /// The parameter of that (lower-case) name, also in the simplest form of RFC 2231, `name*=charset'language'text`.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let plain = self
            .parameters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.clone());
        plain.or_else(|| {
            let (_, value) = self
                .parameters
                .iter()
                .find(|(n, _)| n.strip_suffix('*') == Some(name))?;
            let (charset, rest) = value.split_once('\'')?;
            let (_, text) = rest.split_once('\'')?;
            Some(super::word::decode_charset(charset, &percent_decoded(text)))
        })
    }
}

/// Splits at semicolons outside quotes and comments; takes quotes and comments away.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut comment) = (false, 0usize);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let piece = pieces.last_mut().expect("never empty");
        match c {
            '\\' if quoted => piece.extend(chars.next()),
            '\\' if comment > 0 => drop(chars.next()),
            '"' if comment == 0 => quoted = !quoted,
            _ if quoted => piece.push(c),
            '(' => comment += 1,
            ')' if comment > 0 => comment -= 1,
            _ if comment > 0 => {}
            ';' => pieces.push(String::new()),
            _ => piece.push(c),
        }
    }
    pieces
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten();
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
    fn a_parameter_in_another_charset_is_decoded() {
        let read = Structured::read("inline; filename*=iso-8859-1'de'Gr%FC%DFe%2");
        assert_eq!(read.parameter("filename").as_deref(), Some("Grüße%2"));
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
