//! Frames of AAC with a header each: ADTS (ISO 13818-7 section 6.2).

use std::borrow::Cow;

use super::{AudioSpecificConfig, Codec, Track};
use crate::DecodeError;
use crate::sink::Cut;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// Octets of the frame with its header.
    len: usize,
    /// Octets of the header.
    header_len: usize,
    /// 0 Main, 1 LC, 2 SSR, 3 LTP.
    profile: u8,
    rate_index: u8,
    channels: u8,
    /// Blocks in the frame, less one.
    more_blocks: u8,
}

impl Header {
    fn read(octets: &[u8]) -> Option<Header> {
        let &[0xff, kind, b, c, d, e, f, ..] = octets else {
            return None;
        };
        let len = usize::from(c & 3) << 11 | usize::from(d) << 3 | usize::from(e >> 5);
        let header = Header {
            len,
            header_len: if kind & 1 == 1 { 7 } else { 9 },
            profile: b >> 6,
            rate_index: b >> 2 & 0xf,
            channels: (b & 1) << 2 | c >> 6,
            more_blocks: f & 3,
        };
        let is_one = kind & 0xf6 == 0xf0 && header.rate_index < 13 && len > header.header_len;
        is_one.then_some(header)
    }

    fn same_stream(self, other: Header) -> bool {
        let stream = |header: Header| (header.profile, header.rate_index, header.channels);
        stream(self) == stream(other)
    }
}

/// Whether two frames of one stream stand here.
pub(super) fn begins(file: &[u8]) -> bool {
    let Some(first) = Header::read(file) else {
        return false;
    };
    let next = file.get(first.len..).and_then(Header::read);
    next.is_some_and(|next| next.same_stream(first))
}

/// The frames of a file, as far as they are of the stream that begins it.
pub(super) fn track(file: &[u8]) -> Result<Track<'_>, DecodeError> {
    let first = Header::read(file).ok_or(DecodeError::Damaged)?;
    if first.profile != 1 {
        return Err(DecodeError::Unsupported("AAC of another profile than LC"));
    }
    let config = AudioSpecificConfig::of(first.rate_index, first.channels)?;
    let frames = Frames { rest: file, first };
    Ok(Track {
        codec: Codec::Aac(config),
        cut: Cut::default(),
        packets: Box::new(frames.map(Cow::Borrowed)),
    })
}

struct Frames<'a> {
    rest: &'a [u8],
    first: Header,
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let header = Header::read(self.rest)
                .filter(|header| header.same_stream(self.first) && header.more_blocks == 0);
            if let Some(header) = header
                && let Some((frame, rest)) = self.rest.split_at_checked(header.len)
            {
                self.rest = rest;
                return Some(&frame[header.header_len..]);
            }
            let ahead = self.rest.get(1..)?;
            let next = memchr::memchr(0xff, ahead)?;
            self.rest = &ahead[next..];
        }
    }
}
