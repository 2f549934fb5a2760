//! What an administrator, or the night, asks a pair to put right, and how far it has come: the durable part of a task.
//!
//! Whoever is asked drives it; the partner only answers. So all that has to outlive a crash is here, on one server, and small.

use domain::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// The identity of a task: 64 random bits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TaskId(pub u64);

/// What is to be put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaskKind {
    /// Users on both servers: the newer value wins, missing GR users are created, GR users without an original go (R11).
    Resync,
    /// The same without a look at values: missing GR users are created, GR users without an original go (R12).
    Audit,
    /// Everything here is replaced by what the partner holds (R10).
    Rebuild,
    /// Some mailboxes, or all of them, message by message (R14).
    Mailboxes,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// What differs is looked for, and marked where it is found.
    Comparing,
    /// What was marked is on its way.
    Settling,
    /// More would be deleted than may be without an administrator's word (E19).
    Waiting,
    /// GR users without an original go (E17).
    Deleting,
    /// Rebuild: what an earlier task has left is cleared away.
    Clearing,
    /// Rebuild: the partner's objects are fetched, beside the live ones (E18).
    Fetching,
}

/// How many GR users may be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletions {
    /// On the server that drives the task.
    pub here: u64,
    /// On its partner.
    pub there: u64,
}

/// What a task has removed from this server by itself, in all its attempts: the deletion guard counts them together (E19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Which task, of this server or of its partner.
    pub task: TaskId,
    /// GR users.
    pub users: u64,
    /// Messages, greetings and lists, of all mailboxes together.
    pub contents: u64,
}

/// What a task has found or done so far. In a dry run: what it would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskCounts {
    /// Users created on the server that drives the task.
    pub created_here: u64,
    /// Users created on its partner.
    pub created_there: u64,
    /// Users that differed. Their newest values are on both servers afterwards.
    pub updated: u64,
    /// GR users deleted on the server that drives the task.
    pub deleted_here: u64,
    /// GR users deleted on its partner.
    pub deleted_there: u64,
    /// Messages and other contents of mailboxes that were missing on the server that drives the task.
    pub contents_here: u64,
    /// The same on its partner.
    pub contents_there: u64,
    /// The same that differed.
    pub contents_updated: u64,
    /// Left alone, because a change of theirs is still on its way: the next look will find them.
    pub left_out: u64,
    /// Steps of comparing or fetching that are done: leaves, mailboxes or objects.
    pub done: u64,
    /// How many there are, as far as that is known.
    pub total: u64,
}

/// A task that is open on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Which.
    pub id: TaskId,
    /// What it is.
    pub kind: TaskKind,
    /// It only counts.
    pub dry: bool,
    /// The deletions that an administrator has agreed to; without them the deletion guard decides (E19).
    pub agreed: Option<Deletions>,
    /// When it was started.
    pub began: Timestamp,
    /// Where it is.
    pub phase: Phase,
    /// Rebuild: everything up to here has been fetched.
    pub after: Option<ObjectId>,
    /// Mailboxes that are still to be compared; none at all means every mailbox.
    pub mailboxes: Vec<ObjectId>,
    /// What it has found and done.
    pub counts: TaskCounts,
}

/// Who ended a task, or what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It came to its end.
    Done,
    /// An administrator of this server stopped it.
    Aborted,
    /// It was stopped on the partner.
    AbortedThere,
    /// The partner started one of its own at the same moment, and that one goes on.
    GaveWay,
    /// One of the servers went back in time; recovery comes first.
    #[serde(rename = "WentBack")]
    RolledBack,
    /// It was open for a day.
    Expired,
}

/// What the last task of this server came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Which.
    pub id: TaskId,
    /// What it was.
    pub kind: TaskKind,
    /// It only counted.
    pub dry: bool,
    /// When it was started.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// What it found and did.
    pub counts: TaskCounts,
}

/// What tasks have removed is kept for some days, and can be brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The last task that removed something.
    pub task: TaskId,
    /// What it was.
    pub kind: TaskKind,
    /// When it did.
    pub at: Timestamp,
    /// How many objects are kept.
    pub objects: u64,
}

/// A scan over all objects that is made a few at a time, beside everything else, and survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// What for.
    #[serde(rename = "errand")]
    pub job: BackgroundJob,
    /// It has come to here.
    pub after: Option<ObjectId>,
}

/// What a scan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackgroundJob {
    /// After a rebuild: messages that only the replaced objects had, of users that are still there, come back.
    Salvage,
    /// Everything that tasks removed comes back.
    Undo,
    /// What was kept long enough goes for good.
    Purge,
    /// What was fetched for a rebuild that was stopped goes.
    Unstage,
    /// What the partner refused is tried again.
    Retry,
}
