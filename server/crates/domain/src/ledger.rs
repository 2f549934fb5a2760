//! What the replication engine needs of a store: the view of one open transaction.
//!
//! The engine reads and writes through a [`Ledger`] and keeps nothing durable itself. Whoever drives it opens a transaction,
//! lets the engine handle its inputs, commits, and only then lets the engine's outputs leave (E3): what was said to anybody is
//! on disk. If the commit fails, engine and outputs are thrown away together with the transaction, and a new life begins.

use crate::{Backlog, BodyRef, Grave, Hlc, Lane, Life, Mark, Object, ServerId, Tomb};
use contract::{ObjectId, Timestamp};
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

/// What a server knows of its partner: the newest tick of that life whose effects are here (E10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Known {
    /// The partner's life.
    pub life: Life,
    /// Its tick.
    pub tick: u64,
}

/// One life of this server, and its tick when that life began (E11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageEntry {
    /// The life.
    pub life: Life,
    /// The tick at its beginning.
    pub tick: u64,
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaState {
    /// The hybrid logical clock.
    pub hlc: Hlc,
    /// Raised by every change and by every message that is applied.
    pub tick: u64,
    /// What is known of the partner.
    pub known: Option<Known>,
    /// The partner went back in time: a recovery is owed to it until it has acknowledged it (E11).
    pub owes_recovery: bool,
    /// This server went back in time and has not been recovered yet (E11).
    pub went_back: bool,
    /// The partner that objects are marked for. Another one in the configuration has nothing yet of what is here.
    #[serde(default)]
    pub partner: Option<ServerId>,
    /// Marking what was here before this partner is still going on.
    #[serde(default)]
    pub seeding: Option<Seeding>,
}

/// One open transaction of a store, as the replication engine sees it.
///
/// Every method can fail with the store; a failure is final for the transaction. Reads see the writes made before them.
pub trait Ledger {
    /// The object, if it is here.
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
    fn tomb(&mut self, id: &ObjectId) -> Result<Option<Tomb>, LedgerError>;
    /// Writes a tombstone.
    fn set_tomb(&mut self, id: &ObjectId, tomb: &Tomb) -> Result<(), LedgerError>;
    /// Removes a tombstone.
    fn clear_tomb(&mut self, id: &ObjectId) -> Result<(), LedgerError>;
    /// Whether an object was deleted here once.
    fn grave(&mut self, id: &ObjectId) -> Result<Option<Grave>, LedgerError>;
    /// Remembers that an object was deleted.
    fn bury(&mut self, id: &ObjectId, grave: &Grave) -> Result<(), LedgerError>;

    /// The engine's small state.
    fn state(&mut self) -> Result<ReplicaState, LedgerError>;
    /// Writes the engine's small state.
    fn set_state(&mut self, state: &ReplicaState) -> Result<(), LedgerError>;
    /// The lives of this server, oldest first.
    fn lineage(&mut self) -> Result<Vec<LineageEntry>, LedgerError>;
    /// Adds a life.
    fn add_life(&mut self, entry: &LineageEntry) -> Result<(), LedgerError>;
}
