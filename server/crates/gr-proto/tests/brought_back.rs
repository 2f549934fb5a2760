//! What is brought back, tried again and asked for again (E17, E18, R9).

mod support;

use domain::{BodyRef, Kind, Object, Value};
use gr_proto::{Command, Item, Limits, ObjectChange, Output, Payload, RequestBody, ResponseBody};
use ledger::{BackgroundJob, Ledger, Reason, TaskKind, Tombstone};
use support::drive::*;
use support::guide::*;
use support::say::{item, offer};
use support::staged::*;
use support::*;

/// A GR user that a resync took away, with a message, and brought back while other things had happened to it.
fn taken_away(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    plant(pair.ledger(NORTH), id(1), SOUTH, "8001");
    renew(pair.ledger(NORTH), 1, 1);
    plant_message(pair.ledger(NORTH), id(10), id(1));
    run(&mut pair, NORTH, TaskKind::Resync, false, AGREED);
    assert!(pair.ledger(NORTH).objects.is_empty());
    assert_eq!(pair.ledger(NORTH).kept.len(), 2);
    pair.sides[NORTH].said.clear();
    pair
}

fn undo(pair: &mut Pair) -> Heard {
    assert_eq!(order(pair, NORTH, Command::Undo), Ok(()));
    let mut heard = settle_heard(pair);
    while pair.sides[NORTH].engine.view().tasks().job.is_some() {
        pair.tick(NORTH);
        let more = settle_heard(pair);
        heard.data[NORTH] += more.data[NORTH];
    }
    assert_eq!(pair.sides[NORTH].engine.view().tasks().kept, None);
    heard
}

fn told(pair: &Pair, n: u8) -> Vec<ObjectChange> {
    let said = pair.sides[NORTH].said.iter();
    let changed = said.filter_map(|output| match output {
        Output::Changed(changed) => Some(changed),
        _ => None,
    });
    let of_it = changed.flatten().filter(|changed| changed.id == id(n));
    of_it.map(|changed| changed.how).collect()
}

#[test]
fn a_gr_user_without_an_original_that_comes_back_is_offered_to_nobody() {
    let mut pair = taken_away(Limits::default());
    let heard = undo(&mut pair);
    assert!(holds(&pair, NORTH, 1) && holds(&pair, NORTH, 10));
    assert_eq!(heard.data, [0, 0]);
    let ledger = pair.ledger(NORTH);
    assert!(ledger.marks.is_empty() && ledger.held.is_empty() && ledger.kept.is_empty());
    assert_eq!(told(&pair, 10), [ObjectChange::Arrived]);
}

/// It was live, and its row could not be read when its home, restored from a backup, asked for it: what an undo has of it is the only copy.
#[test]
fn a_gr_user_whose_row_cannot_be_read_comes_back_and_goes_home() {
    let mut pair = taken_away(Limits::default());
    plant(pair.ledger(NORTH), id(1), SOUTH, "8001");
    pair.ledger(NORTH).spoil(id(1));
    let read = pair.ledger(NORTH).object(&id(1));
    assert!(
        read.is_ok_and(|object| object.is_none()),
        "it cannot be read"
    );
    undo(&mut pair);
    pair.settle();
    assert!(holds(&pair, NORTH, 1) && holds(&pair, SOUTH, 1));
    assert!(pair.ledger(NORTH).unreadable.is_empty());
}

#[test]
fn what_came_again_and_is_newer_stays_as_it_is_when_the_old_one_is_brought_back() {
    for (there, sent) in [(2, 0), (0, 1)] {
        let mut pair = taken_away(Limits::default());
        plant(pair.ledger(SOUTH), id(1), SOUTH, "8001");
        renew(pair.ledger(SOUTH), 1, there);
        let user = pair.ledger(SOUTH).objects[&id(1)].clone();
        assert_eq!(offer(&mut pair, SOUTH, item(id(1), &user)), None);
        assert_eq!(value(&pair, NORTH, 1), Some(Value::Int(there)));
        pair.settle();
        let heard = undo(&mut pair);
        assert_eq!(value(&pair, NORTH, 1), Some(Value::Int(there.max(1))));
        assert_eq!(heard.data[NORTH], sent, "{there}");
        assert_eq!(value(&pair, SOUTH, 1), Some(Value::Int(there.max(1))));
    }
}

#[test]
fn what_was_deleted_meanwhile_is_not_brought_back() {
    let mut pair = taken_away(Limits::default());
    let user = pair.ledger(NORTH).kept[&id(1)].clone();
    let gone = Item {
        object: None,
        ..item(id(1), &user)
    };
    assert_eq!(offer(&mut pair, SOUTH, gone), None);
    undo(&mut pair);
    assert!(
        pair.ledger(NORTH).objects.is_empty(),
        "and neither is its mailbox"
    );
    // Of another one nothing but the tombstone is left.
    let mut pair = taken_away(Limits::default());
    let at = pair.now.wall;
    pair.ledger(NORTH)
        .set_tombstone(&id(10), &Tombstone { at })
        .unwrap();
    undo(&mut pair);
    assert!(holds(&pair, NORTH, 1) && !holds(&pair, NORTH, 10));
}

