//! What is inside the envelope: MIME again, so that whoever opens one for inspection finds plain parts (RFC 2046 section 5.1.3).
//!
//! Each part says its length, so no octet of a body is searched for a boundary and each comes out as it went in.

use super::Refused;
use bytes::Bytes;
use std::fmt::Write as _;

/// The engine's message, encoded, and the bodies that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The message.
    pub control: Bytes,
    /// The bodies, in the order of the message's items.
    pub bodies: Vec<Bytes>,
}

const CONTROL_TYPE: &str = "application/vnd.callpilot.gr+cbor";
const BODY_TYPE: &str = "message/rfc822";
/// Bodies of one mail: no engine puts more items into a message.
const BODIES_MAX: usize = 4_096;
/// Octets of the head of a part.
const HEAD_MAX: usize = 1_024;

/// A content about to be written.
pub struct Writing<'a> {
    parts: Vec<(String, &'a [u8])>,
    end: String,
}

impl<'a> Writing<'a> {
    /// Prepares the parts. The boundary is random, so that no body can hold it but by a chance of 2^-128.
    pub fn new(content: &'a Content, random: [u8; 16]) -> Self {
        let boundary = format!("{:032x}", u128::from_be_bytes(random));
        let mut before = format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n"
        );
        let control = (CONTROL_TYPE, &content.control);
        let bodies = content.bodies.iter().map(|b| (BODY_TYPE, b));
        let mut parts = Vec::with_capacity(1 + content.bodies.len());
        for (kind, bytes) in std::iter::once(control).chain(bodies) {
            let _ = write!(
                before,
                "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\nContent-Length: {}\r\n\r\n",
                bytes.len()
            );
            parts.push((std::mem::take(&mut before), &bytes[..]));
        }
        Self {
            parts,
            end: format!("\r\n--{boundary}--\r\n"),
        }
    }

    /// Octets of all of it.
    pub fn octets(&self) -> usize {
        self.parts
            .iter()
            .map(|(head, bytes)| head.len() + bytes.len())
            .sum::<usize>()
            + self.end.len()
    }

    /// Appends all of it.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (head, bytes) in &self.parts {
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(bytes);
        }
        out.extend_from_slice(self.end.as_bytes());
    }
}

impl Content {
    /// Reads what [`Writing::write`] wrote; the parts share the memory of `bytes`.
    pub fn read(mut bytes: Bytes) -> Result<Self, Refused> {
        read(&mut bytes).ok_or(Refused::Content)
    }
}

fn read(rest: &mut Bytes) -> Option<Content> {
    let head = head(rest)?;
    let boundary = header(&head, "content-type")?
        .strip_prefix("multipart/mixed; boundary=\"")?
        .strip_suffix('"')?;
    let delimiter = format!("--{boundary}");
    // The first delimiter has no line before it that it would end.
    take(rest, delimiter.as_bytes())?;
    let mut parts = Vec::new();
    while take(rest, b"\r\n").is_some() {
        if parts.len() > BODIES_MAX {
            return None;
        }
        let head = self::head(rest)?;
        let len: usize = header(&head, "content-length")?.parse().ok()?;
        if parts.is_empty() && header(&head, "content-type")? != CONTROL_TYPE {
            return None;
        }
        if len > rest.len() {
            return None;
        }
        parts.push(rest.split_to(len));
        take(rest, b"\r\n")?;
        take(rest, delimiter.as_bytes())?;
    }
    if &rest[..] != b"--\r\n" || parts.is_empty() {
        return None;
    }
    let control = parts.remove(0);
    Some(Content {
        control,
        bodies: parts,
    })
}

/// Takes the header lines up to the blank one.
fn head(rest: &mut Bytes) -> Option<String> {
    let window = &rest[..rest.len().min(HEAD_MAX)];
    let end = memchr::memmem::find(window, b"\r\n\r\n")?;
    let head = rest.split_to(end + 4);
    std::str::from_utf8(&head[..end]).ok().map(str::to_owned)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (n, value) = line.split_once(": ")?;
        n.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn take(rest: &mut Bytes, expected: &[u8]) -> Option<()> {
    rest.starts_with(expected).then(|| {
        let _ = rest.split_to(expected.len());
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(content: &Content) -> Vec<u8> {
        let writing = Writing::new(content, [0xAB; 16]);
        let mut out = Vec::new();
        writing.write(&mut out);
        assert_eq!(out.len(), writing.octets());
        out
    }

    fn example() -> Content {
        let trap = format!(
            "\r\n--{:032x}--\r\n\r\n\r\n",
            u128::from_be_bytes([0xAB; 16])
        );
        Content {
            control: Bytes::from_static(b"\xA1\x00\r\n"),
            bodies: vec![Bytes::new(), trap.into(), Bytes::from_static(b"a\nb\r")],
        }
    }

    #[test]
    fn parts_come_out_as_they_went_in_even_with_a_boundary_inside() {
        for content in [
            example(),
            Content {
                control: Bytes::new(),
                bodies: Vec::new(),
            },
        ] {
            assert_eq!(Content::read(bytes(&content).into()), Ok(content));
        }
    }

    #[test]
    fn pieces_and_additions_are_refused() {
        let whole = bytes(&example());
        for end in 0..whole.len() {
            assert_eq!(
                Content::read(Bytes::copy_from_slice(&whole[..end])),
                Err(Refused::Content),
                "{end}"
            );
        }
        let more = [&whole[..], b"x"].concat();
        assert_eq!(Content::read(more.into()), Err(Refused::Content));
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        let text = String::from_utf8_lossy(&bytes(&Content {
            control: "abc".into(),
            bodies: vec![],
        }))
        .into_owned();
        for wrong in ["4", "99999999999999999999999", "-1", ""] {
            let changed = text.replace("Content-Length: 3", &format!("Content-Length: {wrong}"));
            assert_eq!(
                Content::read(changed.into()),
                Err(Refused::Content),
                "{wrong}"
            );
        }
    }
}
