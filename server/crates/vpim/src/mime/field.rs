//! Header fields (RFC 5322 section 2.2): cutting a header block into names and values.

use std::borrow::Cow;

use encoding_rs::Encoding;
use memchr::memchr;

use super::charset;

/// One header field, unfolded.
#[derive(Clone, PartialEq, Eq)]
pub struct Field<'a> {
    name: Cow<'a, str>,
    value: Cow<'a, [u8]>,
    /// The character set of the text beside it, in which a value may be that is not UTF-8.
    beside: Option<&'static Encoding>,
}

impl<'a> Field<'a> {
    /// A field of our own making. What could break out of the field (CR, LF, NUL) is taken out of the value.
    pub fn new(name: &'a str, value: impl Into<Cow<'a, str>>) -> Field<'a> {
        let value = match value.into() {
            Cow::Borrowed(text) => clean(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(clean(text.as_bytes()).into_owned()),
        };
        Field {
            name: Cow::Borrowed(name),
            value,
            beside: None,
        }
    }

    /// Says in which character set the value may be if it is not UTF-8.
    pub(crate) fn stands_beside(&mut self, encoding: &'static Encoding) {
        self.beside = Some(encoding);
    }

    /// The name as it was written: printable ASCII.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value in one line without surrounding white space. Where it is not UTF-8 it is read in the character set of the text that it
    /// came with, if it can be in that, and else as Windows-1252.
    pub fn value(&self) -> Cow<'_, str> {
        charset::raw_header(&self.value, self.beside, true)
    }

    /// [`Field::value`], or as much of it as stands in the first `len_max` bytes.
    pub(crate) fn value_within(&self, len_max: usize) -> Cow<'_, str> {
        let front = &self.value[..self.value.len().min(len_max)];
        charset::raw_header(front, self.beside, front.len() == self.value.len())
    }

    /// The bytes of the value: no CR, LF or NUL among them.
    pub fn bytes(&self) -> &[u8] {
        &self.value
    }

    /// Whether the field has this name, in whatever case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it tells of the body.
    pub(crate) fn is_content(&self) -> bool {
        let start = self.name.get(..8);
        start.is_some_and(|start| start.eq_ignore_ascii_case("content-"))
    }

    /// The same field, holding its own memory.
    pub fn into_owned(self) -> Field<'static> {
        Field {
            name: Cow::Owned(self.name.into_owned()),
            value: Cow::Owned(self.value.into_owned()),
            beside: self.beside,
        }
    }
}

impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.value())
    }
}

/// The value of the first field of that name.
pub(crate) fn find<'f>(fields: &'f [Field<'_>], name: &str) -> Option<Cow<'f, str>> {
    fields.iter().find(|field| field.is(name)).map(Field::value)
}

/// [`find`], or as much of the value as stands in its first `len_max` bytes.
pub(crate) fn find_within<'f>(
    fields: &'f [Field<'_>],
    name: &str,
    len_max: usize,
) -> Option<Cow<'f, str>> {
    let field = fields.iter().find(|field| field.is(name))?;
    Some(field.value_within(len_max))
}

/// The header block is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// How long a header block may be, and how many of its fields are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderRoom {
    /// Bytes; more are too long.
    pub len: usize,
    /// Fields; what comes after them is passed over, but for the first [`CONTENT_FIELDS`] that tell what the body is.
    pub fields: usize,
}

/// `Content-*` fields of a header that are taken also where there is no room: without them the body could not be read.
const CONTENT_FIELDS: usize = 8;

/// Where a header block ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeaderEnd {
    /// Where the body begins.
    pub body: usize,
    /// Fields that were passed over, because there was no room for them.
    pub left_out: usize,
}

