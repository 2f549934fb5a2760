//! What a rebuild fetches, waits for and keeps, case by case (R10, E18).

mod support;

use domain::{BodyRef, Key, Kind, Object, Value};
use gr_proto::{Command, Item, Limits, Output, Payload, RequestBody};
use ledger::{BackgroundJob, Ledger, Phase, Reason, TaskKind, Tombstone};
use support::drive::*;
use support::guide::*;
use support::say::{item, offer};
use support::staged::*;
use support::*;

#[test]
fn a_rebuild_of_what_is_the_same_counts_fetches_one_page_and_sends_nothing() {
    let mut pair = same(Limits::default());
    rebuild(&mut pair);
    let heard = settle_heard(&mut pair);
    assert_eq!(
        heard.questions(),
        [&RequestBody::Census, &RequestBody::Page(None)],
        "and no body is asked for"
    );
    assert_done(&pair);
    assert_eq!(heard.data, [0, 0]);
    pair.assert_equal();
    assert_eq!(pair.sides[NORTH].engine.view().tasks().job, None);
    let changed = |o: &Output| matches!(o, Output::Changed(changed) if !changed.is_empty());
    assert!(
        !pair.sides[NORTH].said.iter().any(changed),
        "nothing is different"
    );
}

#[test]
fn a_rebuild_fetches_bodies_before_anything_changes_places() {
    let mut pair = same(Limits::default());
    plant_message(pair.ledger(SOUTH), id(13), id(1));
    let body = pair.ledger(SOUTH).objects[&id(13)].body.unwrap();
    rebuild(&mut pair);
    let mut asked = Vec::new();
    while !holds(&pair, NORTH, 13) {
        for message in pair.take(NORTH) {
            if let Payload::Request(ask) = &message.payload {
                asked.push(ask.clone());
            }
            pair.give(SOUTH, message);
        }
        pair.carry(SOUTH);
    }
    assert!(pair.ledger(NORTH).bodies.contains(&body));
    let bodies = asked.last().expect("a question");
    assert_eq!(bodies.question, RequestBody::Bodies(vec![id(13)]));
    assert_eq!(bodies.have, Some(vec![]), "nothing of it is here");
}

#[test]
fn a_body_that_is_lost_on_its_way_is_asked_for_again_and_one_that_is_nowhere_is_not() {
    for nowhere in [false, true] {
        let mut pair = same(Limits::default());
        for n in [13, 14] {
            plant_message(pair.ledger(SOUTH), id(n), id(1));
        }
        let body = pair.ledger(SOUTH).objects[&id(13)].body.unwrap();
        if nowhere {
            pair.ledger(SOUTH).lose_body(&body);
        }
        rebuild(&mut pair);
        let mut asked = Vec::new();
        let mut lost = nowhere;
        for _ in 0..20 {
            for message in pair.take(NORTH) {
                if let Payload::Request(ask) = &message.payload
                    && let RequestBody::Bodies(ids) = &ask.question
                {
                    asked.push(ids.clone());
                }
                pair.give(SOUTH, message);
            }
            for message in pair.take(SOUTH) {
                if message.bodies().is_empty() || std::mem::replace(&mut lost, true) {
                    pair.give(NORTH, message);
                } else {
                    give_bare(&mut pair, NORTH, message);
                }
            }
        }
        let both = vec![id(13), id(14)];
        let expected = if nowhere {
            vec![both]
        } else {
            vec![both.clone(), both]
        };
        assert_eq!(asked, expected);
        assert_done(&pair);
        assert!(holds(&pair, NORTH, 13) && holds(&pair, NORTH, 14));
        assert_eq!(pair.ledger(NORTH).bodies.contains(&body), !nowhere);
    }
}

#[test]
fn a_long_body_is_fetched_piece_by_piece() {
    let mut pair = same(Limits {
        batch_bytes: 100,
        ..Limits::default()
    });
    let body = BodyRef {
        hash: [9; 32],
        len: 250,
    };
    pair.ledger(SOUTH).receive_body(body);
    let message = Object::new(Kind::MESSAGE, Some(id(1)), Some(body));
    pair.ledger(SOUTH).put(&id(13), &message).unwrap();
    rebuild(&mut pair);
    let heard = settle_heard(&mut pair);
    assert_done(&pair);
    let bodies = heard
        .asked
        .iter()
        .filter(|ask| matches!(ask.question, RequestBody::Bodies(_)));
    let have: Vec<_> = bodies.map(|ask| ask.have.clone().unwrap()).collect();
    assert_eq!(have, [vec![], vec![(id(13), 100)], vec![(id(13), 200)]]);
    assert!(pair.ledger(NORTH).bodies.contains(&body));
}

