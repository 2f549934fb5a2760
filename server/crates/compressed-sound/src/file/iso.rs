//! MP4, M4A, 3GP and QuickTime: boxes within boxes (ISO 14496-12), whole files and those in fragments.

pub(super) mod asc;
mod fragments;
mod samples;

use std::borrow::Cow;

use super::{Codec, Track, ogg};
use crate::DecodeError;
use crate::bits::be;
use crate::sink::Cut;
use asc::AudioSpecificConfig;

/// A box: its type, and what is in it.
#[derive(Clone, Copy)]
struct FileBox<'a> {
    kind: [u8; 4],
    /// Where its header begins, from the beginning of what it was found in.
    at: usize,
    body: &'a [u8],
}

/// The boxes that follow each other. One that is longer than what it is in ends there.
struct Boxes<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Boxes<'a> {
    type Item = FileBox<'a>;

    fn next(&mut self) -> Option<FileBox<'a>> {
        let at = self.at;
        let rest = self.octets.get(at..)?;
        let kind = rest.get(4..8)?.try_into().ok()?;
        let (header, len) = match be(rest, 0, 4)? {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(be(rest, 8, 8)?).ok()?),
            len => (8, len as usize),
        };
        let body = rest.get(header..len.min(rest.len()))?;
        self.at = at.checked_add(len)?;
        Some(FileBox { kind, at, body })
    }
}

fn boxes(octets: &[u8]) -> Boxes<'_> {
    Boxes { octets, at: 0 }
}

/// The first box below, of types from the outermost on.
fn within<'a>(octets: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(octets, |octets, kind| {
        let found = boxes(octets).find(|found| found.kind == **kind)?;
        Some(found.body)
    })
}

/// The one track of sound of a file.
pub(super) fn track(file: &[u8]) -> Result<Track<'_>, DecodeError> {
    let movie = within(file, &[b"moov"]).ok_or(DecodeError::Damaged)?;
    let tracks = || boxes(movie).filter(|found| found.kind == *b"trak");
    let media = |found: &FileBox<'_>| be(within(found.body, &[b"mdia", b"hdlr"])?, 8, 4);
    let is = |found: &FileBox<'_>, kind: &[u8; 4]| media(found) == be(kind, 0, 4);
    if tracks().any(|found| is(&found, b"vide")) {
        return Err(DecodeError::Unsupported("pictures"));
    }
    let sound = tracks().find(|found| is(found, b"soun"));
    let sound = sound.ok_or(DecodeError::Damaged)?.body;
    let table = within(sound, &[b"mdia", b"minf", b"stbl"]).ok_or(DecodeError::Damaged)?;
    let description = within(table, &[b"stsd"]).ok_or(DecodeError::Damaged)?;
    let Description { codec, rate_hz } = describe(description)?;
    let skip = delay(sound, rate_hz).unwrap_or(0);
    let whole = samples::Samples::of(file, table);
    let packets: Box<dyn Iterator<Item = &[u8]> + '_> = match whole {
        Some(samples) => Box::new(samples),
        None => Box::new(fragments::samples(file, movie, sound)),
    };
    Ok(Track {
        codec,
        cut: Cut { skip, length: None },
        packets: Box::new(packets.map(Cow::Borrowed)),
    })
}

/// How the samples of a track are to be decoded.
struct Description {
    codec: Codec,
    rate_hz: u32,
}

