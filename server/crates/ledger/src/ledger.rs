//! What the replication engine needs of a store: the view of one open transaction.
//!
//! The engine reads and writes through a [`Ledger`] and keeps nothing durable itself. Whoever drives it opens a transaction,
//! lets the engine handle its inputs, commits, and only then lets the engine's outputs leave (E3): what was said to anybody is
//! on disk. If the commit fails, engine and outputs are thrown away together with the transaction, and a new incarnation begins.

use crate::{
    Backlog, Damage, DeletionRecord, Held, Kept, Lane, Mark, Removed, Scan, Task, TaskId,
    TaskReport, Tombstone, Tree, Unreadable,
};
use domain::{BodyRef, Digest, Hlc, Incarnation, Object, ObjectId, ServerId, Timestamp};
use serde::{Deserialize, Serialize};

/// The store failed. The transaction must not be committed.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct LedgerError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Oldest or newest first, by [`Mark::since`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Oldest,
    /// Newest first.
    Newest,
}

/// What a server knows of its partner: the newest CSN of that incarnation whose effects are here (E10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Known {
    /// The partner's incarnation.
    #[serde(rename = "life")]
    pub incarnation: Incarnation,
    /// Its CSN.
    #[serde(rename = "tick")]
    pub csn: u64,
    /// The id of the message that told of it: another branch of the same past has the same CSN, but never the same message (E13). 0:
    /// no message did.
    #[serde(default)]
    pub id: u64,
}

/// A message that was sent and that the partner has not confirmed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRecord {
    /// The CSN that it told of.
    #[serde(rename = "tick")]
    pub csn: u64,
    /// Its id.
    pub id: u64,
}

/// One incarnation of this server, and its CSN when that incarnation began (E11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The incarnation.
    #[serde(rename = "life")]
    pub incarnation: Incarnation,
    /// The CSN at its beginning.
    #[serde(rename = "tick")]
    pub csn: u64,
    /// When it began, for its retention.
    pub began: Timestamp,
}

/// Objects that were here before there was a partner are marked in the order of their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeding {
    /// The last one that has been marked.
    pub after: Option<ObjectId>,
}

/// The small durable state of the engine, read and written whole; a store keeps it as bytes of its own choice.
///
/// The names under which it is kept, here and in messages, are those of the first release: they are what `rename` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaState {
    /// The hybrid logical clock.
    pub hlc: Hlc,
    /// Raised by every change and by every message that is applied.
    #[serde(rename = "tick")]
    pub csn: u64,
    /// What is known of the partner.
    pub known: Option<Known>,
    /// What was said since the partner last confirmed something, the oldest first, a few of it: the partner may know of nothing else
    /// (E13).
    #[serde(rename = "trail", default)]
    pub unconfirmed: Vec<SentRecord>,
    /// Up to this CSN more was said than the unconfirmed log could hold.
    #[serde(rename = "trail_gap", default)]
    pub unconfirmed_gap: u64,
    /// From this CSN on the unconfirmed log tells of everything that was said; what is older the partner has confirmed. `None`: not known, from
    /// before this was written down.
    #[serde(rename = "trail_from", default)]
    pub unconfirmed_from: Option<u64>,
    /// For how long, in milliseconds of real time, the clocks of both servers have agreed without a break.
    #[serde(default)]
    pub agreed_ms: u64,
    /// When that was last counted, by the wall clock.
    #[serde(default)]
    pub counted_at: Option<Timestamp>,
    /// Of which server that is known.
    #[serde(default)]
    pub known_of: Option<ServerId>,
    /// The partner went back in time: a recovery is owed to it until it has acknowledged it (E11).
    #[serde(rename = "owes_recovery")]
    pub partner_rolled_back: bool,
    /// This server went back in time and has not been recovered yet (E11).
    #[serde(rename = "went_back")]
    pub rolled_back: bool,
    /// The partner that objects are marked for. Another one in the configuration has nothing yet of what is here.
    #[serde(default)]
    pub partner: Option<ServerId>,
    /// Marking what was here before this partner is still going on.
    #[serde(default)]
    pub seeding: Option<Seeding>,
    /// The task that this server drives.
    #[serde(default)]
    pub task: Option<Task>,
    /// What the last one came to.
    #[serde(default)]
    pub last_task: Option<TaskReport>,
    /// Whatever is written here is written beside it, too, for a rebuild (E18).
    #[serde(default)]
    pub staging: bool,
    /// What tasks removed from this server and is kept.
    #[serde(default)]
    pub kept: Option<Kept>,
    /// What the last task that removed something here has removed.
    #[serde(default)]
    pub removed: Option<Removed>,
    /// Walks that are under way, one after the other.
    #[serde(rename = "walks", default)]
    pub scans: Vec<Scan>,
    /// This server is in courtesy down (R18): it says so, and sends and takes no data until it is up again.
    #[serde(default)]
    pub courtesy: bool,
    /// Tasks of the partner that were stopped here: their next question is answered so. The newest last, a few of them.
    #[serde(default)]
    pub stopped: Vec<TaskId>,
}

