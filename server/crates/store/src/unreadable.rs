//! Rows that cannot be read: set aside whole, so that they stop nobody and can be looked at later.
//!
//! The row leaves its table, its indexes and the sums; what it referred to stays. It lies in table `unreadable` until the object is
//! written or removed: then it is *mended*, and its bytes stay for a while, for whoever wants to know what happened to the disk.

use crate::space::Space;
use crate::{StoreError, Tx, View, view};
use domain::{Kind, Object, ObjectId};
use ledger::Unreadable;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// More rows than this are no damage but a store that this release cannot read; then nothing is set aside any more.
const UNREADABLE_MAX: u64 = 10_000;
/// So many mended rows are kept to be looked at.
const MENDED_MAX: u32 = 1_000;

pub(crate) mod sql {
    /// A staged row that cannot be read has a live one beside it, until the rebuild ends.
    pub const ONE: &str =
        "SELECT id, kind, owner, lost FROM unreadable WHERE id = ?1 AND mended = 0
        AND NOT EXISTS (SELECT 1 FROM object o WHERE o.id = unreadable.id)";
    pub const PAGE: &str =
        "SELECT id, kind, owner, lost FROM unreadable WHERE id > ?1 AND mended = 0
        AND NOT EXISTS (SELECT 1 FROM object o WHERE o.id = unreadable.id) ORDER BY id LIMIT ?2";
    pub const COUNT: &str =
        "SELECT count(*), coalesce(sum(lost), 0) FROM unreadable WHERE mended = 0
        AND NOT EXISTS (SELECT 1 FROM object o WHERE o.id = unreadable.id)";
}

/// What a row was, as far as its columns can be read.
struct Remains {
    kind: u8,
    owner: Option<[u8; 16]>,
    body: Option<[u8; 32]>,
    data: Vec<u8>,
}

impl Remains {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let data = match row.get_ref(3)? {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes.to_vec(),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => Vec::new(),
        };
        Ok(Self {
            kind: row.get(0).unwrap_or(0),
            owner: row.get(1).unwrap_or(None),
            body: row.get(2).unwrap_or(None),
            data,
        })
    }
}

impl Tx<'_> {
    /// An object. One whose row cannot be read is set aside, and then it is not here.
    pub(crate) fn object_or_set_aside(
        &mut self,
        space: Space,
        id: &ObjectId,
    ) -> Result<Option<Object>, StoreError> {
        match self.view().row_in(space, id)? {
            None => Ok(None),
            Some(Ok(object)) => Ok(Some(self.writer.shared.secrets.opened(id, object))),
            Some(Err(why)) => {
                self.set_aside(space, id, &why)?;
                Ok(None)
            }
        }
    }

    /// What tasks removed and is kept. What of it cannot be read is set aside.
    pub(crate) fn kept_or_set_aside(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        loop {
            let params = (view::after(after), limit);
            let page = Space::Kept.sql().page;
            let (mut kept, mut unreadable) = (Vec::new(), Vec::new());
            for (id, read) in view::rows(&self.writer.conn, page, params, view::read_object)? {
                match read {
                    Ok(object) => kept.push((id, self.writer.shared.secrets.opened(&id, object))),
                    Err(why) => unreadable.push((id, why)),
                }
            }
            if unreadable.is_empty() {
                return Ok(kept);
            }
            for (id, why) in unreadable {
                self.set_aside(Space::Kept, &id, &why)?;
            }
        }
    }

    /// Moves a row that cannot be read out of its table.
    pub(crate) fn set_aside(
        &mut self,
        space: Space,
        id: &ObjectId,
        why: &str,
    ) -> Result<(), StoreError> {
        let (rows, _) = self.view().unreadable_count()?;
        if rows >= UNREADABLE_MAX {
            return Err(StoreError::corrupt("object", format!("{id}: {why}")));
        }
        let row = space.sql().remains;
        let Some(remains) = view::one(&self.writer.conn, row, [id.as_bytes()], Remains::read)?
        else {
            return Ok(());
        };
        // What tasks have removed nobody can give again: it is only kept to be looked at.
        let mended = space == Space::Kept;
        if mended && self.view().unreadable(id)?.is_some() {
            return self.remove_row(space, id); // its live row, which is, is worth more
        }
        self.mend(id)?;
        let sql = "INSERT INTO unreadable (id, kind, owner, body, data, why, lost, mended)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)
                   ON CONFLICT (id) DO UPDATE SET kind = ?2, owner = ?3, body = ?4, data = ?5, why = ?6, lost = 0, mended = ?7";
        let Remains {
            kind,
            owner,
            body,
            data,
        } = remains;
        self.execute(sql, (id.as_bytes(), kind, owner, body, data, why, mended))?;
        if let Some(hash) = body.filter(|_| !mended) {
            // Its body stays, for the object will come back.
            let sql = "UPDATE body SET refs = refs + 1 WHERE hash = ?1";
            self.execute(sql, [hash])?;
        }
        self.remove_row(space, id)?;
        self.set_aside += 1;
        self.recount_unreadable()
    }

    /// The object has been written or removed, so its unreadable row is over.
    pub(crate) fn mend(&mut self, id: &ObjectId) -> Result<(), StoreError> {
        let sql = "UPDATE unreadable SET mended = 1 WHERE id = ?1 AND mended = 0 RETURNING body";
        let body: Option<Option<[u8; 32]>> =
            view::one(&self.writer.conn, sql, [id.as_bytes()], |row| row.get(0))?;
        let Some(body) = body else {
            return Ok(());
        };
        if let Some(hash) = body {
            self.release(&hash)?;
        }
        let sql = "DELETE FROM unreadable WHERE mended = 1 AND n <=
                   (SELECT n FROM unreadable WHERE mended = 1 ORDER BY n DESC LIMIT 1 OFFSET ?1)";
        self.execute(sql, [MENDED_MAX])?;
        self.recount_unreadable()
    }

    /// After a rebuild has ended or was cleared away: what has a live row is mended.
    pub(crate) fn mend_live(&mut self) -> Result<(), StoreError> {
        let sql = "SELECT id FROM unreadable WHERE mended = 0
                   AND EXISTS (SELECT 1 FROM object o WHERE o.id = unreadable.id)";
        for id in view::ids(&self.writer.conn, sql, [])? {
            self.mend(&id)?;
        }
        self.recount_unreadable()
    }

    pub(crate) fn write_lost(&mut self, id: &ObjectId, lost: bool) -> Result<(), StoreError> {
        let sql = "UPDATE unreadable SET lost = ?2 WHERE id = ?1 AND mended = 0";
        self.execute(sql, (id.as_bytes(), lost))?;
        self.recount_unreadable()
    }

    fn recount_unreadable(&mut self) -> Result<(), StoreError> {
        self.unreadable = self.view().unreadable_count()?;
        Ok(())
    }
}

