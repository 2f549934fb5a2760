//! A fixed workload that makes the store do all that it does to a disk: rows, bodies in several segments, pieces, compaction, checkpoints, a
//! rebuild, orderly ends and starts.

use crate::dump::Dump;
use domain::{
    BodyRef, Hlc, Incarnation, Key, Kind, Message, MessageFolder, Object, ObjectId, Timestamp,
    Value, Version,
};
use faulty_disk::FaultyDisk;
use ledger::{
    DeletionRecord, HistoryEntry, Lane, Ledger, LedgerError, Mark, ReplicaState, Tombstone,
};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use store::{Options, Readers, Store, StoreError, Tx, Writer};

/// Transactions of the workload.
pub const TRANSACTIONS: usize = 32;
/// Before this one the store is closed and opened again.
const REOPENED: [usize; 2] = [11, 30];
/// Before this one the disk becomes so full that the log is kept short: checkpoints come while it runs.
const LOW: usize = 17;
/// This one ends a rebuild. It comes late, because renaming tables takes SQLite as long as all the rest.
const SWITCH: usize = 28;
/// Room on the disk, bytes: what is free at first, what is free later, and all. So much is to be spared that the second is too little.
const ROOM: [u64; 3] = [100 << 20, 20 << 20, 1 << 30];
const SPARE: u64 = 30 << 20;
const RESERVE: u64 = 64 << 10;

/// Why the workload stopped.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when a test fails")]
pub enum Stop {
    /// For want of room.
    Full,
    /// A sync or a commit failed.
    Fatal(String),
    /// Anything else, as it is while a store is opened, and after the power went.
    Other(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::of(&error)
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        match StoreError::from_ledger(&error) {
            Some(error) => Self::of(error),
            None => Self::Other(error.to_string()),
        }
    }
}

impl Stop {
    fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            StoreError::Fatal(why) => Self::Fatal(why.clone()),
            error => Self::Other(format!("{error:?}")),
        }
    }
}

/// A store on a faulty disk, and how far the workload has come.
pub struct Site {
    pub disk: FaultyDisk,
    pub open: Option<(Writer, Readers)>,
    /// Transactions that were committed.
    pub done: usize,
    /// So many make up the workload here.
    pub until: usize,
}

impl Site {
    /// A disk with nothing on it; the workload is short, for what matters is how the store begins.
    pub fn empty() -> Self {
        let disk = FaultyDisk::new().unwrap();
        disk.set_room(ROOM[0], ROOM[2]);
        Self {
            disk,
            open: None,
            done: 0,
            until: 2,
        }
    }

    /// A disk with a store on it in which nothing is kept yet.
    pub fn new() -> Self {
        static DATABASE: OnceLock<Vec<u8>> = OnceLock::new();
        let database = DATABASE.get_or_init(|| {
            let mut first = Self::empty();
            first.open().unwrap();
            first.open = None;
            fs::read(first.directory().join("callpilot.db")).unwrap()
        });
        let mut site = Self::empty();
        site.until = TRANSACTIONS;
        fs::create_dir_all(site.directory().join("bodies")).unwrap();
        fs::write(site.directory().join("callpilot.db"), database).unwrap();
        site
    }

    /// In a directory that the store makes, so that this one can be lost, too.
    fn directory(&self) -> PathBuf {
        self.disk.directory().join("a/store")
    }

    pub fn open(&mut self) -> Result<(), StoreError> {
        let options = Options {
            segment_bytes: 10_000,
            spare_bytes: SPARE,
            reserve_bytes: RESERVE,
            disk: Arc::new(self.disk.clone()),
            ..Options::default()
        };
        self.open = Some(Store::open(&self.directory(), options)?);
        Ok(())
    }

    /// The open store.
    pub fn parts(&mut self) -> (&mut Writer, &Readers) {
        let (writer, readers) = self.open.as_mut().expect("the store is open");
        (writer, readers)
    }

    /// Everything that can be read of the store.
    pub fn dump(&mut self) -> Dump {
        let (writer, readers) = self.parts();
        Dump::of(writer, readers)
    }

    /// Does the rest of the workload; `seen` is called after each commit.
    pub fn run(&mut self, seen: &mut dyn FnMut(&mut Self)) -> Result<(), Stop> {
        while self.done < self.until {
            let n = self.done;
            if REOPENED.contains(&n) {
                self.open = None;
            }
            if self.open.is_none() {
                self.open()?;
            }
            if n == LOW {
                self.disk.set_room(ROOM[1], ROOM[2]);
            }
            self.transact(n)?;
            self.done += 1;
            seen(self);
            if n % 3 == 2 {
                let day = 24 * 3_600_000;
                let (writer, _) = self.parts();
                writer.compact(Timestamp(n as i64 * day), 1 << 20)?;
            }
        }
        Ok(())
    }

