//! A transaction as the replication engine sees it.

use crate::view;
use crate::{StoreError, Tx};
use domain::{
    Backlog, BodyRef, Grave, Lane, Ledger, LedgerError, Life, LineageEntry, Mark, Object, ObjectId,
    Order, ReplicaState, Timestamp, Tomb,
};
use rusqlite::{Connection, OptionalExtension, ToSql};

type Found<T> = Result<T, LedgerError>;

impl Ledger for Tx<'_> {
    fn object(&mut self, id: &ObjectId) -> Found<Option<Object>> {
        Ok(self.step(|tx| tx.view().object(id))?)
    }

    fn put(&mut self, id: &ObjectId, object: &Object) -> Found<()> {
        Ok(self.step(|tx| tx.put_object(id, object))?)
    }

    fn remove(&mut self, id: &ObjectId) -> Found<()> {
        Ok(self.step(|tx| tx.remove_object(id))?)
    }

    fn ids_after(&mut self, after: Option<&ObjectId>, limit: usize) -> Found<Vec<ObjectId>> {
        let sql = "SELECT id FROM object WHERE id > ?1 ORDER BY id LIMIT ?2";
        let after: &[u8] = after.map_or(&[], |id| id.as_bytes());
        Ok(self.step(|tx| view::ids(&tx.writer.conn, sql, (after, limit)))?)
    }

    fn owned_by(&mut self, owner: &ObjectId) -> Found<Vec<ObjectId>> {
        let sql = "SELECT id FROM object WHERE owner = ?1 ORDER BY id";
        Ok(self.step(|tx| view::ids(&tx.writer.conn, sql, [owner.as_bytes()]))?)
    }

    fn has_body(&mut self, body: &BodyRef) -> Found<bool> {
        Ok(self.step(|tx| tx.view().has_body(body))?)
    }

    fn mark(&mut self, id: &ObjectId) -> Found<Option<Mark>> {
        Ok(self.step(|tx| tx.view().mark(id))?)
    }

    fn set_mark(&mut self, id: &ObjectId, mark: &Mark) -> Found<()> {
        Ok(self.step(|tx| tx.write_mark(id, mark))?)
    }

    fn clear_mark(&mut self, id: &ObjectId) -> Found<()> {
        Ok(self.step(|tx| tx.delete_mark(id))?)
    }

    fn marks(
        &mut self,
        lane: Lane,
        order: Order,
        from: Timestamp,
        limit: usize,
    ) -> Found<Vec<(ObjectId, Mark)>> {
        Ok(self.step(|tx| {
            let conn = &tx.writer.conn;
            match order {
                Order::Oldest => oldest(conn, lane, from, limit),
                Order::Newest => newest(conn, lane, from, limit),
            }
        })?)
    }

    fn backlog(&mut self, lane: Lane) -> Found<Backlog> {
        Ok(self.step(|tx| {
            Ok(Backlog {
                count: tx.marks[lane_number(lane)],
                oldest: tx.view().oldest_mark(lane)?,
            })
        })?)
    }

    fn tomb(&mut self, id: &ObjectId) -> Found<Option<Tomb>> {
        let sql = "SELECT at FROM tomb WHERE id = ?1";
        Ok(self.step(|tx| Ok(tx.at(sql, id)?.map(|at| Tomb { at })))?)
    }

    fn set_tomb(&mut self, id: &ObjectId, tomb: &Tomb) -> Found<()> {
        let sql =
            "INSERT INTO tomb (id, at) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET at = ?2";
        Ok(self.step(|tx| tx.execute(sql, (id.as_bytes(), tomb.at.0)).map(drop))?)
    }

    fn clear_tomb(&mut self, id: &ObjectId) -> Found<()> {
        let sql = "DELETE FROM tomb WHERE id = ?1";
        Ok(self.step(|tx| tx.execute(sql, [id.as_bytes()]).map(drop))?)
    }

    fn grave(&mut self, id: &ObjectId) -> Found<Option<Grave>> {
        let sql = "SELECT at FROM grave WHERE id = ?1";
        Ok(self.step(|tx| Ok(tx.at(sql, id)?.map(|at| Grave { at })))?)
    }

    fn bury(&mut self, id: &ObjectId, grave: &Grave) -> Found<()> {
        let sql =
            "INSERT INTO grave (id, at) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET at = ?2";
        Ok(self.step(|tx| tx.execute(sql, (id.as_bytes(), grave.at.0)).map(drop))?)
    }

    fn state(&mut self) -> Found<ReplicaState> {
        let tx_state = |tx: &mut Self| {
            let state = tx.state.as_ref().unwrap_or(&tx.writer.state);
            Ok(state.clone())
        };
        Ok(self.step(tx_state)?)
    }

    fn set_state(&mut self, state: &ReplicaState) -> Found<()> {
        Ok(self.step(|tx| {
            tx.state = Some(state.clone());
            Ok(())
        })?)
    }

    fn lineage(&mut self) -> Found<Vec<LineageEntry>> {
        Ok(self.step(|tx| read_lineage(&tx.writer.conn))?)
    }

    fn add_life(&mut self, entry: &LineageEntry) -> Found<()> {
        let sql = "INSERT INTO lineage (life, tick, began) VALUES (?1, ?2, ?3)";
        let (life, tick) = (entry.life.0.cast_signed(), entry.tick.cast_signed());
        Ok(self.step(|tx| tx.execute(sql, (life, tick, entry.began.0)).map(drop))?)
    }
}

