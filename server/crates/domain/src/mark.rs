//! What the partner has not acknowledged: marks and tombstones, and the memory of what is gone.

use contract::Timestamp;
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
    /// Which change it was: the engine's tick at that moment, so it grows and never repeats. An acknowledgement clears the mark
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
pub struct Tomb {
    /// When it was deleted.
    pub at: Timestamp,
}

/// That an object once was: read only when it is absent here and arrives alive (E9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grave {
    /// When it was deleted.
    pub at: Timestamp,
}

/// How far one lane is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Marked objects.
    pub count: u64,
    /// When the oldest of them was changed.
    pub oldest: Option<Timestamp>,
}