#[test]
fn a_local_users_message_that_comes_back_reaches_the_partner() {
    let mut pair = same(steps_of(1));
    plant(pair.ledger(NORTH), id(20), NORTH, "7020");
    plant_message(pair.ledger(NORTH), id(21), id(20));
    rebuild(&mut pair);
    while pair.sides[NORTH].engine.view().tasks().job != Some(BackgroundJob::Salvage) {
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    while pair.sides[NORTH].engine.view().tasks().job.is_some() {
        pair.tick(NORTH);
    }
    pair.live(1_000);
    assert!(!holds(&pair, NORTH, 20) && !holds(&pair, NORTH, 21));
    undo(&mut pair);
    pair.assert_equal();
    assert!(holds(&pair, SOUTH, 20) && holds(&pair, SOUTH, 21));
}

/// A second order to try again while the first is being carried out: what it has passed is tried once more, and no third time.
#[test]
fn trying_again_is_ordered_once_more_when_it_has_begun() {
    let mut pair = same(steps_of(1));
    for n in 20..30 {
        plant(pair.ledger(NORTH), id(n), NORTH, "7020");
        hold(&mut pair, NORTH, n, Reason::CAPACITY);
    }
    let now = pair.now;
    let retry = |pair: &mut Pair| {
        let side = &mut pair.sides[NORTH];
        let done = side
            .engine
            .command(now, &mut side.ledger, Command::RetryHeld);
        assert_eq!(done.unwrap(), Ok(()));
    };
    let scans = |pair: &mut Pair| pair.ledger(NORTH).state.scans.len();
    retry(&mut pair);
    retry(&mut pair);
    pair.tick(NORTH);
    assert_eq!(scans(&mut pair), 1);
    retry(&mut pair);
    retry(&mut pair);
    pair.tick(NORTH);
    assert_eq!(scans(&mut pair), 2);
}

#[test]
fn what_is_tried_again_is_what_can_have_changed() {
    let mut pair = same(steps_of(1));
    plant(pair.ledger(NORTH), id(60), NORTH, "7060");
    // Before its user in the order of ids, and after it.
    let [waits, _] = [50, 70].map(|n| {
        plant_message(pair.ledger(NORTH), id(n), id(60));
        hold(&mut pair, NORTH, n, Reason::WITH_USER)
    });
    hold(&mut pair, NORTH, 60, Reason::CAPACITY);
    // In its mailbox, too, but refused for itself: it finds that its user is held now.
    plant_message(pair.ledger(NORTH), id(51), id(60));
    hold(&mut pair, NORTH, 51, Reason::FAULT);
    // Its sound is back.
    plant_message(pair.ledger(NORTH), id(42), id(1));
    hold(&mut pair, NORTH, 42, Reason::BODY_LOST);
    // Of something that is not here any more.
    hold(&mut pair, NORTH, 30, Reason::CAPACITY);
    // Without its sound: one waits for it, one for room.
    for (n, reason) in [(40, Reason::BODY_LOST), (41, Reason::NO_ROOM)] {
        plant_message(pair.ledger(NORTH), id(n), id(1));
        let body = pair.ledger(NORTH).objects[&id(n)].body.unwrap();
        pair.ledger(NORTH).lose_body(&body);
        hold(&mut pair, NORTH, n, reason);
    }
    pair.wait(1_000);
    assert_eq!(order(&mut pair, NORTH, Command::RetryHeld), Ok(()));
    while !pair.ledger(NORTH).state.scans.is_empty() {
        pair.tick(NORTH);
    }
    let reasons: Vec<_> = {
        let held = pair.ledger(NORTH).held.iter();
        held.map(|(id, held)| (*id, held.reason)).collect()
    };
    let with_user = |n| (id(n), Reason::WITH_USER);
    // The mailbox before its user waits for the next time; the one behind it is tried, as the user is.
    let expected = [(id(40), Reason::BODY_LOST), with_user(50), with_user(51)];
    assert_eq!(reasons, expected);
    assert_eq!(
        pair.ledger(NORTH).held[&id(50)],
        waits,
        "it was not touched"
    );
    let marked: Vec<_> = pair.ledger(NORTH).marks.keys().copied().collect();
    assert_eq!(marked, [41, 42, 60, 70].map(id));
}

/// The answer to a question for a page is lost, and everything goes on from where it was.
#[test]
fn pages_and_bodies_that_are_lost_are_asked_for_again() {
    let mut pair = same(pages_of(2));
    for n in [13, 14, 15] {
        plant_message(pair.ledger(SOUTH), id(n), id(1));
    }
    rebuild(&mut pair);
    let mut turn = 0;
    for _ in 0..60 {
        pair.wait(500);
        pair.carry(NORTH);
        for message in pair.take(SOUTH) {
            let fetched = match &message.payload {
                Payload::Response(answer) => {
                    matches!(
                        answer.reply,
                        ResponseBody::Page(..) | ResponseBody::Bodies(_)
                    )
                }
                _ => false,
            };
            turn += usize::from(fetched);
            if !fetched || turn % 2 == 0 {
                pair.give(NORTH, message);
            }
        }
    }
    pair.live(1_000);
    assert_done(&pair);
    pair.assert_equal();
    assert!((10..16).all(|n| holds(&pair, NORTH, n)));
}

#[test]
fn bodies_that_do_not_fit_into_one_answer_are_asked_for_with_the_next_question() {
    let mut pair = same(Limits {
        batch_bytes: 4_096,
        ..Limits::default()
    });
    for n in [13, 14, 15] {
        let body = BodyRef {
            hash: [n; 32],
            len: 4_050,
        };
        pair.ledger(SOUTH).receive_body(body);
        let message = Object::new(Kind::MESSAGE, Some(id(1)), Some(body));
        pair.ledger(SOUTH).put(&id(n), &message).unwrap();
    }
    rebuild(&mut pair);
    let heard = settle_heard(&mut pair);
    assert_done(&pair);
    let bodies = |ids: &[u8]| RequestBody::Bodies(ids.iter().map(|n| id(*n)).collect());
    assert_eq!(
        heard.questions()[2..],
        [&bodies(&[13, 14, 15]), &bodies(&[14, 15]), &bodies(&[15])]
    );
}
