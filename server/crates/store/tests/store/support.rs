//! A store in a directory of its own, and short ways to fill it.

use domain::{
    BodyRef, Envelope, Hlc, Incarnation, Key, Kind, Message, MessageFolder, Object, ObjectId,
    Password, Sender, ServerId, Timestamp, User, Value, Version,
};
use ledger::{Lane, Ledger, Mark};
use std::path::{Path, PathBuf};
use store::{Options, Readers, Store, StoreError, Tx, Writer};
use tempfile::TempDir;

/// A store that is open.
pub struct Site {
    pub dir: TempDir,
    pub writer: Writer,
    pub readers: Readers,
}

impl Site {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let dir = TempDir::new().unwrap();
        let (writer, readers) = Store::open(dir.path(), options).unwrap();
        Self {
            dir,
            writer,
            readers,
        }
    }

    /// Closes it, lets `between` do something to its files, and opens it again.
    pub fn reopen_after(self, options: Options, between: impl FnOnce(&Path)) -> Self {
        let Self {
            dir,
            writer,
            readers,
        } = self;
        drop((writer, readers));
        between(dir.path());
        let (writer, readers) = Store::open(dir.path(), options).unwrap();
        Self {
            dir,
            writer,
            readers,
        }
    }

    pub fn reopen(self) -> Self {
        self.reopen_after(Options::default(), |_| {})
    }

    /// Runs one transaction and commits it.
    pub fn commit<R>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> R) -> R {
        let mut tx = self.writer.begin().unwrap();
        let result = work(&mut tx);
        tx.commit().unwrap();
        result
    }

    /// Commits a body that a message refers to.
    pub fn message_with(&mut self, n: u64, bytes: &[u8]) -> BodyRef {
        self.commit(|tx| add_message(tx, n, bytes))
    }
}

/// Flips a bit in the data of a row, as a disk does.
pub fn flip_bit_of(dir: &Path, table: &str, id: &ObjectId, bit: usize) {
    let conn = rusqlite::Connection::open(dir.join("callpilot.db")).unwrap();
    let select = format!("SELECT data FROM {table} WHERE id = ?1");
    let mut data: Vec<u8> = conn
        .query_row(&select, [id.as_bytes()], |row| row.get(0))
        .unwrap();
    data[bit / 8] ^= 1 << (bit % 8);
    let update = format!("UPDATE {table} SET data = ?2 WHERE id = ?1");
    assert_eq!(conn.execute(&update, (id.as_bytes(), data)).unwrap(), 1);
}

/// The segment of this number.
pub fn segment(dir: &Path, n: u32) -> PathBuf {
    dir.join(format!("bodies/{n:08}.seg"))
}

/// Segments that are small enough to fill.
pub fn small_segments() -> Options {
    Options {
        segment_bytes: 10_000,
        ..Options::default()
    }
}

/// Flips a bit of a byte in a file.
pub fn flip(path: &Path, offset: u64) {
    use std::os::unix::fs::FileExt;
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}

/// Bytes unlike those of another `n`.
pub fn bytes(n: u64, len: usize) -> Vec<u8> {
    n.to_le_bytes().into_iter().cycle().take(len).collect()
}

pub fn id(n: u64) -> ObjectId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// Appends a body and puts a message of mailbox 1 that refers to it.
pub fn add_message(tx: &mut Tx<'_>, n: u64, bytes: &[u8]) -> BodyRef {
    let body = tx.append_body(bytes).unwrap();
    tx.put(&id(n), &message(id(1), Some(body), n as i64))
        .unwrap();
    body
}

/// An unread message in the inbox, received at this millisecond.
pub fn message(owner: ObjectId, body: Option<BodyRef>, received_at: i64) -> Object {
    let envelope = Envelope {
        kind: contract::Kind::Voice,
        sender: Sender::default(),
        subject: String::new(),
        received_at: Timestamp(received_at),
        duration_ms: 0,
        pages: None,
        attachments: 0,
        urgent: false,
        private: false,
    };
    let mut object = Object::new(Kind::MESSAGE, Some(owner), body);
    set(
        &mut object,
        1,
        Message::registers(&envelope, MessageFolder::Inbox, true),
    );
    object
}

pub fn user(number: &str, home: ServerId) -> Object {
    let mut object = Object::new(Kind::USER, None, None);
    let password = Password::new(String::new(), Timestamp(0));
    set(&mut object, 1, User::registers(home, number, "", &password));
    object
}

/// Sets registers with a version of this number.
pub fn set(object: &mut Object, version: u64, registers: Vec<(Key, Value)>) {
    let version = Version {
        hlc: Hlc(version),
        incarnation: Incarnation(1),
    };
    for (key, value) in registers {
        object.set(key, version, value);
    }
}

pub fn mark(since: i64, body: bool) -> Mark {
    Mark {
        lane: Lane::Messages,
        n: 1,
        since: Timestamp(since),
        body,
        unsent: true,
        recovery: false,
    }
}

pub fn is_missing(found: Result<impl Sized, StoreError>) -> bool {
    matches!(found, Err(StoreError::Missing(_)))
}
