//! Giving back the room of single bodies that are gone, where they lay.
//!
//! A segment is deleted when nothing lives in it any more, and emptied when little does; until then the room of what is gone would be
//! lost, and on a full disk deleting would not help anybody. So the inside of each record that no row points at is punched out of the
//! file, in whole blocks of the file system. Its header stays: a segment that is walked without the database ([`crate::record::walk`])
//! is still walked to its end. No room is needed for that, and nothing that lives is touched.
//!
//! It happens after the commit that made the bodies go, and is not noted: after a start it is done again, which changes nothing.

use crate::record::{self, HEADER};
use crate::{StoreError, Writer, view};
use domain::BodyRef;
use std::fs::File;
use std::io;

/// Dead bytes in a segment from which on they are given back, while there is room enough.
const DEAD_BYTES_MIN: u64 = 4 << 20;
/// Blocks of file systems are no larger than this, or a multiple of it that gives back less.
const BLOCK: u64 = 4_096;

impl Writer {
    /// Gives back the dead room of one segment, the one with the most that was not given back yet. Returns the bytes.
    pub(crate) fn punch_one(&mut self) -> Result<u64, StoreError> {
        let least = match self.reserve.room().tight {
            true => BLOCK,
            false => DEAD_BYTES_MIN,
        };
        let sql = "SELECT id, len, live FROM segment WHERE dropped = 0";
        let all: Vec<(i64, u64, u64)> = view::rows(&self.conn, sql, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let dead = |(id, len, live): &(i64, u64, u64)| {
            // A segment that grows gains as many live bytes as bytes: what counts is how many went since.
            let was = self.punched.get(id).copied().unwrap_or(0);
            len.saturating_sub(*live).saturating_sub(was)
        };
        let Some(segment) = all.iter().max_by_key(|row| dead(row)) else {
            return Ok(0);
        };
        if dead(segment) < least {
            return Ok(0);
        }
        let (id, len, live) = *segment;
        // Whatever comes of it, it is not done again for the same bodies.
        self.punched.insert(id, len.saturating_sub(live));
        self.punch(id, len)
    }

    fn punch(&self, segment: i64, len: u64) -> Result<u64, StoreError> {
        // What lies where the disk could not read it may be the only copy: it stays, too.
        let sql = "SELECT offset, len FROM body WHERE segment = ?1
                   UNION SELECT a.offset, b.len FROM astray a JOIN body b ON b.hash = a.hash WHERE a.segment = ?1 ORDER BY 1";
        let live: Vec<(u64, u32)> = view::rows(&self.conn, sql, [segment], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let Ok(file) = self.segments.file(segment) else {
            return Ok(0);
        };
        let (mut freed, mut at) = (0, 0);
        for (offset, size) in live.into_iter().chain([(len, 0)]) {
            match self.punch_between(&file, at, offset) {
                Ok(bytes) => freed += bytes,
                // The file system cannot, or the disk: the room comes back when the segment is emptied.
                Err(_) => return Ok(freed),
            }
            at = offset + HEADER as u64 + u64::from(size);
        }
        Ok(freed)
    }

    /// Punches the records between two offsets, which nobody points at. Stops at the first that has no header.
    fn punch_between(&self, file: &File, from: u64, to: u64) -> io::Result<u64> {
        let disk = self.segments.disk();
        let (mut at, mut freed) = (from, 0);
        let mut head = [0; HEADER];
        while at + HEADER as u64 <= to {
            if disk.read(file, &mut head, at).is_err() {
                break;
            }
            let Some(body) = record::read_header(&head) else {
                break;
            };
            let end = at + record::size(&body);
            if end > to {
                break;
            }
            let (first, last) = inside(at, &body);
            if first < last {
                disk.punch(file, first, last - first)?;
                freed += last - first;
            }
            at = end;
        }
        Ok(freed)
    }
}

/// The whole blocks inside of a record, behind its header.
fn inside(at: u64, body: &BodyRef) -> (u64, u64) {
    let first = (at + HEADER as u64).next_multiple_of(BLOCK);
    let end = at + record::size(body);
    (first, end - end % BLOCK)
}
