//! Tasks and held objects, from the engine's and the store's types to those of the wire.

use crate::gr::{reason_words, refused_words, task_text};
use contract::{
    GrTask, GrTasks, HeldMailbox, KeptObjects, ObjectId, TaskErrand, TaskOutcome, TaskPhase,
};
use domain::{Object, Timestamp, User};
use gr_proto::{Refused, Serving, TaskView};
use ledger::Held;

/// The two servers, as the answering one calls them.
pub struct Names<'a> {
    /// The answering server's FQDN.
    pub here: &'a str,
    /// Its partner's.
    pub there: &'a str,
}

/// All tasks.
pub fn tasks(view: &TaskView, names: &Names<'_>, users: u64) -> GrTasks {
    GrTasks {
        open: view.open.as_ref().map(|task| open(task, names)),
        serving: view.serving.as_ref().map(|task| serving(task, names)),
        last: view.last.as_ref().map(|report| ended(report, names)),
        kept: view.kept.as_ref().map(kept),
        errand: view.job.map(errand),
        users,
    }
}

/// The task that is open: of this server, or of the partner.
pub fn open_task(view: &TaskView, names: &Names<'_>) -> Option<GrTask> {
    let own = view.open.as_ref().map(|task| open(task, names));
    own.or_else(|| view.serving.as_ref().map(|task| serving(task, names)))
}

/// The task of this server with an identity, open or ended.
pub fn task(view: &TaskView, id: ledger::TaskId, names: &Names<'_>) -> Option<GrTask> {
    let open = view.open.as_ref().filter(|task| task.id == id);
    let last = view.last.as_ref().filter(|report| report.id == id);
    open.map(|task| self::open(task, names))
        .or_else(|| last.map(|report| ended(report, names)))
}

fn open(task: &ledger::Task, names: &Names<'_>) -> GrTask {
    GrTask {
        id: task_text(task.id),
        kind: kind(task.kind),
        dry_run: task.dry,
        server: names.here.to_owned(),
        began: task.began,
        phase: Some(phase(task.phase)),
        ended: None,
        outcome: None,
        counts: counts(&task.counts),
    }
}

fn ended(report: &ledger::TaskReport, names: &Names<'_>) -> GrTask {
    GrTask {
        id: task_text(report.id),
        kind: kind(report.kind),
        dry_run: report.dry,
        server: names.here.to_owned(),
        began: report.began,
        phase: None,
        ended: Some(report.ended),
        outcome: Some(outcome(report.outcome)),
        counts: counts(&report.counts),
    }
}

/// What the partner calls *here* is *there* for the answering server.
fn serving(task: &Serving, names: &Names<'_>) -> GrTask {
    let theirs = counts(&task.counts);
    GrTask {
        id: task_text(task.id),
        kind: kind(task.kind),
        dry_run: task.dry,
        server: names.there.to_owned(),
        began: task.since,
        phase: None,
        ended: None,
        outcome: None,
        counts: contract::TaskCounts {
            created_here: theirs.created_there,
            created_there: theirs.created_here,
            deleted_here: theirs.deleted_there,
            deleted_there: theirs.deleted_here,
            contents_here: theirs.contents_there,
            contents_there: theirs.contents_here,
            ..theirs
        },
    }
}

fn counts(counts: &ledger::TaskCounts) -> contract::TaskCounts {
    let ledger::TaskCounts {
        created_here,
        created_there,
        updated,
        deleted_here,
        deleted_there,
        contents_here,
        contents_there,
        contents_updated,
        left_out,
        done,
        total,
    } = *counts;
    contract::TaskCounts {
        created_here,
        created_there,
        updated,
        deleted_here,
        deleted_there,
        contents_here,
        contents_there,
        contents_updated,
        left_out,
        done,
        // What a partner of another release says of its task may be anything. 0: it is not known.
        total: if total == 0 { 0 } else { total.max(done) },
    }
}

fn kind(kind: ledger::TaskKind) -> contract::TaskKind {
    match kind {
        ledger::TaskKind::Resync => contract::TaskKind::Resync,
        ledger::TaskKind::Audit => contract::TaskKind::Audit,
        ledger::TaskKind::Rebuild => contract::TaskKind::Rebuild,
        ledger::TaskKind::Mailboxes => contract::TaskKind::Mailboxes,
    }
}

