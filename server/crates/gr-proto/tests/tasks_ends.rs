//! When a task is done, what it may delete, and what it leaves behind (R10 to R12, E17, E19).

mod support;

use domain::{ObjectId, user_fields};
use gr_proto::{Command, Limits, Output, Payload, RequestBody, ResponseBody};
use ledger::memory::Memory;
use ledger::{Ledger, Outcome, Phase, TaskCounts, TaskKind};
use support::counted::*;
use support::drive::*;
use support::guide::*;
use support::*;

/// What of a task waits for what is under way, and for what not.
#[test]
fn a_task_is_done_when_what_it_is_about_is_on_both_servers() {
    // Whose data is lost, what it is about, and the task that waits for it.
    let user = |m: &gr_proto::Message| carries(m, 40) || carries(m, 20);
    let message = |m: &gr_proto::Message| carries(m, 180) || carries(m, 120);
    type Lost<'a> = &'a dyn Fn(&gr_proto::Message) -> bool;
    let cases: [(TaskKind, Lost<'_>, bool); 4] = [
        (TaskKind::Resync, &user, false),
        (TaskKind::Resync, &message, true),
        (TaskKind::Mailboxes, &message, false),
        (TaskKind::Audit, &user, false),
    ];
    for (kind, lost, done) in cases {
        for side in SIDES {
            let mut pair = with_user(Limits::default());
            let ledger = pair.ledger(side);
            if kind != TaskKind::Mailboxes {
                plant(ledger, id([20, 40][side]), side, "7020");
            }
            plant_message(ledger, id([120, 180][side]), id(1));
            start_for(&mut pair, NORTH, kind, false, &[]);
            settle_without(&mut pair, lost);
            let open = pair.sides[NORTH].engine.view().tasks().open;
            assert_eq!(open.is_none(), done, "{kind:?} {side} {open:?}");
            let phase = open.map(|open| open.phase);
            assert!(done || phase == Some(Phase::Settling), "{phase:?}");
            pair.live(20_000);
            last(&pair);
        }
    }
}

fn carries(message: &gr_proto::Message, n: u8) -> bool {
    match &message.payload {
        Payload::Data(items) => items.iter().any(|item| item.id == id(n)),
        _ => false,
    }
}

#[test]
fn a_comparison_begins_anew_so_often_and_no_more() {
    let roots = |comparisons| {
        let mut pair = with_user(Limits {
            comparisons,
            ..Limits::default()
        });
        plant_message(pair.ledger(SOUTH), id(180), id(1));
        pair.change(SOUTH, set(180, 1, 0));
        pair.take(SOUTH);
        start_for(&mut pair, NORTH, TaskKind::Resync, false, &[]);
        // The message never comes, so it is left out each time.
        let mut roots = 0;
        for _ in 0..100 {
            for from in SIDES {
                for message in pair.take(from) {
                    if let Payload::Request(ask) = &message.payload {
                        roots += usize::from(ask.question == RequestBody::Root(false));
                    }
                    if !carries(&message, 180) {
                        pair.give(1 - from, message);
                    }
                }
            }
        }
        let found = last(&pair);
        assert_eq!(found.left_out, 1);
        roots
    };
    assert_eq!(roots(0), 1);
    assert_eq!(roots(1), 2);
    assert_eq!(roots(3), 4);
}

#[test]
fn mailboxes_that_are_done_are_not_compared_again_after_a_restart() {
    let mut pair = with_user(Limits::default());
    for side in SIDES {
        plant(pair.ledger(side), id(2), NORTH, "7002");
        plant(pair.ledger(side), id(3), NORTH, "7003");
    }
    let task = start_for(&mut pair, NORTH, TaskKind::Mailboxes, false, &[1, 2, 3]);
    for _ in 0..2 {
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    let open = pair.sides[NORTH].engine.view().tasks().open.unwrap();
    assert_eq!((open.id, &open.mailboxes[..]), (task, &[id(3)][..]));
    pair.restart(NORTH);
    pair.tick(NORTH);
    let heard = settle_heard(&mut pair);
    let asked: Vec<_> = heard
        .questions()
        .into_iter()
        .filter_map(|question| match question {
            RequestBody::Mailbox(mailbox, _) => Some(*mailbox),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [id(3)]);
    assert_eq!(
        heard.questions().len(),
        1,
        "named mailboxes and nothing else"
    );
    let counts = pair.sides[NORTH].engine.view().tasks().last.unwrap().counts;
    assert_eq!((counts.done, counts.total), (3, 3));
}

/// The deletion guard of the server that drives a task counts both servers before anything goes on one of them.
#[test]
fn too_many_on_one_server_keep_those_on_the_other() {
    for (here, there) in [(1, 11), (11, 1), (10, 11), (11, 10)] {
        let mut pair = Pair::running();
        for n in 0..here {
            plant(pair.ledger(NORTH), nth(SOUTH, n), SOUTH, "8001");
        }
        for n in 0..there {
            plant(pair.ledger(SOUTH), nth(NORTH, n), NORTH, "7001");
        }
        let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
        let heard = settle_heard(&mut pair);
        let open = pair.sides[NORTH].engine.view().tasks().open.unwrap();
        assert_eq!(open.phase, Phase::Waiting);
        assert!(heard.asked.iter().all(|ask| !ask.agreed));
        let left = counts(&pair);
        assert_eq!(left, [(0, here.into()), (0, there.into())], "nothing goes");
        assert_eq!(order(&mut pair, NORTH, Command::Agree(task)), Ok(()));
        let heard = settle_heard(&mut pair);
        assert!(heard.asked.iter().any(|ask| ask.agreed));
        assert_eq!(counts(&pair), [(0, 0), (0, 0)]);
        let done = last(&pair);
        assert_eq!(
            (done.deleted_here, done.deleted_there),
            (here.into(), there.into())
        );
    }
    let mut pair = Pair::running();
    for n in 0..10 {
        plant(pair.ledger(NORTH), nth(SOUTH, n), SOUTH, "8001");
        plant(pair.ledger(SOUTH), nth(NORTH, n), NORTH, "7001");
    }
    let heard = {
        start(&mut pair, NORTH, TaskKind::Resync, false, None);
        settle_heard(&mut pair)
    };
    assert!(
        heard.asked.iter().all(|ask| !ask.agreed),
        "nobody was asked"
    );
    assert_eq!(counts(&pair), [(0, 0), (0, 0)], "ten may go by themselves");
}

/// More messages than may go along with users.
fn many_messages(ledger: &mut Memory, owner: ObjectId, count: u16) {
    for n in 0..count {
        let mut bytes = [9; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        plant_message(ledger, ObjectId::from_bytes(bytes), owner);
    }
}

/// The partner has lost a user's messages, and the driver the user: the messages count all the same.
#[test]
fn what_is_left_here_of_a_user_that_goes_there_counts_for_the_deletion_guard() {
    for (messages, goes) in [(1_000, true), (1_001, false)] {
        let mut pair = Pair::running();
        plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
        many_messages(pair.ledger(NORTH), id(1), messages);
        start(&mut pair, NORTH, TaskKind::Audit, false, None);
        pair.settle();
        let open = pair.sides[NORTH].engine.view().tasks().open;
        assert_eq!(open.is_none(), goes, "{messages}");
        let left = pair.ledger(NORTH).objects.len();
        assert_eq!(left, if goes { 0 } else { 1_001 });
    }
}

/// Between the count and the partner's word that it is done more has come.
#[test]
fn what_has_come_since_it_was_counted_is_left_to_the_next_task() {
    for (messages, agreed, left) in [(1_000, None, 0), (1_001, None, 1_001), (1_001, AGREED, 0)] {
        let mut pair = Pair::running();
        plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
        start(&mut pair, NORTH, TaskKind::Audit, false, agreed);
        let asks_to_forget = |m: &gr_proto::Message| match &m.payload {
            Payload::Request(ask) => matches!(ask.question, RequestBody::Forget(_)),
            _ => false,
        };
        while !pair.sides[NORTH].out.iter().any(asks_to_forget) {
            pair.carry(NORTH);
            pair.carry(SOUTH);
        }
        many_messages(pair.ledger(NORTH), id(1), messages);
        pair.settle();
        last(&pair);
        assert_eq!(pair.ledger(NORTH).objects.len(), left, "{messages}");
    }
}

/// An answer is lost with the session, or a server starts anew, and the task compares once more: what it has taken before counts.
#[test]
fn a_task_that_begins_anew_has_no_second_deletion_guard() {
    for (side, more, waits) in [
        (NORTH, 1, true),
        (NORTH, 0, false),
        (SOUTH, 1, true),
        (SOUTH, 0, false),
    ] {
        let mut pair = Pair::running();
        for n in 1..=10 {
            plant(pair.ledger(side), id(n), 1 - side, "8001");
        }
        let task = start(&mut pair, NORTH, TaskKind::Audit, false, None);
        let mut from = NORTH;
        while !pair.ledger(side).objects.is_empty() {
            pair.carry(from);
            from = 1 - from;
        }
        for n in 0..more {
            plant(pair.ledger(side), id(20 + n), 1 - side, "8020");
        }
        pair.restart(SOUTH);
        pair.live(2_000);
        let open = pair.sides[NORTH].engine.view().tasks().open;
        assert_eq!(
            open.as_ref()
                .is_some_and(|open| open.phase == Phase::Waiting),
            waits
        );
        assert_eq!(pair.ledger(side).objects.len(), usize::from(more));
        if waits {
            assert_eq!(order(&mut pair, NORTH, Command::Agree(task)), Ok(()));
            pair.settle();
            assert!(
                pair.ledger(side).objects.is_empty(),
                "an administrator has seen the number"
            );
        }
    }
}

/// What one task has taken is no charge on the next.
#[test]
fn each_task_has_a_deletion_guard_of_its_own() {
    for side in [NORTH, SOUTH] {
        let mut pair = Pair::running();
        for first in [1, 21] {
            for n in first..first + 10 {
                plant(pair.ledger(side), id(n), 1 - side, "8001");
            }
            let outcome = run(&mut pair, NORTH, TaskKind::Audit, false, None);
            assert_eq!(outcome, Outcome::Done);
            assert!(pair.ledger(side).objects.is_empty());
        }
    }
}

/// An administrator agrees in the moment in which somebody changes one of the users.
#[test]
fn a_candidate_that_was_changed_meanwhile_stays() {
    let mut pair = Pair::running();
    for n in 1..13 {
        plant(pair.ledger(NORTH), id(n), SOUTH, "8001");
    }
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    pair.settle();
    pair.change(NORTH, set(5, user_fields::NAME, 7));
    assert_eq!(order(&mut pair, NORTH, Command::Agree(task)), Ok(()));
    let left: Vec<_> = pair.ledger(NORTH).objects.keys().copied().collect();
    assert_eq!(left, [id(5)]);
    let open = pair.sides[NORTH].engine.view().tasks();
    let counts = open
        .last
        .map_or_else(|| open.open.unwrap().counts, |last| last.counts);
    assert_eq!(counts.deleted_here, 11);
}

#[test]
fn a_task_that_removes_nothing_keeps_nothing_and_leaves_what_is_kept_alone() {
    let mut pair = with_user(Limits::default());
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert_eq!(pair.sides[NORTH].engine.view().tasks().kept, None);
    plant(pair.ledger(NORTH), id(30), SOUTH, "8030");
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    let kept = pair.sides[NORTH].engine.view().tasks().kept;
    assert_eq!(kept.map(|kept| kept.objects), Some(1));
    plant_message(pair.ledger(SOUTH), id(180), id(1));
    run(&mut pair, NORTH, TaskKind::Mailboxes, false, None);
    assert_eq!(pair.sides[NORTH].engine.view().tasks().kept, kept);
    pair.order(NORTH, Command::RetryHeld);
    pair.settle();
    assert_eq!(pair.sides[NORTH].engine.view().tasks().kept, kept);
}

/// Nobody is told of a background job that there is not.
#[test]
fn a_task_that_staged_nothing_leaves_nothing_to_be_cleared() {
    let mut pair = the_guide();
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    let now = pair.now;
    let side = &mut pair.sides[NORTH];
    let aborted = side
        .engine
        .command(now, &mut side.ledger, Command::Abort(task));
    assert_eq!(aborted.unwrap(), Ok(()));
    assert_eq!(side.engine.view().tasks().job, None);
    let told = |output: &Output| matches!(output, Output::Task(view) if view.job.is_some());
    pair.live(1_000);
    assert!(!pair.sides[NORTH].said.iter().any(told));
}

/// Its row comes back, or is found to be on neither server: until then nothing is concluded from its absence.
#[test]
fn what_cannot_be_read_here_is_not_counted_as_missing() {
    let mut pair = with_user(Limits::default());
    for side in SIDES {
        plant_message(pair.ledger(side), id(10), id(1));
    }
    plant_message(pair.ledger(SOUTH), id(12), id(1));
    for n in [1, 10] {
        pair.ledger(NORTH).spoil(id(n));
        assert_eq!(pair.ledger(NORTH).object(&id(n)).unwrap(), None);
    }
    start_for(&mut pair, NORTH, TaskKind::Resync, true, &[]);
    let rows = |m: &gr_proto::Message| match &m.payload {
        Payload::Response(answer) => matches!(answer.reply, ResponseBody::Rows(..)),
        _ => false,
    };
    settle_without(&mut pair, rows);
    let missing = TaskCounts {
        contents_here: 1,
        ..TaskCounts::default()
    };
    assert_eq!(
        last(&pair),
        missing,
        "its user is here, though nobody can read it"
    );
}
