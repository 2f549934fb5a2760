//! The store that the writer has in a simulation: a ledger in memory, of which any call can fail, and whose commit can.

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

/// A store in memory.
#[derive(Clone, Debug)]
pub(crate) struct SimStore {
    pub(crate) memory: Memory,
    /// So many calls are carried out, and then all fail; `None`: all are carried out.
    pub(crate) calls_left: Option<u64>,
    pub(crate) commit: Commit,
}

impl Default for SimStore {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            calls_left: None,
            commit: Commit::Durable,
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

/// Its open transaction.
#[derive(Debug)]
pub(crate) struct SimTx<'t> {
    store: &'t mut SimStore,
    savepoint: usize,
    open: bool,
}

impl Store for SimStore {
    type Tx<'t> = SimTx<'t>;

    fn begin(&mut self) -> Result<SimTx<'_>, StoreError> {
        self.memory.begin();
        Ok(SimTx {
            store: self,
            savepoint: 0,
            open: true,
        })
    }

    fn look_for_room(&mut self) -> Room {
        Room::default()
    }

    fn room(&self) -> Room {
        Room::default()
    }

    fn admits(&mut self, _: u64) -> bool {
        true
    }

    fn ended(&mut self, _: Result<(), &StoreError>, _: bool) {}

    fn compact(&mut self, _: Timestamp, _: u64) -> Result<Compacted, StoreError> {
        Ok(Compacted::default())
    }

    fn unreadable(&self) -> (usize, BTreeSet<i64>) {
        (0, BTreeSet::new())
    }
}

impl SimTx<'_> {
    /// What the ledger holds, with what this transaction has written.
    pub(crate) fn memory(&self) -> &Memory {
        &self.store.memory
    }

    fn call(&mut self) -> Result<&mut Memory, LedgerError> {
        match &mut self.store.calls_left {
            Some(0) => Err(LedgerError("a call of the store fails".into())),
            Some(left) => {
                *left -= 1;
                Ok(&mut self.store.memory)
            }
            None => Ok(&mut self.store.memory),
        }
    }
}

impl Transaction for SimTx<'_> {
    /// Bodies have no bytes here: what is appended are their names. See [`name_of`].
    fn append_body(&mut self, bytes: &[u8]) -> Result<BodyRef, StoreError> {
        let body = named(bytes);
        self.store.memory.receive_body(body);
        Ok(body)
    }

    fn append_piece(
        &mut self,
        _: Timestamp,
        body: &BodyRef,
        at: u32,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.store
            .memory
            .receive_piece(*body, at, bytes.len() as u32);
        Ok(())
    }

    fn look_into_damage(&mut self) -> Result<LookedInto, StoreError> {
        Ok(LookedInto::default())
    }

    fn rows_set_aside(&self) -> u64 {
        0
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.savepoint = self.store.memory.savepoint();
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        if self.store.calls_left == Some(0) {
            return Err(StoreError::Failed);
        }
        self.store.memory.roll_back_to(self.savepoint);
        Ok(())
    }

    fn commit(mut self) -> Result<(), StoreError> {
        match self.store.commit {
            Commit::Durable => {
                self.store.memory.commit();
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
            self.store.memory.roll_back();
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

/// Calls that reach the memory unless they fail.
macro_rules! calls {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Ledger for SimTx<'_> {
            $(fn $name(&mut self, $($argument: $type),*) -> Result<$result, LedgerError> {
                self.call()?.$name($($argument),*)
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
