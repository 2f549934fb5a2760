//! The shell of the replication engine: who the partner is, how its mail is sealed and carried, and what its state means.

pub mod envelope;
mod gr_keys;
pub mod link;
pub mod pairing;
mod running;
pub mod view;

pub use gr_keys::{GrKeys, SealedBy};
pub use running::Running;

use crate::config::Gr;
use gr_proto::{Event, NewIncarnation, Timers};
use ledger::{Outcome, Reason, TaskId, TaskKind};
use std::borrow::Cow;

/// The engine's timers by the configuration; a probe while the partner is down may be rarer than one while it is unknown.
pub fn timers(config: &Gr) -> Timers {
    let direct = Timers::direct();
    Timers {
        heartbeat_ms: config.heartbeat_ms,
        unknown_ms: config.unknown_after_ms,
        down_ms: config.down_after_ms,
        probe_unknown_ms: config.probe_ms,
        probe_down_ms: config.probe_ms.saturating_mul(4).min(direct.probe_down_ms),
        retransmit_ms_min: direct.retransmit_ms_min.min(config.unknown_after_ms / 2),
        ..direct
    }
}

/// Writes what the engine reports where an operator reads it.
pub fn log(event: &Event) {
    match event {
        Event::SessionBegan(incarnation) => {
            tracing::info!(?incarnation, "a session with the GR partner began")
        }
        Event::NewIncarnation(incarnation, NewIncarnation::MetAgain) => {
            tracing::error!(
                ?incarnation,
                "the GR partner is heard in an incarnation that it had left: it runs twice, or was resumed from a snapshot; switch one copy off"
            );
        }
        Event::NewIncarnation(incarnation, why) => {
            tracing::warn!(?incarnation, ?why, "this server begins a new incarnation");
        }
        Event::PartnerRolledBack => {
            tracing::error!("the GR partner went back in time: was it restored from a backup?");
        }
        Event::RolledBack => {
            tracing::error!("this server went back in time: was it restored from a backup?");
        }
        Event::MayHaveRolledBack => {
            tracing::warn!(
                "what was said before the partner was last heard is more than is remembered: this server is compared as if it had gone back in time"
            );
        }
        Event::Judged(verdicts) => {
            tracing::warn!(?verdicts, "this server was compared with its GR partner");
        }
        Event::PartnerRecovered => {
            tracing::warn!("the GR partner has been told all that it may have lost");
        }
        Event::ClockLeapt(ms) => {
            tracing::warn!(
                ms,
                "this server's clock has leapt; nothing is emptied or forgotten for its age until clocks have agreed for that long again"
            );
        }
        Event::DatedAhead(ms) => {
            tracing::warn!(
                ms,
                "the GR partner sends changes that are dated ahead of both clocks, by more than an hour: one of the clocks was wrong when they were \
                 made. They are taken; whatever is written after them replaces them"
            );
        }
        Event::Stranger(server) => {
            tracing::warn!(
                ?server,
                "GR mail with the right password from a server that is not the partner"
            );
        }
        Event::Held(id, reason, class) => {
            let why = reason_words(*reason, *class);
            tracing::warn!(%id, reason = reason.0, "held back from the GR partner: {why}");
        }
        Event::TaskBegan(task, kind, dry) => {
            let what = task_name(*kind);
            let dry = if *dry { " (it only counts)" } else { "" };
            tracing::info!(task = %task_text(*task), "the {what} has begun{dry}");
        }
        Event::TaskEnded(task, kind, Outcome::Done) => {
            tracing::info!(task = %task_text(*task), "the {} is done", task_name(*kind));
        }
        Event::TaskEnded(task, kind, outcome) => {
            let (what, how) = (task_name(*kind), outcome_words(*outcome));
            tracing::warn!(task = %task_text(*task), "the {what} has ended early: {how}");
        }
        Event::GuardExceeded(here, there) => {
            tracing::error!(
                here,
                there,
                "a task would delete more users than it may: it waits for an administrator. Look at `callpilot gr tasks`; \
                 `callpilot gr agree` lets it go on, `callpilot gr abort` stops it"
            );
        }
        Event::Rebuilt => {
            tracing::warn!(
                "the rebuild has replaced everything here by what the GR partner holds; `callpilot gr undo` brings back what was \
                 here, for 7 days"
            );
        }
        Event::Repaired(bodies, rows) => {
            metrics::counter!("callpilot_repaired_total", "what" => "bodies").increment(*bodies);
            metrics::counter!("callpilot_repaired_total", "what" => "rows").increment(*rows);
            tracing::info!(
                bodies,
                rows,
                "what was damaged here has come back from the GR partner"
            );
        }
        Event::NoCopyLeft(0, 0) => {
            tracing::info!("of everything that was damaged here there is a copy again");
        }
        Event::NoCopyLeft(bodies, rows) => {
            tracing::error!(
                bodies,
                rows,
                "no copy is left: this is damaged here, and the GR partner does not have it either. A backup may; it is asked for \
                 again now and then"
            );
        }
        Event::Refused(id, reason, class) => {
            let why = refused_words(*reason, *class);
            tracing::warn!(%id, reason = reason.0, "refused from the GR partner: {why}");
        }
        Event::NoCommonLevel(low, high) => {
            tracing::error!(
                low,
                high,
                "the GR partner speaks no level that is spoken here: upgrade the older server"
            );
        }
    }
}

