//! Where the samples of a whole file lie: their lengths, how many each chunk has, and where chunks begin (sections 8.7.3 to 8.7.5).

use super::within;
use crate::bits::be;

/// The samples of a track, in order.
pub(super) struct Samples<'a> {
    file: &'a [u8],
    lengths: Lengths<'a>,
    /// Runs of chunks: the first of each, counted from 1, and the samples in one.
    runs: &'a [u8],
    /// Places of chunks, of so many octets each.
    places: &'a [u8],
    place_len: usize,
    chunk: usize,
    left_in_chunk: u64,
    at: u64,
    sample: u64,
    count: u64,
}

enum Lengths<'a> {
    Same(u64),
    Each(&'a [u8]),
}

const RUN_LEN: usize = 12;

impl<'a> Samples<'a> {
    /// `None` if the tables have none: then they are in fragments.
    pub fn of(file: &'a [u8], table: &'a [u8]) -> Option<Samples<'a>> {
        let sizes = within(table, &[b"stsz"])?;
        let count = be(sizes, 8, 4).filter(|count| *count > 0)?;
        let (places, place_len) = match within(table, &[b"stco"]) {
            Some(places) => (places, 4),
            None => (within(table, &[b"co64"])?, 8),
        };
        Some(Samples {
            file,
            lengths: match be(sizes, 4, 4)? {
                0 => Lengths::Each(sizes.get(12..)?),
                len => Lengths::Same(len),
            },
            runs: within(table, &[b"stsc"])?.get(8..)?,
            places: places.get(8..)?,
            place_len,
            chunk: 0,
            left_in_chunk: 0,
            at: 0,
            sample: 0,
            count,
        })
    }

    /// Goes to the next chunk that has samples.
    fn next_chunk(&mut self) -> Option<()> {
        while self.left_in_chunk == 0 {
            self.at = be(self.places, self.chunk * self.place_len, self.place_len)?;
            self.chunk += 1;
            // The run that this chunk is in: the next one begins behind it.
            while be(self.runs, RUN_LEN, 4).is_some_and(|first| first <= self.chunk as u64) {
                self.runs = &self.runs[RUN_LEN..];
            }
            self.left_in_chunk = be(self.runs, 4, 4)?;
        }
        Some(())
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.sample == self.count {
            return None;
        }
        self.next_chunk()?;
        let len = match self.lengths {
            Lengths::Same(len) => len,
            Lengths::Each(lengths) => be(
                lengths,
                usize::try_from(self.sample).ok()?.checked_mul(4)?,
                4,
            )?,
        };
        let end = self.at.checked_add(len)?;
        let octets = self
            .file
            .get(usize::try_from(self.at).ok()?..usize::try_from(end).ok()?);
        self.at = end;
        self.left_in_chunk -= 1;
        self.sample += 1;
        // One that lies outside of the file is counted as one that cannot be decoded.
        Some(octets.unwrap_or_default())
    }
}
