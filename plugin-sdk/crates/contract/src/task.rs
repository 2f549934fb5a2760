//! Tasks of a GR pair, below `/api/v1/admin/gr`: what puts right what has come apart (R10 to R14), and mailboxes that are held (R9).
//!
//! *Here* is always the answering server, *there* its partner, whichever of them drives the task.

use crate::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// What is to be put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Users on both servers: the newer value wins, missing GR users are created, GR users without an original are deleted.
    Resync,
    /// The same without a look at values.
    Audit,
    /// Everything here is replaced by what the partner holds.
    Rebuild,
    /// Some mailboxes, or all of them, message by message.
    Mailboxes,
}

/// How many users a task deletes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskDeletions {
    /// On the answering server.
    pub here: u64,
    /// On its partner.
    pub there: u64,
}

/// `POST /api/v1/admin/gr/tasks`: a task that the answering server drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// What it is.
    pub kind: TaskKind,
    /// Only count what it would do. It ends by itself, and its counts are those of the last task.
    #[serde(default)]
    pub dry_run: bool,
    /// The deletions that a dry run showed and the administrator agrees to. Without them a task that would delete more than a few users
    /// waits until somebody agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<TaskDeletions>,
    /// For `mailboxes`: their numbers, at most 1,000; none at all means every mailbox.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailboxes: Vec<String>,
}

/// Where an open task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// What differs is looked for.
    Comparing,
    /// What differs is on its way.
    Settling,
    /// More users would be deleted than may be without an administrator's word: agree, or stop the task.
    Waiting,
    /// GR users without an original are deleted.
    Deleting,
    /// Rebuild: what an earlier task has left is cleared away.
    Clearing,
    /// Rebuild: what the partner holds is fetched, beside what is here.
    Fetching,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    /// It came to its end.
    Done,
    /// It was stopped on the server that drove it.
    Aborted,
    /// It was stopped on the other server.
    AbortedThere,
    /// The partner started one of its own at the same moment, and that one went on.
    GaveWay,
    /// One of the servers was restored from a backup, which has to be healed first.
    WentBack,
    /// It was open for a day.
    Expired,
}

/// What a task has found or done so far; in a dry run, what it would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskCounts {
    /// Users created here.
    pub created_here: u64,
    /// Users created there.
    pub created_there: u64,
    /// Users that differed; both servers have their newest values afterwards.
    pub updated: u64,
    /// Users deleted here.
    pub deleted_here: u64,
    /// Users deleted there.
    pub deleted_there: u64,
    /// Messages and other contents of mailboxes that were missing here.
    pub contents_here: u64,
    /// The same there.
    pub contents_there: u64,
    /// The same that differed.
    pub contents_updated: u64,
    /// Left alone, because a change was on its way.
    pub left_out: u64,
    /// Steps of comparing or fetching that are done.
    pub done: u64,
    /// How many there are, as far as that is known; 0 if it is not.
    pub total: u64,
}

/// A task, open or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrTask {
    /// Which: 16 hexadecimal digits.
    pub id: String,
    /// What it is.
    pub kind: TaskKind,
    /// It only counts.
    pub dry_run: bool,
    /// FQDN of the server that drives it.
    pub server: String,
    /// When it was started; for a task of the partner, when it was first heard of.
    pub began: Timestamp,
    /// Where it is; `null` when it has ended, and for a task of the partner.
    pub phase: Option<TaskPhase>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it ended; `null` while it is open.
    pub outcome: Option<TaskOutcome>,
    /// What it has found and done.
    pub counts: TaskCounts,
}

/// What tasks have removed from the answering server, and can be brought back for 7 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeptObjects {
    /// The last task that removed something.
    pub kind: TaskKind,
    /// When it did.
    pub at: Timestamp,
    /// When what is kept goes for good.
    pub until: Timestamp,
    /// How many users, messages and other objects are kept.
    pub objects: u64,
}

/// What a server does beside everything else, a little at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskErrand {
    /// After a rebuild: messages that only the replaced users had come back.
    Salvage,
    /// What tasks removed comes back.
    Undo,
    /// What was kept long enough goes for good.
    Purge,
    /// What was fetched for a rebuild that was stopped goes.
    Unstage,
    /// What is held is tried again.
    Retry,
}

/// `GET /api/v1/admin/gr/tasks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrTasks {
    /// The open task that the answering server drives.
    pub open: Option<GrTask>,
    /// The open task that the partner drives.
    pub serving: Option<GrTask>,
    /// The last task that the answering server drove and that has ended.
    pub last: Option<GrTask>,
    /// What can be brought back.
    pub kept: Option<KeptObjects>,
    /// What is still to be brought back, cleared away or tried again.
    pub errand: Option<TaskErrand>,
    /// Users on the answering server now, local users and GR users.
    pub users: u64,
}

/// `GET /api/v1/admin/gr/held`: mailboxes that are not kept up to date on both servers, each with its reason (R9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldMailboxes {
    /// Of this server: not sent, or refused by the partner.
    pub held: Vec<HeldMailbox>,
    /// How many those are; the list may be shorter.
    pub held_count: u64,
    /// Of the partner: refused here since this server was started.
    pub refused: Vec<HeldMailbox>,
}

/// A mailbox that is not replicated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldMailbox {
    /// Identity of the object that is held.
    pub id: ObjectId,
    /// Mailbox number, if it is a user.
    pub mailbox: Option<String>,
    /// Display name, if it is a user.
    #[serde(default)]
    pub name: Option<String>,
    /// Since when, if that is known.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Why, and what to do, in plain words.
    pub reason: String,
}
