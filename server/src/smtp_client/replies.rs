//! Reads SMTP replies (RFC 5321 section 4.2).

use crate::listen::Stream;
use bytes::BytesMut;
use std::io;
use tokio::io::{AsyncReadExt, ReadHalf};

/// Octets of one reply, all lines together.
const REPLY_MAX: usize = 16 << 10;

/// What another mail server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteReply {
    /// Its code.
    pub code: u16,
    /// The texts of its lines.
    pub lines: Vec<String>,
}

impl RemoteReply {
    /// The first word of each line but the first: what EHLO is answered with.
    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .skip(1)
            .filter_map(|line| line.split_ascii_whitespace().next())
    }

    /// Whether one of these is the word.
    pub fn offers(&self, word: &str) -> bool {
        self.keywords().any(|k| k.eq_ignore_ascii_case(word))
    }

    /// What stands behind a word that is offered, as the number behind SIZE does.
    pub fn parameter(&self, word: &str) -> Option<&str> {
        let lines = self.lines.iter().skip(1).map(|line| line.trim());
        let mut split = lines.filter_map(|line| line.split_once(' '));
        let found = split.find(|(keyword, _)| keyword.eq_ignore_ascii_case(word));
        found.map(|(_, parameter)| parameter)
    }
}

/// Takes replies off a connection.
pub struct ReplyReader {
    read: ReadHalf<Stream>,
    input: BytesMut,
}

impl ReplyReader {
    /// Of a connection on which nothing has been read.
    pub fn new(read: ReadHalf<Stream>) -> Self {
        Self {
            read,
            input: BytesMut::with_capacity(4 << 10),
        }
    }

    /// What it reads from, if nothing of that lies here unread.
    pub fn into_inner(self) -> Option<ReadHalf<Stream>> {
        self.input.is_empty().then_some(self.read)
    }

    /// The next reply. Cancelling it loses nothing.
    pub async fn next(&mut self) -> io::Result<RemoteReply> {
        loop {
            if let Some(reply) = take(&mut self.input)? {
                return Ok(reply);
            }
            if self.read.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Takes a reply off the front of `input` if it is whole.
fn take(input: &mut BytesMut) -> io::Result<Option<RemoteReply>> {
    let mut end = 0;
    let mut lines = Vec::new();
    while let Some(lf) = memchr::memchr(b'\n', &input[end..]) {
        let line = String::from_utf8_lossy(&input[end..end + lf]);
        let line = line.trim_end_matches('\r');
        end += lf + 1;
        let code: Option<u16> = line
            .get(..3)
            .and_then(|c| c.parse().ok())
            .filter(|c| (200..600).contains(c));
        let code =
            code.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an SMTP reply"))?;
        lines.push(line.get(4..).unwrap_or_default().to_owned());
        if line.as_bytes().get(3) != Some(&b'-') {
            let _ = input.split_to(end);
            return Ok(Some(RemoteReply { code, lines }));
        }
    }
    if input.len() > REPLY_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "an SMTP reply without end",
        ));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_one_and_several_lines_are_taken_one_by_one() {
        let mut input = BytesMut::from("250-b.example\r\n250-SIZE 10\r\n250 CHUNKING\r\n354\r\n25");
        let first = take(&mut input).unwrap().unwrap();
        assert_eq!(
            (first.code, first.keywords().collect::<Vec<_>>()),
            (250, vec!["SIZE", "CHUNKING"])
        );
        assert_eq!(take(&mut input).unwrap().unwrap().code, 354);
        assert_eq!(take(&mut input).unwrap(), None);
        assert_eq!(&input[..], b"25");
    }

    #[test]
    fn what_is_no_reply_is_an_error_and_one_without_end_too() {
        for text in ["hello\r\n", "099 x\r\n", "\r\n", "2\u{e9}0 x\r\n"] {
            assert!(take(&mut BytesMut::from(text)).is_err(), "{text}");
        }
        assert!(take(&mut BytesMut::from(&b"250-x\r\n".repeat(4_000)[..])).is_err());
    }
}
