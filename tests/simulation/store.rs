//! The store that the writer has in a simulation: a ledger in memory, of which any call can fail, and whose commit can; or SQLite with
//! segments on a disk that fails, compared with the ledger in memory at each call.

use crate::on_disk::OnDisk;
use ::store::{Compacted, LookedInto, Room, StoreError};
use domain::{BodyRef, Digest, Object, ObjectId, ServerId, Timestamp};
use ledger::memory::Memory;
use ledger::{
    Backlog, Damage, DeletionRecord, Held, HistoryEntry, Lane, Ledger, LedgerError, Mark, Order,
    ReplicaState, Tombstone, Tree, Unreadable,
};
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use writer::{Store, Transaction};

/// What becomes of the next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// It is durable.
    Durable,
    /// There is no room on the disk.
    Full,
    /// The process dies before it, or the disk cannot sync: whoever comes back finds nothing of the transaction.
    Dies,
    /// Against rule E3: it is called durable, and is not.
    Lies,
}

/// A store: a ledger in memory; in some histories beside a real one on a disk that fails, which then decides. Both are asked everything,
/// and must say the same.
#[derive(Debug)]
pub(crate) struct SimStore {
    pub(crate) memory: Memory,
    /// So many calls are carried out, and then all fail; `None`: all are carried out.
    pub(crate) calls_left: Option<u64>,
    pub(crate) commit: Commit,
    pub(crate) disk: Option<Box<OnDisk>>,
}

impl Default for SimStore {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            calls_left: None,
            commit: Commit::Durable,
            disk: None,
        }
    }
}

impl Clone for SimStore {
    /// Machines are copied in memory only.
    fn clone(&self) -> Self {
        assert!(self.disk.is_none(), "a history on a disk copies no machine");
        Self {
            memory: self.memory.clone(),
            disk: None,
            ..*self
        }
    }
}

impl Deref for SimStore {
    type Target = Memory;

    fn deref(&self) -> &Memory {
        &self.memory
    }
}

impl DerefMut for SimStore {
    fn deref_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }
}

/// The transaction of a real store, and what the ledger is if its commit is durable although nobody was told.
type TxOnDisk<'t> = (::store::Tx<'t>, &'t mut Option<Memory>);

/// Its open transaction.
pub(crate) struct SimTx<'t> {
    memory: &'t mut Memory,
    calls_left: &'t mut Option<u64>,
    commit: Commit,
    /// The real one. It is large, and most histories have none.
    on_disk: Option<Box<TxOnDisk<'t>>>,
    savepoint: usize,
    open: bool,
}

impl Store for SimStore {
    type Tx<'t> = SimTx<'t>;

    fn begin(&mut self) -> Result<SimTx<'_>, StoreError> {
        let on_disk = match &mut self.disk {
            Some(disk) => Some(Box::new(disk.begin()?)),
            None => None,
        };
        self.memory.begin();
        Ok(SimTx {
            memory: &mut self.memory,
            calls_left: &mut self.calls_left,
            commit: self.commit,
            on_disk,
            savepoint: 0,
            open: true,
        })
    }

    fn look_for_room(&mut self) -> Room {
        let looks = self.disk.as_mut().and_then(|disk| disk.writer());
        looks.map_or_else(Room::default, |writer| writer.look_for_room())
    }

    fn room(&self) -> Room {
        let writer = self.disk.as_ref().and_then(|disk| disk.writer.as_ref());
        writer.map_or_else(Room::default, |writer| writer.room())
    }

    fn admits(&mut self, bytes: u64) -> bool {
        let writer = self.disk.as_mut().and_then(|disk| disk.writer());
        writer.is_none_or(|writer| writer.admits(bytes))
    }

    fn ended(&mut self, result: Result<(), &StoreError>, grows: bool) {
        if let Some(writer) = self.disk.as_mut().and_then(|disk| disk.writer()) {
            writer.ended(result, grows);
        }
    }

    fn compact(&mut self, now: Timestamp, bytes_max: u64) -> Result<Compacted, StoreError> {
        match self.disk.as_mut().and_then(|disk| disk.writer()) {
            Some(writer) => writer.compact(now, bytes_max),
            None => Ok(Compacted::default()),
        }
    }

    fn unreadable(&self) -> (usize, BTreeSet<i64>) {
        (0, BTreeSet::new())
    }
}