/// How a task is called in sentences.
pub fn task_name(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Resync => "resync",
        TaskKind::Audit => "audit",
        TaskKind::Rebuild => "rebuild",
        TaskKind::Mailboxes => "mailbox resync",
    }
}

/// A task's identity, as people and the API write it.
pub fn task_text(id: TaskId) -> String {
    format!("{:016x}", id.0)
}

/// How a task ended, in words.
fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "it is done",
        Outcome::Aborted => "an administrator stopped it here",
        Outcome::AbortedThere => "an administrator stopped it on the partner",
        Outcome::GaveWay => "the partner has begun one of its own",
        Outcome::RolledBack => "a server was restored from a backup, and is healed first",
        Outcome::Expired => "it was open for a day",
    }
}

/// Why an object is not on both servers, and what to do about it (R9). Written for the home of the user, with its mailbox class.
pub fn reason_words(reason: Reason, class: Option<i64>) -> Cow<'static, str> {
    match (reason, class) {
        (Reason::CLASS_MISSING, Some(class)) => format!(
            "The other server lacks mailbox class {class}, which this user has. Create the class there (`callpilot class add {class} NAME`), or give the \
             user another."
        )
        .into(),
        _ => plain_words(reason).into(),
    }
}

fn plain_words(reason: Reason) -> &'static str {
    match reason {
        Reason::NEED_BODY => {
            "The partner lacks its content, and did not get it with the message. It is sent again every 10 minutes."
        }
        Reason::NO_SUCH_USER => {
            "The partner, where this user belongs, does not know the user. A resync deletes the copy."
        }
        Reason::FAULT => {
            "It contradicts what the other server has under the same identity. Tell support; a rebuild of one server settles it."
        }
        Reason::NO_OVERLAP => {
            "The VPIM shortcuts have an overlap, and none matches the first digits of this mailbox number. Add a shortcut whose \
             overlap matches."
        }
        Reason::TEMPORARY_REMOTE_USER => {
            "The other server has a Temporary Remote User with this mailbox number. Delete that one there."
        }
        Reason::NUMBER_TAKEN => {
            "The other server has a local user with this mailbox number. Change one of the two numbers."
        }
        Reason::CLASS_MISSING => {
            "The other server lacks the mailbox class of this user. Create the class there, or give the user another."
        }
        Reason::CAPACITY => {
            "The other server has no room for another user. Raise limits.users_max there, or delete users."
        }
        Reason::WITH_USER => "Its user is held, and it is held with the user.",
        Reason::UNREADABLE => {
            "Its row in this server's database cannot be read. What the partner has of it comes back by itself; what only this \
             server had is in the last backup."
        }
        Reason::BODY_LOST => {
            "Its content is not on either server: this disk lost it before the partner had it. It goes on when the content is back, \
             for example from a backup of the folder bodies."
        }
        Reason::NO_ROOM => {
            "The disk of the other server is nearly full. Make room there, and it goes by itself."
        }
        _ => {
            "The other server refuses it for a reason that this release does not know. Upgrade the older server."
        }
    }
}

/// The same, written for the server that refuses.
pub fn refused_words(reason: Reason, class: Option<i64>) -> Cow<'static, str> {
    match (reason, class) {
        (Reason::CLASS_MISSING, Some(class)) => format!(
            "This server lacks mailbox class {class}, which this user has. Create the class (`callpilot class add {class} NAME`), and the user comes by \
             itself."
        )
        .into(),
        _ => plain_words_here(reason).into(),
    }
}

fn plain_words_here(reason: Reason) -> &'static str {
    match reason {
        Reason::NO_SUCH_USER => {
            "It belongs to this server, which does not know it. A resync deletes the copy on the partner."
        }
        Reason::TEMPORARY_REMOTE_USER => {
            "This server has a Temporary Remote User with this mailbox number. Delete that one, and the user comes by itself."
        }
        Reason::NUMBER_TAKEN => {
            "This server has a local user with this mailbox number. Change one of the two numbers."
        }
        Reason::CLASS_MISSING => {
            "This server lacks the mailbox class of this user. Create the class, and the user comes by itself."
        }
        Reason::CAPACITY => {
            "This server has no room for another user. Raise limits.users_max, or delete users."
        }
        Reason::NO_ROOM => {
            "The disk of this server is nearly full. Make room, and it comes by itself."
        }
        other => plain_words(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_says_what_to_do() {
        let known = (1..=12).map(|n| reason_words(Reason(n), None));
        let said: std::collections::BTreeSet<_> = known.collect();
        assert_eq!(said.len(), 12, "each has its own words");
        assert!(said.iter().all(|words| words.ends_with('.')));
        assert!(reason_words(Reason(200), None).contains("Upgrade"));
        let here = refused_words(Reason::CLASS_MISSING, None);
        assert!(here.starts_with("This server lacks"), "{here}");
        for said in [refused_words, reason_words] {
            let said = said(Reason::CLASS_MISSING, Some(12));
            assert!(said.contains("mailbox class 12"), "{said}");
        }
    }

    #[test]
    fn a_task_is_named_by_sixteen_digits() {
        assert_eq!(task_text(TaskId(0xbeef)), "000000000000beef");
    }
}
