//! The queries, over a snapshot or over an open transaction.

use crate::shared::Shared;
use crate::space::Space;
use crate::{Cursor, Listed, MailboxCounts, StoreError, UserCursor, body, seal};
use domain::{BodyRef, Kind, MessageFolder, Object, ObjectId, ServerId, Timestamp};
use ledger::{Backlog, Held, Lane, Mark, Reason};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Params, Row};

/// What is in the store at one moment.
///
/// A row that cannot be read is left out of every answer, and noted for the writer: see [`Self::unreadable`].
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) conn: &'a Connection,
    shared: &'a Shared,
}

/// The statements whose plans a test looks at: none of them may read a whole table.
pub(crate) mod sql {
    pub const USERS_BY_NUMBER: &str = "SELECT id, data FROM object WHERE number = ?1 ORDER BY id";
    pub const USERS: &str = "SELECT id, data FROM object
        WHERE number IS NOT NULL AND (number, id) > (?1, ?2) ORDER BY number, id LIMIT ?3";
    pub const MESSAGES: &str =
        "SELECT o.id, o.data, o.received_at, coalesce(m.body, 0) OR coalesce(h.body, 0)
        FROM object o LEFT JOIN mark m ON m.id = o.id LEFT JOIN held h ON h.id = o.id
        WHERE o.owner = ?1 AND o.place = ?2 AND (o.received_at, o.id) < (?3, ?4)
        ORDER BY o.received_at DESC, o.id DESC LIMIT ?5";
    pub const BELONGINGS: &str =
        "SELECT id, data FROM object WHERE owner = ?1 AND place IS NULL AND kind = ?2";
    // The number of the kind stands in the text, as it does in the index.
    pub const ADMINISTRATORS: &str = "SELECT id, data FROM object WHERE kind = 6 ORDER BY id";
    pub const OUTGOING: &str =
        "SELECT id, data FROM object WHERE kind = 10 AND id > ?1 ORDER BY id LIMIT ?2";
    pub const OUTGOING_COUNT: &str = "SELECT count(*) FROM object WHERE kind = 10";
    pub const SETTINGS: &str =
        "SELECT key, value FROM setting WHERE key >= ?1 AND key < ?2 ORDER BY key";
    pub const COUNTS: &str = "SELECT place, count(*), sum(unread), sum(bytes) FROM object
        WHERE owner = ?1 AND place IS NOT NULL GROUP BY place";
    pub const ANY_OWED: &str = "SELECT EXISTS (SELECT 1 FROM mark WHERE body = 1)
        OR EXISTS (SELECT 1 FROM held WHERE body = 1)";
    pub const OWED: &str =
        "SELECT count(*) FROM object o WHERE o.owner = ?1 AND o.place IS NOT NULL
        AND (EXISTS (SELECT 1 FROM mark m WHERE m.id = o.id AND m.body = 1)
          OR EXISTS (SELECT 1 FROM held h WHERE h.id = o.id AND h.body = 1))";
    pub const ONE_SERVER_ONLY: &str = "SELECT (SELECT count(*) FROM mark WHERE body = 1)
        + (SELECT count(*) FROM held h WHERE h.body = 1
            AND NOT EXISTS (SELECT 1 FROM mark m WHERE m.id = h.id AND m.body = 1))";
    pub const OLDEST_MARK: &str = "SELECT since FROM mark WHERE lane = ?1 ORDER BY since LIMIT 1";
    pub const EXPIRED: &str = "SELECT id FROM object WHERE place = 2 AND filed_at < ?1
        ORDER BY filed_at, id LIMIT ?2";
    pub const DELETED_OF: &str =
        "SELECT id, filed_at FROM object WHERE owner = ?1 AND place = 2 LIMIT ?2";
    pub const MARK: &str =
        "SELECT id, lane, n, since, body, unsent, recovery FROM mark WHERE id = ?1";
    pub const HELD: &str = "SELECT id, lane, n, since, body, unsent, recovery, reason, at FROM held
        WHERE id > ?1 ORDER BY id LIMIT ?2";
    pub const HELD_ONE: &str =
        "SELECT id, lane, n, since, body, unsent, recovery, reason, at FROM held WHERE id = ?1";
    pub const HELD_USERS: &str = "SELECT h.id, h.lane, h.n, h.since, h.body, h.unsent, h.recovery, h.reason, h.at, o.data
        FROM held h LEFT JOIN object o ON o.id = h.id
        WHERE h.lane = 0 AND h.reason <> ?1 AND (o.kind IS NULL OR o.kind = 1) ORDER BY h.id LIMIT ?2";
    pub const MISSING_PAGE: &str =
        "SELECT hash, len FROM body WHERE segment IS NULL AND refs > 0 AND hash > ?1
        ORDER BY hash LIMIT ?2";
    pub const MISSING: &str = "SELECT count(*) FROM body WHERE segment IS NULL AND refs > 0";
}