/// One open transaction of a store, as the replication engine sees it.
///
/// Every method can fail with the store; a failure is final for the transaction. Reads see the writes made before them.
pub trait Ledger {
    /// The object, if it is here. One whose row cannot be read becomes unreadable: see [`Self::unreadable`].
    fn object(&mut self, id: &ObjectId) -> Result<Option<Object>, LedgerError>;
    /// Writes an object, new or changed.
    fn put(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError>;
    /// Removes an object; a body that nothing else refers to may be collected later.
    fn remove(&mut self, id: &ObjectId) -> Result<(), LedgerError>;
    /// The objects that belong to a user, in order of their ids.
    fn owned_by(&mut self, owner: &ObjectId) -> Result<Vec<ObjectId>, LedgerError>;
    /// At most `limit` ids of objects of any kind, ascending, strictly after `after`.
    fn ids_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerError>;
    /// Whether this body is here, whole: durable, or appended in this transaction.
    fn has_body(&mut self, body: &BodyRef) -> Result<bool, LedgerError>;
    /// How many bytes of a body that is not whole yet are here, from its beginning on: 0 if none are, or if it is whole.
    fn body_part(&mut self, body: &BodyRef) -> Result<u32, LedgerError>;

    /// How much is damaged. Asked for in nearly every transaction.
    fn damage(&mut self) -> Result<Damage, LedgerError>;
    /// At most `limit` bodies that something refers to and that are not here, in order of their hashes, strictly after `after`.
    fn missing_after(
        &mut self,
        after: Option<&BodyRef>,
        limit: usize,
    ) -> Result<Vec<BodyRef>, LedgerError>;
    /// Whether the row of an object cannot be read: then it is not absent, though nothing else tells of it. Ends when the object is
    /// put or removed.
    fn unreadable(&mut self, id: &ObjectId) -> Result<Option<Unreadable>, LedgerError>;
    /// At most `limit` unreadable objects in order of their ids, strictly after `after`.
    fn unreadable_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Unreadable)>, LedgerError>;
    /// Notes whether the partner does not know an unreadable object either.
    fn set_lost(&mut self, id: &ObjectId, lost: bool) -> Result<(), LedgerError>;

    /// The mark of an object.
    fn mark(&mut self, id: &ObjectId) -> Result<Option<Mark>, LedgerError>;
    /// Writes a mark.
    fn set_mark(&mut self, id: &ObjectId, mark: &Mark) -> Result<(), LedgerError>;
    /// Removes a mark.
    fn clear_mark(&mut self, id: &ObjectId) -> Result<(), LedgerError>;
    /// At most `limit` marks of a lane whose `since` is at or after `from`, in the given order; ties in order of ids.
    fn marks(
        &mut self,
        lane: Lane,
        order: Order,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Mark)>, LedgerError>;
    /// How many marks a lane has, and its oldest. Asked for in nearly every transaction.
    fn backlog(&mut self, lane: Lane) -> Result<Backlog, LedgerError>;