impl SimTx<'_> {
    /// What the ledger holds, with what this transaction has written.
    pub(crate) fn memory(&self) -> &Memory {
        self.memory
    }

    fn call(&mut self) -> Result<&mut Memory, LedgerError> {
        match self.calls_left {
            Some(0) => Err(LedgerError("a call of the store fails".into())),
            Some(left) => {
                *left -= 1;
                Ok(self.memory)
            }
            None => Ok(self.memory),
        }
    }
}

impl Transaction for SimTx<'_> {
    /// In memory bodies have no bytes: what is appended are their names. See [`name_of`].
    fn append_body(&mut self, bytes: &[u8]) -> Result<BodyRef, StoreError> {
        let body = match &mut self.on_disk {
            Some(on_disk) => on_disk.0.append_body(bytes)?,
            None => named(bytes),
        };
        self.memory.receive_body(body);
        Ok(body)
    }

    fn append_piece(
        &mut self,
        now: Timestamp,
        body: &BodyRef,
        at: u32,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        if let Some(on_disk) = &mut self.on_disk {
            on_disk.0.append_piece(now, body, at, bytes)?;
        }
        self.memory.receive_piece(*body, at, bytes.len() as u32);
        Ok(())
    }

    fn look_into_damage(&mut self) -> Result<LookedInto, StoreError> {
        Ok(LookedInto::default())
    }

    fn rows_set_aside(&self) -> u64 {
        0
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.savepoint = self.memory.savepoint();
        match &mut self.on_disk {
            Some(on_disk) => on_disk.0.savepoint(),
            None => Ok(()),
        }
    }

    fn release(&mut self) -> Result<(), StoreError> {
        match &mut self.on_disk {
            Some(on_disk) => on_disk.0.release_savepoint(),
            None => Ok(()),
        }
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        if *self.calls_left == Some(0) {
            return Err(StoreError::Failed);
        }
        if let Some(on_disk) = &mut self.on_disk {
            on_disk.0.roll_back_to_savepoint()?;
        }
        self.memory.roll_back_to(self.savepoint);
        Ok(())
    }

    fn commit(mut self) -> Result<(), StoreError> {
        if let Some(on_disk) = self.on_disk.take() {
            let (tx, in_doubt) = *on_disk;
            let done = tx.commit();
            if let Err(StoreError::Fatal(_)) = &done {
                let mut after = self.memory.clone();
                after.commit();
                *in_doubt = Some(after);
            }
            done?;
        }
        match self.commit {
            Commit::Durable => {
                self.memory.commit();
                self.open = false;
                Ok(())
            }
            Commit::Full => Err(StoreError::Full),
            Commit::Dies => Err(StoreError::Fatal("the process dies".to_owned())),
            Commit::Lies => Ok(()),
        }
    }
}

impl Drop for SimTx<'_> {
    fn drop(&mut self) {
        if self.open {
            self.memory.roll_back();
        }
    }
}

/// What is sent in place of a body's bytes.
pub(crate) fn name_of(body: &BodyRef) -> Vec<u8> {
    let mut name = body.hash.to_vec();
    name.extend(body.len.to_be_bytes());
    name
}

fn named(name: &[u8]) -> BodyRef {
    let (hash, len) = name.split_at(32);
    let hash = hash.try_into().expect("it has 32 bytes");
    let len = len.try_into().expect("it has 4 bytes");
    BodyRef {
        hash,
        len: u32::from_be_bytes(len),
    }
}