impl<'a> View<'a> {
    pub(crate) fn new(conn: &'a Connection, shared: &'a Shared) -> Self {
        Self { conn, shared }
    }

    /// An object, if it is here.
    pub fn object(&self, id: &ObjectId) -> Result<Option<Object>, StoreError> {
        let found = self.row_in(Space::Live, id)?;
        Ok(found.and_then(|read| self.readable(*id, read)))
    }

    /// The object, or a note that its row cannot be read.
    fn readable(&self, id: ObjectId, read: Result<Object, String>) -> Option<Object> {
        if read.is_err() {
            self.shared.noted.row(id);
        }
        read.ok()
            .map(|object| self.shared.secrets.opened(&id, object))
    }

    /// The objects of a query; those that cannot be read are noted and left out.
    fn objects(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        let found = rows(self.conn, sql, params, read_object)?.into_iter();
        let readable = found.filter_map(|(id, read)| Some((id, self.readable(id, read)?)));
        Ok(readable.collect())
    }

    /// Everybody with this mailbox number. A number is usually one person's; a user of this server and one of the partner can
    /// share it while an administrator has not put that right.
    pub fn users_by_number(&self, number: &str) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        self.objects(sql::USERS_BY_NUMBER, [number])
    }

    /// The user with this mailbox number: the one local to `home` if there is one, else any.
    pub fn user_by_number(
        &self,
        number: &str,
        home: ServerId,
    ) -> Result<Option<(ObjectId, Object)>, StoreError> {
        let mut users = self.users_by_number(number)?;
        let local = |(_, user): &(_, Object)| domain::User::of(user)?.home();
        let at = users.iter().position(|user| local(user) == Some(home));
        let any = (!users.is_empty()).then_some(0);
        Ok(at.or(any).map(|i| users.swap_remove(i)))
    }

    /// Users in order of their numbers, then ids, after a place in that order.
    pub fn users(
        &self,
        after: Option<&UserCursor>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        let number = after.map_or("", |cursor| cursor.number.as_str());
        let id: &[u8] = after.map_or(&[], |cursor| cursor.id.as_bytes());
        filled(limit, |limit| {
            let found = rows(self.conn, sql::USERS, (number, id, limit), read_object)?;
            let read = |(id, read)| self.readable(id, read).map(|object| (id, object));
            Ok(found.into_iter().map(read).collect())
        })
    }

    /// How many users there are: those local to a server, or all.
    pub fn user_count(&self, home: Option<ServerId>) -> Result<u64, StoreError> {
        let home = home.map(|server| server.0.cast_signed());
        let sql =
            "SELECT count(*) FROM object WHERE number IS NOT NULL AND (?1 IS NULL OR home = ?1)";
        self.number(sql, [home])
    }

    /// How many users are local to a server, and how many there are besides. Reads through them.
    pub fn user_counts(&self, home: ServerId) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE home = ?1), count(*) FROM object WHERE number IS NOT NULL";
        let home = home.0.cast_signed();
        let mut statement = self.conn.prepare_cached(sql)?;
        let (local, all): (u64, u64) =
            statement.query_row([home], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((local, all.saturating_sub(local)))
    }

    /// A page of a mailbox, newest first by when they were received, then by id.
    pub fn messages(
        &self,
        owner: &ObjectId,
        place: MessageFolder,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        // Above every id there is: 17 bytes.
        const END: &[u8] = &[0xff; 17];
        let at = before.map_or(i64::MAX, |cursor| cursor.received_at.0);
        let id: &[u8] = before.as_ref().map_or(END, |cursor| cursor.id.as_bytes());
        filled(limit, |limit| {
            let params = (owner.as_bytes(), place.number(), at, id, limit);
            rows(self.conn, sql::MESSAGES, params, |row| {
                let (id, read) = read_object(row)?;
                let (received_at, one_server_only) = (Timestamp(row.get(2)?), row.get(3)?);
                Ok(self.readable(id, read).map(|object| Listed {
                    id,
                    object,
                    one_server_only,
                    received_at,
                }))
            })
        })
    }

    /// What belongs to a user and is no message: the greetings or the list entries, in no order. The messages are not read.
    pub fn belongings(
        &self,
        owner: &ObjectId,
        kind: Kind,
    ) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        self.objects(sql::BELONGINGS, (owner.as_bytes(), kind.0))
    }

    /// The accounts of administrators, in order of their ids, those that were removed among them.
    pub fn administrators(&self) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        self.objects(sql::ADMINISTRATORS, [])
    }

    /// What is on its way to other systems, whoever sent it, in order of the ids, strictly after `after`.
    pub fn outgoing(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        filled(limit, |limit| {
            let params = (self::after(after), limit);
            let found = rows(self.conn, sql::OUTGOING, params, read_object)?;
            let read = |(id, read)| self.readable(id, read).map(|object| (id, object));
            Ok(found.into_iter().map(read).collect())
        })
    }

    /// How many those are.
    pub fn outgoing_count(&self) -> Result<u64, StoreError> {
        self.number(sql::OUTGOING_COUNT, [])
    }

    /// Counts over one mailbox.
    pub fn counts(&self, owner: &ObjectId) -> Result<MailboxCounts, StoreError> {
        let mut counts = self.content(owner)?;
        // Usually nothing is owed at all, and the mailbox need not be read.
        if self.number(sql::ANY_OWED, [])? > 0 {
            counts.one_server_only = self.number(sql::OWED, [owner.as_bytes()])?;
        }
        Ok(counts)
    }

    /// [`Self::counts`] without what is owed to the partner, which is cheaper.
    pub fn content(&self, owner: &ObjectId) -> Result<MailboxCounts, StoreError> {
        let mut counts = MailboxCounts::default();
        let places: Vec<(i64, u64, u64, u64)> =
            rows(self.conn, sql::COUNTS, [owner.as_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
        for (place, messages, unread, bytes) in places {
            match MessageFolder::from_number(place) {
                MessageFolder::Inbox => {
                    counts.inbox += messages;
                    counts.unread += unread;
                    counts.bytes += bytes;
                }
                MessageFolder::Sent => {
                    counts.sent += messages;
                    counts.bytes += bytes;
                }
                MessageFolder::Deleted => {
                    counts.deleted += messages;
                    counts.deleted_bytes += bytes;
                }
            }
        }
        Ok(counts)
    }

    /// The mark of an object.
    pub fn mark(&self, id: &ObjectId) -> Result<Option<Mark>, StoreError> {
        let found = one(self.conn, sql::MARK, [id.as_bytes()], read_mark)?;
        Ok(found.map(|(_, mark)| mark))
    }

    /// Whether only this server holds an object as far as it knows: its mark carries the body bit, or the mark that it had before it
    /// was held.
    pub fn is_on_one_server_only(&self, id: &ObjectId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM mark WHERE id = ?1 AND body = 1)
                       OR EXISTS (SELECT 1 FROM held WHERE id = ?1 AND body = 1)";
        Ok(self.number(sql, [id.as_bytes()])? > 0)
    }

    /// How far a lane is behind. Counts the marks, so it takes some milliseconds when there are many thousand.
    pub fn backlog(&self, lane: Lane) -> Result<Backlog, StoreError> {
        let sql = "SELECT count(*) FROM mark WHERE lane = ?1";
        Ok(Backlog {
            count: self.number(sql, [lane_number(lane)])?,
            oldest: self.oldest_mark(lane)?,
        })
    }

    /// What is marked or held with the body bit: what only this server has, as far as it knows.
    pub fn one_server_only(&self) -> Result<u64, StoreError> {
        self.number(sql::ONE_SERVER_ONLY, [])
    }

    /// Why an object is held back, if it is.
    pub(crate) fn held_one(&self, id: &ObjectId) -> Result<Option<Held>, StoreError> {
        let found = one(self.conn, sql::HELD_ONE, [id.as_bytes()], read_held)?;
        Ok(found.map(|(_, held)| held))
    }

    /// Objects that are held back, in order of their ids, strictly after `after`.
    pub fn held(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Held)>, StoreError> {
        rows(self.conn, sql::HELD, (self::after(after), limit), read_held)
    }

    /// How many objects are held back. Counts them, so it takes some milliseconds when there are many thousand.
    pub fn held_count(&self) -> Result<u64, StoreError> {
        self.number("SELECT count(*) FROM held", [])
    }

    /// Users that are held back for a reason of their own, in order of their ids; without an object if they were deleted here.
    pub fn held_users(
        &self,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Held, Option<Object>)>, StoreError> {
        let params = (Reason::WITH_USER.0, limit);
        let found = rows(self.conn, sql::HELD_USERS, params, |row| {
            let (id, held) = read_held(row)?;
            let object = match row.get_ref(9)? {
                ValueRef::Null => None,
                data => self.readable(id, opened(&id, data)),
            };
            Ok((id, held, object))
        })?;
        Ok(found)
    }

    /// How many objects are kept that tasks removed. Reads through them.
    pub fn kept_count(&self) -> Result<u64, StoreError> {
        self.number("SELECT count(*) FROM kept", [])
    }

    pub(crate) fn is_empty(&self, space: Space) -> Result<bool, StoreError> {
        Ok(self.number(space.sql().is_empty, [])? == 1)
    }

    /// A value of this server's own, not replicated.
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT value FROM setting WHERE key = ?1";
        one(self.conn, sql, [key], |row| row.get(0))
    }

    /// The values of this server's own whose keys begin alike, in order of their keys.
    pub fn settings(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        // Above every text that begins with the prefix.
        let end = format!("{prefix}\u{10ffff}");
        rows(self.conn, sql::SETTINGS, (prefix, end), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// The messages in one mailbox's Deleted, each with when it came there, in no order.
    pub fn deleted_of(
        &self,
        owner: &ObjectId,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Timestamp)>, StoreError> {
        rows(
            self.conn,
            sql::DELETED_OF,
            (owner.as_bytes(), limit),
            |row| Ok((id(row, 0)?, Timestamp(row.get(1)?))),
        )
    }

    /// Messages that are in Deleted since before a moment, those longest there first.
    pub fn expired_deleted(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<ObjectId>, StoreError> {
        ids(self.conn, sql::EXPIRED, (before.0, limit))
    }

    /// Whether a message has been in Deleted since before `before`.
    pub fn is_expired(&self, id: &ObjectId, before: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM object WHERE id = ?1 AND place = 2 AND filed_at < ?2";
        let found = one(self.conn, sql, (id.as_bytes(), before.0), |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// Whether this body is here.
    pub fn has_body(&self, body: &BodyRef) -> Result<bool, StoreError> {
        let found = body::find(self.conn, body)?;
        Ok(found.is_some_and(|kept| kept.at.is_some()))
    }

    /// Bodies that something refers to and that are not here, in order of their hashes, strictly after `after`.
    pub fn missing_after(
        &self,
        after: Option<&BodyRef>,
        limit: usize,
    ) -> Result<Vec<BodyRef>, StoreError> {
        let after: &[u8] = after.map_or(&[], |body| &body.hash);
        rows(self.conn, sql::MISSING_PAGE, (after, limit), |row| {
            let (hash, len) = (row.get(0)?, row.get(1)?);
            Ok(BodyRef { hash, len })
        })
    }

    /// How many bodies something refers to that are not here.
    pub fn missing_count(&self) -> Result<u64, StoreError> {
        self.number(sql::MISSING, [])
    }

    /// Live objects whose body is not here. If anything refers to such a body, this reads through all objects.
    pub fn missing_bodies(&self, limit: usize) -> Result<Vec<(ObjectId, BodyRef)>, StoreError> {
        if self.number(sql::MISSING, [])? == 0 {
            return Ok(Vec::new());
        }
        let sql = "SELECT o.id, b.hash, b.len FROM object o CROSS JOIN body b ON b.hash = o.body
                   WHERE b.segment IS NULL LIMIT ?1";
        rows(self.conn, sql, [limit], |row| {
            let (hash, len) = (row.get(1)?, row.get(2)?);
            Ok((id(row, 0)?, BodyRef { hash, len }))
        })
    }

    pub(crate) fn oldest_mark(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        let found = one(self.conn, sql::OLDEST_MARK, [lane_number(lane)], |row| {
            row.get(0)
        })?;
        Ok(found.map(Timestamp))
    }

    fn number(&self, sql: &str, params: impl Params) -> Result<u64, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row(params, |row| row.get(0))?)
    }
}

/// All rows of a query, read one by one.
pub(crate) fn rows<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map(params, read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The one row of a query, if there is one.
pub(crate) fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    Ok(statement.query_row(params, read).optional()?)
}

/// Ids out of the first column.
pub(crate) fn ids(
    conn: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<ObjectId>, StoreError> {
    rows(conn, sql, params, |row| id(row, 0))
}

/// Where a list of ids goes on, for a query with `id > ?`.
pub(crate) fn after(id: Option<&ObjectId>) -> &[u8] {
    id.map_or(&[], |id| id.as_bytes())
}

/// A mark, read from `id, lane, n, since, body, unsent, recovery`.
pub(crate) fn read_mark(row: &Row<'_>) -> rusqlite::Result<(ObjectId, Mark)> {
    let lane: i64 = row.get(1)?;
    let mark = Mark {
        lane: if lane == 0 {
            Lane::Users
        } else {
            Lane::Messages
        },
        n: row.get::<_, i64>(2)?.cast_unsigned(),
        since: Timestamp(row.get(3)?),
        body: row.get(4)?,
        unsent: row.get(5)?,
        recovery: row.get(6)?,
    };
    Ok((id(row, 0)?, mark))
}

/// What is held, read from the columns of a mark and `reason, at`.
fn read_held(row: &Row<'_>) -> rusqlite::Result<(ObjectId, Held)> {
    let (id, mark) = read_mark(row)?;
    let held = Held {
        reason: Reason(row.get(7)?),
        at: Timestamp(row.get(8)?),
        mark,
    };
    Ok((id, held))
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<ObjectId> {
    row.get(column).map(ObjectId::from_bytes)
}

/// An object out of column `data`, as it lies there: see [`crate::secrets`].
pub(crate) fn opened(id: &ObjectId, data: ValueRef<'_>) -> Result<Object, String> {
    match data {
        ValueRef::Blob(bytes) => seal::open(id, bytes),
        other => Err(format!("its data is {}", other.data_type())),
    }
}

/// How a lane is stored.
pub(crate) fn lane_number(lane: Lane) -> usize {
    match lane {
        Lane::Users => 0,
        Lane::Messages => 1,
    }
}

/// An object, read from `id, data`, as it lies there; or why it cannot be read.
pub(crate) fn read_object(row: &Row<'_>) -> rusqlite::Result<(ObjectId, Result<Object, String>)> {
    let id = id(row, 0)?;
    Ok((id, opened(&id, row.get_ref(1)?)))
}

/// A page of `limit` rows of a query, though some of them cannot be read: then more are asked for. A short page would say that nothing
/// follows.
fn filled<T>(
    limit: usize,
    mut query: impl FnMut(usize) -> Result<Vec<Option<T>>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut more = 0;
    loop {
        let asked = limit.saturating_add(more);
        let found = query(asked)?;
        let unreadable = found.iter().filter(|row| row.is_none()).count();
        if unreadable <= more || found.len() < asked {
            return Ok(found.into_iter().flatten().take(limit).collect());
        }
        more = unreadable;
    }
}
