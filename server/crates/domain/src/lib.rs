//! Users, mailboxes, messages and their versions: what a CallPilot server is about.
//!
//! No IO, no clock, no randomness. An [`Object`] is a set of registers, each with the [`Version`] of its last change; two
//! copies of an object meet by [`Object::join`]. [`User`] and [`Message`] are typed views of objects. Every mutation is a
//! [`Change`]; what a change leaves behind for the partner is a [`Mark`] or a [`Tomb`] in the [`Ledger`].

mod change;
mod conditions;
mod ledger;
mod mark;
mod message;
mod object;
mod server_id;
mod task;
mod trie;
mod user;
mod version;

pub use change::Change;
pub use conditions::{Conditions, Shortcut};
pub use contract::{ObjectId, Timestamp};
pub use ledger::{Known, Ledger, LedgerError, LineageEntry, Order, ReplicaState, Seeding};
pub use mark::{Backlog, Grave, Held, Lane, Mark, Reason, Tomb};
pub use message::{Envelope, Filing, Message, Place, Sender, message_fields};
pub use object::{BodyRef, DecodeError, Joined, Key, Kind, Object, Register, Value};
pub use server_id::ServerId;
pub use task::{
    Deletions, Errand, Kept, Outcome, Phase, Task, TaskCounts, TaskId, TaskKind, TaskReport, Walk,
};
pub use trie::{Bucket, Digest, Tree};
pub use user::{Password, User, user_fields};
pub use version::{Hlc, Life, Version};
