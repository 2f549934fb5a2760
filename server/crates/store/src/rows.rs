//! A transaction as the replication engine sees it.

use crate::marks::{newest, oldest};
use crate::space::{self, Space};
use crate::view::lane_number;
use crate::{StoreError, Tx, sums, view};
use domain::{BodyRef, Digest, Incarnation, Kind, Object, ObjectId, ServerId, Timestamp};
use ledger::{
    Backlog, Damage, DeletionRecord, Held, HistoryEntry, Lane, Ledger, LedgerError, Mark, Order,
    ReplicaState, Tombstone, Tree, Unreadable,
};
use rusqlite::{Connection, OptionalExtension, ToSql};

type RowResult<T> = Result<T, LedgerError>;

pub(crate) const WITH_NUMBER: &str = "SELECT id FROM object WHERE number = ?1 ORDER BY id";
pub(crate) const FORGET_GRAVES: &str = "DELETE FROM grave WHERE id IN
    (SELECT id FROM grave WHERE kind <> 1 AND at < ?1 ORDER BY at LIMIT ?2)";

impl Ledger for Tx<'_> {
    fn object(&mut self, id: &ObjectId) -> RowResult<Option<Object>> {
        Ok(self.step(|tx| tx.object_or_set_aside(Space::Live, id))?)
    }

    fn put(&mut self, id: &ObjectId, object: &Object) -> RowResult<()> {
        Ok(self.step(|tx| tx.put_into(Space::Live, id, object))?)
    }

    fn remove(&mut self, id: &ObjectId) -> RowResult<()> {
        Ok(self.step(|tx| tx.remove_from(Space::Live, id))?)
    }

    fn ids_after(&mut self, after: Option<&ObjectId>, limit: usize) -> RowResult<Vec<ObjectId>> {
        let params = (view::after(after), limit);
        Ok(self.step(|tx| view::ids(&tx.writer.conn, space::LIVE.ids, params))?)
    }

    fn owned_by(&mut self, owner: &ObjectId) -> RowResult<Vec<ObjectId>> {
        let sql = "SELECT id FROM object WHERE owner = ?1 ORDER BY id";
        Ok(self.step(|tx| view::ids(&tx.writer.conn, sql, [owner.as_bytes()]))?)
    }

    fn has_body(&mut self, body: &BodyRef) -> RowResult<bool> {
        Ok(self.step(|tx| tx.view().has_body(body))?)
    }

    fn damage(&mut self) -> RowResult<Damage> {
        Ok(self.step(|tx| {
            let (rows, lost_rows) = tx.unreadable;
            Ok(Damage {
                bodies: tx.missing_count()?,
                rows,
                lost_rows,
            })
        })?)
    }

    fn missing_after(&mut self, after: Option<&BodyRef>, limit: usize) -> RowResult<Vec<BodyRef>> {
        Ok(self.step(|tx| tx.view().missing_after(after, limit))?)
    }

    fn unreadable(&mut self, id: &ObjectId) -> RowResult<Option<Unreadable>> {
        // Nearly always nothing is.
        Ok(self.step(|tx| match tx.unreadable {
            (0, _) => Ok(None),
            _ => tx.view().unreadable(id),
        })?)
    }

    fn unreadable_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> RowResult<Vec<(ObjectId, Unreadable)>> {
        Ok(self.step(|tx| match tx.unreadable {
            (0, _) => Ok(Vec::new()),
            _ => tx.view().unreadable_after(after, limit),
        })?)
    }

    fn set_lost(&mut self, id: &ObjectId, lost: bool) -> RowResult<()> {
        Ok(self.step(|tx| tx.write_lost(id, lost))?)
    }

    fn body_part(&mut self, body: &BodyRef) -> RowResult<u32> {
        Ok(self.step(|tx| match tx.view().has_body(body)? {
            true => Ok(0),
            false => crate::pieces::part(&tx.writer.conn, body),
        })?)
    }

    fn mark(&mut self, id: &ObjectId) -> RowResult<Option<Mark>> {
        Ok(self.step(|tx| tx.view().mark(id))?)
    }

    fn set_mark(&mut self, id: &ObjectId, mark: &Mark) -> RowResult<()> {
        Ok(self.step(|tx| tx.write_mark(id, mark))?)
    }

    fn clear_mark(&mut self, id: &ObjectId) -> RowResult<()> {
        Ok(self.step(|tx| tx.delete_mark(id))?)
    }

    fn marks(
        &mut self,
        lane: Lane,
        order: Order,
        from: Timestamp,
        limit: usize,
    ) -> RowResult<Vec<(ObjectId, Mark)>> {
        Ok(self.step(|tx| {
            let conn = &tx.writer.conn;
            match order {
                Order::Oldest => oldest(conn, lane, from, limit),
                Order::Newest => newest(conn, lane, from, limit),
            }
        })?)
    }

    fn backlog(&mut self, lane: Lane) -> RowResult<Backlog> {
        Ok(self.step(|tx| {
            Ok(Backlog {
                count: tx.marks[lane_number(lane)],
                oldest: tx.view().oldest_mark(lane)?,
            })
        })?)
    }

    fn tombstone(&mut self, id: &ObjectId) -> RowResult<Option<Tombstone>> {
        let sql = "SELECT at FROM tomb WHERE id = ?1";
        Ok(self.step(|tx| {
            view::one(&tx.writer.conn, sql, [id.as_bytes()], |row| {
                let at = Timestamp(row.get(0)?);
                Ok(Tombstone { at })
            })
        })?)
    }

    fn set_tombstone(&mut self, id: &ObjectId, tomb: &Tombstone) -> RowResult<()> {
        let sql =
            "INSERT INTO tomb (id, at) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET at = ?2";
        Ok(self.step(|tx| tx.execute(sql, (id.as_bytes(), tomb.at.0)).map(drop))?)
    }

    fn clear_tombstone(&mut self, id: &ObjectId) -> RowResult<()> {
        let sql = "DELETE FROM tomb WHERE id = ?1";
        Ok(self.step(|tx| tx.execute(sql, [id.as_bytes()]).map(drop))?)
    }

    fn deletion_record(&mut self, id: &ObjectId) -> RowResult<Option<DeletionRecord>> {
        let sql = "SELECT at, kind FROM grave WHERE id = ?1";
        Ok(self.step(|tx| {
            view::one(&tx.writer.conn, sql, [id.as_bytes()], |row| {
                Ok(DeletionRecord {
                    at: Timestamp(row.get(0)?),
                    kind: Kind(row.get(1)?),
                })
            })
        })?)
    }

    fn record_deletion(&mut self, id: &ObjectId, grave: &DeletionRecord) -> RowResult<()> {
        let sql = "INSERT INTO grave (id, at, kind) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET at = ?2, kind = ?3";
        let params = (id.as_bytes(), grave.at.0, grave.kind.0);
        Ok(self.step(|tx| tx.execute(sql, params).map(drop))?)
    }

    fn forget_deletion_records(&mut self, before: Timestamp, limit: usize) -> RowResult<usize> {
        Ok(self.step(|tx| tx.execute(FORGET_GRAVES, (before.0, limit)))?)
    }

    fn held(&mut self, id: &ObjectId) -> RowResult<Option<Held>> {
        Ok(self.step(|tx| tx.view().held_one(id))?)
    }

    fn set_held(&mut self, id: &ObjectId, held: &Held) -> RowResult<()> {
        Ok(self.step(|tx| tx.write_held(id, held))?)
    }

    fn clear_held(&mut self, id: &ObjectId) -> RowResult<()> {
        let sql = "DELETE FROM held WHERE id = ?1";
        Ok(self.step(|tx| tx.execute(sql, [id.as_bytes()]).map(drop))?)
    }

    fn held_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> RowResult<Vec<(ObjectId, Held)>> {
        Ok(self.step(|tx| tx.view().held(after, limit))?)
    }

    fn sums(&mut self, tree: Tree, part: Option<u8>) -> RowResult<Vec<Digest>> {
        Ok(self.step(|tx| {
            tx.flush_sums()?;
            sums::read(&tx.writer.conn, tree, part)
        })?)
    }

    fn in_leaf(
        &mut self,
        tree: Tree,
        bucket: u16,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> RowResult<Vec<ObjectId>> {
        let params = (sums::tree_number(tree), bucket, view::after(after), limit);
        Ok(self.step(|tx| view::ids(&tx.writer.conn, sums::IN_BUCKET, params))?)
    }

    fn users_with_number(&mut self, number: &str) -> RowResult<Vec<ObjectId>> {
        Ok(self.step(|tx| view::ids(&tx.writer.conn, WITH_NUMBER, [number]))?)
    }

    fn user_count(&mut self) -> RowResult<u64> {
        Ok(self.step(|tx| Ok(tx.users))?)
    }

    fn users_of(&mut self, home: ServerId) -> RowResult<u64> {
        Ok(self.step(|tx| tx.view().user_count(Some(home)))?)
    }

    fn staged_owned_by(&mut self, owner: &ObjectId) -> RowResult<Vec<ObjectId>> {
        let sql = "SELECT id FROM staged WHERE owner = ?1 ORDER BY id";
        Ok(self.step(|tx| view::ids(&tx.writer.conn, sql, [owner.as_bytes()]))?)
    }

    fn staged(&mut self, id: &ObjectId) -> RowResult<Option<Object>> {
        Ok(self.step(|tx| tx.object_or_set_aside(Space::Staged, id))?)
    }

    fn stage(&mut self, id: &ObjectId, object: Option<&Object>) -> RowResult<()> {
        Ok(self.step(|tx| match object {
            Some(object) => tx.put_into(Space::Staged, id, object),
            None => tx.remove_from(Space::Staged, id),
        })?)
    }

    fn unstage(&mut self, limit: usize) -> RowResult<usize> {
        Ok(self.step(|tx| tx.unstage_some(limit))?)
    }

    fn switch(&mut self) -> RowResult<()> {
        Ok(self.step(Self::switch_spaces)?)
    }

    fn keep(&mut self, id: &ObjectId, object: &Object) -> RowResult<()> {
        Ok(self.step(|tx| tx.put_into(Space::Kept, id, object))?)
    }

    fn kept_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> RowResult<Vec<(ObjectId, Object)>> {
        Ok(self.step(|tx| tx.kept_or_set_aside(after, limit))?)
    }

    fn kept_count(&mut self) -> RowResult<u64> {
        Ok(self.step(|tx| tx.view().kept_count())?)
    }

    fn forget_kept(&mut self, id: &ObjectId) -> RowResult<()> {
        Ok(self.step(|tx| tx.remove_from(Space::Kept, id))?)
    }

    fn state(&mut self) -> RowResult<ReplicaState> {
        let tx_state = |tx: &mut Self| {
            let state = tx.state.as_ref().unwrap_or(&tx.writer.state);
            Ok(state.clone())
        };
        Ok(self.step(tx_state)?)
    }

    fn set_state(&mut self, state: &ReplicaState) -> RowResult<()> {
        Ok(self.step(|tx| {
            tx.state = Some(state.clone());
            Ok(())
        })?)
    }

    fn history(&mut self) -> RowResult<Vec<HistoryEntry>> {
        Ok(self.step(|tx| read_history(&tx.writer.conn))?)
    }

    fn add_incarnation(&mut self, entry: &HistoryEntry) -> RowResult<()> {
        let sql = "INSERT INTO lineage (life, tick, began) VALUES (?1, ?2, ?3)";
        let (life, tick) = (entry.incarnation.0.cast_signed(), entry.csn.cast_signed());
        Ok(self.step(|tx| tx.execute(sql, (life, tick, entry.began.0)).map(drop))?)
    }

    fn forget_incarnations(&mut self, before: Timestamp) -> RowResult<usize> {
        // None out of the middle: a clock may have been wrong for a while.
        let sql = "DELETE FROM lineage WHERE began < ?1
                   AND n < coalesce((SELECT min(n) FROM lineage WHERE began >= ?1), 9223372036854775807)";
        Ok(self.step(|tx| tx.execute(sql, [before.0]))?)
    }
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

pub(crate) fn read_history(conn: &Connection) -> Result<Vec<HistoryEntry>, StoreError> {
    let sql = "SELECT life, tick, began FROM lineage ORDER BY n";
    view::rows(conn, sql, [], |row| {
        Ok(HistoryEntry {
            incarnation: Incarnation(row.get::<_, i64>(0)?.cast_unsigned()),
            csn: row.get::<_, i64>(1)?.cast_unsigned(),
            began: Timestamp(row.get(2)?),
        })
    })
}
