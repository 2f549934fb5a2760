//! Users, mailboxes, messages and their versions: what a CallPilot server is about.
//!
//! No IO, no clock, no randomness. An [`Object`] is a set of registers, each with the [`Version`] of its last change; two
//! copies of an object meet by [`Object::join`]. [`User`], [`Message`], [`Greeting`], [`ListEntry`] and [`Setting`] are typed views of
//! objects. Every mutation is a [`Change`]; what a change leaves behind for the partner is a [`Mark`] or a [`Tomb`] in the [`Ledger`].

mod change;
mod conditions;
mod damage;
mod derived;
mod greeting;
mod ledger;
mod list;
mod mark;
mod message;
mod object;
mod reach;
mod server_id;
mod setting;
mod task;
mod trie;
mod unfit;
mod user;
mod version;

pub use change::Change;
pub use conditions::{Conditions, Shortcut};
pub use contract::{ObjectId, Timestamp};
pub use damage::{Damage, Unreadable};
pub use greeting::{Greeting, Slot, greeting_fields};
pub use ledger::{Known, Ledger, LedgerError, LineageEntry, Order, ReplicaState, Said, Seeding};
pub use list::{DistributionList, ListEntry, list_fields};
pub use mark::{Backlog, Grave, Held, Lane, Mark, Reason, Tomb};
pub use message::{Envelope, Filing, Message, Place, Sender, message_fields};
pub use object::{BodyRef, DecodeError, Joined, Key, Kind, Object, Register, Value};
pub use reach::{Device, Forwarding, Hours, Notification, PhoneDelivery, Target};
pub use server_id::ServerId;
pub use setting::{
    EmailServer, NameDialing, NameOrder, Setting, SettingName, broadcast_value, setting_fields,
};
pub use task::{
    Deletions, Errand, Kept, Outcome, Phase, Removed, Task, TaskCounts, TaskId, TaskKind,
    TaskReport, Walk,
};
pub use trie::{Bucket, Digest, Tree};
pub use unfit::{Unfit, check_address, check_mailbox_number, check_name, check_telephone_number};
pub use user::{Password, User, user_fields};
pub use version::{Hlc, Life, Version};
