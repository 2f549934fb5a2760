//! Tasks in words and small tables.

use crate::cli::table::{local_time, table};
use crate::counted::counted;
use contract::{
    GrTask, GrTasks, HeldMailbox, HeldMailboxes, KeptObjects, TaskCounts, TaskErrand, TaskKind,
    TaskOutcome, TaskPhase,
};

/// What a task is called.
pub fn name(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Resync => "resync",
        TaskKind::Audit => "audit",
        TaskKind::Rebuild => "rebuild",
        TaskKind::Mailboxes => "mailbox resync",
    }
}

/// The same with its article.
fn a(kind: TaskKind) -> String {
    let article = if kind == TaskKind::Audit { "an" } else { "a" };
    format!("{article} {}", name(kind))
}

/// Whether a comparison has found no difference.
pub fn is_nothing(counts: &TaskCounts) -> bool {
    let found = TaskCounts {
        done: 0,
        total: 0,
        left_out: 0,
        ..*counts
    };
    found == TaskCounts::default()
}

/// A comparison has found no difference. What is held back is not compared.
pub fn nothing_to_do(held: &HeldMailboxes) -> String {
    match held.held_count + held.refused.len() as u64 {
        0 => "Both servers hold the same: there is nothing to do.".into(),
        n => {
            let mailboxes = counted(n, "mailbox", "mailboxes");
            format!(
                "Both servers hold the same, but for {mailboxes} held back on one of them. A resync does not bring those over: `callpilot gr held` \
                 says why, and what to do."
            )
        }
    }
}

/// What a task will do, before it does it.
pub fn plan(task: &GrTask) -> String {
    let warning = match task.kind {
        TaskKind::Resync if is_nothing(&task.counts) => "",
        TaskKind::Rebuild => {
            "\n\nA rebuild deletes all users of this server, local users and GR users. Local users are created again from the GR users of the \
             partner,\nand GR users from its local users. It is meant for a server that was replaced after a hardware failure, or that has lost \
             mailboxes.\nUntil its end everything here stays in service as it is, and an abort leaves it so. What is replaced is kept for 7 days: \
             `callpilot gr undo`\nbrings it back. It may take long; do it when few people call."
        }
        TaskKind::Resync => {
            "\n\nNo local user is created or deleted on either server. Deleted GR users are kept for 7 days: `callpilot gr undo` brings them back \
             where they were.\nIt may take long; do it when few people call."
        }
        TaskKind::Audit | TaskKind::Mailboxes => "",
    };
    format!("{}{warning}", numbers(&task.counts, task.kind))
}

fn numbers(counts: &TaskCounts, kind: TaskKind) -> String {
    let line = |what: &str, here: u64, there: u64| {
        [what.to_owned(), format!("{here:>8}"), format!("{there:>8}")]
    };
    let updated = match kind {
        TaskKind::Rebuild => (0, 0),
        _ => (counts.updated, counts.updated),
    };
    let contents = counts.contents_updated;
    let mut lines = Vec::new();
    if kind != TaskKind::Mailboxes {
        lines.push(line("created", counts.created_here, counts.created_there));
        lines.push(line("updated", updated.0, updated.1));
        lines.push(line("deleted", counts.deleted_here, counts.deleted_there));
    }
    let missing = counts.contents_here + counts.contents_there + contents;
    if missing > 0 || kind == TaskKind::Mailboxes {
        lines.push(line(
            "messages and other contents created",
            counts.contents_here,
            counts.contents_there,
        ));
        lines.push(line(
            "messages and other contents updated",
            contents,
            contents,
        ));
    }
    let head = match kind {
        TaskKind::Mailboxes => "MAILBOXES",
        _ => "USERS",
    };
    table([head, "    HERE", " PARTNER"], lines)
}

