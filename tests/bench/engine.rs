//! How fast the replication engine is, without disk and network: histories of the simulator, changes and messages.

use crate::machine;
use crate::report::{Aim, Report};
use crate::stock::{id, message, user, user_id};
use crate::wired::Wired;
use domain::{Change, Key, Kind, Value, message_fields};
use ledger::memory::Memory;
use std::process::Command;
use std::time::Instant;

/// Histories that are run.
const HISTORIES: u64 = 4_000;
/// What is asked for at least, on each core.
const HISTORIES_AIM: f64 = 500.0;
/// Users whose mailboxes are filled.
const USERS: u64 = 1_000;
/// Messages that arrive and are heard.
const MESSAGES: u64 = 50_000;
/// Changes in a transaction of a busy server.
const GROUP: usize = 64;

/// What two engines do per second.
struct Rates {
    /// Changes made and messages handled.
    events: f64,
    changes: f64,
}

pub fn measure(report: &mut Report) {
    eprintln!("engine: {HISTORIES} histories, then {MESSAGES} messages through two engines");
    histories(report);
    let alone = replicate(1);
    report.add(
        "events_per_s",
        "changes made and messages handled by two engines in one thread, one change in a transaction",
        alone.events,
        "/s",
        None,
    );
    report.add(
        "changes_per_s",
        "changes of that: made here, applied there, acknowledged",
        alone.changes,
        "/s",
        None,
    );
    report.add(
        "changes_in_groups_per_s",
        format!("the same, {GROUP} in a transaction"),
        replicate(GROUP).changes,
        "/s",
        None,
    );
}

/// Runs the simulator that lies beside this program, which says how fast it was.
fn histories(report: &mut Report) {
    let simulator = match std::env::current_exe() {
        Ok(me) => me.with_file_name("gr-sim"),
        Err(error) => return eprintln!("engine: no simulator: {error}"),
    };
    let seeds = format!("0..{HISTORIES}");
    let before = machine::children_seconds();
    let output = match Command::new(&simulator).args(["--seeds", &seeds]).output() {
        Ok(output) => output,
        Err(error) => return eprintln!("engine: {}: {error}", simulator.display()),
    };
    let processor = machine::children_seconds() - before;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        // It has stopped there: too few for a figure.
        return eprintln!("engine: a history breaks a promise:\n{said}");
    }
    let Some((histories, rate)) = read(&said) else {
        return eprintln!("engine: the simulator does not say how fast it was:\n{said}");
    };
    report.add(
        "histories_per_s",
        "histories of a pair in the simulator, on all cores",
        rate,
        "/s",
        None,
    );
    // By the processor's time, so that it is true of a core even where others use it, too.
    report.add(
        "histories_per_core_s",
        "the same, per second of one core",
        histories / processor,
        "/s",
        Some(Aim::AtLeast(HISTORIES_AIM)),
    );
}

/// Reads `4000 histories, … : 1234 histories/s on 2 cores`: how many, and how many per second.
fn read(said: &str) -> Option<(f64, f64)> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let before = |unit: &str| {
        let at = words.iter().position(|word| *word == unit)?;
        words.get(at.checked_sub(1)?)?.parse().ok()
    };
    Some((before("histories,")?, before("histories/s")?))
}

/// Messages arrive on both servers in turns, and are heard on the other, so many changes in a transaction. What each transaction has to say is
/// carried to the other before the next.
fn replicate(group: usize) -> Rates {
    let mut pair = Wired::running([Memory::default(), Memory::default()]);
    for side in [0, 1] {
        // Only its home creates a user.
        let local = (side as u64..USERS).step_by(2);
        let users: Vec<Change> = local.map(|n| create(Kind::USER, n, 0, user(n))).collect();
        pair.transact(side, &users, None);
        pair.settle(|_| {});
    }

    let arrivals: Vec<Change> = (0..MESSAGES)
        .map(|n| create(Kind::MESSAGE, n % USERS, 1 + n, message(n)))
        .collect();
    let heard: Vec<Change> = (0..MESSAGES)
        .map(|n| Change::Set {
            id: id(n % USERS, 1 + n),
            registers: vec![(Key::field(message_fields::UNREAD), Value::Bool(false))],
        })
        .collect();
    let before = pair.events;
    let began = Instant::now();
    let groups = arrivals.chunks(group).zip(heard.chunks(group));
    for (n, (arrive, hear)) in groups.enumerate() {
        for (side, changes) in [(n % 2, arrive), (1 - n % 2, hear)] {
            pair.wait(1);
            pair.transact(side, changes, None);
            pair.settle(|_| {});
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let [first, second] = &pair.places;
    assert_eq!(first.objects.len() as u64, USERS + MESSAGES);
    assert!(first.objects == second.objects && first.marks.is_empty());
    Rates {
        events: (pair.events - before) as f64 / seconds,
        changes: (2 * MESSAGES) as f64 / seconds,
    }
}

fn create(kind: Kind, user: u64, message: u64, registers: Vec<(Key, Value)>) -> Change {
    Change::Create {
        id: id(user, message),
        kind,
        owner: (kind != Kind::USER).then(|| user_id(user)),
        body: None,
        registers,
    }
}
