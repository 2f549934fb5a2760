//! Stories of what a disk has damaged: it comes back from the partner, and nobody takes it for deleted.

mod support;

use domain::{BodyRef, Key, Kind, Timestamp, Value};
use gr_proto::{Event, Input, Item, Message, Output, Payload, Piece, RequestBody, ResponseBody};
use ledger::{DeletionRecord, Ledger, Outcome, Reason, TaskKind};
use support::damaged::*;
use support::guide::*;
use support::*;

#[test]
fn a_lost_body_comes_back_from_the_partner() {
    for side in [NORTH, SOUTH] {
        let mut pair = mailbox();
        for n in [10, 12] {
            pair.ledger(side).lose_body(&body_of(n));
        }
        pair.tick(side);
        assert_eq!(
            pair.sides[1 - side].engine.view().status().only_here,
            Some(0)
        );
        pair.settle();
        assert!(pair.ledger(side).bodies.contains(&body_of(10)));
        assert!(pair.ledger(side).bodies.contains(&body_of(12)));
        assert!(said(&pair, side, Event::Repaired(2, 0)));
        assert_eq!(
            pair.sides[side].engine.view().status().no_copy_left,
            Some(0)
        );
        pair.assert_equal();
    }
}

#[test]
fn a_question_or_an_answer_that_is_lost_is_asked_again() {
    let mut pair = mailbox();
    pair.ledger(SOUTH).lose_body(&body_of(10));
    pair.tick(SOUTH);
    assert!(
        matches!(&pair.take(SOUTH)[0].payload, Payload::Request(ask) if matches!(ask.question, RequestBody::Lost(_)))
    );
    pair.live(60_000);
    assert!(
        !pair.ledger(SOUTH).bodies.contains(&body_of(10)),
        "the answer may take its time"
    );
    pair.live(90_000);
    assert!(pair.ledger(SOUTH).bodies.contains(&body_of(10)));
    // A link that comes back asks at once.
    pair.ledger(SOUTH).lose_body(&body_of(11));
    pair.tick(SOUTH);
    pair.take(SOUTH);
    pair.transact(SOUTH, &[], vec![Input::LinkUp]);
    pair.settle();
    assert!(pair.ledger(SOUTH).bodies.contains(&body_of(11)));
}

#[test]
fn what_neither_has_is_counted_and_asked_for_with_growing_pauses() {
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        pair.ledger(side).lose_body(&body_of(10));
    }
    pair.ledger(NORTH).lose_body(&body_of(11));
    pair.live(1_000);
    assert!(pair.ledger(NORTH).bodies.contains(&body_of(11)));
    for side in [NORTH, SOUTH] {
        let status = pair.sides[side].engine.view().status();
        assert_eq!((status.no_copy_left, status.only_here), (Some(1), Some(0)));
        assert!(said(&pair, side, Event::NoCopyLeft(1, 0)));
    }
    // In an hour each asks about ten times, besides heartbeats.
    let mut asked = 0;
    for _ in 0..720 {
        pair.wait(5_000);
        for side in [NORTH, SOUTH] {
            asked += pair.sides[side]
                .out
                .iter()
                .filter(|m| matches!(m.payload, Payload::Request(_)))
                .count();
        }
        pair.settle();
    }
    assert!((10..40).contains(&asked), "{asked} questions in an hour");
    let told = pair.sides[NORTH]
        .said
        .iter()
        .filter(|o| matches!(o, Output::Event(Event::NoCopyLeft(..))));
    assert_eq!(told.count(), 1, "said once");
    // A backup of the segment is put back on one of them.
    pair.ledger(NORTH).receive_body(body_of(10));
    pair.live(700_000);
    assert!(pair.ledger(SOUTH).bodies.contains(&body_of(10)));
    assert_eq!(
        pair.sides[SOUTH].engine.view().status().no_copy_left,
        Some(0)
    );
}

#[test]
fn more_that_is_lost_is_asked_for_at_once_whatever_the_pause() {
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        pair.ledger(side).lose_body(&body_of(10));
    }
    pair.live(600_000);
    pair.ledger(SOUTH).lose_body(&body_of(12));
    pair.tick(SOUTH);
    pair.settle();
    assert!(pair.ledger(SOUTH).bodies.contains(&body_of(12)));
}

