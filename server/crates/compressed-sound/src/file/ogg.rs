//! Ogg (RFC 3533) with Opus (RFC 7845) or Vorbis: pages, and the packets that lie across them.

use std::borrow::Cow;

use super::{Codec, Track};
use crate::DecodeError;
use crate::bits::le;
use crate::sink::Cut;

const MAGIC: &[u8] = b"OggS";
const HEADER_LEN: usize = 27;
/// Longest packet that is put together of several pages; more is no sound.
const PACKET_LEN_MAX: usize = 1 << 20;

/// A page.
#[derive(Clone, Copy)]
struct Page<'a> {
    /// Its first packet goes on from the page before.
    continued: bool,
    /// The first of its stream.
    first: bool,
    /// Where the last packet ends that ends here, in samples.
    granule: Option<u64>,
    stream: u64,
    /// The lengths of its segments.
    lengths: &'a [u8],
    body: &'a [u8],
}

/// The pages of a file. What is none is passed over.
#[derive(Clone)]
struct Pages<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pages<'a> {
    type Item = Page<'a>;

    fn next(&mut self) -> Option<Page<'a>> {
        loop {
            let at = memchr::memmem::find(self.rest, MAGIC)?;
            let page = &self.rest[at..];
            self.rest = &page[MAGIC.len()..];
            if let Some((page, rest)) = Page::read(page) {
                self.rest = rest;
                return Some(page);
            }
        }
    }
}

impl<'a> Page<'a> {
    /// The page that begins here, and what is behind it. One that is cut off ends with the file.
    fn read(octets: &'a [u8]) -> Option<(Page<'a>, &'a [u8])> {
        let count = *octets.get(HEADER_LEN - 1)?;
        let (lengths, body) = octets[HEADER_LEN..].split_at_checked(usize::from(count))?;
        let len: usize = lengths.iter().map(|len| usize::from(*len)).sum();
        let (body, rest) = body.split_at(len.min(body.len()));
        let page = Page {
            continued: octets[5] & 1 != 0,
            first: octets[5] & 2 != 0,
            granule: le(octets, 6, 8).filter(|granule| *granule <= i64::MAX as u64),
            stream: le(octets, 14, 4)?,
            lengths,
            body,
        };
        (octets[4] == 0).then_some((page, rest))
    }
}

/// The packets of one stream.
struct Packets<'a> {
    pages: Pages<'a>,
    stream: u64,
    lengths: &'a [u8],
    body: &'a [u8],
    /// The beginning of a packet that goes on on the next page.
    begun: Vec<u8>,
    /// The packet on which the next page goes on is not wanted: its beginning is missing.
    broken: bool,
}

impl<'a> Packets<'a> {
    fn of(pages: Pages<'a>, stream: u64) -> Packets<'a> {
        Packets {
            pages,
            stream,
            lengths: &[],
            body: &[],
            begun: Vec::new(),
            broken: false,
        }
    }

    fn next_page(&mut self) -> Option<()> {
        let stream = self.stream;
        let page = self.pages.find(|page| page.stream == stream)?;
        (self.lengths, self.body) = (page.lengths, page.body);
        if !page.continued {
            self.begun.clear();
        }
        self.broken = page.continued && self.begun.is_empty();
        Some(())
    }

    /// What of a packet lies on the present page, and whether it ends there.
    fn piece(&mut self) -> (&'a [u8], bool) {
        let end = self.lengths.iter().position(|len| *len < 255);
        let count = end.map_or(self.lengths.len(), |end| end + 1);
        let (its, lengths) = self.lengths.split_at(count);
        let len: usize = its.iter().map(|len| usize::from(*len)).sum();
        let (piece, body) = self.body.split_at(len.min(self.body.len()));
        (self.lengths, self.body) = (lengths, body);
        (piece, end.is_some() && piece.len() == len)
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        loop {
            while self.lengths.is_empty() {
                self.next_page()?;
            }
            let (piece, ends) = self.piece();
            if self.broken {
                self.broken = !ends;
                continue;
            }
            if ends && self.begun.is_empty() {
                return Some(Cow::Borrowed(piece));
            }
            if self.begun.len() + piece.len() > PACKET_LEN_MAX {
                self.begun.clear();
                self.broken = !ends;
                continue;
            }
            self.begun.extend_from_slice(piece);
            if ends {
                return Some(Cow::Owned(std::mem::take(&mut self.begun)));
            }
        }
    }
}

/// Streams of a file that are looked at for sound.
const STREAMS_MAX: usize = 8;

/// The first stream of sound in a file.
pub(super) fn track(file: &[u8]) -> Result<Track<'_>, DecodeError> {
    let pages = Pages { rest: file };
    let mut unsupported = None;
    // A stream begins with a page of its own for its first packet (RFC 3533 section 4).
    for page in pages.clone().filter(|page| page.first).take(STREAMS_MAX) {
        let mut packets = Packets::of(pages.clone(), page.stream);
        let ends = || ends(pages.clone(), page.stream);
        match page.body {
            head if head.starts_with(b"OpusHead") => {
                let (codec, skip) = opus_head(head)?;
                packets.nth(1);
                let length = ends().and_then(|end| end.checked_sub(skip));
                return Ok(sound(codec, skip, length, packets));
            }
            identification if identification.starts_with(b"\x01vorbis") => {
                let setup = packets.nth(2).ok_or(DecodeError::Damaged)?;
                let codec = Codec::Vorbis {
                    identification: identification.to_vec(),
                    setup: setup.into_owned(),
                };
                return Ok(sound(codec, 0, ends(), packets));
            }
            head => unsupported = unsupported.or(known(head)),
        }
    }
    Err(unsupported.map_or(DecodeError::Damaged, DecodeError::Unsupported))
}

fn sound<'a>(codec: Codec, skip: u64, length: Option<u64>, packets: Packets<'a>) -> Track<'a> {
    Track {
        codec,
        cut: Cut {
            skip,
            length: length.filter(|length| *length > 0),
        },
        packets: Box::new(packets),
    }
}

/// Where the stream ends, in samples, if it began with 0: its first page that has sound ends within ten seconds then.
fn ends(pages: Pages<'_>, stream: u64) -> Option<u64> {
    const FIRST_MAX: u64 = 480_000;
    let mut granules = pages
        .filter(|page| page.stream == stream)
        .filter_map(|page| page.granule)
        .filter(|granule| *granule > 0);
    let first = granules.next()?;
    let last = granules.last().unwrap_or(first);
    (first <= FIRST_MAX && last >= first).then_some(last)
}

/// RFC 7845 section 5.1: how it is decoded, and the samples of 48 kHz that are skipped.
pub(super) fn opus_head(head: &[u8]) -> Result<(Codec, u64), DecodeError> {
    let channels = *head.get(9).ok_or(DecodeError::Damaged)?;
    let skip = le(head, 10, 2).ok_or(DecodeError::Damaged)?;
    let gain = le(head, 16, 2).unwrap_or(0) as u16 as i16;
    match channels {
        1 | 2 => Ok((Codec::Opus { gain }, skip)),
        _ => Err(DecodeError::Unsupported("Opus of more than two channels")),
    }
}

/// What else begins so.
fn known(head: &[u8]) -> Option<&'static str> {
    match head {
        head if head.starts_with(b"Speex   ") => Some("Speex"),
        head if head.starts_with(b"\x7fFLAC") => Some("FLAC"),
        _ => None,
    }
}
