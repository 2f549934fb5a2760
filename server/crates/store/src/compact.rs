//! Giving back the room of bodies that nobody refers to any more.
//!
//! A segment without live bodies is deleted; one with few is emptied by appending what still lives in it to the segment that grows,
//! and then deleted. The file goes only after the commit that says so; if the server ends in between, the next start finds the note
//! and deletes it then. Between the two, the room of single bodies is given back where they lay (holes.rs), which needs no room.
//!
//! One body that cannot be read, or one file that cannot be deleted, is noted and left where it is ([`Writer::unreadable`]): everything
//! else goes on. Such a body is missing until the disk gives it again or somebody else does.

use crate::body::{BodyRow, body_row, size};
use crate::noted::BodyFault;
use crate::segments::Location;
use crate::{StoreError, Tx, Writer, view};
use domain::{BodyRef, Timestamp};
use std::collections::BTreeSet;

/// A segment with less than this share of live bytes, in percent, is emptied.
const LIVE_PERCENT_MIN: u64 = 30;
/// A body without reference is kept this long: who sends it ahead of its object may be interrupted, and goes on. Milliseconds.
const IDLE_MS_MAX: i64 = 24 * 3_600_000;
/// Bodies without reference looked at in one step.
const IDLE_BODIES_MAX: usize = 1_000;
/// Bodies moved between two looks at the budget.
const MOVED_AT_ONCE: usize = 64;
/// Bodies of one segment that are found unreadable before it is left alone: each may keep the disk busy for seconds.
const UNREADABLE_MAX: usize = 64;

/// What one step of compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Bodies without reference that went.
    pub collected_bodies: u64,
    /// Bytes of bodies moved to another segment.
    pub moved_bytes: u64,
    /// Bodies that were found damaged while they were moved; they are missing now.
    pub damaged_bodies: u64,
    /// Bodies that the disk cannot read, found in this step. They are missing now, and their bytes stay where they are.
    pub unreadable_bodies: u64,
    /// Segments deleted.
    pub deleted_segments: u64,
    /// Segments that hold nothing any more and cannot be deleted; it is tried again.
    pub stuck_segments: u64,
    /// Bytes of segments deleted, and of bodies whose room was given back in place.
    pub freed_bytes: u64,
}

/// What of a segment cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    bodies: BTreeSet<BodyRef>,
    /// All that can be moved has been: there is nothing to do here until the next start.
    left_alone: bool,
}

impl Writer {
    /// Does one bounded step: collects bodies that nobody has referred to for a day, empties at most one segment, moving about
    /// `move_bytes_max` of bodies, deletes segments that hold nothing any more, and gives back the room of what is gone in one of the
    /// others. While the disk has little room nothing is moved. Call it now and then; when all its numbers are 0 there is nothing left
    /// to do.
    pub fn compact(
        &mut self,
        now: Timestamp,
        move_bytes_max: u64,
    ) -> Result<Compacted, StoreError> {
        let mut done = Compacted::default();
        let move_bytes_max = match self.reserve.room().low {
            true => 0,
            false => move_bytes_max,
        };
        let mut tx = self.begin()?;
        let given_up = tx.step(|tx| {
            tx.forget_given_up(&mut done)?;
            tx.forget_old_parts(now)?;
            tx.collect_idle(now, &mut done)?;
            tx.empty_one(move_bytes_max, &mut done)?;
            tx.give_up_empty()
        })?;
        tx.commit()?;
        for (segment, len) in given_up {
            self.punched.remove(&segment);
            self.unread.remove(&segment);
            // One that cannot be deleted is noted in its row; the next step tries again.
            if self.segments.remove(segment).is_ok() {
                done.deleted_segments += 1;
                done.freed_bytes += len;
            }
        }
        done.freed_bytes += self.punch_one()?;
        Ok(done)
    }