    /// Runs transaction `n` and commits it.
    pub fn transact(&mut self, n: usize) -> Result<(), Stop> {
        let (writer, _) = self.parts();
        writer.look_for_room();
        let result = commit(writer, n);
        let error = match &result {
            Err(Stop::Full) => Err(&StoreError::Full),
            _ => Ok(()),
        };
        writer.ended(error, true);
        result
    }
}

fn commit(writer: &mut Writer, n: usize) -> Result<(), Stop> {
    let mut tx = writer.begin()?;
    work(&mut tx, n)?;
    Ok(tx.commit()?)
}

/// What transaction `n` does.
fn work(tx: &mut Tx<'_>, n: usize) -> Result<(), Stop> {
    let now = Timestamp(n as i64);
    add_messages(tx, n)?;
    if n >= 4 && !n.is_multiple_of(6) {
        delete(tx, &message_id(n - 4), now)?;
    }
    let part = n % 3;
    let body = in_pieces(n / 3);
    let len = body.len().div_ceil(3);
    let end = body.len().min((part + 1) * len);
    let piece = &body[part * len..end];
    tx.append_piece(now, &BodyRef::of(&body), (part * len) as u32, piece)?;
    if n % 3 == 2 {
        let id = piece_id(n / 3);
        tx.put(&id, &message(n, Some(BodyRef::of(&body))))?;
    }
    let mut state = ReplicaState {
        csn: n as u64,
        ..tx.state()?
    };
    state.hlc = Hlc(n as u64);
    tx.set_state(&state)?;
    if n.is_multiple_of(7) {
        tx.add_incarnation(&HistoryEntry {
            incarnation: Incarnation(n as u64 + 1),
            csn: n as u64,
            began: now,
        })?;
    }
    tx.put_setting("n", &n.to_le_bytes())?;
    rebuild(tx, n)
}

/// One or several messages, of all lengths; some have bodies that fill a segment.
fn add_messages(tx: &mut Tx<'_>, n: usize) -> Result<(), Stop> {
    let len = match n % 10 {
        9 => 12_000,
        rest => 300 + rest * 450,
    };
    let body = tx.append_body(&bytes(n, len))?;
    tx.put(&message_id(n), &message(n, Some(body)))?;
    tx.set_mark(&message_id(n), &mark(n))?;
    if n % 10 == 8 {
        for twin in 0..4 {
            tx.append_body(&bytes(1_000 + n * 10 + twin, 4_000))?;
        }
    }
    Ok(())
}

fn delete(tx: &mut Tx<'_>, id: &ObjectId, at: Timestamp) -> Result<(), Stop> {
    tx.remove(id)?;
    tx.clear_mark(id)?;
    tx.set_tombstone(id, &Tombstone { at })?;
    let kind = Kind::MESSAGE;
    tx.record_deletion(id, &DeletionRecord { at, kind })?;
    Ok(())
}

/// Stages what is there, makes it live, and forgets what is kept since.
fn rebuild(tx: &mut Tx<'_>, n: usize) -> Result<(), Stop> {
    if n == SWITCH {
        for id in tx.ids_after(None, 100)? {
            let object = tx.object(&id)?;
            tx.stage(&id, object.as_ref())?;
        }
        tx.switch()?;
    }
    if n > SWITCH {
        for (id, _) in tx.kept_after(None, 2)? {
            tx.forget_kept(&id)?;
        }
    }
    Ok(())
}

pub fn message_id(n: usize) -> ObjectId {
    id(1, n)
}

fn piece_id(n: usize) -> ObjectId {
    id(2, n)
}

fn id(space: u8, n: usize) -> ObjectId {
    let mut bytes = [space; 16];
    bytes[8..].copy_from_slice(&(n as u64).to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// The body that comes in three pieces.
pub fn in_pieces(n: usize) -> Vec<u8> {
    bytes(50_000 + n, 5_000)
}

/// Bytes unlike those of another `n`.
fn bytes(n: usize, len: usize) -> Vec<u8> {
    let n = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    n.to_le_bytes().into_iter().cycle().take(len).collect()
}

fn message(n: usize, body: Option<BodyRef>) -> Object {
    let envelope = domain::Envelope {
        kind: contract::Kind::Voice,
        sender: domain::Sender::default(),
        subject: format!("message {n}"),
        received_at: Timestamp(n as i64),
        duration_ms: 0,
        pages: None,
        attachments: 0,
        urgent: false,
        private: false,
    };
    let mut object = Object::new(Kind::MESSAGE, Some(id(3, 1)), body);
    let version = Version {
        hlc: Hlc(n as u64),
        incarnation: Incarnation(1),
    };
    let registers: Vec<(Key, Value)> = Message::registers(&envelope, MessageFolder::Inbox, true);
    for (key, value) in registers {
        object.set(key, version, value);
    }
    object
}

fn mark(n: usize) -> Mark {
    Mark {
        lane: Lane::Messages,
        n: n as u64,
        since: Timestamp(n as i64),
        body: true,
        unsent: true,
        recovery: false,
    }
}