/// The first sample entry (section 12.2.3; QuickTime puts more between the fields and the boxes of its versions 1 and 2).
fn describe(stsd: &[u8]) -> Result<Description, DecodeError> {
    let entry = boxes(stsd.get(8..).unwrap_or_default()).next();
    let entry = entry.ok_or(DecodeError::Damaged)?;
    let more = match be(entry.body, 8, 2) {
        Some(1) => 16,
        Some(2) => 36,
        _ => 0,
    };
    let rate_hz = be(entry.body, 24, 2).unwrap_or_default() as u32;
    let inner = entry.body.get(28 + more..).unwrap_or_default();
    let codec = match &entry.kind {
        b"mp4a" => {
            let stream = within(inner, &[b"esds"]).or_else(|| within(inner, &[b"wave", b"esds"]));
            elementary_stream(stream.ok_or(DecodeError::Damaged)?)?
        }
        b".mp3" => Codec::Mp3,
        b"samr" => Codec::Amr,
        b"Opus" => {
            let head = within(inner, &[b"dOps"]).ok_or(DecodeError::Damaged)?;
            opus(head)?
        }
        b"alac" => return Err(DecodeError::Unsupported("ALAC")),
        b"sawb" => return Err(DecodeError::Unsupported("AMR-WB")),
        _ => return Err(DecodeError::Unsupported("sound of another kind")),
    };
    let rate_hz = match &codec {
        Codec::Aac(config) => config.rate_hz,
        Codec::Opus { .. } => 48_000,
        _ => rate_hz,
    };
    Ok(Description { codec, rate_hz })
}

/// The same as in Ogg, but with its numbers in the order of networks.
fn opus(head: &[u8]) -> Result<Codec, DecodeError> {
    let gain = be(head, 8, 2).unwrap_or(0) as u16 as i16;
    let mut as_in_ogg = b"OpusHead\x01".to_vec();
    as_in_ogg.extend(head.get(1..2).unwrap_or_default());
    as_in_ogg.extend([0; 6]);
    as_in_ogg.extend(gain.to_le_bytes());
    ogg::opus_head(&as_in_ogg).map(|(codec, _)| codec)
}

/// ISO 14496-1 section 7.2.6: what a stream is, behind descriptors within descriptors.
fn elementary_stream(esds: &[u8]) -> Result<Codec, DecodeError> {
    let found = || {
        let stream = descriptor(esds.get(4..)?, 3)?;
        let flags = be(stream, 2, 1)?;
        let mut at = 3;
        at += if flags & 0x80 != 0 { 2 } else { 0 };
        at += if flags & 0x40 != 0 {
            1 + be(stream, at, 1)? as usize
        } else {
            0
        };
        at += if flags & 0x20 != 0 { 2 } else { 0 };
        let config = descriptor(stream.get(at..)?, 4)?;
        let specific = config.get(13..).and_then(|rest| descriptor(rest, 5));
        Some((be(config, 0, 1)?, specific))
    };
    match found() {
        Some((0x40 | 0x66..=0x68, Some(config))) => {
            AudioSpecificConfig::read(config).map(Codec::Aac)
        }
        Some((0x69 | 0x6b, _)) => Ok(Codec::Mp3),
        Some(_) => Err(DecodeError::Unsupported("sound of another kind")),
        None => Err(DecodeError::Damaged),
    }
}

/// What is in the descriptor that begins here, if it has this tag.
fn descriptor(octets: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, mut rest) = octets.split_first()?;
    let mut len = 0;
    for _ in 0..4 {
        let (part, behind) = rest.split_first()?;
        rest = behind;
        len = len << 7 | usize::from(part & 0x7f);
        if part & 0x80 == 0 {
            break;
        }
    }
    (*first == tag).then_some(&rest[..len.min(rest.len())])
}

/// What the edit list leaves out at the beginning, in samples.
fn delay(track: &[u8], rate_hz: u32) -> Option<u64> {
    let list = within(track, &[b"edts", b"elst"])?;
    let time = match be(list, 0, 1)? {
        0 => be(list, 12, 4).filter(|time| *time <= i32::MAX as u64)?,
        _ => be(list, 16, 8).filter(|time| *time <= u64::from(u32::MAX))?,
    };
    let header = within(track, &[b"mdia", b"mdhd"])?;
    let scale = be(header, if be(header, 0, 1)? == 0 { 12 } else { 20 }, 4)?;
    (time * u64::from(rate_hz)).checked_div(scale)
}
