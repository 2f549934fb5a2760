//! Content transfer encodings (RFC 2045 section 6).

use std::borrow::Cow;

use memchr::memchr;

/// How the bytes of a part are written in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// 7bit, 8bit and binary: as they are.
    Identity,
    Base64,
    QuotedPrintable,
    /// A name that is not known: the bytes cannot be interpreted.
    Unknown,
}

impl Encoding {
    /// Reads the value of Content-Transfer-Encoding; without one the part is 7bit.
    pub fn read(value: Option<&str>) -> Encoding {
        let Some(value) = value else {
            return Encoding::Identity;
        };
        let name = value
            .split(['(', ';'])
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches('"');
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("base64") {
            Encoding::Base64
        } else if is("quoted-printable") {
            Encoding::QuotedPrintable
        } else if is("7bit") || is("8bit") || is("binary") || name.is_empty() {
            Encoding::Identity
        } else {
            Encoding::Unknown
        }
    }

    /// The bytes that were meant; copied only when they were encoded.
    pub fn decode(self, body: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Encoding::Identity | Encoding::Unknown => Cow::Borrowed(body),
            Encoding::Base64 => Cow::Owned(base64(body)),
            Encoding::QuotedPrintable => Cow::Owned(quoted_printable(body)),
        }
    }
}

/// Decodes base64. Characters outside the alphabet are passed over (RFC 2045 section 6.8), and a group that breaks off gives the bytes
/// that are complete.
///
/// Padding ends the data, as the RFC says, unless base64 follows it: senders who encode a recording in pieces pad each of them, and
/// whoever stops at the first would keep a part of what was said. See [`goes_on`].
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let mut buffer = without_line_ends(text);
    // A clean text, which is all but every text, is decoded in one go and in place.
    if let Ok(decoded) = base64_simd::STANDARD.decode_inplace(&mut buffer) {
        let len = decoded.len();
        buffer.truncate(len);
        return buffer;
    }
    base64_lenient(text)
}

fn without_line_ends(text: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(newline) = memchr(b'\n', rest) {
        let line = &rest[..newline];
        buffer.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        rest = &rest[newline + 1..];
    }
    buffer.extend_from_slice(rest.trim_ascii_end());
    buffer
}

fn base64_lenient(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut rest = text;
    loop {
        let padding = memchr(b'=', rest);
        let (piece, behind) = rest.split_at(padding.unwrap_or(rest.len()));
        decode_piece(piece, &mut decoded);
        let blanks_or_padding = |byte: &u8| *byte == b'=' || byte.is_ascii_whitespace();
        let Some(next) = behind.iter().position(|byte| !blanks_or_padding(byte)) else {
            return decoded;
        };
        rest = &behind[next..];
        if !goes_on(rest) {
            return decoded;
        }
    }
}

/// Whether what follows padding is base64 again, and not the lines that a list or a scanner writes below a body.
///
/// Base64 up to the next padding or the end: whole groups, or more of them than words below a body come to by chance, and nearly
/// nothing but letters of the alphabet. Who doubts keeps what was said: a word too many is heard as a click.
fn goes_on(text: &[u8]) -> bool {
    /// Letters of a line of base64 (RFC 2045 section 6.8: 76 at most), about.
    const LINE: usize = 60;
    /// One stray character in so many is base64 still.
    const STRAY_ONE_IN: usize = 8;
    let padding = memchr(b'=', text);
    let piece = &text[..padding.unwrap_or(text.len())];
    let letters = piece.iter().filter(|byte| sextet(**byte).is_some()).count();
    // Blanks at the ends of lines are none of the words.
    let lines = piece.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let strays = lines.map(<[u8]>::len).sum::<usize>() - letters;
    let whole = padding.is_some() || letters.is_multiple_of(4) || letters >= LINE;
    letters > 0 && whole && strays * STRAY_ONE_IN <= letters
}

fn decode_piece(piece: &[u8], decoded: &mut Vec<u8>) {
    let (mut group, mut bits) = (0u32, 0u32);
    for value in piece.iter().filter_map(|byte| sextet(*byte)) {
        group = group << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            decoded.push((group >> bits) as u8);
            group &= (1 << bits) - 1;
        }
    }
}

/// What a letter of the alphabet stands for; `None` for every other character.
fn sextet(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// Decodes quoted-printable. White space at line ends is dropped, `=` at a line end joins the lines, and an `=` that is
/// followed by no hexadecimal number stays (RFC 2045 section 6.7).
pub(crate) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let content = line.trim_ascii_end();
        let line_end: &[u8] = match line {
            [.., b'\r', b'\n'] => b"\r\n",
            [.., b'\n'] => b"\n",
            // The last piece has no line end, and blanks there may be meant.
            _ => &line[content.len()..],
        };
        let (content, line_end) = match content.strip_suffix(b"=") {
            Some(joined) => (joined, &b""[..]),
            None => (content, line_end),
        };
        unquote(content, &mut decoded);
        decoded.extend_from_slice(line_end);
    }
    decoded
}