impl View<'_> {
    /// Whether the row of an object cannot be read: see [`ledger::Unreadable`].
    pub fn unreadable(&self, id: &ObjectId) -> Result<Option<Unreadable>, StoreError> {
        let found = view::one(self.conn, sql::ONE, [id.as_bytes()], read)?;
        Ok(found.map(|(_, unreadable)| unreadable))
    }

    /// Whether an object that is not answered is not gone either: its row cannot be read, whether or not that has been noticed, and may
    /// come back from the partner.
    pub fn is_in_doubt(&self, id: &ObjectId) -> Result<bool, StoreError> {
        let unnoticed = self
            .row_in(Space::Live, id)?
            .is_some_and(|row| row.is_err());
        Ok(unnoticed || self.unreadable(id)?.is_some_and(|row| !row.lost))
    }

    /// Unreadable objects in order of their ids, strictly after `after`.
    pub fn unreadable_after(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Unreadable)>, StoreError> {
        view::rows(self.conn, sql::PAGE, (view::after(after), limit), read)
    }

    /// How many objects are unreadable, and how many of them the partner does not know either.
    pub fn unreadable_count(&self) -> Result<(u64, u64), StoreError> {
        let mut statement = self.conn.prepare_cached(sql::COUNT)?;
        Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Whether somebody may have this mailbox number whose row cannot be read at present, and may come back from the partner.
    pub fn may_be_number(&self, number: &str) -> Result<bool, StoreError> {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM unreadable WHERE mended = 0 AND lost = 0 AND kind = 1)
                       OR EXISTS (SELECT 1 FROM object WHERE number = ?1)";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row([number], |row| row.get(0))?)
    }

    /// A row of a space: its object as it lies there, or why it cannot be read.
    pub(crate) fn row_in(
        &self,
        space: Space,
        id: &ObjectId,
    ) -> Result<Option<Result<Object, String>>, StoreError> {
        view::one(self.conn, space.sql().object, [id.as_bytes()], |row| {
            Ok(view::opened(id, row.get_ref(1)?))
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(ObjectId, Unreadable)> {
    let unreadable = Unreadable {
        kind: Kind(row.get(1)?),
        owner: row.get::<_, Option<[u8; 16]>>(2)?.map(ObjectId::from_bytes),
        lost: row.get(3)?,
    };
    Ok((ObjectId::from_bytes(row.get(0)?), unreadable))
}