    /// The tombstone of an object.
    fn tombstone(&mut self, id: &ObjectId) -> Result<Option<Tombstone>, LedgerError>;
    /// Writes a tombstone.
    fn set_tombstone(&mut self, id: &ObjectId, tombstone: &Tombstone) -> Result<(), LedgerError>;
    /// Removes a tombstone.
    fn clear_tombstone(&mut self, id: &ObjectId) -> Result<(), LedgerError>;
    /// Whether an object was deleted here once.
    fn deletion_record(&mut self, id: &ObjectId) -> Result<Option<DeletionRecord>, LedgerError>;
    /// Remembers that an object was deleted.
    fn record_deletion(
        &mut self,
        id: &ObjectId,
        deletion_record: &DeletionRecord,
    ) -> Result<(), LedgerError>;
    /// Forgets at most `limit` deletion records older than `before` that are not of users. Returns how many.
    fn forget_deletion_records(
        &mut self,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, LedgerError>;

    /// Why an object is held back, if it is.
    fn held(&mut self, id: &ObjectId) -> Result<Option<Held>, LedgerError>;
    /// Holds an object back.
    fn set_held(&mut self, id: &ObjectId, held: &Held) -> Result<(), LedgerError>;
    /// Holds it back no longer.
    fn clear_held(&mut self, id: &ObjectId) -> Result<(), LedgerError>;
    /// At most `limit` held objects in order of their ids, strictly after `after`.
    fn held_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Held)>, LedgerError>;

    /// The sums of a tree, each of 256 entries: of its parts, or of the leaves of one part (R15). They follow every
    /// [`Self::put`] and [`Self::remove`] in the same transaction; what is empty sums to 0.
    fn sums(&mut self, tree: Tree, part: Option<u8>) -> Result<Vec<Digest>, LedgerError>;
    /// At most `limit` ids of the objects in a leaf, ascending, strictly after `after`.
    fn in_leaf(
        &mut self,
        tree: Tree,
        leaf: u16,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerError>;
    /// Users with this mailbox number, in order of their ids.
    fn users_with_number(&mut self, number: &str) -> Result<Vec<ObjectId>, LedgerError>;
    /// How many users there are.
    fn user_count(&mut self) -> Result<u64, LedgerError>;
    /// How many of them are local to a server. May read through their index.
    fn users_of(&mut self, home: ServerId) -> Result<u64, LedgerError>;

    /// An object that is staged for a rebuild (E18).
    fn staged(&mut self, id: &ObjectId) -> Result<Option<Object>, LedgerError>;
    /// The staged objects that belong to a user, in order of their ids.
    fn staged_owned_by(&mut self, owner: &ObjectId) -> Result<Vec<ObjectId>, LedgerError>;
    /// Stages an object, or removes it from what is staged.
    fn stage(&mut self, id: &ObjectId, object: Option<&Object>) -> Result<(), LedgerError>;
    /// Removes at most `limit` objects from what is staged. Returns how many.
    fn unstage(&mut self, limit: usize) -> Result<usize, LedgerError>;
    /// What is staged becomes what is live, and what was live is kept. Nothing may be kept before. Takes about the same time however
    /// much there is.
    fn switch(&mut self) -> Result<(), LedgerError>;
    /// Keeps an object that a task removes.
    fn keep(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError>;
    /// At most `limit` kept objects in order of their ids, strictly after `after`.
    fn kept_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Object)>, LedgerError>;
    /// How many objects are kept. May read through them.
    fn kept_count(&mut self) -> Result<u64, LedgerError>;
    /// Forgets a kept object.
    fn forget_kept(&mut self, id: &ObjectId) -> Result<(), LedgerError>;

    /// The engine's small state.
    fn state(&mut self) -> Result<ReplicaState, LedgerError>;
    /// Writes the engine's small state.
    fn set_state(&mut self, state: &ReplicaState) -> Result<(), LedgerError>;
    /// The incarnations of this server, oldest first.
    fn history(&mut self) -> Result<Vec<HistoryEntry>, LedgerError>;
    /// Adds an incarnation.
    fn add_incarnation(&mut self, entry: &HistoryEntry) -> Result<(), LedgerError>;
    /// Forgets the oldest incarnations that began before a moment. Returns how many.
    fn forget_incarnations(&mut self, before: Timestamp) -> Result<usize, LedgerError>;
}
