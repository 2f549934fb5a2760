//! Marks, and what is held back: what the partner does not have.

use crate::{StoreError, Tx, view};
use domain::{ObjectId, Timestamp};
use ledger::{Held, Lane, Mark};
use rusqlite::Connection;

impl Tx<'_> {
    /// Writes a mark in place of the one there was, if any.
    pub(crate) fn write_mark(&mut self, id: &ObjectId, mark: &Mark) -> Result<(), StoreError> {
        self.delete_mark(id)?;
        let lane = view::lane_number(mark.lane);
        let sql = "INSERT INTO mark (id, lane, n, since, body, unsent, recovery) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let n = mark.n.cast_signed();
        let params = (
            id.as_bytes(),
            lane,
            n,
            mark.since.0,
            mark.body,
            mark.unsent,
            mark.recovery,
        );
        self.execute(sql, params)?;
        self.marks[lane] += 1;
        Ok(())
    }

    /// Removes a mark, if there is one.
    pub(crate) fn delete_mark(&mut self, id: &ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM mark WHERE id = ?1 RETURNING lane";
        let conn = &self.writer.conn;
        let lane: Option<usize> = view::one(conn, sql, [id.as_bytes()], |row| row.get(0))?;
        if let Some(count) = lane.and_then(|lane| self.marks.get_mut(lane)) {
            *count = count.saturating_sub(1);
        }
        Ok(())
    }

    /// Holds an object back, or writes anew why it is held.
    pub(crate) fn write_held(&mut self, id: &ObjectId, held: &Held) -> Result<(), StoreError> {
        let sql = "INSERT INTO held (id, lane, n, since, body, unsent, recovery, reason, at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                   ON CONFLICT (id) DO UPDATE SET lane = ?2, n = ?3, since = ?4, body = ?5, unsent = ?6, recovery = ?7,
                       reason = ?8, at = ?9";
        let Held { reason, at, mark } = held;
        let params = (
            id.as_bytes(),
            view::lane_number(mark.lane),
            mark.n.cast_signed(),
            mark.since.0,
            mark.body,
            mark.unsent,
            mark.recovery,
            reason.0,
            at.0,
        );
        self.execute(sql, params).map(drop)
    }
}

pub(crate) const OLDEST: &str = "SELECT id, lane, n, since, body, unsent, recovery FROM mark
    WHERE lane = ?1 AND since >= ?2 ORDER BY since, id LIMIT ?3";
pub(crate) const NEWEST: &str = "SELECT id, lane, n, since, body, unsent, recovery FROM mark
    WHERE lane = ?1 AND since >= ?2 ORDER BY since DESC, id DESC LIMIT ?3";
pub(crate) const OF_ONE_MOMENT: &str = "SELECT id, lane, n, since, body, unsent, recovery FROM mark
    WHERE lane = ?1 AND since = ?2 ORDER BY id LIMIT ?3";

type Marks = Vec<(ObjectId, Mark)>;

pub(crate) fn oldest(
    conn: &Connection,
    lane: Lane,
    from: Timestamp,
    limit: usize,
) -> Result<Marks, StoreError> {
    let lane = view::lane_number(lane);
    view::rows(conn, OLDEST, (lane, from.0, limit), view::read_mark)
}

/// Newest first, and of one moment in order of ids. The index runs backwards through both, so the ids of each moment are turned
/// round here; of the last moment, which the limit may have cut, the first ids are asked for again. Sorting in SQLite would read
/// a whole backlog that was marked at one moment, at each call.
pub(crate) fn newest(
    conn: &Connection,
    lane: Lane,
    from: Timestamp,
    limit: usize,
) -> Result<Marks, StoreError> {
    let lane = view::lane_number(lane);
    let mut marks = view::rows(conn, NEWEST, (lane, from.0, limit), view::read_mark)?;
    let Some(last) = marks.last().map(|(_, mark)| mark.since) else {
        return Ok(marks);
    };
    let whole = marks.partition_point(|(_, mark)| mark.since > last);
    marks.truncate(whole);
    for moment in marks.chunk_by_mut(|(_, a), (_, b)| a.since == b.since) {
        moment.reverse();
    }
    let rest = (lane, last.0, limit - whole);
    marks.extend(view::rows(conn, OF_ONE_MOMENT, rest, view::read_mark)?);
    Ok(marks)
}