impl Tx<'_> {
    fn write_mark(&mut self, id: &ObjectId, mark: &Mark) -> Result<(), StoreError> {
        self.delete_mark(id)?;
        let lane = lane_number(mark.lane);
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

    fn delete_mark(&mut self, id: &ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM mark WHERE id = ?1 RETURNING lane";
        let lane: Option<usize> = self
            .writer
            .conn
            .prepare_cached(sql)?
            .query_row([id.as_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(count) = lane.and_then(|lane| self.marks.get_mut(lane)) {
            *count = count.saturating_sub(1);
        }
        Ok(())
    }

    /// The one moment in a row of tomb or grave.
    fn at(&self, sql: &str, id: &ObjectId) -> Result<Option<Timestamp>, StoreError> {
        let mut statement = self.writer.conn.prepare_cached(sql)?;
        let at = statement.query_row([id.as_bytes()], |row| row.get(0));
        Ok(at.optional()?.map(Timestamp))
    }
}

/// How a lane is stored.
pub(crate) fn lane_number(lane: Lane) -> usize {
    match lane {
        Lane::Users => 0,
        Lane::Messages => 1,
    }
}

pub(crate) const OLDEST: &str = "SELECT id, lane, n, since, body, unsent, recovery FROM mark
    WHERE lane = ?1 AND since >= ?2 ORDER BY since, id LIMIT ?3";
pub(crate) const NEWEST: &str = "SELECT id, lane, n, since, body, unsent, recovery FROM mark
    WHERE lane = ?1 AND since >= ?2 ORDER BY since DESC, id DESC LIMIT ?3";
pub(crate) const OF_ONE_MOMENT: &str = "SELECT id, lane, n, since, body, unsent, recovery FROM mark
    WHERE lane = ?1 AND since = ?2 ORDER BY id LIMIT ?3";

type Marks = Vec<(ObjectId, Mark)>;

fn oldest(
    conn: &Connection,
    lane: Lane,
    from: Timestamp,
    limit: usize,
) -> Result<Marks, StoreError> {
    let lane = lane_number(lane);
    view::rows(conn, OLDEST, (lane, from.0, limit), view::read_mark)
}

/// Newest first, and of one moment in order of ids. The index runs backwards through both, so the ids of each moment are turned
/// round here; of the last moment, which the limit may have cut, the first ids are asked for again. Sorting in SQLite would read
/// a whole backlog that was marked at one moment, at each call.
fn newest(
    conn: &Connection,
    lane: Lane,
    from: Timestamp,
    limit: usize,
) -> Result<Marks, StoreError> {
    let lane = lane_number(lane);
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

pub(crate) fn read_state(conn: &Connection) -> Result<ReplicaState, StoreError> {
    let sql = "SELECT data FROM state WHERE one = 1";
    let data: Option<Vec<u8>> = conn
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
        .optional()?;
    match data {
        Some(data) => ciborium::from_reader(&data[..]).map_err(|e| StoreError::corrupt("state", e)),
        None => Ok(ReplicaState::default()),
    }
}

pub(crate) fn write_state(tx: &Tx<'_>, state: &ReplicaState) -> Result<(), StoreError> {
    let mut data = Vec::with_capacity(128);
    ciborium::into_writer(state, &mut data).map_err(|e| StoreError::corrupt("state", e))?;
    let sql =
        "INSERT INTO state (one, data) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET data = ?1";
    tx.execute(sql, [&data as &dyn ToSql]).map(drop)
}

pub(crate) fn read_lineage(conn: &Connection) -> Result<Vec<LineageEntry>, StoreError> {
    let sql = "SELECT life, tick, began FROM lineage ORDER BY n";
    view::rows(conn, sql, [], |row| {
        Ok(LineageEntry {
            life: Life(row.get::<_, i64>(0)?.cast_unsigned()),
            tick: row.get::<_, i64>(1)?.cast_unsigned(),
            began: Timestamp(row.get(2)?),
        })
    })
}