/// Where a task is.
pub fn progress(task: &GrTask) -> String {
    let what = name(task.kind);
    let Some(phase) = task.phase else {
        return format!("{what}: driven by {}", task.server);
    };
    let counts = &task.counts;
    let where_it_is = match phase {
        TaskPhase::Comparing => "comparing with the partner".to_owned(),
        TaskPhase::Settling => "what differs is on its way".to_owned(),
        TaskPhase::Waiting => "waiting for an administrator".to_owned(),
        TaskPhase::Deleting => "deleting GR users without an original".to_owned(),
        TaskPhase::Clearing => "clearing the way".to_owned(),
        TaskPhase::Fetching => format!(
            "fetching from the partner, {} so far",
            counted(counts.done, "object", "objects")
        ),
    };
    let dry = if task.dry_run { "dry run of the " } else { "" };
    format!("{dry}{what}: {where_it_is}")
}

/// Why a task does not go on, and what to do.
pub fn waits(task: &GrTask) -> String {
    let TaskCounts {
        deleted_here,
        deleted_there,
        ..
    } = task.counts;
    format!(
        "The {} waits: it would delete {} here and {deleted_there} on the partner, which is more than it may without an \
         administrator's word. Has one of the servers lost its users? `callpilot gr agree` lets it go on, `callpilot gr abort` stops it.",
        name(task.kind),
        counted(deleted_here, "user", "users")
    )
}

/// How a task ended.
pub fn end(task: &GrTask) -> String {
    let what = name(task.kind);
    let outcome = match task.outcome {
        None => return progress(task),
        Some(outcome) => outcome,
    };
    let numbers = numbers(&task.counts, task.kind);
    let text = match outcome {
        TaskOutcome::Done if task.dry_run => {
            format!("This is what {} would do now:\n\n{numbers}", a(task.kind))
        }
        TaskOutcome::Done => format!("The {what} is done.\n\n{numbers}"),
        other => format!("The {what} has ended early: {}", how(other)),
    };
    let removed = task.counts.deleted_here > 0 && outcome == TaskOutcome::Done && !task.dry_run;
    let left_out = match task.counts.left_out {
        0 => String::new(),
        1 => "\n1 object was left out, because a change of it was on its way.".into(),
        n => format!("\n{n} objects were left out, because changes of them were on their way."),
    };
    let kept = match removed {
        true => "\nWhat was removed here is kept for 7 days; `callpilot gr undo` brings it back.",
        false => "",
    };
    format!("{text}{left_out}{kept}")
}

fn how(outcome: TaskOutcome) -> &'static str {
    match outcome {
        TaskOutcome::Done => "it came to its end.",
        TaskOutcome::Aborted => "an administrator stopped it on this server.",
        TaskOutcome::AbortedThere => "an administrator stopped it on the partner.",
        TaskOutcome::GaveWay => {
            "the partner began a task of its own at the same moment, and that one goes on."
        }
        TaskOutcome::WentBack => {
            "a server was restored from a backup, which is healed first. Try again when `callpilot gr status` shows no backlog."
        }
        TaskOutcome::Expired => "it was open for a day.",
    }
}

/// What stopping a task leaves.
pub fn aborted(task: &GrTask) -> String {
    let left = match task.kind {
        TaskKind::Rebuild => "Everything is as it was before it.",
        TaskKind::Resync | TaskKind::Audit => {
            "What was brought together stays so; no more users are deleted."
        }
        TaskKind::Mailboxes => "What has come stays; the other mailboxes are not compared.",
    };
    let dry = if task.dry_run { "dry run of the " } else { "" };
    let left = if task.dry_run {
        "It has changed nothing."
    } else {
        left
    };
    format!("The {dry}{} is stopped. {left}", name(task.kind))
}