#[test]
fn an_unreadable_object_comes_back_from_the_partner() {
    for side in [NORTH, SOUTH] {
        let mut pair = mailbox();
        for n in [1, 10] {
            set_aside(&mut pair, side, n); // even a user at its home
        }
        pair.tick(side);
        pair.settle();
        assert!(said(&pair, side, Event::Repaired(0, 2)));
        pair.assert_equal();
        assert_eq!(pair.ledger(side).objects.len(), 4);
    }
}

#[test]
fn its_body_may_be_gone_as_well() {
    let mut pair = mailbox();
    set_aside(&mut pair, NORTH, 10);
    for side in [NORTH, SOUTH] {
        pair.ledger(side).lose_body(&body_of(10));
    }
    pair.live(2_000);
    assert!(
        pair.ledger(NORTH).objects.contains_key(&id(10)),
        "the rest of it is there"
    );
    assert_eq!(
        pair.sides[NORTH].engine.view().status().no_copy_left,
        Some(1)
    );
}

#[test]
fn a_marked_object_that_cannot_be_read_stops_nobody() {
    let mut pair = mailbox();
    pair.change(NORTH, message(20, 1, None));
    pair.take(NORTH);
    pair.ledger(NORTH).spoil(id(20));
    pair.change(NORTH, set(10, 1, 7));
    pair.ledger(NORTH).spoil(id(10));
    pair.change(NORTH, message(21, 1, None));
    pair.live(10_000);
    let south = &pair.sides[SOUTH].ledger;
    assert!(south.objects.contains_key(&id(21)));
    assert!(
        south.objects.contains_key(&id(10)),
        "nothing was told as a deletion"
    );
    // The change of 10 is gone with its row; of 20 the partner had never heard.
    assert_eq!(is_unreadable(&mut pair, NORTH, 10), None);
    assert_eq!(
        is_unreadable(&mut pair, NORTH, 20).map(|row| row.lost),
        Some(true)
    );
    assert_eq!(pair.ledger(NORTH).held[&id(20)].reason, Reason::UNREADABLE);
    assert!(said(&pair, NORTH, Event::NoCopyLeft(0, 1)));
    assert!(pair.ledger(NORTH).marks.is_empty(), "it is no backlog");
    pair.live(700_000);
    assert_eq!(pair.ledger(NORTH).held.len(), 1, "it is not tried again");
}

#[test]
fn what_the_partner_has_deleted_is_deleted_here_too() {
    let mut pair = mailbox();
    set_aside(&mut pair, NORTH, 10);
    pair.ledger(SOUTH).remove(&id(10)).unwrap();
    let (at, kind) = (Timestamp(1), Kind::MESSAGE);
    pair.ledger(SOUTH)
        .record_deletion(&id(10), &DeletionRecord { at, kind })
        .unwrap();
    pair.tick(NORTH);
    pair.settle();
    assert_eq!(is_unreadable(&mut pair, NORTH, 10), None);
    assert!(pair.ledger(NORTH).deletion_records.contains_key(&id(10)));
    pair.assert_equal();
}

#[test]
fn what_arrives_by_itself_mends_as_well() {
    let mut pair = mailbox();
    set_aside(&mut pair, NORTH, 1);
    set_aside(&mut pair, NORTH, 10);
    let mut items = Vec::new();
    for n in [1, 10] {
        items.push(Item {
            id: id(n),
            object: pair.ledger(SOUTH).object(&id(n)).unwrap(),
            with_body: false,
            piece: None,
            recovery: false,
        });
    }
    pair.change(SOUTH, set(10, 1, 8));
    let data = pair.take(SOUTH).into_iter().find(is_data);
    let mut data = data.expect("the change is sent");
    data.payload = Payload::Data(items);
    pair.give(NORTH, data);
    assert_eq!(is_unreadable(&mut pair, NORTH, 1), None);
    assert_eq!(is_unreadable(&mut pair, NORTH, 10), None);
}

#[test]
fn no_task_takes_what_cannot_be_read_for_deleted() {
    for kind in [
        TaskKind::Audit,
        TaskKind::Resync,
        TaskKind::Mailboxes,
        TaskKind::Rebuild,
    ] {
        for driver in [NORTH, SOUTH] {
            let mut pair = mailbox();
            for n in [1, 10] {
                pair.ledger(NORTH).spoil(id(n));
            }
            assert_eq!(run(&mut pair, driver, kind, false, AGREED), Outcome::Done);
            pair.live(10_000);
            for side in [NORTH, SOUTH] {
                assert_eq!(pair.ledger(side).objects.len(), 4, "{kind:?} of {driver}");
            }
            pair.assert_equal();
        }
    }
}

