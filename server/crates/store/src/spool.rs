//! The bodies of one transaction on their way to the segments: gathered in memory, written with one call, synced before the commit.
//!
//! Room is not allocated ahead: on ext4 that halves the rate of append and sync, because every block then changes twice, from
//! unwritten to written and from old to new.

use crate::StoreError;
use crate::record;
use crate::segments::{Location, Segments};
use domain::BodyRef;
use std::fs::File;
use std::sync::Arc;

/// Bytes gathered before they are written out early. What is written and not committed lies behind the durable end of the
/// segment, where nobody looks.
const GATHER_BYTES_MAX: usize = 8 << 20;

/// Where the next body goes.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    /// The segment that grows.
    pub segment: i64,
    /// Its durable bytes.
    pub len: u64,
    /// Its file, once opened; there is one if `len` is above 0.
    pub file: Option<Arc<File>>,
}

/// Bodies appended and not yet durable.
#[derive(Debug)]
pub(crate) struct Spool {
    segments: Arc<Segments>,
    segment_bytes: u64,
    /// Segments filled up by this transaction and written, but not synced.
    full: Vec<Tail>,
    /// Where it grows: `len` counts what was written; the gathered bytes follow.
    tail: Tail,
    gathered: Vec<u8>,
    touched: bool,
}

impl Spool {
    /// `gathered` is an empty buffer, handed on from transaction to transaction.
    pub(crate) fn new(
        segments: Arc<Segments>,
        segment_bytes: u64,
        tail: Tail,
        gathered: Vec<u8>,
    ) -> Self {
        Self {
            segments,
            segment_bytes,
            full: Vec::new(),
            tail,
            gathered,
            touched: false,
        }
    }

    /// Takes a body and says where it will lie. A body longer than a segment gets one to itself.
    pub(crate) fn append(&mut self, body: &BodyRef, bytes: &[u8]) -> Result<Location, StoreError> {
        let end = self.end();
        if end > 0 && end + record::size(body) > self.segment_bytes {
            self.roll()?;
        }
        if self.tail.file.is_none() {
            self.tail.file = Some(self.open_tail()?);
        }
        let at = Location {
            segment: self.tail.segment,
            offset: self.end(),
        };
        self.gathered.extend_from_slice(&record::header(body));
        self.gathered.extend_from_slice(bytes);
        self.touched = true;
        if self.gathered.len() > GATHER_BYTES_MAX {
            self.write()?;
        }
        Ok(at)
    }

    /// The segments that grew and where each ends.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (i64, u64)> {
        let last = self.touched.then(|| (self.tail.segment, self.end()));
        self.full.iter().map(|t| (t.segment, t.len)).chain(last)
    }

    /// Writes and syncs everything. A failed sync is fatal.
    pub(crate) fn make_durable(&mut self) -> Result<(), StoreError> {
        self.write()?;
        let last = self.touched.then_some(&self.tail);
        for tail in self.full.iter().chain(last) {
            let Some(file) = &tail.file else { continue };
            let path = self.segments.path(tail.segment);
            self.segments
                .disk()
                .sync(file)
                .map_err(StoreError::fatal("sync", &path))?;
        }
        Ok(())
    }

    /// The tail for the next transaction, if this one was committed, and the buffer.
    pub(crate) fn end_of_transaction(self) -> (Tail, Vec<u8>) {
        let mut buffer = self.gathered;
        buffer.clear();
        (self.tail, buffer)
    }

    /// A segment with durable bytes is opened; only one without any is made, because that takes away what is in its file.
    fn open_tail(&self) -> Result<Arc<File>, StoreError> {
        let segment = self.tail.segment;
        if self.tail.len == 0 {
            return self.segments.create(segment);
        }
        let path = self.segments.path(segment);
        self.segments
            .file(segment)
            .map_err(StoreError::io("open", &path))
    }

    fn end(&self) -> u64 {
        self.tail.len + self.gathered.len() as u64
    }

    /// Writes out what is gathered, so that it can be read; it is not durable for that.
    pub(crate) fn write(&mut self) -> Result<(), StoreError> {
        if let Some(file) = self
            .tail
            .file
            .as_ref()
            .filter(|_| !self.gathered.is_empty())
        {
            let path = self.segments.path(self.tail.segment);
            self.segments
                .disk()
                .write(file, &self.gathered, self.tail.len)
                .map_err(StoreError::io("write", &path))?;
            self.tail.len += self.gathered.len() as u64;
            self.gathered.clear();
        }
        Ok(())
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        self.write()?;
        let next = Tail {
            segment: self.tail.segment + 1,
            len: 0,
            file: None,
        };
        let full = std::mem::replace(&mut self.tail, next);
        if self.touched {
            self.full.push(full);
        }
        self.touched = false;
        Ok(())
    }
}
