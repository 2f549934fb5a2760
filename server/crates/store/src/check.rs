//! The look at the segments when a store is opened: do they hold what the rows say?
//!
//! | found | done |
//! |---|---|
//! | a file longer than its row says: a transaction that was not committed, or an older database put back | whole records are kept, without reference; the torn rest is cut off |
//! | a file without a row | the same, from its beginning |
//! | a file shorter than its row says, or no file | the bodies that lay there are missing from now on |
//! | a segment that compaction gave up | its file goes |
//! | a file whose end the disk cannot read | it is left as it is, and does not grow any more |

use crate::body::body_row;
use crate::record;
use crate::segments::{Location, Segments};
use crate::spool::Tail;
use crate::{Disk, StoreError, view};
use domain::BodyRef;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::File;
use std::io;

/// What opening a store found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Bytes cut off behind the last whole record. Never part of anything acknowledged.
    pub cut_bytes: u64,
    /// Whole bodies found behind the last commit and kept.
    pub adopted_bodies: u64,
    /// Bodies that something refers to and that are not here; see [`crate::View::missing_bodies`].
    pub missing_bodies: u64,
    /// Segments whose bytes behind the last commit the disk cannot read. They are left as they are, and nothing is appended to them.
    pub unreadable_segments: u64,
}

#[derive(Clone, Copy, Debug)]
struct SegmentRow {
    id: i64,
    len: u64,
    dropped: bool,
}

/// Compares, repairs, and says where the next body goes.
pub(crate) fn run(
    conn: &mut Connection,
    segments: &Segments,
    segment_bytes: u64,
) -> Result<(Tail, Opened), StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut check = Check {
        tx: &tx,
        segments,
        opened: Opened::default(),
        tail: None,
    };
    let sql = "SELECT id, len, dropped FROM segment ORDER BY id";
    let known = view::rows(&tx, sql, [], |row| {
        Ok(SegmentRow {
            id: row.get(0)?,
            len: row.get(1)?,
            dropped: row.get(2)?,
        })
    })?;
    let on_disk = segments.on_disk()?;
    for row in &known {
        check.known(*row)?;
    }
    for id in &on_disk {
        if known.iter().all(|row| row.id != *id) {
            check.stranger(*id)?;
        }
    }
    let highest = known.iter().map(|row| row.id).chain(on_disk).max();
    let Check {
        mut opened, tail, ..
    } = check;
    // What was found behind the last commit need not be looked for elsewhere.
    let sql = "DELETE FROM astray WHERE NOT EXISTS (SELECT 1 FROM body b WHERE b.hash = astray.hash AND b.segment IS NULL)";
    tx.execute(sql, [])?;
    opened.missing_bodies = tx.query_row(view::sql::MISSING, [], |row| row.get(0))?;
    tx.commit()?;
    // Only the highest may grow, and only if nothing was wrong with it.
    let next = highest.unwrap_or(0) + 1;
    let tail = tail.filter(|t| Some(t.segment) == highest && t.len < segment_bytes);
    let fresh = Tail {
        segment: next,
        len: 0,
        file: None,
    };
    Ok((tail.unwrap_or(fresh), opened))
}

struct Check<'a> {
    tx: &'a Transaction<'a>,
    segments: &'a Segments,
    opened: Opened,
    tail: Option<Tail>,
}