    /// The bodies that compaction could not read since the store was opened, and the segment that each lies in. They are missing
    /// from then on; those that somebody has given again are told as long as their segment is there.
    pub fn unreadable(&self) -> impl Iterator<Item = (i64, BodyRef)> {
        let of = |(segment, found): (&i64, &Unread)| {
            let segment = *segment;
            let bodies: Vec<_> = found.bodies.iter().map(|body| (segment, *body)).collect();
            bodies
        };
        self.unread.iter().flat_map(of)
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
                   ORDER BY live * 1.0 / len";
        let grows = self.writer.tail.segment;
        let sparse: Vec<i64> =
            view::rows(&self.writer.conn, sql, (grows, LIVE_PERCENT_MIN), |row| {
                row.get(0)
            })?;
        let unread = &self.writer.unread;
        let left_alone = |id: &i64| unread.get(id).is_some_and(|found| found.left_alone);
        let Some(segment) = sparse.into_iter().find(|id| !left_alone(id)) else {
            return Ok(());
        };
        let mut after = -1;
        while done.moved_bytes < move_bytes_max {
            let sql = "SELECT hash, len, segment, offset FROM body WHERE segment = ?1 AND offset > ?2 ORDER BY offset LIMIT ?3";
            let bodies = view::rows(
                &self.writer.conn,
                sql,
                (segment, after, MOVED_AT_ONCE),
                |row| {
                    Ok((
                        row.get::<_, [u8; 32]>(0)?,
                        body_row(row, 1)?,
                        row.get::<_, i64>(3)?,
                    ))
                },
            )?;
            if bodies.is_empty() {
                if let Some(found) = self.writer.unread.get_mut(&segment) {
                    found.left_alone = true;
                }
                break;
            }
            for (hash, kept, offset) in bodies {
                if done.moved_bytes >= move_bytes_max {
                    break;
                }
                after = offset;
                self.relocate(hash, kept, done)?;
            }
        }
        Ok(())
    }

    /// Moves one body to the segment that grows. A damaged one becomes missing, and its segment can go; one that cannot be read becomes
    /// missing, too, but its bytes and its segment stay: the disk may come to its senses before somebody gives it again.
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
        let found = self.writer.unread.get(&from.segment);
        if found.is_some_and(|found| found.left_alone || found.bodies.contains(&body)) {
            return Ok(());
        }
        match self.writer.segments.read(from, &body) {
            Ok(Some(bytes)) => {
                self.add_live(from.segment, -size(&body));
                let to: Location = self.spool_mut()?.append(&body, &bytes)?;
                self.place(&body, to)?;
                done.moved_bytes += u64::from(body.len);
                Ok(())
            }
            Ok(None) | Err(StoreError::Damaged(_)) => {
                self.lose(&body, from, BodyFault::Gone)?;
                done.damaged_bodies += 1;
                Ok(())
            }
            Err(StoreError::Io { .. }) => {
                self.lose(&body, from, BodyFault::Unread)?;
                let found = self.writer.unread.entry(from.segment).or_default();
                found.bodies.insert(body);
                found.left_alone = found.bodies.len() >= UNREADABLE_MAX;
                done.unreadable_bodies += 1;
                Ok(())
            }
            Err(e) => Err(e),
        }
    }

    /// Drops the rows of segments that an earlier step gave up, and their files if it could not.
    fn forget_given_up(&mut self, done: &mut Compacted) -> Result<(), StoreError> {
        let sql = "SELECT id FROM segment WHERE dropped = 1";
        let given_up: Vec<i64> = view::rows(&self.writer.conn, sql, [], |row| row.get(0))?;
        for segment in given_up {
            match self.writer.segments.remove(segment) {
                Ok(()) => drop(self.execute("DELETE FROM segment WHERE id = ?1", [segment])?),
                Err(_) => done.stuck_segments += 1,
            }
        }
        Ok(())
    }

    /// Notes the segments without live bodies as given up, and returns them with their lengths.
    fn give_up_empty(&mut self) -> Result<Vec<(i64, u64)>, StoreError> {
        self.flush_live()?;
        let sql = "UPDATE segment SET dropped = 1 WHERE id < ?1 AND live = 0 AND dropped = 0
                   AND NOT EXISTS (SELECT 1 FROM astray WHERE astray.segment = segment.id) RETURNING id, len";
        let grows = self.writer.tail.segment;
        view::rows(&self.writer.conn, sql, [grows], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// The disk gives this body again, at the place where it lay: it can be moved like others.
    pub(crate) fn is_readable_again(&mut self, body: &BodyRef, segment: i64) {
        if let Some(found) = self.writer.unread.get_mut(&segment) {
            found.bodies.remove(body);
            found.left_alone = false;
        }
    }
}
