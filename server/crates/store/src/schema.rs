//! The tables, and how an older database grows to the present form.
//!
//! Steps only add (expand-only), so the release before still reads what this one wrote while a pair is upgraded one server at a
//! time. The number of steps taken is SQLite's `user_version`.

use crate::{StoreError, backfill};
use rusqlite::Connection;

/// The way from one format to the next.
struct Step {
    sql: &'static str,
    /// What SQL alone cannot do, afterwards.
    then: fn(&Connection) -> Result<(), StoreError>,
}

/// One entry for each format, in order. An entry that was released is never changed.
const STEPS: &[Step] = &[
    Step {
        sql: FIRST,
        then: |_| Ok(()),
    },
    Step {
        sql: TASKS,
        then: backfill::digests,
    },
];

/// What a pair needs that replicates.
const FIRST: &str = "
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
";

/// What a pair needs that is put right by tasks: digests, objects beside the live ones, and what is held back.
///
/// `object`, `staged` and `kept` take turns (see space.rs): whatever a later step does to one of them it does to all three.
const TASKS: &str = "
    ALTER TABLE object ADD COLUMN tree   INTEGER;   -- 0 users, 1 contents
    ALTER TABLE object ADD COLUMN bucket INTEGER;   -- 16 bits
    ALTER TABLE object ADD COLUMN digest BLOB;      -- 16 bytes
    CREATE INDEX object_bucket ON object (tree, bucket, id);

    CREATE TABLE staged (
        id BLOB PRIMARY KEY, kind INTEGER NOT NULL, owner BLOB, body BLOB, data BLOB NOT NULL,
        number TEXT, home INTEGER, place INTEGER, filed_at INTEGER, received_at INTEGER, unread INTEGER, bytes INTEGER,
        tree INTEGER, bucket INTEGER, digest BLOB
    ) WITHOUT ROWID;
    CREATE INDEX staged_number  ON staged (number, id, home) WHERE number IS NOT NULL;
    CREATE INDEX staged_mailbox ON staged (owner, place, received_at, id, unread, bytes) WHERE owner IS NOT NULL;
    CREATE INDEX staged_deleted ON staged (filed_at) WHERE place = 2;
    CREATE INDEX staged_bucket  ON staged (tree, bucket, id);

    CREATE TABLE kept (
        id BLOB PRIMARY KEY, kind INTEGER NOT NULL, owner BLOB, body BLOB, data BLOB NOT NULL,
        number TEXT, home INTEGER, place INTEGER, filed_at INTEGER, received_at INTEGER, unread INTEGER, bytes INTEGER,
        tree INTEGER, bucket INTEGER, digest BLOB
    ) WITHOUT ROWID;
    CREATE INDEX kept_number  ON kept (number, id, home) WHERE number IS NOT NULL;
    CREATE INDEX kept_mailbox ON kept (owner, place, received_at, id, unread, bytes) WHERE owner IS NOT NULL;
    CREATE INDEX kept_deleted ON kept (filed_at) WHERE place = 2;
    CREATE INDEX kept_bucket  ON kept (tree, bucket, id);

    -- Sums of the digests in each bucket, modulo 2^128, 16 bytes, big endian: of object, and of staged. No row: 0.
    CREATE TABLE digest        (tree INTEGER, bucket INTEGER, sum BLOB NOT NULL, PRIMARY KEY (tree, bucket)) WITHOUT ROWID;
    CREATE TABLE digest_staged (tree INTEGER, bucket INTEGER, sum BLOB NOT NULL, PRIMARY KEY (tree, bucket)) WITHOUT ROWID;

    -- Why an object is not sent, and the mark it had; the columns of the mark are those of table mark.
    CREATE TABLE held (
        id       BLOB PRIMARY KEY,
        reason   INTEGER NOT NULL,
        at       INTEGER NOT NULL,      -- ms
        lane     INTEGER NOT NULL,
        n        INTEGER NOT NULL,
        since    INTEGER NOT NULL,
        body     INTEGER NOT NULL,
        unsent   INTEGER NOT NULL,
        recovery INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX held_lane ON held (lane, id);
    CREATE INDEX held_body ON held (body) WHERE body = 1;

    -- What it was, as Kind; graves of before are taken for those of messages.
    ALTER TABLE grave ADD COLUMN kind INTEGER NOT NULL DEFAULT 2;
    CREATE INDEX grave_age ON grave (at) WHERE kind <> 1;
";

/// Brings the database to the present format.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    let known = STEPS.len() as u32;
    let found: u32 = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (n, step) in (1..=known).zip(STEPS).skip(found as usize) {
        let tx = conn.transaction()?;
        tx.execute_batch(step.sql)?;
        (step.then)(&tx)?;
        tx.pragma_update(None, "user_version", n)?;
        tx.commit()?;
    }
    Ok(())
}
