//! What the partner has not acknowledged: marks and tombstones, and the memory of what is gone.

use domain::{Kind, Timestamp};
use serde::{Deserialize, Serialize};

/// Which of the two queues an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lane {
    /// Users, lists and settings.
    Users,
    /// Messages and greetings.
    Messages,
}

/// An object that the partner has not acknowledged in its present version (E1, E2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its lane.
    pub lane: Lane,
    /// Which change it was: the engine's CSN at that moment, so it grows and never repeats. An acknowledgement clears the mark
    /// of this very number.
    pub n: u64,
    /// When the first change was made that the partner has not acknowledged.
    pub since: Timestamp,
    /// The body has to go along: set at creation, cleared when the acknowledged message carried it.
    pub body: bool,
    /// No message ever carried the object: if it is deleted now, the partner need not hear of it.
    #[serde(default)]
    pub unsent: bool,
    /// Made because the partner went back in time and may have lost the object: from such a mark it takes back even a user of its
    /// own (E25).
    #[serde(default)]
    pub recovery: bool,
}

/// An object deleted here whose deletion the partner has not acknowledged (E8). It always has a [`Mark`] beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// When it was deleted.
    pub at: Timestamp,
}

/// That an object once was: read only when it is absent here and arrives alive (E9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionRecord {
    /// When it was deleted.
    pub at: Timestamp,
    /// What it was. Deletion records of users stay for ever; the others go when no backup can be older.
    pub kind: Kind,
}

/// An object that the partner refused, or that may not be sent (R9). It is no backlog and is not sent, but in every verdict it counts as
/// marked: the partner does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub at: Timestamp,
    /// The mark that it had, and gets back when it is tried again.
    pub mark: Mark,
}

/// Why an item was not applied, or is not sent. A number on the wire, so that a later level can add its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason(pub u8);

impl Reason {
    /// Its body is not here: send it again, with the body (E23).
    pub const NEED_BODY: Self = Self(1);
    /// It is a user that belongs to the refusing server and does not exist there (E25).
    pub const NO_SUCH_USER: Self = Self(2);
    /// It contradicts what is here: kind, owner or body of an object never change.
    pub const FAULT: Self = Self(3);
    /// VPIM shortcuts have an overlap, and none matches the first digits of the mailbox number (R9 a). Found by the sender.
    pub const NO_OVERLAP: Self = Self(4);
    /// The refusing server has a Temporary Remote User with this mailbox number (R9 b).
    pub const TEMPORARY_REMOTE_USER: Self = Self(5);
    /// The refusing server has a local user with this mailbox number.
    pub const NUMBER_TAKEN: Self = Self(6);
    /// The refusing server lacks the mailbox class.
    pub const CLASS_MISSING: Self = Self(7);
    /// The refusing server has no room for another user.
    pub const CAPACITY: Self = Self(8);
    /// Its user is held, so it is held with it. Found by the sender.
    pub const WITH_USER: Self = Self(9);
    /// Its row cannot be read here, so there is nothing to send; what the partner has of it comes back. Found by the sender.
    pub const UNREADABLE: Self = Self(10);
    /// Neither server has its body. Found by the sender, who has lost it before the partner had it.
    pub const BODY_LOST: Self = Self(11);
    /// The refusing server's disk is nearly full, and it needs a body.
    pub const NO_ROOM: Self = Self(12);
}

/// How far one lane is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Marked objects.
    pub count: u64,
    /// When the oldest of them was changed.
    pub oldest: Option<Timestamp>,
}
