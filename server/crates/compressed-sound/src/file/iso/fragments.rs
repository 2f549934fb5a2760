//! The samples of a file in fragments, as pages and telephones record them (sections 8.8.7 and 8.8.8).

use super::{FileBox, boxes, within};
use crate::bits::be;

/// The samples of a track of sound, fragment by fragment.
pub(super) fn samples<'a>(
    file: &'a [u8],
    movie: &'a [u8],
    track: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> {
    let id = track_id(track).unwrap_or_default();
    let usual = usual_len(movie, id).unwrap_or_default();
    let fragments = boxes(file).filter(|found| found.kind == *b"moof");
    fragments.flat_map(move |fragment| {
        let parts = boxes(fragment.body).filter(|found| found.kind == *b"traf");
        parts.flat_map(move |part| {
            let header = Header::read(part, fragment, usual).filter(|header| header.track == id);
            let mut at = header.as_ref().map_or(0, |header| header.base);
            let runs = boxes(part.body).filter(|found| found.kind == *b"trun");
            let runs = header.map(|header| runs.map(move |run| (run, header)));
            runs.into_iter().flatten().flat_map(move |(run, header)| {
                let run = Run::read(file, run.body, &header, at);
                at = run.as_ref().map_or(at, Run::end);
                run.into_iter().flatten()
            })
        })
    })
}

fn track_id(track: &[u8]) -> Option<u64> {
    let header = within(track, &[b"tkhd"])?;
    be(header, if be(header, 0, 1)? == 0 { 12 } else { 20 }, 4)
}

/// What a sample is long if nothing else is said.
fn usual_len(movie: &[u8], id: u64) -> Option<u64> {
    let extends = within(movie, &[b"mvex"])?;
    let its =
        boxes(extends).find(|found| found.kind == *b"trex" && be(found.body, 4, 4) == Some(id));
    be(its?.body, 16, 4)
}

/// What is said of all runs of a track in a fragment.
#[derive(Clone, Copy)]
struct Header {
    track: u64,
    /// Where places count from.
    base: u64,
    usual: u64,
}

impl Header {
    fn read(part: FileBox<'_>, fragment: FileBox<'_>, usual: u64) -> Option<Header> {
        let header = within(part.body, &[b"tfhd"])?;
        let flags = be(header, 1, 3)?;
        let mut at = 8;
        let mut field = |bit: u64, len: usize| {
            let there = flags & bit != 0;
            let value = there.then(|| be(header, at, len)).flatten();
            at += if there { len } else { 0 };
            value
        };
        let base = field(1, 8);
        field(2, 4);
        field(8, 4);
        let own = field(16, 4);
        Some(Header {
            track: be(header, 4, 4)?,
            base: base.unwrap_or(fragment.at as u64),
            usual: own.unwrap_or(usual),
        })
    }
}

/// Samples that lie one behind the other.
#[derive(Clone)]
struct Run<'a> {
    file: &'a [u8],
    at: u64,
    left: u64,
    usual: u64,
    /// What is said of each sample, if anything: `entry` octets, the length `len_at` within them.
    entries: &'a [u8],
    entry: usize,
    len_at: Option<usize>,
}

impl<'a> Run<'a> {
    /// `at` is where the run before ended.
    fn read(file: &'a [u8], body: &'a [u8], header: &Header, at: u64) -> Option<Run<'a>> {
        let flags = be(body, 1, 3)?;
        let has = |bit: u64| flags & bit != 0;
        let own = has(1).then(|| be(body, 8, 4)).flatten();
        let entries = 8 + if has(1) { 4 } else { 0 } + if has(4) { 4 } else { 0 };
        let fields = [0x100, 0x200, 0x400, 0x800].into_iter();
        Some(Run {
            file,
            at: match own {
                Some(offset) => header
                    .base
                    .checked_add_signed(i64::from(offset as u32 as i32))?,
                None => at,
            },
            left: be(body, 4, 4)?,
            usual: header.usual,
            entries: body.get(entries..).unwrap_or_default(),
            entry: 4 * fields.filter(|bit| has(*bit)).count(),
            len_at: has(0x200).then_some(if has(0x100) { 4 } else { 0 }),
        })
    }

    fn len(&mut self) -> Option<u64> {
        let Some(at) = self.len_at else {
            return Some(self.usual).filter(|len| *len > 0);
        };
        let (entry, rest) = self.entries.split_at_checked(self.entry)?;
        self.entries = rest;
        be(entry, at, 4)
    }

    /// Where it ends.
    fn end(&self) -> u64 {
        let mut run = self.clone();
        while run.next().is_some() {}
        run.at
    }
}

impl<'a> Iterator for Run<'a> {
    type Item = &'a [u8];

    /// Ends where the file does.
    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let end = self.at.checked_add(self.len()?)?;
        let octets = self
            .file
            .get(usize::try_from(self.at).ok()?..usize::try_from(end).ok()?)?;
        self.at = end;
        Some(octets)
    }
}