#[test]
fn no_recovery_takes_what_cannot_be_read_for_deleted() {
    for damaged in [NORTH, SOUTH] {
        let mut pair = mailbox();
        let backup = pair.ledger(SOUTH).snapshot();
        pair.change(NORTH, set(11, 1, 7));
        pair.change(SOUTH, set(12, 1, 7));
        pair.settle();
        pair.sides[SOUTH].ledger = backup;
        for n in [1, 10] {
            pair.ledger(damaged).spoil(id(n));
        }
        pair.restart(SOUTH);
        pair.live(20_000);
        assert!(said(&pair, SOUTH, Event::RolledBack));
        for side in [NORTH, SOUTH] {
            assert_eq!(pair.ledger(side).objects.len(), 4);
        }
        pair.assert_equal();
    }
}

#[test]
fn a_log_in_leaves_alone_what_cannot_be_read() {
    let mut pair = mailbox();
    pair.ledger(NORTH).spoil(id(10));
    pair.transact(SOUTH, &[], vec![Input::LoggedIn(id(1))]);
    pair.live(10_000);
    pair.assert_equal();
    assert_eq!(pair.ledger(NORTH).objects.len(), 4);
}

#[test]
fn what_is_left_of_a_deleted_mailbox_is_not_asked_for_for_ever() {
    let mut pair = mailbox();
    set_aside(&mut pair, NORTH, 10);
    pair.change(NORTH, delete(1));
    pair.settle();
    assert!(pair.ledger(NORTH).unreadable.is_empty());
    // Or the user goes without a trace.
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        pair.ledger(side).remove(&id(1)).unwrap();
    }
    pair.ledger(SOUTH).remove(&id(10)).unwrap();
    set_aside(&mut pair, NORTH, 10);
    pair.live(1_000);
    assert!(pair.ledger(NORTH).unreadable.is_empty());
}

#[test]
fn what_neither_has_is_held_until_its_body_is_back() {
    let mut pair = mailbox();
    let body = pair.ledger(NORTH).append_body(b"a new one");
    pair.change(NORTH, message(20, 1, Some(body)));
    pair.take(NORTH);
    pair.ledger(NORTH).lose_body(&body);
    pair.live(20_000);
    assert_eq!(pair.ledger(NORTH).held[&id(20)].reason, Reason::BODY_LOST);
    assert!(said(
        &pair,
        NORTH,
        Event::Held(id(20), Reason::BODY_LOST, None)
    ));
    let held = pair.ledger(NORTH).held[&id(20)];
    pair.live(1_300_000);
    assert_eq!(
        pair.ledger(NORTH).held[&id(20)],
        held,
        "nobody has tried it again"
    );
    pair.ledger(NORTH).receive_body(body);
    pair.live(2_000);
    assert!(pair.ledger(SOUTH).bodies.contains(&body));
    assert!(pair.ledger(NORTH).held.is_empty());
    pair.assert_equal();
}

#[test]
fn the_partner_is_told_that_its_copy_is_the_only_one() {
    let mut pair = mailbox();
    pair.ledger(SOUTH).lose_body(&body_of(10));
    pair.ledger(SOUTH).lose_body(&body_of(11));
    set_aside(&mut pair, SOUTH, 12);
    pair.tick(SOUTH);
    // The question comes with a heartbeat that says how much is damaged.
    let out = pair.take(SOUTH);
    let report = out
        .iter()
        .find(|m| matches!(m.payload, Payload::Heartbeat(_)))
        .cloned();
    pair.give(NORTH, report.expect("it says so at once"));
    assert_eq!(pair.sides[NORTH].engine.view().status().only_here, Some(3));
    out.into_iter()
        .filter(|m| matches!(m.payload, Payload::Request(_)))
        .for_each(|m| pair.give(NORTH, m));
    pair.settle();
    assert_eq!(pair.sides[NORTH].engine.view().status().only_here, Some(0));
}