/// All tasks.
pub fn tasks(tasks: &GrTasks) -> String {
    let mut lines = Vec::new();
    match (&tasks.open, &tasks.serving) {
        (None, None) => lines.push("No task is open.".to_owned()),
        (open, serving) => {
            for task in [open, serving].into_iter().flatten() {
                let since = local_time(task.began);
                lines.push(format!(
                    "Open      {}, since {since} ({})",
                    progress(task),
                    task.id
                ));
                if task.counts.total > 0 {
                    lines.push(format!(
                        "          {} of {}",
                        task.counts.done,
                        counted(task.counts.total, "step", "steps")
                    ));
                }
                if task.phase == Some(TaskPhase::Waiting) {
                    lines.push(waits(task));
                }
            }
        }
    }
    if let Some(last) = &tasks.last {
        let when = last.ended.map_or(String::new(), local_time);
        lines.push(format!(
            "\nThe last task, {}{}, ended {when}.\n{}",
            if last.dry_run { "a dry run of " } else { "" },
            a(last.kind),
            end(last)
        ));
    }
    if let Some(KeptObjects {
        kind,
        until,
        objects,
        ..
    }) = &tasks.kept
    {
        let (what, until) = (name(*kind), local_time(*until));
        lines.push(format!(
            "\nKept until {until}: {} that the {what} removed; `callpilot gr undo` brings back what is kept.",
            counted(*objects, "object", "objects")
        ));
    }
    if let Some(errand) = tasks.errand {
        lines.push(format!("\nUnder way: {}.", under_way(errand)));
    }
    lines.join("\n")
}

fn under_way(errand: TaskErrand) -> &'static str {
    match errand {
        TaskErrand::Salvage => "messages that only the replaced users had come back",
        TaskErrand::Undo => "what tasks removed comes back",
        TaskErrand::Purge => "what was kept goes for good",
        TaskErrand::Unstage => "what was fetched for a rebuild that was stopped goes",
        TaskErrand::Retry => "what is held is tried again",
    }
}

/// Mailboxes that are held. The partner may have an older copy of them.
pub fn not_kept_up(count: u64, partner: &str) -> String {
    let are = counted(
        count,
        "mailbox of this server is",
        "mailboxes of this server are",
    );
    format!("{are} not kept up to date on {partner}")
}

/// Held mailboxes, those of this server and those of the partner, if there is one.
pub fn held(held: &HeldMailboxes, partner: Option<&str>, retried: bool) -> String {
    let Some(partner) = partner else {
        return "There is no GR partner: what this server has is on this server only. `callpilot gr pair` makes it half of a pair.".into();
    };
    let mut text = match held.held.len() {
        0 => "Every mailbox of this server is on both servers, or on its way.".to_owned(),
        shown => {
            let head = not_kept_up(held.held_count, partner) + ":";
            let more = held.held_count.saturating_sub(shown as u64);
            let more = if more > 0 {
                format!("\n… and {more} more")
            } else {
                String::new()
            };
            format!("{head}\n\n{}{more}", list(&held.held))
        }
    };
    if !held.refused.is_empty() {
        text += &format!(
            "\n\nRefused here, of the partner:\n\n{}",
            list(&held.refused)
        );
    }
    if retried {
        text += "\n\nThey are tried again now.";
    }
    text
}

