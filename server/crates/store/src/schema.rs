//! The tables, and how an older database grows to the present form.
//!
//! An older database grows when it is opened; a newer one is refused before anything is written, for an older release would write
//! rows without the columns, sums and counts that the newer one relies on. So a server goes back to an older release only with the
//! data of that time, from a backup; its partner brings it up to date. The two servers of a pair need not have the same format: a pair
//! is upgraded one server at a time. The number of steps taken is SQLite's `user_version`.

use crate::{Disk, StoreError, backfill};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// The way from one format to the next.
struct Migration {
    sql: &'static str,
    /// What SQL alone cannot do, afterwards.
    then: fn(&Connection) -> Result<(), StoreError>,
}

/// One entry for each format, in order. An entry that was released is never changed.
const MIGRATIONS: &[Migration] = &[
    Migration {
        sql: FIRST,
        then: |_| Ok(()),
    },
    Migration {
        sql: TASKS,
        then: backfill::digests,
    },
    Migration {
        sql: DAMAGE,
        then: |_| Ok(()),
    },
    Migration {
        sql: PIECES,
        then: |_| Ok(()),
    },
    Migration {
        sql: TRAIL,
        then: |_| Ok(()),
    },
    Migration {
        sql: ADMINISTRATORS,
        then: |_| Ok(()),
    },
    Migration {
        sql: SECRETS,
        then: |_| Ok(()),
    },
    Migration {
        sql: OUTGOING,
        then: |_| Ok(()),
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
        place       INTEGER,            -- messages: MessageFolder::number
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

/// What a pair needs that gives each other back what was damaged at rest.
const DAMAGE: &str = "
    -- Rows that cannot be read, and were moved here (see unreadable.rs). Of those that are mended some stay to be looked at.
    CREATE TABLE unreadable (
        n      INTEGER PRIMARY KEY,
        id     BLOB NOT NULL UNIQUE,
        kind   INTEGER NOT NULL,        -- as found, like the next three
        owner  BLOB,
        body   BLOB,                    -- hash; counted in refs until it is mended
        data   BLOB NOT NULL,
        why    TEXT NOT NULL,
        lost   INTEGER NOT NULL,        -- 1: the partner does not know it either
        mended INTEGER NOT NULL         -- 1: the object was written or removed since
    );
    CREATE INDEX unreadable_open ON unreadable (id) WHERE mended = 0;

    CREATE INDEX body_lost ON body (hash) WHERE segment IS NULL AND refs > 0;
    -- Where a missing body lay that could not be read: it is tried again now and then, and its segment stays.
    CREATE TABLE astray (
        hash    BLOB PRIMARY KEY,
        segment INTEGER NOT NULL,
        offset  INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX astray_segment ON astray (segment);
";

/// Refuses a database of a later release, before anything of it is written.
pub(crate) fn check(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let known = MIGRATIONS.len() as u32;
    let look = |access| format(&crate::open::connect(disk, path, access)?);
    let found = match look(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        // The power went during the very first start, before there was a log: what SQLite had begun has to be rolled back, and for
        // that it has to write. Whichever release began it, that is the first thing it would do, too.
        Err(StoreError::Sqlite(e)) if is_to_be_rolled_back(&e) => {
            look(OpenFlags::SQLITE_OPEN_READ_WRITE)?
        }
        found => found?,
    };
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    Ok(())
}

fn is_to_be_rolled_back(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|e| e.extended_code);
    code == Some(rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

fn format(conn: &Connection) -> Result<u32, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |r| r.get(0))?)
}

/// What a slow link needs: bodies that are here in part.
const PIECES: &str = "
    -- The beginning of a body: so many bytes are here, and the last of them came then.
    CREATE TABLE partial (
        body    BLOB PRIMARY KEY,       -- hash of the whole
        have    INTEGER NOT NULL,
        used_at INTEGER NOT NULL        -- ms
    ) WITHOUT ROWID;
    CREATE INDEX partial_age ON partial (used_at);
    -- What it is made of: each piece lies in a segment like a body to which nobody refers.
    CREATE TABLE piece (
        body BLOB NOT NULL,
        at   INTEGER NOT NULL,          -- offset in the whole
        len  INTEGER NOT NULL,
        hash BLOB NOT NULL,             -- of the piece
        PRIMARY KEY (body, at)
    ) WITHOUT ROWID;
    CREATE INDEX piece_hash ON piece (hash);
";

/// Who did what. Not replicated: each server has seen its own.
const TRAIL: &str = "
    CREATE TABLE trail (
        n      INTEGER PRIMARY KEY,
        at     INTEGER NOT NULL,        -- ms
        kind   INTEGER NOT NULL,        -- TrailKind
        action TEXT NOT NULL,
        who    TEXT NOT NULL,
        origin TEXT NOT NULL,
        target TEXT NOT NULL,
        result TEXT NOT NULL,
        times  INTEGER NOT NULL         -- so many alike, counted together
    );
    CREATE INDEX trail_at   ON trail (at, n);
    CREATE INDEX trail_kind ON trail (kind, at, n);
";

/// Who may administer: a few objects, found without reading the others. 6 is `Kind::ADMINISTRATOR`.
const ADMINISTRATORS: &str = "
    CREATE INDEX object_administrator ON object (kind, id) WHERE kind = 6;
    CREATE INDEX staged_administrator ON staged (kind, id) WHERE kind = 6;
    CREATE INDEX kept_administrator   ON kept   (kind, id) WHERE kind = 6;
";

/// Secrets in rows are sealed from here on (see secrets.rs), which an older release would take for secrets. No table is another.
const SECRETS: &str = "";

/// What is on its way to other systems: found without reading the others, whoever sent it. 10 is `Kind::OUTGOING`.
const OUTGOING: &str = "
    CREATE INDEX object_outgoing ON object (kind, id) WHERE kind = 10;
    CREATE INDEX staged_outgoing ON staged (kind, id) WHERE kind = 10;
    CREATE INDEX kept_outgoing   ON kept   (kind, id) WHERE kind = 10;
";

/// Brings the database to the present format.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    migrate_to(conn, MIGRATIONS.len() as u32)
}