/// What it told of may be lost there, or deleted. It says so in the session in which it was asked.
#[test]
fn what_was_fetched_from_a_partner_that_went_back_is_fetched_anew() {
    let mut pair = same(pages_of(1));
    let before = pair.ledger(NORTH).objects.clone();
    rebuild(&mut pair);
    until_staged(&mut pair, 10);
    pair.carry(NORTH);
    let mut said = pair.take(SOUTH);
    assert!(!said.is_empty(), "it answers");
    for message in &mut said {
        message.header.rolled_back = true;
    }
    for message in said {
        pair.give(NORTH, message);
    }
    assert_eq!(phase(&pair), Some(Phase::Clearing));
    assert!(!pair.ledger(NORTH).state.staging);
    let heard = settle_heard(&mut pair);
    let asked = heard.questions();
    assert!(asked.contains(&&RequestBody::Census), "counted once more");
    assert!(asked.contains(&&RequestBody::Page(None)), "from the start");
    pair.live(20_000);
    assert_done(&pair);
    assert_eq!(pair.ledger(NORTH).objects, before);
    pair.assert_equal();
}

/// The partner has lost it, and could not be told, because there is nothing on its way.
#[test]
fn what_is_newer_here_survives_a_rebuild_and_reaches_the_partner() {
    let mut pair = same(Limits::default());
    renew(pair.ledger(NORTH), 10, 2);
    renew(pair.ledger(SOUTH), 10, 1);
    renew(pair.ledger(NORTH), 11, 1);
    renew(pair.ledger(SOUTH), 11, 2);
    rebuild(&mut pair);
    let heard = settle_heard(&mut pair);
    assert_done(&pair);
    pair.assert_equal();
    for n in [10, 11] {
        assert_eq!(value(&pair, SOUTH, n), Some(Value::Int(2)));
    }
    let sent: Vec<_> = heard.sent.into_iter().collect();
    assert_eq!(sent, [id(10)], "of what is the same nothing is sent");
}

#[test]
fn what_is_held_and_newer_here_stays_held_while_a_rebuild_fetches() {
    let mut pair = same(pages_of(1));
    renew(pair.ledger(NORTH), 10, 2);
    let held = hold(&mut pair, NORTH, 10, Reason::FAULT);
    rebuild(&mut pair);
    until_staged(&mut pair, 12);
    assert_eq!(phase(&pair), Some(Phase::Fetching));
    assert_eq!(pair.ledger(NORTH).held.get(&id(10)), Some(&held));
    assert!(pair.ledger(NORTH).marks.is_empty());
    pair.live(20_000);
    assert_done(&pair);
    assert_eq!(value(&pair, NORTH, 10), Some(Value::Int(2)));
}

#[test]
fn what_is_changed_or_deleted_while_a_rebuild_fetches_is_so_afterwards() {
    let mut pair = same(pages_of(1));
    for n in [2, 3] {
        for side in [NORTH, SOUTH] {
            plant(pair.ledger(side), id(n), NORTH, "7002");
        }
    }
    // Messages that only the partner has; their user goes, before they have ever been live here.
    for n in [4, 5] {
        plant_message(pair.ledger(SOUTH), id(n), id(3));
    }
    rebuild(&mut pair);
    until_staged(&mut pair, 12);
    pair.change(NORTH, set(10, FIELD, 7));
    pair.change(NORTH, delete(11));
    pair.change(NORTH, delete(2));
    pair.change(NORTH, delete(3));
    pair.change(NORTH, user(200, NORTH));
    let staged = &pair.ledger(NORTH).staged;
    for n in [11, 2, 3, 4, 5] {
        assert!(!staged.contains_key(&id(n)), "{n}");
    }
    let value_of = |object: &Object| object.get(Key::field(FIELD)).cloned();
    assert_eq!(value_of(&staged[&id(10)]), Some(Value::Int(7)));
    assert!(staged.contains_key(&id(200)));
    pair.live(10_000);
    assert_done(&pair);
    pair.assert_equal();
    let left: Vec<_> = pair.ledger(NORTH).objects.keys().copied().collect();
    assert_eq!(left, [1, 10, 12, 200].map(id));
}