fn list(rows: &[HeldMailbox]) -> String {
    let cells = rows.iter().map(|row| {
        let mailbox = row.mailbox.clone().unwrap_or_else(|| row.id.to_string());
        let since = row.since.map_or(String::new(), local_time);
        [
            mailbox,
            row.name.clone().unwrap_or_default(),
            since,
            row.reason.clone(),
        ]
    });
    table(["MAILBOX", "NAME", "SINCE", "REASON"], cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Timestamp;

    fn task(kind: TaskKind, outcome: Option<TaskOutcome>) -> GrTask {
        GrTask {
            id: "000000000000beef".into(),
            kind,
            dry_run: true,
            server: "a.example".into(),
            began: Timestamp(0),
            phase: outcome.is_none().then_some(TaskPhase::Comparing),
            ended: outcome.map(|_| Timestamp(1)),
            outcome,
            counts: TaskCounts {
                created_there: 50,
                updated: 3,
                deleted_here: 150,
                deleted_there: 25,
                ..TaskCounts::default()
            },
        }
    }

    #[test]
    fn a_resync_shows_what_it_will_create_update_and_delete_on_each_side() {
        let shown = plan(&task(TaskKind::Resync, Some(TaskOutcome::Done)));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "USERS        HERE   PARTNER",
                "created         0        50",
                "updated         3         3",
                "deleted       150        25",
            ]
        );
        assert!(
            shown.contains("No local user is created or deleted"),
            "{shown}"
        );
    }

    #[test]
    fn a_rebuild_warns_before_it_deletes_all_users() {
        let shown = plan(&task(TaskKind::Rebuild, Some(TaskOutcome::Done)));
        assert!(
            shown.contains("deletes all users of this server")
                && shown.contains("callpilot gr undo"),
            "{shown}"
        );
    }

    #[test]
    fn an_end_says_how_it_came_and_what_can_be_brought_back() {
        let mut task = task(TaskKind::Resync, Some(TaskOutcome::Done));
        assert!(end(&task).starts_with("This is what a resync would do now:"));
        task.dry_run = false;
        assert!(end(&task).contains("is done") && end(&task).contains("callpilot gr undo"));
        task.outcome = Some(TaskOutcome::AbortedThere);
        assert_eq!(
            end(&task),
            "The resync has ended early: an administrator stopped it on the partner."
        );
    }

    #[test]
    fn nothing_to_do_is_told_from_something() {
        let found = task(TaskKind::Resync, None).counts;
        assert!(!is_nothing(&found));
        let equal = TaskCounts {
            done: 256,
            total: 256,
            ..TaskCounts::default()
        };
        assert!(is_nothing(&equal));
    }

    #[test]
    fn without_a_partner_nothing_is_said_to_be_on_both_servers() {
        let none = HeldMailboxes {
            held: Vec::new(),
            held_count: 0,
            refused: Vec::new(),
        };
        let said = held(&none, None, false);
        assert!(
            said.contains("no GR partner") && !said.contains("both"),
            "{said}"
        );
        assert!(held(&none, Some("b.example"), false).contains("on both servers"));
    }

    #[test]
    fn a_task_that_finds_nothing_is_not_said_to_take_long_and_a_dry_run_is_said_to_be_one() {
        let mut nothing = task(TaskKind::Resync, Some(TaskOutcome::Done));
        nothing.counts = TaskCounts::default();
        assert!(!plan(&nothing).contains("take long"));
        let tasks = |last| GrTasks {
            open: None,
            serving: None,
            last: Some(last),
            kept: None,
            errand: None,
            users: 3,
        };
        let shown = super::tasks(&tasks(nothing.clone()));
        assert!(
            shown.contains("The last task, a dry run of a resync, ended"),
            "{shown}"
        );
        nothing.dry_run = false;
        nothing.kind = TaskKind::Audit;
        let shown = super::tasks(&tasks(nothing));
        assert!(shown.contains("The last task, an audit, ended"), "{shown}");
    }

    #[test]
    fn what_is_held_is_listed_with_its_reason_on_both_sides() {
        let row = |mailbox: Option<&str>| HeldMailbox {
            id: contract::ObjectId::from_bytes([7; 16]),
            mailbox: mailbox.map(str::to_owned),
            name: mailbox.map(|_| "Odo Renn".into()),
            since: None,
            reason: "The other server has no room.".into(),
        };
        let shown = held(
            &HeldMailboxes {
                held: vec![row(Some("7201"))],
                held_count: 3,
                refused: vec![row(None)],
            },
            Some("b.example"),
            true,
        );
        for said in [
            "3 mailboxes of this server are not kept up to date on b.example",
            "7201",
            "Odo Renn",
            "… and 2 more",
            "Refused here",
            "07070707",
            "tried again now",
        ] {
            assert!(shown.contains(said), "{said} in {shown}");
        }
    }
}
