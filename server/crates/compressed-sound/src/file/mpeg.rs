//! Frames of MPEG audio, layer III (ISO 11172-3, ISO 13818-3, and the lower rates called MPEG-2.5), with what encoders put before them.

use std::borrow::Cow;

use super::{Codec, Track};
use crate::bits::be;
use crate::sink::Cut;

/// What a decoder adds to the delay of the encoder.
const DECODER_DELAY: u64 = 529;
/// Tags before the first frame that are passed over.
const TAGS_MAX: usize = 8;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// Octets of the frame with its header.
    len: usize,
    /// Samples of each channel.
    samples: u64,
    /// Octets between the header and the data.
    side_len: usize,
    /// What all frames of a stream have in common: version, layer, rate.
    stream: [u8; 2],
}

impl Header {
    fn read(octets: &[u8]) -> Option<Header> {
        // In kbit/s, of MPEG-1 and of MPEG-2.
        const BIT_RATES: [[usize; 14]; 2] = [
            [
                32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
            ],
            [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        let &[0xff, kind, coding, channels, ..] = octets else {
            return None;
        };
        let (row, halved) = match kind & 0xfe {
            0xfa => (0, 1),
            0xf2 => (1, 2),
            0xe2 => (1, 4),
            _ => return None,
        };
        let kbits = BIT_RATES[row].get(usize::from(coding >> 4).checked_sub(1)?)?;
        let rate_hz = [44_100, 48_000, 32_000].get(usize::from(coding >> 2 & 3))? / halved;
        let mono = channels >> 6 == 3;
        let samples = if row == 0 { 1_152 } else { 576 };
        Some(Header {
            len: samples * 125 * kbits / rate_hz + usize::from(coding >> 1 & 1),
            samples: samples as u64,
            side_len: match (row, mono) {
                (0, false) => 32,
                (0, true) | (1, false) => 17,
                _ => 9,
            },
            stream: [kind & 0xfe, coding & 0x0c],
        })
    }

    /// A header here, and another of its stream where the frame ends; `last` allows the file to end there.
    fn confirmed(octets: &[u8], last: bool) -> Option<Header> {
        let header = Header::read(octets)?;
        let next = octets.get(header.len..)?;
        let follows = Header::read(next).is_some_and(|next| next.stream == header.stream);
        (follows || last && (next.len() < 4 || next.starts_with(b"TAG"))).then_some(header)
    }
}

/// What stands behind the ID3 tags at the beginning.
pub(super) fn behind_tags(mut file: &[u8]) -> &[u8] {
    for _ in 0..TAGS_MAX {
        let &[b'I', b'D', b'3', 2..=4, _, flags, a, b, c, d, ..] = file else {
            break;
        };
        let len = [a, b, c, d]
            .iter()
            .fold(0, |len, part| len << 7 | usize::from(part & 0x7f));
        let footer = if flags & 0x10 != 0 { 10 } else { 0 };
        file = file.get(10 + len + footer..).unwrap_or_default();
    }
    file
}

/// Whether it is surely MP3: a tag, or two frames of one stream.
pub(super) fn begins(file: &[u8]) -> bool {
    let tagged = file.starts_with(b"ID3") && matches!(file.get(3), Some(2..=4));
    tagged || Header::confirmed(file, false).is_some()
}

/// The frames of a file. What is none is passed over.
pub(super) fn track(file: &[u8]) -> Track<'_> {
    let mut frames = Frames {
        rest: behind_tags(file),
    };
    let ahead = frames.rest;
    let described = frames.next().and_then(describing);
    if described.is_none() {
        frames.rest = ahead;
    }
    Track {
        codec: Codec::Mp3,
        cut: described.unwrap_or_default(),
        packets: Box::new(frames.map(Cow::Borrowed)),
    }
}

struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if let Some(header) = Header::confirmed(self.rest, true) {
                let (frame, rest) = self.rest.split_at(header.len);
                self.rest = rest;
                return Some(frame);
            }
            let ahead = self.rest.get(1..)?;
            let next = memchr::memchr(0xff, ahead)?;
            self.rest = &ahead[next..];
        }
    }
}

/// What a first frame says that is not sound but tells of it: `Xing` and `Info`, as the encoder LAME writes them, or `VBRI`.
fn describing(frame: &[u8]) -> Option<Cut> {
    let header = Header::read(frame)?;
    if frame.get(36..40) == Some(b"VBRI") {
        return Some(Cut::default());
    }
    let info = frame.get(4 + header.side_len..)?;
    if !matches!(info.get(..4), Some(b"Xing" | b"Info")) {
        return None;
    }
    let flags = be(info, 4, 4)?;
    let field = |bit: u64, len: usize| if flags & bit != 0 { len } else { 0 };
    let frames = (flags & 1 != 0).then(|| be(info, 8, 4)).flatten();
    let encoder = 8 + field(1, 4) + field(2, 4) + field(4, 100) + field(8, 4);
    // Twelve bits each, behind the name of the encoder and what else it says.
    let Some(delays) = be(info, encoder + 21, 3).filter(|delays| *delays != 0) else {
        return Some(Cut::default());
    };
    let (delay, padding) = (delays >> 12, delays & 0xfff);
    let all = frames.map(|frames| frames * header.samples);
    Some(Cut {
        skip: delay + DECODER_DELAY,
        length: all
            .and_then(|all| all.checked_sub(delay + padding))
            .filter(|length| *length > 0),
    })
}
