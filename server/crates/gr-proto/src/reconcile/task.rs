//! Tasks: resync, audit, rebuild and mailbox resync (R10 to R14), driven by the server on which they were started.
//!
//! ```text
//! resync, audit    Comparing ─► Settling ─► [ Waiting ] ─► Deleting ─► done
//! mailboxes        Comparing ─► Settling ─► done
//! rebuild          Clearing ─► Fetching ─► the switch
//! ```
//! The phase is durable, what was found is not: a comparison that is interrupted begins anew, because it costs no more than the
//! difference. Nothing is deleted before the last phase, so whoever stops a task before it finds everything there (E17). One task
//! is open per pair; of two that begin at the same moment the one with the smaller id gives way.

use crate::objects::transaction::Tx;
use crate::{Event, Mono, limits};
use domain::{Object, ObjectId, Timestamp, User};
use ledger::{
    BackgroundJob, Kept, Outcome, Reason, Task, TaskCounts, TaskId, TaskKind, TaskReport,
};
use std::collections::BTreeMap;

/// Tasks, as they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskView {
    /// The one that this server drives.
    pub open: Option<Task>,
    /// The one that the partner drives.
    pub serving: Option<Serving>,
    /// What the last one of this server came to.
    pub last: Option<TaskReport>,
    /// What can be brought back.
    pub kept: Option<Kept>,
    /// What is still to be cleared away, brought back or tried again.
    pub job: Option<BackgroundJob>,
    /// What of the partner was refused here since this incarnation began, and has not come since.
    pub refused: BTreeMap<ObjectId, Refused>,
}

/// Something of the partner that was refused here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// Users: mailbox number. Empty for what is no user.
    pub number: String,
    /// Users: display name.
    pub name: String,
    /// Users: number of the mailbox class.
    pub class: Option<i64>,
    /// Since when.
    pub at: Timestamp,
}

/// The mailbox class of a user; `None` if it is not one.
pub(crate) fn class_of(object: Option<&Object>) -> Option<i64> {
    object.and_then(User::of).map(|user| user.class())
}

/// A task that the partner drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Which.
    pub id: TaskId,
    /// What it is.
    pub kind: TaskKind,
    /// It only counts.
    pub dry: bool,
    /// How far it is, as the partner counts: *here* is there.
    pub counts: TaskCounts,
    /// When it was first heard of.
    pub since: Timestamp,
    /// When it was last heard of.
    pub(crate) heard: Mono,
}

impl Serving {
    /// When it is no longer shown if it is not heard of before: its end was lost on the way.
    pub(crate) fn silent_at(&self) -> Mono {
        self.heard.plus(limits::SERVING_MS)
    }
}

/// Ends the task that is open here.
pub(crate) fn finish(tx: &mut Tx<'_>, outcome: Outcome) -> Option<Event> {
    let task = tx.state.task.take()?;
    if tx.state.staging {
        tx.state.staging = false;
        tx.scan(BackgroundJob::Unstage);
    }
    let (id, kind) = (task.id, task.kind);
    tx.state.last_task = Some(TaskReport {
        id,
        kind,
        dry: task.dry,
        began: task.began,
        ended: tx.now.wall,
        outcome,
        counts: task.counts,
    });
    Some(Event::TaskEnded(id, kind, outcome))
}