#[test]
fn what_was_deleted_here_and_is_not_known_there_is_not_fetched() {
    let mut pair = same(Limits::default());
    pair.change(NORTH, delete(10));
    rebuild(&mut pair);
    settle_without(&mut pair, is_data);
    assert_done(&pair);
    assert!(!holds(&pair, NORTH, 10) && holds(&pair, SOUTH, 10));
    pair.live(20_000);
    pair.assert_equal();
    assert!(!holds(&pair, NORTH, 10));
}

#[test]
fn nothing_is_written_twice_without_a_rebuild() {
    let mut pair = same(Limits::default());
    pair.change(NORTH, set(10, FIELD, 7));
    pair.change(NORTH, user(200, NORTH));
    pair.settle();
    assert!(pair.ledger(NORTH).staged.is_empty() && pair.ledger(SOUTH).staged.is_empty());
}

/// What is marked here is staged in one transaction, and it may be so much and no more.
#[test]
fn a_rebuild_fetches_when_no_more_is_marked_than_can_be_staged() {
    for (marks, fetches) in [(2, true), (3, false)] {
        let mut pair = same(Limits {
            rebuild_marks: 2,
            page_items: 1,
            ..Limits::default()
        });
        rebuild(&mut pair);
        let census = pair.take(NORTH);
        pair.change(NORTH, user(200, NORTH));
        for n in 1..marks {
            pair.change(NORTH, message(200 + n, 200, None));
        }
        assert_eq!(pair.ledger(NORTH).marks.len(), usize::from(marks));
        pair.take(NORTH);
        census
            .into_iter()
            .for_each(|message| pair.give(SOUTH, message));
        pair.carry(SOUTH);
        let staged = pair.ledger(NORTH).staged.len();
        assert_eq!(phase(&pair) == Some(Phase::Fetching), fetches, "{marks}");
        assert_eq!(staged, if fetches { 2 } else { 0 });
        pair.live(20_000);
        assert_done(&pair);
        pair.assert_equal();
        assert!(holds(&pair, NORTH, 200) && holds(&pair, NORTH, 201));
    }
}

/// What is on its way from there may be how this server learns what is newer here.
#[test]
fn a_rebuild_waits_until_the_partner_has_nothing_left_to_send() {
    let mut pair = same(Limits::default());
    pair.change(SOUTH, set(10, FIELD, 7));
    pair.take(SOUTH);
    rebuild(&mut pair);
    settle_without(&mut pair, is_data);
    assert_eq!(phase(&pair), Some(Phase::Clearing));
    assert!(!pair.ledger(NORTH).state.staging);
    pair.live(10_000);
    assert_done(&pair);
    pair.assert_equal();
}

#[test]
fn a_rebuild_waits_until_what_an_earlier_task_kept_is_gone() {
    let mut pair = same(steps_of(1));
    for n in 20..60 {
        plant(pair.ledger(NORTH), id(n), SOUTH, "8001");
    }
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert_eq!(pair.ledger(NORTH).kept.len(), 40);
    rebuild(&mut pair);
    pair.settle();
    assert_eq!(phase(&pair), Some(Phase::Clearing));
    let tasks = pair.sides[NORTH].engine.view().tasks();
    assert_eq!(tasks.job, Some(BackgroundJob::Purge));
    pair.tick(NORTH);
    let scans = &pair.ledger(NORTH).state.scans;
    assert_eq!(scans.len(), 1, "one purge is enough");
    for _ in 0..100 {
        pair.tick(NORTH);
    }
    pair.live(1_000);
    assert_done(&pair);
}

