//! The store of a server in a widened history: a ledger in memory, of which any call can fail.

use domain::{BodyRef, Digest, Object, ObjectId, ServerId, Timestamp};
use ledger::memory::Memory;
use ledger::{
    Backlog, Damage, DeletionRecord, Held, HistoryEntry, Lane, Ledger, LedgerError, Mark, Order,
    ReplicaState, Tombstone, Tree, Unreadable,
};

/// A ledger that fails after so many calls, and from then on.
pub(crate) struct Failing<'a> {
    memory: &'a mut Memory,
    left: &'a mut Option<u64>,
}

impl<'a> Failing<'a> {
    /// `left`: so many calls are carried out; `None`: all of them.
    pub(crate) fn new(memory: &'a mut Memory, left: &'a mut Option<u64>) -> Self {
        Self { memory, left }
    }

    fn call(&mut self) -> Result<&mut Memory, LedgerError> {
        match self.left {
            Some(0) => Err(LedgerError("a call of the store fails".into())),
            Some(left) => {
                *left -= 1;
                Ok(self.memory)
            }
            None => Ok(self.memory),
        }
    }
}

/// Calls that reach the memory unless they fail.
macro_rules! calls {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Ledger for Failing<'_> {
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
