//! Stories of tasks: the numbers of the guide, who may stop what, and what can be brought back.

mod support;

use domain::{Change, Hlc, Incarnation, Key, ObjectId, Timestamp, Value, Version, user_fields};
use gr_proto::{Command, Payload, RequestBody};
use ledger::{Leaf, Ledger, Outcome, Phase, TaskId, TaskKind};
use support::guide::*;
use support::*;

#[test]
fn a_resync_leaves_the_numbers_of_the_guide() {
    for side in [NORTH, SOUTH] {
        let mut pair = the_guide();
        assert_eq!(
            run(&mut pair, side, TaskKind::Resync, false, AGREED),
            Outcome::Done
        );
        assert_eq!(counts(&pair), [(100, 50), (50, 100)]);
        pair.assert_equal();
    }
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let mut pair = the_guide();
    let before = [NORTH, SOUTH].map(|side| pair.sides[side].ledger.objects.clone());
    run(&mut pair, NORTH, TaskKind::Resync, true, None);
    let said = pair.sides[NORTH].engine.view().tasks().last.unwrap().counts;
    assert_eq!((said.created_here, said.created_there), (20, 60));
    assert_eq!((said.deleted_here, said.deleted_there), (170, 35));
    assert_eq!(
        before,
        [NORTH, SOUTH].map(|side| pair.sides[side].ledger.objects.clone())
    );
    assert!(pair.ledger(NORTH).marks.is_empty() && pair.ledger(SOUTH).marks.is_empty());

    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    let done = pair.sides[NORTH].engine.view().tasks().last.unwrap().counts;
    assert_eq!((done.created_here, done.created_there), (20, 60));
    assert_eq!((done.deleted_here, done.deleted_there), (170, 35));

    let mut pair = the_guide();
    run(&mut pair, NORTH, TaskKind::Rebuild, true, None);
    let said = pair.sides[NORTH].engine.view().tasks().last.unwrap().counts;
    assert_eq!((said.created_here, said.deleted_here), (125, 300));
    assert_eq!(counts(&pair), [(100, 200), (50, 75)]);
}

#[test]
fn more_deletions_than_the_deletion_guard_allows_wait_for_an_administrator() {
    let mut pair = the_guide();
    let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
    pair.live(2_000);
    let open = pair.sides[NORTH].engine.view().tasks().open.unwrap();
    assert_eq!(open.phase, Phase::Waiting);
    assert_eq!(
        counts(&pair),
        [(100, 220), (50, 135)],
        "nothing is deleted yet"
    );
    assert_eq!(order(&mut pair, NORTH, Command::Agree(task)), Ok(()));
    pair.live(2_000);
    assert_eq!(counts(&pair), [(100, 50), (50, 100)]);
}

#[test]
fn an_emptied_partner_wipes_nothing() {
    for (side, kind) in [
        (NORTH, TaskKind::Audit),
        (SOUTH, TaskKind::Audit),
        (NORTH, TaskKind::Resync),
        (SOUTH, TaskKind::Resync),
    ] {
        let mut pair = the_guide();
        let all: Vec<_> = pair.ledger(SOUTH).objects.keys().copied().collect();
        for id in all {
            pair.ledger(SOUTH).remove(&id).unwrap();
        }
        start(&mut pair, side, kind, false, None);
        pair.live(5_000);
        let open = pair.sides[side].engine.view().tasks().open.unwrap();
        assert_eq!(open.phase, Phase::Waiting, "{side} {kind:?}");
        assert_eq!(
            counts(&pair),
            [(100, 200), (0, 100)],
            "the survivor has all it had"
        );
        let abort = order(&mut pair, side, Command::Abort(open.id));
        assert_eq!(abort, Ok(()));
    }
}