/// The engine's word for a kind of task.
pub fn kind_of(kind: contract::TaskKind) -> ledger::TaskKind {
    match kind {
        contract::TaskKind::Resync => ledger::TaskKind::Resync,
        contract::TaskKind::Audit => ledger::TaskKind::Audit,
        contract::TaskKind::Rebuild => ledger::TaskKind::Rebuild,
        contract::TaskKind::Mailboxes => ledger::TaskKind::Mailboxes,
    }
}

fn phase(phase: ledger::Phase) -> TaskPhase {
    match phase {
        ledger::Phase::Comparing => TaskPhase::Comparing,
        ledger::Phase::Settling => TaskPhase::Settling,
        ledger::Phase::Waiting => TaskPhase::Waiting,
        ledger::Phase::Deleting => TaskPhase::Deleting,
        ledger::Phase::Clearing => TaskPhase::Clearing,
        ledger::Phase::Fetching => TaskPhase::Fetching,
    }
}

fn outcome(outcome: ledger::Outcome) -> TaskOutcome {
    match outcome {
        ledger::Outcome::Done => TaskOutcome::Done,
        ledger::Outcome::Aborted => TaskOutcome::Aborted,
        ledger::Outcome::AbortedThere => TaskOutcome::AbortedThere,
        ledger::Outcome::GaveWay => TaskOutcome::GaveWay,
        ledger::Outcome::RolledBack => TaskOutcome::WentBack,
        ledger::Outcome::Expired => TaskOutcome::Expired,
    }
}

fn kept(kept: &ledger::Kept) -> KeptObjects {
    KeptObjects {
        kind: kind(kept.kind),
        at: kept.at,
        until: Timestamp(kept.at.0.saturating_add(gr_proto::limits::KEPT_MS)),
        objects: kept.objects,
    }
}

fn errand(errand: ledger::BackgroundJob) -> TaskErrand {
    match errand {
        ledger::BackgroundJob::Salvage => TaskErrand::Salvage,
        ledger::BackgroundJob::Undo => TaskErrand::Undo,
        ledger::BackgroundJob::Purge => TaskErrand::Purge,
        ledger::BackgroundJob::Unstage => TaskErrand::Unstage,
        ledger::BackgroundJob::Retry => TaskErrand::Retry,
    }
}

/// A mailbox of this server that is held.
pub fn held(id: ObjectId, held: &Held, object: Option<&Object>) -> HeldMailbox {
    let user = object.and_then(User::of);
    HeldMailbox {
        id,
        mailbox: user.as_ref().map(|user| user.number().to_owned()),
        name: user.as_ref().map(|user| user.name().to_owned()),
        since: Some(held.at),
        reason: reason_words(held.reason, user.map(|user| user.class())).into_owned(),
    }
}

/// Something of the partner that was refused here.
pub fn refused(id: ObjectId, refused: &Refused) -> HeldMailbox {
    let user = |text: &str| (!refused.number.is_empty()).then(|| text.to_owned());
    HeldMailbox {
        id,
        mailbox: user(&refused.number),
        name: user(&refused.name),
        since: Some(refused.at),
        reason: refused_words(refused.reason, refused.class).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'_> = Names {
        here: "a.example",
        there: "b.example",
    };

    #[test]
    fn what_is_open_comes_before_what_has_ended_and_is_found_by_its_identity() {
        let id = ledger::TaskId(7);
        let report = ledger::TaskReport {
            id,
            kind: ledger::TaskKind::Resync,
            dry: true,
            began: Timestamp(1),
            ended: Timestamp(2),
            outcome: ledger::Outcome::Done,
            counts: ledger::TaskCounts {
                deleted_here: 150,
                ..ledger::TaskCounts::default()
            },
        };
        let view = TaskView {
            last: Some(report),
            ..TaskView::default()
        };
        let found = task(&view, id, &NAMES).expect("the last one");
        assert_eq!(
            (found.id.as_str(), found.outcome, found.counts.deleted_here),
            ("0000000000000007", Some(TaskOutcome::Done), 150)
        );
        assert_eq!(task(&view, ledger::TaskId(8), &NAMES), None);
        assert_eq!(open_task(&view, &NAMES), None);
        assert_eq!(tasks(&view, &NAMES, 3).users, 3);
    }

    #[test]
    fn progress_never_passes_its_total() {
        for (done, total, shown) in [(3, 5, 5), (5, 5, 5), (7, 5, 7), (7, 0, 0)] {
            let told = counts(&ledger::TaskCounts {
                done,
                total,
                ..ledger::TaskCounts::default()
            });
            assert_eq!((told.done, told.total), (done, shown));
        }
    }
}