/// Calls that reach the memory unless they fail, and then the real store, if there is one: its word counts, and must be the same.
macro_rules! calls {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Ledger for SimTx<'_> {
            $(fn $name(&mut self, $($argument: $type),*) -> Result<$result, LedgerError> {
                let said = self.call()?.$name($($argument),*)?;
                match &mut self.on_disk {
                    None => Ok(said),
                    Some(on_disk) => {
                        let stored = Ledger::$name(&mut on_disk.0, $($argument),*)?;
                        // Memory keeps bodies for ever.
                        let of_bodies = matches!(
                            stringify!($name),
                            "has_body" | "damage" | "missing_after" | "body_part"
                        );
                        assert!(
                            of_bodies || stored == said,
                            "{}: the store says {stored:?} and the memory {said:?}",
                            stringify!($name),
                        );
                        Ok(stored)
                    }
                }
            })*
        }
    };
}

calls! {
    fn object(id: &ObjectId) -> Option<Object>;
    fn put(id: &ObjectId, object: &Object) -> ();
    fn remove(id: &ObjectId) -> ();
    fn owned_by(owner: &ObjectId) -> Vec<ObjectId>;
    fn ids_after(after: Option<&ObjectId>, limit: usize) -> Vec<ObjectId>;
    fn has_body(body: &BodyRef) -> bool;
    fn damage() -> Damage;
    fn missing_after(after: Option<&BodyRef>, limit: usize) -> Vec<BodyRef>;
    fn unreadable(id: &ObjectId) -> Option<Unreadable>;
    fn unreadable_after(after: Option<&ObjectId>, limit: usize) -> Vec<(ObjectId, Unreadable)>;
    fn set_lost(id: &ObjectId, lost: bool) -> ();
    fn body_part(body: &BodyRef) -> u32;
    fn mark(id: &ObjectId) -> Option<Mark>;
    fn set_mark(id: &ObjectId, mark: &Mark) -> ();
    fn clear_mark(id: &ObjectId) -> ();
    fn marks(lane: Lane, order: Order, from: Timestamp, limit: usize) -> Vec<(ObjectId, Mark)>;
    fn backlog(lane: Lane) -> Backlog;
    fn tombstone(id: &ObjectId) -> Option<Tombstone>;
    fn set_tombstone(id: &ObjectId, tombstone: &Tombstone) -> ();
    fn clear_tombstone(id: &ObjectId) -> ();
    fn deletion_record(id: &ObjectId) -> Option<DeletionRecord>;
    fn record_deletion(id: &ObjectId, deletion_record: &DeletionRecord) -> ();
    fn forget_deletion_records(before: Timestamp, limit: usize) -> usize;
    fn held(id: &ObjectId) -> Option<Held>;
    fn set_held(id: &ObjectId, held: &Held) -> ();
    fn clear_held(id: &ObjectId) -> ();
    fn held_after(after: Option<&ObjectId>, limit: usize) -> Vec<(ObjectId, Held)>;
    fn sums(tree: Tree, part: Option<u8>) -> Vec<Digest>;
    fn in_leaf(tree: Tree, leaf: u16, after: Option<&ObjectId>, limit: usize) -> Vec<ObjectId>;
    fn users_with_number(number: &str) -> Vec<ObjectId>;
    fn user_count() -> u64;
    fn users_of(home: ServerId) -> u64;
    fn staged(id: &ObjectId) -> Option<Object>;
    fn staged_owned_by(owner: &ObjectId) -> Vec<ObjectId>;
    fn stage(id: &ObjectId, object: Option<&Object>) -> ();
    fn unstage(limit: usize) -> usize;
    fn switch() -> ();
    fn keep(id: &ObjectId, object: &Object) -> ();
    fn kept_after(after: Option<&ObjectId>, limit: usize) -> Vec<(ObjectId, Object)>;
    fn kept_count() -> u64;
    fn forget_kept(id: &ObjectId) -> ();
    fn state() -> ReplicaState;
    fn set_state(state: &ReplicaState) -> ();
    fn history() -> Vec<HistoryEntry>;
    fn add_incarnation(entry: &HistoryEntry) -> ();
    fn forget_incarnations(before: Timestamp) -> usize;
}