#[test]
fn an_audit_creates_and_deletes_but_does_not_look_at_values() {
    let mut pair = Pair::running();
    for n in 0..30 {
        plant(pair.ledger(NORTH), nth(NORTH, n), NORTH, "7000");
        if n > 2 {
            plant(pair.ledger(SOUTH), nth(NORTH, n), NORTH, "7000");
        }
    }
    plant(pair.ledger(SOUTH), nth(NORTH, 40), NORTH, "7040");
    let newer = Version {
        hlc: Hlc::at(Timestamp(1_650_000_000_000)),
        incarnation: Incarnation(98),
    };
    let mut other = pair.ledger(SOUTH).objects[&nth(NORTH, 5)].clone();
    other.set(
        Key::field(user_fields::NAME),
        newer,
        Value::Text("newer".into()),
    );
    pair.ledger(SOUTH).put(&nth(NORTH, 5), &other).unwrap();
    assert_eq!(
        run(&mut pair, SOUTH, TaskKind::Audit, false, None),
        Outcome::Done
    );
    assert_eq!(counts(&pair), [(30, 0), (0, 30)]);
    let differs = pair.ledger(NORTH).objects[&nth(NORTH, 5)] != other;
    assert!(differs, "values are left to a resync");
    assert_eq!(
        pair.sides[SOUTH]
            .engine
            .view()
            .tasks()
            .last
            .unwrap()
            .counts
            .updated,
        1
    );
    run(&mut pair, SOUTH, TaskKind::Resync, false, None);
    pair.assert_equal();
    assert_eq!(
        pair.ledger(NORTH).objects[&nth(NORTH, 5)],
        other,
        "the newer value wins"
    );
}

#[test]
fn whoever_stops_a_resync_finds_every_user_there() {
    for (stopper, outcome) in [(NORTH, Outcome::Aborted), (SOUTH, Outcome::AbortedThere)] {
        // At every moment of the task.
        for messages in 0..20 {
            let mut pair = the_guide();
            let task = start(&mut pair, NORTH, TaskKind::Resync, false, None);
            for turn in 0..messages {
                pair.carry([NORTH, SOUTH][turn % 2]);
            }
            let stopped = order(&mut pair, stopper, Command::Abort(task));
            if stopped.is_err() {
                assert_eq!(
                    (stopper, messages),
                    (SOUTH, 0),
                    "the partner has not heard of it yet"
                );
                continue;
            }
            pair.live(2_000);
            let last = pair.sides[NORTH].engine.view().tasks().last.unwrap();
            assert_eq!(last.outcome, outcome);
            assert_eq!(pair.sides[SOUTH].engine.view().tasks().serving, None);
            let [(north, north_gr), (south, south_gr)] = counts(&pair);
            assert_eq!(
                (north, south),
                (100, 50),
                "no local user is created or deleted"
            );
            assert!(north_gr >= 200 && south_gr >= 75, "nothing is deleted");
        }
    }
}

