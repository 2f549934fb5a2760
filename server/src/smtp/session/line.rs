//! Command lines off the front of a buffer. Only CR LF ends a line.

use bytes::BytesMut;

/// Octets of a command line with its CR LF, without extensions (RFC 5321 section 4.5.3.1.4).
pub const PLAIN_MAX: usize = 512;
/// Octets of a MAIL or RCPT line with its CR LF: what SIZE, BODY and AUTH add, and what those of RFC 3461 may add, so that they are refused by
/// their name (RFC 3461 sections 4 and 5).
pub const EXTENDED_MAX: usize = 2_048;

/// What the front of the buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// A line, without its CR LF.
    Line(BytesMut),
    /// A line with a bare LF or a bare CR in it. It was taken off, up to its CR LF.
    Malformed(&'static str),
    /// No end yet.
    Partial,
    /// No end within [`EXTENDED_MAX`].
    TooLong,
}

/// Takes one line.
pub fn take(input: &mut BytesMut) -> Taken {
    let window = &input[..input.len().min(EXTENDED_MAX)];
    let Some(end) = crlf(window) else {
        return if input.len() >= EXTENDED_MAX {
            Taken::TooLong
        } else {
            Taken::Partial
        };
    };
    let mut line = input.split_to(end + 2);
    line.truncate(end);
    match memchr::memchr2(b'\r', b'\n', &line) {
        None => Taken::Line(line),
        Some(at) if line[at] == b'\n' => {
            Taken::Malformed("Bare LF in a command: lines end with CR LF")
        }
        Some(_) => Taken::Malformed("Bare CR in a command: lines end with CR LF"),
    }
}

/// Where the first CR LF begins.
fn crlf(octets: &[u8]) -> Option<usize> {
    memchr::memmem::find(octets, b"\r\n")
}

/// Throws away up to the next CR LF. Returns whether it was found.
pub fn skip(input: &mut BytesMut) -> bool {
    match crlf(input) {
        Some(end) => {
            let _ = input.split_to(end + 2);
            true
        }
        None => {
            // A CR at the end stays: its LF may be on the way.
            let rest = usize::from(input.last() == Some(&b'\r'));
            let _ = input.split_to(input.len() - rest);
            false
        }
    }
}

/// The verb in upper case, and what follows it; `None` if the line is not printable ASCII.
pub fn split(line: &[u8]) -> (String, Option<&str>) {
    let end = memchr::memchr(b' ', line).unwrap_or(line.len());
    let verb = String::from_utf8_lossy(&line[..end]).to_ascii_uppercase();
    let printable = line.iter().all(|b| (b' '..=b'~').contains(b));
    let rest = printable
        .then(|| std::str::from_utf8(&line[end..]).ok())
        .flatten();
    (verb, rest.map(str::trim))
}
