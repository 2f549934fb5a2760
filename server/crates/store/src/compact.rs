//! Giving back the room of bodies that nobody refers to any more.
//!
//! A segment is never changed in place. One without live bodies is deleted; one with few is emptied by appending what still lives
//! in it to the segment that grows, and then deleted. The file goes only after the commit that says so; if the server ends in
//! between, the next start finds the note and deletes it then.

use crate::body::{BodyRow, body_row, size};
use crate::segments::Location;
use crate::{StoreError, Tx, Writer, view};
use domain::{BodyRef, Timestamp};

/// A segment with less than this share of live bytes, in percent, is emptied.
const LIVE_PERCENT_MIN: u64 = 30;
/// A body without reference is kept this long: who sends it ahead of its object may be interrupted, and goes on. Milliseconds.
const IDLE_MS_MAX: i64 = 24 * 3_600_000;
/// Bodies without reference looked at in one step.
const IDLE_BODIES_MAX: usize = 1_000;
/// Bodies moved between two looks at the budget.
const MOVED_AT_ONCE: usize = 64;

/// What one step of compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Bodies without reference that went.
    pub collected_bodies: u64,
    /// Bytes of bodies moved to another segment.
    pub moved_bytes: u64,
    /// Bodies that were found damaged while they were moved; they are missing now.
    pub damaged_bodies: u64,
    /// Segments deleted.
    pub deleted_segments: u64,
    /// Bytes of segments deleted.
    pub freed_bytes: u64,
}

impl Writer {
    /// Does one bounded step: collects bodies that nobody has referred to for a day, empties at most one segment, moving about
    /// `move_bytes_max` of bodies, and deletes segments that hold nothing any more. Call it now and then; when all its numbers are
    /// 0 there is nothing left to do.
    pub fn compact(
        &mut self,
        now: Timestamp,
        move_bytes_max: u64,
    ) -> Result<Compacted, StoreError> {
        let mut done = Compacted::default();
        let mut tx = self.begin()?;
        let given_up = tx.step(|tx| {
            tx.forget_given_up()?;
            tx.collect_idle(now, &mut done)?;
            tx.empty_one(move_bytes_max, &mut done)?;
            tx.give_up_empty()
        })?;
        tx.commit()?;
        for (segment, len) in given_up {
            self.segments.remove(segment)?;
            done.deleted_segments += 1;
            done.freed_bytes += len;
        }
        Ok(done)
    }
}

impl Tx<'_> {
    /// Notes since when a body is without reference, and drops those noted long ago.
    fn collect_idle(&mut self, now: Timestamp, done: &mut Compacted) -> Result<(), StoreError> {
        let sql = "SELECT hash, len, segment, offset FROM body WHERE refs = 0 AND idle_since < ?1 LIMIT ?2";
        let since = now.0.saturating_sub(IDLE_MS_MAX);
        let idle = view::rows(&self.writer.conn, sql, (since, IDLE_BODIES_MAX), |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, body_row(row, 1)?))
        })?;
        for (hash, kept) in idle {
            self.drop_body(&hash, kept)?;
            done.collected_bodies += 1;
        }
        let sql = "UPDATE body SET idle_since = ?1 WHERE refs = 0 AND idle_since IS NULL";
        self.execute(sql, [now.0]).map(drop)
    }

    /// Moves bodies out of the segment with the smallest share of live bytes.
    fn empty_one(&mut self, move_bytes_max: u64, done: &mut Compacted) -> Result<(), StoreError> {
        self.flush_live()?;
        let sql = "SELECT id FROM segment WHERE id < ?1 AND dropped = 0 AND live > 0 AND live * 100 < len * ?2
                   ORDER BY live * 1.0 / len LIMIT 1";
        let grows = self.writer.tail.segment;
        let sparse: Option<i64> =
            view::one(&self.writer.conn, sql, (grows, LIVE_PERCENT_MIN), |row| {
                row.get(0)
            })?;
        let Some(segment) = sparse else {
            return Ok(());
        };
        while done.moved_bytes < move_bytes_max {
            let sql = "SELECT hash, len, segment, offset FROM body WHERE segment = ?1 ORDER BY offset LIMIT ?2";
            let bodies = view::rows(&self.writer.conn, sql, (segment, MOVED_AT_ONCE), |row| {
                Ok((row.get::<_, [u8; 32]>(0)?, body_row(row, 1)?))
            })?;
            if bodies.is_empty() {
                break;
            }
            for (hash, kept) in bodies {
                if done.moved_bytes >= move_bytes_max {
                    break;
                }
                self.relocate(hash, kept, done)?;
            }
        }
        Ok(())
    }

    /// Moves one body to the segment that grows. A damaged one becomes missing, and its segment can go.
    fn relocate(
        &mut self,
        hash: [u8; 32],
        kept: BodyRow,
        done: &mut Compacted,
    ) -> Result<(), StoreError> {
        let body = BodyRef {
            hash,
            len: kept.len,
        };
        let Some(from) = kept.at else { return Ok(()) };
        self.add_live(from.segment, -size(&body));
        match self.writer.segments.read(from, &body) {
            Ok(Some(bytes)) => {
                let to: Location = self.spool_mut()?.append(&body, &bytes)?;
                self.place(&body, to)?;
                done.moved_bytes += u64::from(body.len);
                Ok(())
            }
            Ok(None) | Err(StoreError::Damaged(_)) => {
                let sql = "UPDATE body SET segment = NULL, offset = NULL WHERE hash = ?1";
                self.execute(sql, [hash])?;
                done.damaged_bodies += 1;
                Ok(())
            }
            Err(e) => Err(e),
        }
    }

    /// Drops the rows of segments that an earlier step gave up, and their files if it could not.
    fn forget_given_up(&mut self) -> Result<(), StoreError> {
        let sql = "DELETE FROM segment WHERE dropped = 1 RETURNING id";
        let given_up: Vec<i64> = view::rows(&self.writer.conn, sql, [], |row| row.get(0))?;
        for segment in given_up {
            self.writer.segments.remove(segment)?;
        }
        Ok(())
    }

    /// Notes the segments without live bodies as given up, and returns them with their lengths.
    fn give_up_empty(&mut self) -> Result<Vec<(i64, u64)>, StoreError> {
        self.flush_live()?;
        let sql = "UPDATE segment SET dropped = 1 WHERE id < ?1 AND live = 0 AND dropped = 0 RETURNING id, len";
        let grows = self.writer.tail.segment;
        view::rows(&self.writer.conn, sql, [grows], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }
}
