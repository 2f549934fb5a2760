//! What a server remembers for its partner, and the view of one open transaction through which the replication engine sees it.
//!
//! A change of an object leaves a [`Mark`] behind, a deletion a [`Tombstone`] as well, until the partner has acknowledged it; a [`DeletionRecord`]
//! remembers what is gone. Sums over all objects are kept by every write, so that comparing two servers costs what differs ([`Tree`]).
//! [`Ledger`] is what a store has to do; [`memory`] does it without a disk, and [`conformance`] is the suite that both are held to.

mod damage;
mod ledger;
mod mark;
pub mod memory;
mod task;
mod trie;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use self::ledger::{
    HistoryEntry, Known, Ledger, LedgerError, Order, ReplicaState, Seeding, SentRecord,
};
pub use damage::{Damage, Unreadable};
pub use mark::{Backlog, DeletionRecord, Held, Lane, Mark, Reason, Tombstone};
pub use task::{
    BackgroundJob, Deletions, Kept, Outcome, Phase, Removed, Scan, Task, TaskCounts, TaskId,
    TaskKind, TaskReport,
};
pub use trie::{Leaf, Tree};