impl Check<'_> {
    fn known(&mut self, row: SegmentRow) -> Result<(), StoreError> {
        let id = row.id;
        if row.dropped {
            // If it cannot be deleted, compaction tries again.
            if self.segments.remove(id).is_ok() {
                self.tx.execute("DELETE FROM segment WHERE id = ?1", [id])?;
            }
            return Ok(());
        }
        let len = self.file_len(id)?;
        if len < row.len {
            return self.lost(id, len);
        }
        let end = match len > row.len {
            true => self.adopt(id, row.len, len)?,
            false => Some(len),
        };
        let Some(end) = end else {
            self.tail = None;
            return Ok(());
        };
        self.tail = Some(Tail {
            segment: id,
            len: end,
            file: None,
        });
        Ok(())
    }

    /// A file that no row knows. If there is nothing whole in it, it goes.
    fn stranger(&mut self, id: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO segment (id, len, live, dropped) VALUES (?1, 0, 0, 0)";
        self.tx.execute(sql, [id])?;
        let len = self.file_len(id)?;
        if self.adopt(id, 0, len)? == Some(0) {
            self.segments.remove(id)?;
            self.tx.execute("DELETE FROM segment WHERE id = ?1", [id])?;
        }
        Ok(())
    }

    fn file_len(&self, id: i64) -> Result<u64, StoreError> {
        match std::fs::metadata(self.segments.path(id)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(StoreError::io("look at", &self.segments.path(id))(e)),
        }
    }

    /// Keeps the whole records between the durable end and the end of the file, cuts the rest, and returns the new end; `None` if the
    /// disk cannot read it.
    fn adopt(&mut self, id: i64, from: u64, to: u64) -> Result<Option<u64>, StoreError> {
        let path = self.segments.path(id);
        let disk = self.segments.disk();
        let file = self
            .segments
            .file(id)
            .map_err(StoreError::io("open", &path))?;
        let mut found = Vec::new();
        let walked = record::walk(disk, &file, from, to, |at, body| found.push((at, body)));
        let Ok(end) = walked else {
            self.opened.unreadable_segments += 1;
            return Ok(None);
        };
        disk.truncate(&file, end)
            .map_err(StoreError::io("cut", &path))?;
        // Nobody has synced these bytes yet, or a sync of them failed, and a row is about to rely on them.
        rewrite(disk, &file, from, end).map_err(StoreError::io("write", &path))?;
        disk.sync(&file).map_err(StoreError::fatal("sync", &path))?;
        self.opened.cut_bytes += to - end;
        for (offset, body) in found {
            self.adopt_body(
                &body,
                Location {
                    segment: id,
                    offset,
                },
            )?;
        }
        let sql = "UPDATE segment SET len = ?2 WHERE id = ?1";
        self.tx.execute(sql, (id, end))?;
        Ok(Some(end))
    }

    fn adopt_body(&mut self, body: &BodyRef, at: Location) -> Result<(), StoreError> {
        let sql = "INSERT INTO body (hash, len, refs, segment, offset) VALUES (?1, ?2, 0, ?3, ?4)
                   ON CONFLICT (hash) DO UPDATE SET segment = excluded.segment, offset = excluded.offset
                   WHERE segment IS NULL";
        let params = (body.hash, body.len, at.segment, at.offset);
        if self.tx.execute(sql, params)? > 0 {
            self.opened.adopted_bodies += 1;
            let sql = "UPDATE segment SET live = live + ?2 WHERE id = ?1";
            self.tx.execute(sql, (at.segment, record::size(body)))?;
        }
        Ok(())
    }

    /// A segment lost its end, or its file. Nothing is appended to it any more.
    fn lost(&mut self, id: i64, len: u64) -> Result<(), StoreError> {
        let sql = "SELECT hash, len, segment, offset, refs FROM body WHERE segment = ?1";
        let there = view::rows(self.tx, sql, [id], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, body_row(row, 1)?))
        })?;
        let mut live = 0;
        for (hash, kept) in there {
            let body = BodyRef {
                hash,
                len: kept.len,
            };
            let size = record::size(&body);
            if kept.at.is_some_and(|at| at.offset + size <= len) {
                live += size;
                continue;
            }
            let sql = "UPDATE body SET segment = NULL, offset = NULL WHERE hash = ?1";
            self.tx.execute(sql, [hash])?;
        }
        let sql = "UPDATE segment SET len = ?2, live = ?3 WHERE id = ?1";
        self.tx.execute(sql, (id, len, live))?;
        Ok(())
    }
}

/// Bytes written again at a time.
const CHUNK: u64 = 1 << 20;

/// Writes a part of a file again, byte for byte: what a failed sync has left in memory alone is not written by the next one otherwise.
pub(crate) fn rewrite(disk: &dyn Disk, file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut chunk = vec![0; usize::try_from(CHUNK.min(to.saturating_sub(from))).unwrap_or(0)];
    let mut at = from;
    while at < to {
        let size = usize::try_from(CHUNK.min(to - at)).unwrap_or(chunk.len());
        let part = &mut chunk[..size];
        disk.read(file, part, at)?;
        disk.write(file, part, at)?;
        at += size as u64;
    }
    Ok(())
}