fn migrate_to(conn: &mut Connection, known: u32) -> Result<(), StoreError> {
    let found = format(conn)?;
    for (n, step) in (1..=known).zip(MIGRATIONS).skip(found as usize) {
        let tx = conn.transaction()?;
        tx.execute_batch(step.sql)?;
        (step.then)(&tx)?;
        tx.pragma_update(None, "user_version", n)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Store, Writer};
    use domain::{Digest, Kind, Object, ObjectId, Timestamp};
    use ledger::conformance::assert_sums;
    use ledger::{DeletionRecord, Leaf, Ledger, Tree};
    use tempfile::TempDir;

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    /// A database as the first format had it, with these rows in its table of objects, and opened by this release.
    fn grown(rows: &[(ObjectId, Kind, Option<ObjectId>, Vec<u8>)]) -> (TempDir, Writer) {
        let dir = TempDir::new().unwrap();
        let mut conn = Connection::open(dir.path().join("callpilot.db")).unwrap();
        migrate_to(&mut conn, 1).unwrap();
        for (id, kind, owner, data) in rows {
            let sql = "INSERT INTO object (id, kind, owner, data, number) VALUES (?1, ?2, ?3, ?4, iif(?2 = 1, '', NULL))";
            let owner = owner.as_ref().map(ObjectId::as_bytes);
            conn.execute(sql, (id.as_bytes(), kind.0, owner, data))
                .unwrap();
        }
        let sql = "INSERT INTO grave (id, at) VALUES (?1, 5)";
        conn.execute(sql, [id(200).as_bytes()]).unwrap();
        drop(conn);
        let (writer, _) = Store::open(dir.path(), Options::default()).unwrap();
        (dir, writer)
    }

    fn row(id: ObjectId, object: &Object) -> (ObjectId, Kind, Option<ObjectId>, Vec<u8>) {
        (id, object.kind, object.owner, object.encode())
    }

    #[test]
    fn a_database_of_the_first_format_gets_its_sums() {
        // More than are read at a time.
        let rows = (0..2_500_u16).map(|n| {
            let mut bytes = [7; 16];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            let (kind, owner) = match n % 5 {
                0 => (Kind::USER, None),
                _ => (Kind::MESSAGE, Some(id((n % 7) as u8))),
            };
            row(ObjectId::from_bytes(bytes), &Object::new(kind, owner, None))
        });
        let rows = rows.collect::<Vec<_>>();
        let (dir, mut writer) = grown(&rows);
        for _ in 0..2 {
            let mut tx = writer.begin().unwrap();
            assert_sums(&mut tx).unwrap();
            let no = Leaf::number(&id(3));
            let of_one = rows.iter().filter(|row| row.2 == Some(id(3))).count();
            assert_eq!(
                tx.in_leaf(Tree::Contents, no, None, 9_999).unwrap().len(),
                of_one
            );
            assert_eq!(tx.user_count().unwrap(), 500);
            let (at, kind) = (Timestamp(5), Kind::MESSAGE);
            assert_eq!(
                tx.deletion_record(&id(200)).unwrap(),
                Some(DeletionRecord { at, kind })
            );
            drop(tx);
            drop(writer);
            (writer, _) = Store::open(dir.path(), Options::default()).unwrap();
        }
    }

    #[test]
    fn an_old_row_that_cannot_be_read_stops_no_start_and_is_compared_once_it_is_replaced() {
        let damaged = (id(1), Kind::USER, None, vec![0xff]);
        let whole = row(id(2), &Object::new(Kind::USER, None, None));
        let (_dir, mut writer) = grown(&[damaged, whole]);
        let mut tx = writer.begin().unwrap();
        let of = |tx: &mut crate::Tx<'_>| tx.in_leaf(Tree::Users, Leaf::number(&id(1)), None, 9);
        assert_eq!(of(&mut tx).unwrap(), []);
        tx.put(&id(1), &Object::new(Kind::USER, None, None))
            .unwrap();
        assert_eq!(of(&mut tx).unwrap(), [id(1)]);
        assert_eq!(tx.user_count().unwrap(), 2);
        assert_sums(&mut tx).unwrap();
        tx.remove(&id(1)).unwrap();
        tx.remove(&id(2)).unwrap();
        assert_eq!(
            tx.sums(Tree::Users, None).unwrap(),
            [Digest::default(); 256]
        );
    }
}