fn unquote(line: &[u8], decoded: &mut Vec<u8>) {
    let mut at = 0;
    while at < line.len() {
        let pair = (line[at] == b'=')
            .then(|| line.get(at + 1..at + 3))
            .flatten();
        let code = pair.and_then(|pair| Some(hex(pair[0])? << 4 | hex(pair[1])?));
        decoded.push(code.unwrap_or(line[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Characters in a line of base64 (RFC 2045: at most 76).
const BASE64_LINE: usize = 76;

/// Appends base64 in lines of 76 characters, each ended by CRLF but the last.
pub(crate) fn write_base64(data: &[u8], out: &mut Vec<u8>) {
    let text = base64_simd::STANDARD.encode_to_string(data);
    let mut lines = text.as_bytes().chunks(BASE64_LINE);
    out.reserve(text.len() + text.len() / BASE64_LINE * 2 + 2);
    if let Some(first) = lines.next() {
        out.extend_from_slice(first);
    }
    for line in lines {
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(line);
    }
}

/// Whether the bytes may travel as 7bit: ASCII without NUL, lines of at most 998 ended by CRLF only.
pub(crate) fn is_seven_bit(data: &[u8]) -> bool {
    const LINE_MAX: usize = 998;
    let plain = |line: &[u8]| {
        line.len() <= LINE_MAX
            && line
                .iter()
                .all(|byte| (1..=127).contains(byte) && *byte != b'\r')
    };
    let mut rest = data;
    while let Some(newline) = memchr(b'\n', rest) {
        if !rest[..newline].strip_suffix(b"\r").is_some_and(plain) {
            return false;
        }
        rest = &rest[newline + 1..];
    }
    plain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_dress() {
        assert_eq!(Encoding::read(None), Encoding::Identity);
        assert_eq!(Encoding::read(Some("Base64 (as ever)")), Encoding::Base64);
        assert_eq!(
            Encoding::read(Some(" QUOTED-printable ;")),
            Encoding::QuotedPrintable
        );
        assert_eq!(Encoding::read(Some("\"binary\"")), Encoding::Identity);
        assert_eq!(Encoding::read(Some("x-uuencode")), Encoding::Unknown);
    }

    #[test]
    fn base64_is_decoded_whatever_stands_between() {
        for text in [
            "aGVsbG8=",
            "aGVs\r\nbG8=\r\n",
            "aG Vs*bG8=",
            "aGVsbG8",
            "(a)GVsbG8=\nignored",
            "aGVs\n\n bG8",
        ] {
            let text = text.replace("(a)G", "!aG");
            assert_eq!(base64(text.as_bytes()), b"hello", "{text}");
        }
        assert_eq!(base64(b"aGVsb"), b"hel");
        assert_eq!(base64(b"===="), b"");
        assert_eq!(base64(b""), b"");
    }

    #[test]
    fn base64_that_is_padded_in_pieces_is_decoded_to_its_end() {
        let data: Vec<u8> = (0..3_000u32).map(|n| (n * 7) as u8).collect();
        for piece in [1, 2, 100, 1_000, 2_999] {
            for (between, each) in [
                ("", ""),
                ("\r\n", ""),
                ("\r\n \r\n", "\r\n"),
                ("====\t", "!"),
            ] {
                let mut text = Vec::new();
                for piece in data.chunks(piece) {
                    let mut written = Vec::new();
                    write_base64(piece, &mut written);
                    let at = written.len() / 2;
                    // One stray character in a piece that is long enough to tell it from words.
                    if piece.len() > 50 {
                        written.splice(at..at, each.bytes());
                    }
                    text.extend(written);
                    text.extend(between.bytes());
                }
                assert_eq!(base64(&text), data, "pieces of {piece} with {between:?}");
            }
        }
        assert_eq!(
            base64(b"QQ== \r\n QUJD \r\n QUJD \r\n Qg==\r\n"),
            b"AABCABCB"
        );
        // The last piece may break off.
        let long = format!("aGVsbG8={}", "A".repeat(83));
        assert_eq!(base64(long.as_bytes()).len(), 5 + 62);
    }

    #[test]
    fn what_is_written_below_a_padded_body_is_no_sound() {
        for below in [
            "\r\n--\r\nSent from my phone",
            "\n_______________\nlist mailing list\nhttp://list.example/listinfo",
            "\n\nignored",
            "\r\nThis message was scanned for viruses and is believed to be clean.",
        ] {
            let text = format!("aGVsbG8={below}");
            assert_eq!(base64(text.as_bytes()), b"hello", "{below}");
        }
    }

    #[test]
    fn base64_survives_writing_and_reading() {
        for len in [0, 1, 56, 57, 58, 114, 1000] {
            let data: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
            let mut text = Vec::new();
            write_base64(&data, &mut text);
            assert!(text.split(|&b| b == b'\n').all(|line| line.len() <= 77));
            assert_eq!(base64(&text), data);
            assert_eq!(base64_lenient(&text), data);
        }
    }

    #[test]
    fn quoted_printable_joins_lines_and_forgives() {
        assert_eq!(quoted_printable(b"a=3Db=\r\nc \t\r\nd=3de"), b"a=bc\r\nd=e");
        assert_eq!(quoted_printable(b"a=ZZ=4 =\nb="), b"a=ZZ=4 b");
        assert_eq!(quoted_printable(b"x y "), b"x y ");
    }

    #[test]
    fn only_plain_lines_travel_as_they_are() {
        for text in ["", "a", "a\r\nb\r\n", "a\r\n\r\n"] {
            assert!(is_seven_bit(text.as_bytes()), "{text:?}");
        }
        for text in ["a\nb", "ä", "a\0", "a\rb\r\n", "a\r", &"x".repeat(999)] {
            assert!(!is_seven_bit(text.as_bytes()), "{text:?}");
        }
    }
}