/// Cuts the header block off the front of `raw`, and appends its fields to `fields`.
///
/// The block ends at an empty line, at the end of the input, or before the first line that is neither a field nor a
/// continuation. An mbox `From ` line at the very front is passed over.
pub(crate) fn block<'a>(
    raw: &'a [u8],
    room: HeaderRoom,
    fields: &mut Vec<Field<'a>>,
) -> Result<HeaderEnd, TooLong> {
    let most = fields.len() + room.fields;
    let (mut at, mut left_out) = (0, 0);
    while at < raw.len() {
        let end = field_end(raw, at, room.len)?;
        let lines = &raw[at..end];
        if matches!(lines, b"\n" | b"\r\n" | b"\r") {
            at = end;
            break;
        }
        match split(lines) {
            Some(field) if fields.len() < most => fields.push(field),
            Some(field) if field.is_content() && fields.len() < most + CONTENT_FIELDS => {
                fields.push(field);
            }
            Some(_) => left_out += 1,
            None if at == 0 && lines.starts_with(b"From ") => {}
            None => break,
        }
        at = end;
    }
    Ok(HeaderEnd { body: at, left_out })
}

/// Where the field that begins at `start` ends: after its line and all continuation lines.
fn field_end(raw: &[u8], start: usize, len_max: usize) -> Result<usize, TooLong> {
    let mut end = start;
    loop {
        if end > len_max {
            return Err(TooLong);
        }
        // One byte more than the limit is enough to know.
        let window = &raw[end..raw.len().min(len_max + 2).max(end)];
        end = match memchr(b'\n', window) {
            Some(newline) => end + newline + 1,
            None if end + window.len() < raw.len() => return Err(TooLong),
            None => {
                return if raw.len() > len_max {
                    Err(TooLong)
                } else {
                    Ok(raw.len())
                };
            }
        };
        let blank = matches!(&raw[start..end], b"\n" | b"\r\n");
        if blank || !matches!(raw.get(end), Some(b' ' | b'\t')) {
            return Ok(end);
        }
    }
}

fn split(lines: &[u8]) -> Option<Field<'_>> {
    let colon = memchr(b':', lines)?;
    let name = lines[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(|byte| matches!(byte, 33..=126)) {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    Some(Field {
        name: Cow::Borrowed(name),
        value: clean(&lines[colon + 1..]),
        beside: None,
    })
}

/// Takes out CR, LF and NUL and the white space at both ends. The white space that begins a continuation line stays.
fn clean(value: &[u8]) -> Cow<'_, [u8]> {
    let unsafe_byte = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let Some(first) = value.iter().position(|byte| !blank(byte)) else {
        return Cow::Borrowed(&[]);
    };
    let last = value.iter().rposition(|byte| !blank(byte)).unwrap_or(first);
    let value = &value[first..=last];
    if value.iter().any(unsafe_byte) {
        Cow::Owned(
            value
                .iter()
                .copied()
                .filter(|byte| !unsafe_byte(byte))
                .collect(),
        )
    } else {
        Cow::Borrowed(value)
    }
}

/// Longest line that a field is written in, if it has white space to be folded at.
const LINE_LEN: usize = 76;