#[test]
fn a_task_begins_afresh_after_one_that_was_stopped() {
    let mut pair = the_guide();
    let first = start(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    // Until the partner is asked to delete; the question stays without an answer.
    let asks_to_delete = |pair: &Pair| {
        let phase = pair.sides[NORTH]
            .engine
            .view()
            .tasks()
            .open
            .map(|task| task.phase);
        phase == Some(Phase::Deleting)
    };
    while !asks_to_delete(&pair) {
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    pair.take(NORTH);
    assert_eq!(order(&mut pair, NORTH, Command::Abort(first)), Ok(()));
    pair.now.mono = pair.now.mono.plus(1);
    start(&mut pair, NORTH, TaskKind::Audit, true, None);
    let said = pair.take(NORTH);
    let first_question = said.iter().find_map(|message| match &message.payload {
        Payload::Request(ask) if !matches!(ask.question, RequestBody::End(_)) => {
            Some(&ask.question)
        }
        _ => None,
    });
    assert_eq!(first_question, Some(&RequestBody::Root(false)));
}

#[test]
fn gr_users_that_a_resync_deleted_can_be_brought_back_on_both_sides() {
    let mut pair = the_guide();
    plant_message(pair.ledger(NORTH), id(230), nth(SOUTH, 60));
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert!(!pair.ledger(NORTH).objects.contains_key(&id(230)));
    for side in [NORTH, SOUTH] {
        assert_eq!(order(&mut pair, side, Command::Undo), Ok(()));
    }
    pair.live(2_000);
    assert_eq!(counts(&pair), [(100, 220), (50, 135)]);
    let message = &pair.ledger(NORTH).objects[&id(230)];
    let body = message.body.unwrap();
    assert!(pair.ledger(NORTH).bodies.contains(&body));
}

#[test]
fn what_was_kept_goes_after_a_week() {
    let mut pair = the_guide();
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert!(!pair.ledger(NORTH).kept.is_empty());
    pair.days(6);
    assert!(!pair.ledger(NORTH).kept.is_empty());
    pair.days(2);
    assert!(pair.ledger(NORTH).kept.is_empty());
    assert_eq!(pair.sides[NORTH].engine.view().tasks().kept, None);
}

#[test]
fn one_purge_is_enough() {
    let mut pair = the_guide();
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    pair.days(6);
    let all = pair.ledger(NORTH).kept.len();
    while pair.ledger(NORTH).kept.len() == all {
        pair.wait(15_000);
        pair.settle();
    }
    for _ in 0..100 {
        pair.tick(NORTH);
        assert!(pair.ledger(NORTH).state.scans.len() <= 1);
    }
    assert!(pair.ledger(NORTH).kept.is_empty());
}

/// A clock that is set wrong for a moment, on either server or on both: what is kept for a week is kept for a week.
#[test]
fn one_leap_of_a_clock_destroys_nothing() {
    const LEAP_MS: i64 = 8 * 86_400_000;
    for leaps in [
        [LEAP_MS, 0],
        [0, LEAP_MS],
        [LEAP_MS, LEAP_MS],
        [-LEAP_MS, 0],
    ] {
        let mut pair = the_guide();
        pair.days(8); // long enough for everything that is a week old to go
        run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
        let kept = pair.ledger(NORTH).kept.len();
        assert!(kept > 0);
        for leap in [leaps, [0, 0]] {
            pair.ahead = leap;
            for _ in 0..100 {
                pair.wait(15_000);
                pair.settle();
            }
            assert_eq!(
                pair.ledger(NORTH).kept.len(),
                kept,
                "after leaps of {leap:?}"
            );
        }
    }
}

/// The end of a task was lost on its way: the partner's view of it ends all the same, so that nothing waits for it.
#[test]
fn a_task_whose_end_is_lost_is_not_shown_for_ever() {
    let mut pair = the_guide();
    run(&mut pair, NORTH, TaskKind::Resync, true, None);
    let lost = pair.take(NORTH);
    drop(lost);
    let serving = |pair: &Pair| pair.sides[SOUTH].engine.view().tasks().serving.is_some();
    pair.order(
        NORTH,
        Command::Start {
            id: TaskId(77),
            kind: TaskKind::Resync,
            dry: false,
            agreed: None,
            mailboxes: vec![],
        },
    );
    while !serving(&pair) {
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    pair.order(NORTH, Command::Abort(TaskId(77)));
    let told = |m: &gr_proto::Message| matches!(m.payload, Payload::Request(_));
    let kept = pair.take(NORTH).into_iter().filter(|m| !told(m)).collect();
    pair.sides[NORTH].out = kept;
    pair.settle();
    assert!(serving(&pair), "its end was lost");
    pair.sides[SOUTH].said.clear();
    for _ in 0..60 {
        pair.wait(15_000);
        pair.settle();
    }
    assert!(!serving(&pair));
    let shown = |said: &gr_proto::Output| matches!(said, gr_proto::Output::Task(view) if view.serving.is_none());
    assert!(
        pair.sides[SOUTH].said.iter().any(shown),
        "without anybody asking"
    );
}

#[test]
fn of_two_tasks_that_begin_at_once_one_gives_way() {
    let mut pair = the_guide();
    for (side, task) in [(NORTH, 5), (SOUTH, 9)] {
        let begun = order(
            &mut pair,
            side,
            Command::Start {
                id: TaskId(task),
                kind: TaskKind::Resync,
                dry: false,
                agreed: AGREED,
                mailboxes: vec![],
            },
        );
        assert_eq!(begun, Ok(()));
    }
    pair.live(5_000);
    let outcomes =
        [NORTH, SOUTH].map(|side| pair.sides[side].engine.view().tasks().last.unwrap().outcome);
    assert_eq!(outcomes, [Outcome::GaveWay, Outcome::Done]);
    assert_eq!(counts(&pair), [(100, 50), (50, 100)]);
}

#[test]
fn a_task_goes_on_after_a_crash_of_either_server() {
    for victim in [NORTH, SOUTH] {
        for kind in [TaskKind::Resync, TaskKind::Rebuild] {
            let mut pair = the_guide();
            start(&mut pair, NORTH, kind, false, AGREED);
            for _ in 0..3 {
                pair.carry(NORTH);
                pair.carry(SOUTH);
            }
            pair.restart(victim);
            pair.live(120_000);
            let last = pair.sides[NORTH].engine.view().tasks().last.unwrap();
            assert_eq!((last.kind, last.outcome), (kind, Outcome::Done));
            let expected = match kind {
                TaskKind::Resync => [(100, 50), (50, 100)],
                _ => [(75, 50), (50, 75)],
            };
            assert_eq!(counts(&pair), expected);
        }
    }
}

/// Whoever destroys for age outside of the engine asks in the first transaction after a leap, before anybody has looked at the clocks.
#[test]
fn age_is_not_believed_in_the_very_transaction_after_a_leap() {
    const WEEK_MS: i64 = 7 * 86_400_000;
    let mut pair = the_guide();
    let oldest = |pair: &mut Pair, ahead_ms: i64| {
        let mut now = pair.now;
        now.wall.0 += ahead_ms;
        let view = pair.sides[NORTH].engine.view();
        (view.oldest_destroyable(now, WEEK_MS), now.wall)
    };
    assert_eq!(
        oldest(&mut pair, 0).0,
        None,
        "nobody has watched for a week"
    );
    pair.days(8);
    let (before, now) = oldest(&mut pair, 0);
    assert_eq!(before, Some(Timestamp(now.0 - WEEK_MS)));
    assert_eq!(oldest(&mut pair, WEEK_MS + 86_400_000).0, None);
}

/// A user that arrives while a list is on its way: the list, read before it was made, says nothing about it.
#[test]
fn a_list_that_a_new_user_has_overtaken_takes_nobody_away() {
    let mut pair = Pair::running();
    plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
    let scope = Leaf::number(&id(1));
    let new = (0..u32::MAX)
        .map(|n| {
            let mut bytes = [7; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            ObjectId::from_bytes(bytes)
        })
        .find(|id| Leaf::number(id) == scope)
        .expect("some id is on the same scope");
    let audit = Command::Start {
        id: TaskId(5),
        kind: TaskKind::Audit,
        dry: false,
        agreed: None,
        mailboxes: vec![],
    };
    pair.order(SOUTH, audit);
    let lists = |m: &gr_proto::Message| match &m.payload {
        Payload::Response(answer) => matches!(answer.reply, gr_proto::ResponseBody::Lists(_)),
        _ => false,
    };
    let late = loop {
        pair.carry(SOUTH);
        let (late, on_time): (Vec<_>, Vec<_>) = pair.take(NORTH).into_iter().partition(lists);
        on_time.into_iter().for_each(|m| pair.give(SOUTH, m));
        if !late.is_empty() {
            break late;
        }
    };
    let Change::Create {
        kind,
        owner,
        body,
        registers,
        ..
    } = user(9, NORTH)
    else {
        unreachable!()
    };
    let create = Change::Create {
        id: new,
        kind,
        owner,
        body,
        registers,
    };
    pair.change(NORTH, create);
    pair.carry(NORTH);
    late.into_iter().for_each(|m| pair.give(SOUTH, m));
    pair.live(5_000);
    assert!(pair.ledger(SOUTH).objects.contains_key(&new));
    assert!(
        !pair.ledger(SOUTH).objects.contains_key(&id(1)),
        "this one has no original"
    );
}

#[test]
fn a_user_without_an_original_goes_also_if_a_change_of_it_was_refused_for_that() {
    for driver in [NORTH, SOUTH] {
        let mut pair = Pair::running();
        plant(pair.ledger(NORTH), id(1), SOUTH, "8001");
        pair.change(NORTH, set(1, user_fields::NAME, 7));
        pair.live(10_000);
        let held = pair.ledger(NORTH).held(&id(1)).unwrap();
        assert_eq!(held.expect("held").reason, gr_proto::Reason::NO_SUCH_USER);
        assert_eq!(
            run(&mut pair, driver, TaskKind::Resync, false, AGREED),
            Outcome::Done
        );
        assert_eq!(counts(&pair), [(0, 0), (0, 0)]);
        pair.assert_equal();
    }
}

/// Both have lost a user, each in its own way, and one of them what was in the mailbox.
#[test]
fn what_is_nobodys_comes_to_be_the_same() {
    for driver in [NORTH, SOUTH] {
        let mut pair = Pair::running();
        plant(pair.ledger(NORTH), id(1), NORTH, "7001");
        plant_message(pair.ledger(NORTH), id(2), id(1));
        pair.ledger(NORTH).remove(&id(1)).unwrap();
        assert_eq!(
            run(&mut pair, driver, TaskKind::Resync, false, AGREED),
            Outcome::Done
        );
        pair.assert_equal();
    }
}