#[test]
fn a_rebuild_does_not_wait_for_what_is_tried_again() {
    let mut pair = same(steps_of(1));
    for n in 20..120 {
        plant(pair.ledger(NORTH), id(n), NORTH, "7020");
        hold(&mut pair, NORTH, n, Reason::CAPACITY);
    }
    let retry = order(&mut pair, NORTH, Command::RetryHeld);
    assert_eq!(retry, Ok(()));
    rebuild(&mut pair);
    for _ in 0..3 {
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    assert_eq!(
        pair.sides[NORTH].engine.view().tasks().job,
        Some(BackgroundJob::Retry)
    );
    assert!(phase(&pair) != Some(Phase::Clearing));
    // Whoever has much to try again may begin one, too.
    let mut pair = same(steps_of(1));
    for n in 20..40 {
        plant(pair.ledger(NORTH), id(n), NORTH, "7020");
        hold(&mut pair, NORTH, n, Reason::CAPACITY);
    }
    assert_eq!(order(&mut pair, NORTH, Command::RetryHeld), Ok(()));
    assert_eq!(
        pair.sides[NORTH].engine.view().tasks().job,
        Some(BackgroundJob::Retry)
    );
    rebuild(&mut pair);
}

#[test]
fn what_a_stopped_rebuild_has_fetched_goes_step_by_step_beside_other_background_jobs() {
    let mut pair = same(Limits {
        page_items: 1,
        scan: 1,
        ..Limits::default()
    });
    plant(pair.ledger(NORTH), id(20), NORTH, "7020");
    let task = start(&mut pair, NORTH, TaskKind::Rebuild, false, None);
    until_staged(&mut pair, 12);
    hold(&mut pair, NORTH, 20, Reason::CAPACITY);
    let now = pair.now;
    let side = &mut pair.sides[NORTH];
    for order in [Command::RetryHeld, Command::Abort(task)] {
        let done = side.engine.command(now, &mut side.ledger, order);
        assert_eq!(done.unwrap(), Ok(()));
    }
    for _ in 0..20 {
        pair.tick(NORTH);
    }
    let ledger = pair.ledger(NORTH);
    assert!(ledger.staged.is_empty() && ledger.state.scans.is_empty());
}

#[test]
fn a_message_whose_sound_is_gone_is_not_salvaged() {
    let mut pair = same(Limits::default());
    for n in [20, 21] {
        plant_message(pair.ledger(NORTH), id(n), id(1));
    }
    let silent = Object::new(Kind::MESSAGE, Some(id(1)), None);
    pair.ledger(NORTH).put(&id(22), &silent).unwrap();
    let body = pair.ledger(NORTH).objects[&id(21)].body.unwrap();
    pair.ledger(NORTH).lose_body(&body);
    rebuild(&mut pair);
    pair.live(2_000);
    assert_done(&pair);
    for side in [NORTH, SOUTH] {
        assert!(holds(&pair, side, 20) && holds(&pair, side, 22));
        assert!(!holds(&pair, side, 21));
    }
}

/// The word of its deletion came after the last page, and before it was its turn to be salvaged.
#[test]
fn what_the_partner_deleted_meanwhile_is_not_salvaged() {
    let mut pair = same(steps_of(1));
    for n in 20..70 {
        plant(pair.ledger(NORTH), id(n), NORTH, "7020");
    }
    for n in [200, 201] {
        plant_message(pair.ledger(NORTH), id(n), id(1));
    }
    let message = pair.ledger(NORTH).objects[&id(200)].clone();
    rebuild(&mut pair);
    pair.settle();
    assert_done(&pair);
    let job = |pair: &Pair| pair.sides[NORTH].engine.view().tasks().job;
    assert_eq!(job(&pair), Some(BackgroundJob::Salvage));
    assert!(!holds(&pair, NORTH, 200));
    let gone = Item {
        object: None,
        ..item(id(200), &message)
    };
    assert_eq!(offer(&mut pair, SOUTH, gone), None);
    assert_eq!(job(&pair), Some(BackgroundJob::Salvage), "it goes on");
    // Of another one nothing but the tombstone is left.
    let at = pair.now.wall;
    pair.ledger(NORTH)
        .set_tombstone(&id(201), &Tombstone { at })
        .unwrap();
    while job(&pair).is_some() {
        pair.tick(NORTH);
    }
    pair.live(2_000);
    for side in [NORTH, SOUTH] {
        assert!(!holds(&pair, side, 200) && !holds(&pair, side, 201));
    }
}
