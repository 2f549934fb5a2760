//! Character sets that change their meaning on the way (ISO 2022, RFC 1468, RFC 1557, RFC 1843): what is redundant in them, and how those that
//! browsers do not read any more are written in the ones that they do.

use std::borrow::Cow;

use encoding_rs::{EUC_KR, Encoding, GBK};
use memchr::memchr;

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
/// Makes a code of seven bits the same of eight.
const HIGH: u8 = 0x80;

/// Without the escape sequences that another one follows at once: they have no effect, and a decoder by the standard of browsers takes the
/// second for an error. They stand where two texts were joined that each begin and end in ASCII.
pub(super) fn without_idle_escapes(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut kept = Vec::new();
    let (mut done, mut at) = (0, 0);
    while let Some(found) = memchr(ESCAPE, &bytes[at..]) {
        let start = at + found;
        at = start + escape_len(&bytes[start..]);
        if bytes.get(at) == Some(&ESCAPE) && escape_len(&bytes[at..]) > 1 && at > start + 1 {
            kept.extend_from_slice(&bytes[done..start]);
            done = at;
        }
    }
    if done == 0 {
        return Cow::Borrowed(bytes);
    }
    kept.extend_from_slice(&bytes[done..]);
    Cow::Owned(kept)
}

/// Bytes of the escape sequence that `bytes` begin with (ECMA-35 section 13.1); 1 if it is none.
fn escape_len(bytes: &[u8]) -> usize {
    /// More stand in no sequence that is in use.
    const INTERMEDIATE_MAX: usize = 3;
    let rest = bytes.get(1..).unwrap_or_default();
    let intermediate = rest.iter().take(INTERMEDIATE_MAX);
    let intermediate = intermediate.take_while(|byte| matches!(byte, 0x20..=0x2f));
    let count = intermediate.count();
    match rest.get(count) {
        Some(0x30..=0x7e) if count > 0 => count + 2,
        _ => 1,
    }
}

/// Which of the sets that browsers do not read a label means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shifted {
    /// ISO-2022-KR: Korean between Shift Out and Shift In.
    Korean,
    /// HZ: Chinese between `~{` and `~}`.
    Hz,
}

impl Shifted {
    pub(super) fn of(label: &str) -> Option<Shifted> {
        let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
        if is(&["iso-2022-kr", "csiso2022kr"]) {
            Some(Shifted::Korean)
        } else if is(&["hz-gb-2312", "hz"]) {
            Some(Shifted::Hz)
        } else {
            None
        }
    }

    /// The same text in a set that browsers read.
    pub(super) fn unshifted(self, bytes: &[u8]) -> (&'static Encoding, Vec<u8>) {
        match self {
            Shifted::Korean => (EUC_KR, korean(bytes)),
            Shifted::Hz => (GBK, hz(bytes)),
        }
    }
}

fn korean(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let (mut at, mut high) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            ESCAPE if escape_len(&bytes[at..]) > 1 => at += escape_len(&bytes[at..]) - 1,
            SHIFT_OUT => high = HIGH,
            SHIFT_IN => high = 0,
            0x21..=0x7e => plain.push(byte | high),
            // A line begins in ASCII (RFC 1557).
            b'\n' => {
                high = 0;
                plain.push(byte);
            }
            _ => plain.push(byte),
        }
        at += 1;
    }
    plain
}

fn hz(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let (mut rest, mut high) = (bytes, 0);
    loop {
        rest = match rest {
            [b'~', b'{', rest @ ..] => {
                high = HIGH;
                rest
            }
            [b'~', b'}', rest @ ..] => {
                high = 0;
                rest
            }
            [b'~', b'~', rest @ ..] if high == 0 => {
                plain.push(b'~');
                rest
            }
            [b'~', b'\n', rest @ ..] | [b'~', b'\r', b'\n', rest @ ..] if high == 0 => rest,
            [first @ 0x21..=0x7e, second @ 0x21..=0x7e, rest @ ..] if high != 0 => {
                plain.extend([first | HIGH, second | HIGH]);
                rest
            }
            [byte, rest @ ..] => {
                // A line begins in ASCII (RFC 1843).
                high = if *byte == b'\n' { 0 } else { high };
                plain.push(*byte);
                rest
            }
            [] => return plain,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_that_another_follows_goes() {
        for (bytes, kept) in [
            (
                &b"\x1b$BEE\x1b(B\x1b$BOC\x1b(B"[..],
                &b"\x1b$BEE\x1b$BOC\x1b(B"[..],
            ),
            (b"\x1b(J\x1b(B\x1b$(DEE\x1b(B", b"\x1b$(DEE\x1b(B"),
            (b"\x1b(Bx\x1b(B", b"\x1b(Bx\x1b(B"),
            (b"a\x1b\x1b\x1b(", b"a\x1b\x1b\x1b("),
            (b"\x1b$B\x1b[1m", b"\x1b$B\x1b[1m"),
            (b"", b""),
        ] {
            assert_eq!(&*without_idle_escapes(bytes), kept, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_shifted_is_read() {
        let read = |label: &str, bytes: &[u8]| {
            let (encoding, plain) = Shifted::of(label).expect("known").unshifted(bytes);
            encoding.decode_without_bom_handling(&plain).0.into_owned()
        };
        let korean = b"\x1b$)Ca \x0e@|H-\x0f!\x0e@|\nx";
        assert_eq!(read("ISO-2022-KR", korean), "a 전화!전\nx");
        assert_eq!(read("HZ-GB-2312", b"a ~{AtQT~} ~~~\nb"), "a 留言 ~b");
        assert_eq!(read("hz", b"~{AtQT\nAt"), "留言\nAt");
        assert_eq!(Shifted::of("utf-8"), None);
    }
}
