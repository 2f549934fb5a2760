//! AMR in its own file (RFC 4867 section 5): a magic number, then frames that each begin with an octet that says their mode.

use std::borrow::Cow;

use super::{Codec, Track};
use crate::sink::Cut;

pub(super) const MAGIC: &[u8] = b"#!AMR\n";

/// All frames of a file.
pub(super) fn track(file: &[u8]) -> Track<'_> {
    let frames = file.get(MAGIC.len()..).unwrap_or_default();
    Track {
        codec: Codec::Amr,
        cut: Cut::default(),
        packets: Box::new(Frames { rest: frames }.map(Cow::Borrowed)),
    }
}

/// Octets of a frame behind its first, by its type (3GPP TS 26.101); `None` of what is not used.
pub(crate) fn frame_len(first: u8) -> Option<usize> {
    Some(match first >> 3 & 0xf {
        kind @ 0..=7 => [12, 13, 15, 17, 19, 20, 26, 31][usize::from(kind)],
        8 => 5,
        15 => 0,
        _ => return None,
    })
}

struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    /// A frame whose length is not known ends the file: nothing tells where the next one is.
    fn next(&mut self) -> Option<&'a [u8]> {
        let len = 1 + frame_len(*self.rest.first()?)?;
        let (frame, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(frame)
    }
}