#[test]
fn a_question_about_what_has_gone_meanwhile_does_not_keep_a_server_awake() {
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        set_aside(&mut pair, side, 12);
    }
    pair.ledger(SOUTH).lose_body(&body_of(10));
    pair.tick(SOUTH);
    pair.carry(SOUTH);
    pair.carry(NORTH);
    let asks = |m: &Message| matches!(&m.payload, Payload::Request(ask) if matches!(ask.question, RequestBody::Lost(_)));
    assert!(pair.take(SOUTH).iter().any(asks), "and nobody hears it");
    pair.change(NORTH, delete(10));
    pair.live(125_000);
    let wakes = pair.sides[SOUTH].engine.view().wake_at();
    assert!(wakes.is_none_or(|at| at > pair.now.mono), "{wakes:?}");
}

#[test]
fn a_long_lost_body_comes_back_in_pieces() {
    let mut pair = mailbox();
    let body = long_message(&mut pair, 200);
    pair.ledger(SOUTH).lose_body(&body);
    pair.tick(SOUTH);
    let mut here = 0;
    let mut questions = 0;
    while !pair.ledger(SOUTH).bodies.contains(&body) {
        questions += 1;
        assert!(questions < 100, "{here} bytes are here");
        pair.carry(SOUTH);
        for answer in pair.take(NORTH) {
            assert!(answer.bodies().is_empty());
            for (of, piece) in answer.pieces() {
                assert_eq!((of, piece.at), (body, here), "it goes on where it was");
                here += piece.len;
            }
            pair.give(SOUTH, answer);
        }
    }
    assert!(questions > 3, "{questions}");
    assert_eq!(here, body.len);
    assert!(said(&pair, SOUTH, Event::Repaired(1, 0)));
    pair.settle();
    assert_eq!(
        pair.sides[SOUTH].engine.view().status().no_copy_left,
        Some(0)
    );
    pair.assert_equal();
}

#[test]
fn a_lost_body_of_which_nothing_stays_keeps_nobody_waiting() {
    let mut pair = mailbox();
    let long = long_message(&mut pair, 1);
    let short = body_of(10);
    assert!(long < short, "the long one is asked for first");
    for body in [long, short] {
        pair.ledger(SOUTH).lose_body(&body);
    }
    pair.tick(SOUTH);
    let mut answers = 0;
    while !pair.ledger(SOUTH).bodies.contains(&short) {
        answers += 1;
        assert!(answers < 10, "the short one never comes");
        pair.carry(SOUTH);
        for mut answer in pair.take(NORTH) {
            if let Payload::Response(told) = &mut answer.payload
                && let ResponseBody::Found(found) = &mut told.reply
                && let Some((_, piece)) = &mut found.piece
            {
                piece.at += 1; // as if it had come damaged
            }
            pair.give(SOUTH, answer);
        }
    }
    assert!(!pair.ledger(SOUTH).bodies.contains(&long));
    pair.live(600_000);
    assert!(
        pair.ledger(SOUTH).bodies.contains(&long),
        "a later pass brings it"
    );
}

#[test]
fn what_reached_the_partner_meanwhile_comes_back_with_a_row() {
    let mut pair = mailbox();
    pair.change(SOUTH, set(10, 5, 7));
    let change = pair.take(SOUTH);
    set_aside(&mut pair, SOUTH, 10);
    pair.tick(SOUTH);
    pair.carry(SOUTH);
    pair.carry(NORTH);
    assert_eq!(
        is_unreadable(&mut pair, SOUTH, 10),
        None,
        "as it was before"
    );
    for message in change {
        pair.give(NORTH, message);
    }
    pair.settle();
    pair.assert_equal();
    let object = pair.ledger(SOUTH).object(&id(10)).unwrap().unwrap();
    let value = &object.registers[&Key::field(5)].value;
    assert_eq!(*value, Value::Int(7));
}

#[test]
fn an_answer_about_what_nobody_asked_for_does_not_begin_the_questions_anew() {
    let low = BodyRef {
        hash: [0; 32],
        len: 9,
    };
    for piece in [None, Some((low, Piece { at: 0, len: 1 }))] {
        let mut pair = mailbox();
        pair.ledger(SOUTH).lose_body(&body_of(10));
        pair.tick(SOUTH);
        let mut asked = 0;
        for _ in 0..10 {
            asked += pair.carry(SOUTH);
            for mut answer in pair.take(NORTH) {
                if let Some(found) = found_in(&mut answer) {
                    (found.whole, found.lacking) = (vec![low], vec![low]);
                    found.piece = piece;
                }
                pair.give(SOUTH, answer);
            }
        }
        assert!(asked < 4, "asked {asked} times");
    }
}
