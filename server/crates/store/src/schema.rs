//! The tables, and how an older database grows to the present form.
//!
//! Steps only add (expand-only), so the release before still reads what this one wrote while a pair is upgraded one server at a
//! time. The number of steps taken is SQLite's `user_version`.

use crate::StoreError;
use rusqlite::Connection;

/// One entry for each format, in order. An entry that was released is never changed.
const STEPS: &[&str] = &["
    -- Objects as Object::encode wrote them. The other columns are drawn from `data` for the indexes, by put.rs alone.
    CREATE TABLE object (
        id          BLOB PRIMARY KEY,   -- 16 bytes
        kind        INTEGER NOT NULL,
        owner       BLOB,
        body        BLOB,               -- hash
        data        BLOB NOT NULL,
        number      TEXT,               -- users: mailbox number
        home        INTEGER,            -- users: ServerId, bit for bit
        place       INTEGER,            -- messages: Place::number
        filed_at    INTEGER,            -- messages: there since, ms
        received_at INTEGER,            -- messages: ms
        unread      INTEGER,            -- messages: 0 or 1
        bytes       INTEGER             -- messages: length of the body
    ) WITHOUT ROWID;
    CREATE INDEX object_number  ON object (number, id, home) WHERE number IS NOT NULL;
    CREATE INDEX object_mailbox ON object (owner, place, received_at, id, unread, bytes) WHERE owner IS NOT NULL;
    CREATE INDEX object_deleted ON object (filed_at) WHERE place = 2;

    CREATE TABLE mark (
        id    BLOB PRIMARY KEY,
        lane  INTEGER NOT NULL,         -- 0 users, 1 messages
        n     INTEGER NOT NULL,
        since INTEGER NOT NULL,         -- ms
        body  INTEGER NOT NULL,         -- 0 or 1
        unsent INTEGER NOT NULL,        -- 0 or 1
        recovery INTEGER NOT NULL       -- 0 or 1
    ) WITHOUT ROWID;
    CREATE INDEX mark_since ON mark (lane, since, id);
    CREATE INDEX mark_body  ON mark (body) WHERE body = 1;

    CREATE TABLE tomb  (id BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE grave (id BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;

    CREATE TABLE state   (one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL);
    CREATE TABLE lineage (n INTEGER PRIMARY KEY, life INTEGER NOT NULL, tick INTEGER NOT NULL, began INTEGER NOT NULL);
    CREATE TABLE setting (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

    -- Where a body lies. Without a segment it is missing: something refers to it, but its bytes are not here.
    CREATE TABLE body (
        hash       BLOB PRIMARY KEY,    -- 32 bytes
        len        INTEGER NOT NULL,
        refs       INTEGER NOT NULL,    -- objects that refer to it
        idle_since INTEGER,             -- compaction first saw it without reference, ms
        segment    INTEGER,
        offset     INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX body_place   ON body (segment, offset) WHERE segment IS NOT NULL;
    CREATE INDEX body_missing ON body (refs) WHERE segment IS NULL;
    CREATE INDEX body_idle    ON body (idle_since) WHERE refs = 0;

    CREATE TABLE segment (
        id      INTEGER PRIMARY KEY,
        len     INTEGER NOT NULL,       -- durable bytes
        live    INTEGER NOT NULL,       -- bytes of records that a row of body points at
        dropped INTEGER NOT NULL        -- 1: its file is to be deleted
    );
"];

/// Brings the database to the present format.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    let known = STEPS.len() as u32;
    let found: u32 = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (step, sql) in (1..=known).zip(STEPS).skip(found as usize) {
        let tx = conn.transaction()?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", step)?;
        tx.commit()?;
    }
    Ok(())
}