/// Writes the field with CRLF, folded before white space. Reading it back gives the same field.
pub(crate) fn write(field: &Field<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(field.name.as_bytes());
    out.extend_from_slice(b": ");
    let mut column = field.name.len() + 2;
    let mut rest = &*field.value;
    while column + rest.len() > LINE_LEN {
        let Some(fold) = fold_point(rest, LINE_LEN.saturating_sub(column)) else {
            break;
        };
        out.extend_from_slice(&rest[..fold]);
        out.extend_from_slice(b"\r\n");
        rest = &rest[fold..];
        column = 0;
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\r\n");
}

/// The last place up to `room` where a blank follows a visible character, or the first such place after it. A line never
/// consists of blanks alone, which some readers take for the end of the header.
fn fold_point(value: &[u8], room: usize) -> Option<usize> {
    let visible = value.iter().position(|byte| !blank(*byte))?;
    let foldable = |at: &usize| blank(value[*at]) && !blank(value[*at - 1]);
    let room = room.min(value.len());
    let early = (visible + 1..room.max(visible + 1)).rev().find(foldable);
    early.or_else(|| (room.max(visible + 1)..value.len()).find(foldable))
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::HEADER_LEN_MAX;

    fn block(raw: &[u8]) -> Result<(Vec<Field<'_>>, usize), TooLong> {
        let mut fields = Vec::new();
        let room = HeaderRoom {
            len: HEADER_LEN_MAX,
            fields: usize::MAX / 2,
        };
        let end = super::block(raw, room, &mut fields)?;
        Ok((fields, end.body))
    }

    fn read(raw: &str) -> (Vec<(String, String)>, &str) {
        let (fields, body) = block(raw.as_bytes()).expect("short enough");
        (
            fields
                .iter()
                .map(|f| (f.name().into(), f.value().into()))
                .collect(),
            &raw[body..],
        )
    }

    #[test]
    fn folded_fields_become_one_line() {
        let (fields, body) = read("To: a@b,\r\n c@d\r\nSubject:x\r\nEmpty:\r\n\r\nbody");
        let expected = [("To", "a@b, c@d"), ("Subject", "x"), ("Empty", "")];
        assert_eq!(
            fields,
            expected.map(|(n, v)| (n.to_string(), v.to_string()))
        );
        assert_eq!(body, "body");
    }

    #[test]
    fn bare_line_feeds_nuls_and_spaces_before_the_colon_are_forgiven() {
        let (fields, body) = read("From someone Mon\nA : b\0\r\rc\n\td\n\nx");
        assert_eq!(fields, [("A".to_string(), "bc\td".to_string())]);
        assert_eq!(body, "x");
    }

    #[test]
    fn a_line_that_is_no_field_begins_the_body() {
        assert_eq!(
            read("A: 1\r\nno field here\r\n\r\n").1,
            "no field here\r\n\r\n"
        );
        assert_eq!(read("no field: but a space in the name\r\n").0.len(), 0);
        assert_eq!(read("\r\nA: 1\r\n").1, "A: 1\r\n");
        assert_eq!(read("A: 1").1, "");
    }

    #[test]
    fn fields_for_which_there_is_no_room_are_passed_over_and_counted() {
        let raw = b"A: 1\r\nB: 2\r\n 2\r\nC: 3\r\n\r\nbody";
        let mut fields = vec![Field::new("Before", "0")];
        let room = HeaderRoom {
            len: 100,
            fields: 1,
        };
        let end = super::block(raw, room, &mut fields).expect("short enough");
        assert_eq!((end.left_out, &raw[end.body..]), (2, &b"body"[..]));
        assert_eq!(fields, [Field::new("Before", "0"), Field::new("A", "1")]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_windows_1252() {
        let mut fields = Vec::new();
        let room = HeaderRoom {
            len: 100,
            fields: 9,
        };
        let raw = b"A: R\xfcckruf \x93B\xfcro\x94\r\nB: B\xc3\xbcro\r\n\r\n";
        super::block(raw, room, &mut fields).expect("short enough");
        assert_eq!(fields[0].value(), "Rückruf “Büro”");
        assert_eq!(fields[1].value(), "Büro");
        assert_eq!(fields[1].value_within(2), "B");
        assert_eq!(fields[0].bytes(), b"R\xfcckruf \x93B\xfcro\x94");
    }

    #[test]
    fn a_block_beyond_the_limit_is_refused() {
        let line = "A: 1\r\n".repeat(HEADER_LEN_MAX / 6 + 2);
        assert_eq!(block(line.as_bytes()).err(), Some(TooLong));
        let endless = format!("A: 1\r\n{}", " x\r\n".repeat(HEADER_LEN_MAX / 4));
        assert_eq!(block(endless.as_bytes()).err(), Some(TooLong));
        assert_eq!(block(&vec![b'a'; HEADER_LEN_MAX + 1]).err(), Some(TooLong));
        let body_is_not_counted = format!("A: 1\r\n\r\n{}", "x\r\n".repeat(HEADER_LEN_MAX));
        assert!(block(body_is_not_counted.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let long = format!(
            "{}  {}   \t{} end",
            "a".repeat(100),
            "b ".repeat(90),
            "c".repeat(1200)
        );
        for value in ["", "short", "  x", &long, &"word ".repeat(50)] {
            let field = Field::new("Subject", value);
            let mut out = Vec::new();
            write(&field, &mut out);
            out.extend(b"\r\n");
            assert_eq!(block(&out).expect("short").0, [field]);
            let text = String::from_utf8(out).expect("ascii");
            assert!(text.trim_end().lines().all(|line| !line.trim().is_empty()));
        }
    }
}
