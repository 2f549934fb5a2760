//! WebM and Matroska (RFC 9559): the blocks of one track of sound.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::ebml::{Element, Elements, number};
use super::{AudioSpecificConfig, Codec, Track, ogg};
use crate::DecodeError;
use crate::bits::be;
use crate::sink::Cut;

const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1f43_b675;
const BLOCK_GROUP: u64 = 0xa0;
const BLOCK: u64 = 0xa1;
const SIMPLE_BLOCK: u64 = 0xa3;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK: u64 = 0xae;
const TRACK_NUMBER: u64 = 0xd7;
const TRACK_TYPE: u64 = 0x83;
const CODEC_ID: u64 = 0x86;
const CODEC_PRIVATE: u64 = 0x63a2;
const VIDEO: u64 = 1;
const AUDIO: u64 = 2;

fn elements(rest: &[u8]) -> Elements<'_> {
    let opened = &[SEGMENT, CLUSTER, BLOCK_GROUP];
    Elements { rest, opened }
}

/// The one track of sound of a file.
pub(super) fn track(file: &[u8]) -> Result<Track<'_>, DecodeError> {
    let tracks = elements(file).find(|element| element.id == TRACKS);
    let tracks = tracks.ok_or(DecodeError::Damaged)?.body;
    let tracks = || elements(tracks).filter(|element| element.id == TRACK);
    let of = |track: &Element<'_>, id: u64| {
        let field = elements(track.body).find(|element| element.id == id)?;
        be(field.body, 0, field.body.len().min(8))
    };
    if tracks().any(|track| of(&track, TRACK_TYPE) == Some(VIDEO)) {
        return Err(DecodeError::Unsupported("pictures"));
    }
    let sound = tracks().find(|track| of(track, TRACK_TYPE) == Some(AUDIO));
    let sound = sound.ok_or(DecodeError::Damaged)?;
    let number = of(&sound, TRACK_NUMBER).ok_or(DecodeError::Damaged)?;
    let text = |id: u64| {
        let field = elements(sound.body).find(|element| element.id == id);
        field.map_or(&[][..], |field| field.body)
    };
    let (codec, skip) = describe(text(CODEC_ID), text(CODEC_PRIVATE))?;
    let frames = Frames {
        elements: elements(file),
        track: number,
        frames: VecDeque::new(),
    };
    Ok(Track {
        codec,
        cut: Cut { skip, length: None },
        packets: Box::new(frames.map(Cow::Borrowed)),
    })
}

/// How it is decoded, and the samples that are skipped.
fn describe(id: &[u8], private: &[u8]) -> Result<(Codec, u64), DecodeError> {
    match id.trim_ascii_end() {
        b"A_OPUS" => ogg::opus_head(private),
        b"A_VORBIS" => {
            let [identification, _, setup] = xiph_packets(private).ok_or(DecodeError::Damaged)?;
            let codec = Codec::Vorbis {
                identification: identification.to_vec(),
                setup: setup.to_vec(),
            };
            Ok((codec, 0))
        }
        id if id.starts_with(b"A_AAC") => {
            AudioSpecificConfig::read(private).map(|config| (Codec::Aac(config), 0))
        }
        b"A_MPEG/L3" => Ok((Codec::Mp3, 0)),
        _ => Err(DecodeError::Unsupported("sound of another kind")),
    }
}

/// The three headers of Vorbis: a two, the lengths of the first two, and all three.
fn xiph_packets(private: &[u8]) -> Option<[&[u8]; 3]> {
    let (2, mut rest) = private.split_first().map(|(first, rest)| (*first, rest))? else {
        return None;
    };
    let first = xiph_len(&mut rest)?;
    let second = xiph_len(&mut rest)?;
    let (first, rest) = rest.split_at_checked(first)?;
    let (second, third) = rest.split_at_checked(second)?;
    Some([first, second, third])
}

/// A length in octets that are added up until one is less than 255.
fn xiph_len(rest: &mut &[u8]) -> Option<usize> {
    let end = rest.iter().position(|octet| *octet < 255)?;
    let (octets, behind) = rest.split_at(end + 1);
    *rest = behind;
    Some(octets.iter().map(|octet| usize::from(*octet)).sum())
}

/// The frames in the blocks of a track.
struct Frames<'a> {
    elements: Elements<'a>,
    track: u64,
    /// Of the present block, at most 256.
    frames: VecDeque<&'a [u8]>,
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.frames.is_empty() {
            let block = self
                .elements
                .find(|element| matches!(element.id, BLOCK | SIMPLE_BLOCK))?;
            if let Some((track, rest)) = number(block.body, false)
                && track == self.track
                && let Some(frames) = frames(rest)
            {
                self.frames.extend(frames);
            }
        }
        self.frames.pop_front()
    }
}

/// The frames of a block, behind the number of its track (RFC 9559 section 10.3).
fn frames(block: &[u8]) -> Option<Vec<&[u8]>> {
    let lacing = be(block, 2, 1)? >> 1 & 3;
    let rest = block.get(3..)?;
    if lacing == 0 {
        return Some(vec![rest]);
    }
    let (more, mut rest) = rest.split_first()?;
    let more = usize::from(*more);
    let mut lengths = Vec::with_capacity(more);
    match lacing {
        1 => {
            for _ in 0..more {
                lengths.push(xiph_len(&mut rest)?);
            }
        }
        2 => lengths.resize(more, rest.len() / (more + 1)),
        _ => ebml_lengths(more, &mut rest, &mut lengths)?,
    }
    let mut frames = Vec::with_capacity(more + 1);
    for len in lengths {
        let (frame, behind) = rest.split_at_checked(len)?;
        frames.push(frame);
        rest = behind;
    }
    frames.push(rest);
    Some(frames)
}

/// The first length, and by how much each is longer than the one before.
fn ebml_lengths(count: usize, rest: &mut &[u8], lengths: &mut Vec<usize>) -> Option<()> {
    let mut len = 0i64;
    for n in 0..count {
        let (value, behind) = number(rest, false)?;
        let octets = rest.len() - behind.len();
        *rest = behind;
        len = match n {
            0 => i64::try_from(value).ok()?,
            _ => len.checked_add(value as i64 - ((1 << (7 * octets - 1)) - 1))?,
        };
        lengths.push(usize::try_from(len).ok()?);
    }
    Some(())
}
