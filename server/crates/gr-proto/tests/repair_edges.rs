//! What a repair asks for, takes and waits for, to the byte and to the millisecond (E4, E22, E23).

mod support;

use domain::{BodyRef, Kind, ObjectId, Timestamp};
use gr_proto::{
    Event, Input, Item, Limits, Message, Output, Payload, RequestBody, ResponseBody, limits,
};
use ledger::{DeletionRecord, Ledger, TaskKind};
use support::damaged::*;
use support::guide::*;
use support::*;

fn rows_in(message: &mut Message) -> Option<(&mut Vec<Item>, &mut Vec<ObjectId>)> {
    match &mut answer_in(message)?.reply {
        ResponseBody::Rows(items, unknown) => Some((items, unknown)),
        _ => None,
    }
}

/// Whether a message asks for what is damaged.
fn asks(message: &Message) -> bool {
    let Payload::Request(ask) = &message.payload else {
        return false;
    };
    matches!(
        ask.question,
        RequestBody::Lost(_) | RequestBody::Unreadable(_)
    )
}

fn has_asked(pair: &Pair, side: usize) -> bool {
    pair.sides[side].out.iter().any(asks)
}

/// Carries what the south asks, and each answer after `look` has seen it, until nothing more is asked.
fn ask_and_answer(pair: &mut Pair, mut look: impl FnMut(&mut Message)) {
    pair.tick(SOUTH);
    for _ in 0..100 {
        let carried = pair.carry(SOUTH);
        for mut answer in pair.take(NORTH) {
            look(&mut answer);
            pair.give(SOUTH, answer);
        }
        if carried == 0 {
            return;
        }
    }
    panic!("it asks without end");
}

/// Gives a message of which nothing but the message itself has come.
fn give_bare(pair: &mut Pair, side: usize, message: Message) {
    let now = pair.now;
    let Side { engine, ledger, .. } = &mut pair.sides[side];
    let input = Input::Received(Box::new(message));
    engine.handle(now, ledger, input).unwrap();
    pair.tick(side);
}

#[test]
fn an_answer_brings_as_many_bodies_as_fit() {
    for (batch_bytes, expected) in [
        (15, &[][..]),
        (16, &[1, 1, 1]),
        (31, &[1, 1, 1]),
        (32, &[2, 1]),
        (47, &[2, 1]),
        (48, &[3]),
    ] {
        let mut pair = mailbox_with(Limits {
            batch_bytes,
            ..Limits::default()
        });
        for n in [10, 11, 12] {
            assert_eq!(body_of(n).len, 16);
            pair.ledger(SOUTH).lose_body(&body_of(n));
        }
        let (mut whole, mut pieces) = (Vec::new(), 0);
        ask_and_answer(&mut pair, |answer| {
            if let Some(found) = found_in(answer) {
                match found.piece {
                    Some(_) => pieces += 1,
                    None => whole.push(found.whole.len()),
                }
            }
        });
        assert_eq!(whole, expected, "{batch_bytes}");
        assert_eq!(pieces, if batch_bytes < 16 { 6 } else { 0 });
        for n in [10, 11, 12] {
            assert!(pair.ledger(SOUTH).bodies.contains(&body_of(n)));
        }
    }
}

#[test]
fn a_piece_of_a_long_body_has_its_answer_for_itself() {
    let mut pair = mailbox_with(Limits {
        batch_bytes: 1_000,
        ..Limits::default()
    });
    let lens = [10, 2_500, 10, 2_500];
    let bodies = [0, 1, 2, 3].map(|n| BodyRef {
        hash: [n as u8; 32],
        len: lens[n],
    });
    for (n, body) in (20..).zip(bodies) {
        pair.ledger(NORTH).receive_body(body);
        pair.change(NORTH, message(n, 1, Some(body)));
    }
    pair.live(2_000);
    for body in bodies {
        assert!(pair.ledger(SOUTH).bodies.contains(&body));
        pair.ledger(SOUTH).lose_body(&body);
    }
    pair.ledger(NORTH).lose_body(&bodies[2]);
    ask_and_answer(&mut pair, |answer| {
        if let Some(found) = found_in(answer) {
            let alone = found.whole.is_empty() && found.lacking.is_empty();
            assert!(alone || found.piece.is_none(), "{found:?}");
            let bytes: u32 = found.whole.iter().map(|body| body.len).sum();
            assert!(bytes <= 1_000, "{found:?}");
        }
    });
    let lacking = pair.ledger(SOUTH).missing_after(None, 9).unwrap();
    assert_eq!(lacking, [bodies[2]]);
    assert_eq!(
        pair.sides[SOUTH].engine.view().status().no_copy_left,
        Some(1)
    );
}

#[test]
fn an_answer_brings_as_many_rows_as_fit() {
    let object = mailbox().ledger(NORTH).object(&id(10)).unwrap();
    let weight = Item {
        id: id(10),
        object,
        with_body: false,
        piece: None,
        recovery: true,
    }
    .weight();
    for (batch_bytes, expected) in [
        (weight, &[1, 1, 1][..]),
        (weight + 1, &[2, 1]),
        (2 * weight, &[2, 1]),
        (2 * weight + 1, &[3]),
    ] {
        let mut pair = mailbox_with(Limits {
            batch_bytes,
            ..Limits::default()
        });
        for n in [10, 11, 12] {
            set_aside(&mut pair, SOUTH, n);
        }
        let mut rows = Vec::new();
        ask_and_answer(&mut pair, |answer| {
            rows.extend(rows_in(answer).map(|(items, _)| items.len()));
        });
        assert_eq!(rows, expected, "{batch_bytes}");
        pair.settle();
        pair.assert_equal();
    }
}

#[test]
fn only_what_was_asked_for_counts_as_repaired() {
    let mut pair = mailbox();
    pair.ledger(SOUTH).lose_body(&body_of(10));
    ask_and_answer(&mut pair, |answer| {
        if let Some(found) = found_in(answer) {
            found.whole.push(body_of(11));
        }
    });
    assert!(said(&pair, SOUTH, Event::Repaired(1, 0)));
    let mut pair = mailbox();
    let object = pair.ledger(NORTH).object(&id(11)).unwrap();
    set_aside(&mut pair, SOUTH, 10);
    ask_and_answer(&mut pair, |answer| {
        if let Some((items, _)) = rows_in(answer) {
            let id = id(11);
            let object = object.clone();
            let other = Item {
                id,
                object,
                ..items[0].clone()
            };
            items.push(other);
        }
    });
    assert!(said(&pair, SOUTH, Event::Repaired(0, 1)));
}

#[test]
fn what_nobody_asked_about_is_not_lost_because_the_partner_says_so() {
    let mut pair = mailbox_with(Limits {
        repair_rows: 1,
        ..Limits::default()
    });
    for n in [10, 11] {
        set_aside(&mut pair, SOUTH, n);
    }
    ask_and_answer(&mut pair, |answer| {
        if let Some((_, unknown)) = rows_in(answer) {
            unknown.push(id(11));
        }
    });
    let row = is_unreadable(&mut pair, SOUTH, 11);
    assert!(row.is_none_or(|row| !row.lost), "{row:?}");
    assert_eq!(is_unreadable(&mut pair, SOUTH, 10), None);
    pair.live(10_000);
    pair.assert_equal();
}

#[test]
fn only_what_was_asked_for_counts_as_lost_on_both() {
    let mut pair = mailbox();
    let body = body_of(10);
    pair.ledger(SOUTH).lose_body(&body);
    ask_and_answer(&mut pair, |answer| {
        if let Some(found) = found_in(answer) {
            found.lacking.push(body_of(99));
        }
    });
    assert!(pair.ledger(SOUTH).bodies.contains(&body));
    assert!(
        !pair.sides[SOUTH]
            .said
            .iter()
            .any(|said| { matches!(said, Output::Event(Event::NoCopyLeft(..))) })
    );
}

/// Nor when something of what was asked for is lost on both.
#[test]
fn what_was_not_asked_for_is_not_counted_with_what_is_lost_on_both() {
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        pair.ledger(side).lose_body(&body_of(10));
    }
    ask_and_answer(&mut pair, |answer| {
        if let Some(found) = found_in(answer) {
            found.lacking.push(body_of(99));
        }
    });
    assert!(said(&pair, SOUTH, Event::NoCopyLeft(1, 0)));
    let status = pair.sides[SOUTH].engine.view().status();
    assert_eq!(status.no_copy_left, Some(1));
}

#[test]
fn a_body_that_was_promised_and_did_not_come_is_asked_for_later() {
    let mut pair = mailbox();
    pair.ledger(SOUTH).lose_body(&body_of(10));
    pair.tick(SOUTH);
    pair.carry(SOUTH);
    for answer in pair.take(NORTH) {
        give_bare(&mut pair, SOUTH, answer);
    }
    let repaired = |o: &Output| matches!(o, Output::Event(Event::Repaired(..)));
    assert!(!pair.sides[SOUTH].said.iter().any(repaired));
    pair.live(10_000);
    assert!(pair.ledger(SOUTH).bodies.contains(&body_of(10)));
    assert!(said(&pair, SOUTH, Event::Repaired(1, 0)));
}

#[test]
fn whoever_gets_back_by_itself_what_neither_had_says_so_at_once() {
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        pair.ledger(side).lose_body(&body_of(10));
    }
    pair.live(1_000);
    assert_eq!(
        pair.sides[NORTH].engine.view().status().no_copy_left,
        Some(1)
    );
    pair.ledger(NORTH).receive_body(body_of(10));
    pair.tick(NORTH);
    assert_eq!(
        pair.sides[NORTH].engine.view().status().no_copy_left,
        Some(0)
    );
}

#[test]
fn a_question_is_asked_again_when_its_patience_is_over() {
    let mut pair = mailbox();
    pair.ledger(SOUTH).lose_body(&body_of(10));
    pair.tick(SOUTH);
    assert!(pair.take(SOUTH).iter().any(asks), "and nobody hears it");
    pair.live(limits::REPAIR_PATIENCE_MS - 500);
    pair.wait(499);
    assert!(!has_asked(&pair, SOUTH));
    pair.wait(1);
    assert!(has_asked(&pair, SOUTH));
}

#[test]
fn pauses_double_until_something_comes() {
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        for n in [10, 11] {
            pair.ledger(side).lose_body(&body_of(n));
        }
    }
    pair.tick(SOUTH);
    pair.settle();
    let asked_after = |pair: &mut Pair, ms: u64| {
        pair.wait(ms - 1);
        assert!(!has_asked(pair, SOUTH), "before {ms} ms");
        pair.wait(1);
        assert!(has_asked(pair, SOUTH), "after {ms} ms");
        pair.settle();
    };
    for ms in [5_000, 10_000, 20_000, 40_000] {
        asked_after(&mut pair, ms);
    }
    // One of the two is back at the partner, and so the next pass brings it.
    pair.ledger(NORTH).receive_body(body_of(10));
    pair.live(80_000);
    assert!(pair.ledger(SOUTH).bodies.contains(&body_of(10)));
    for ms in [5_000, 10_000] {
        asked_after(&mut pair, ms);
    }
    let repaired = pair.sides[SOUTH].said.iter();
    let repaired: Vec<_> = repaired
        .filter(|o| matches!(o, Output::Event(Event::Repaired(..))))
        .collect();
    assert_eq!(repaired, [&Output::Event(Event::Repaired(1, 0))]);
}

#[test]
fn a_row_that_is_damaged_is_asked_for_at_once_whatever_the_pause() {
    let mut pair = mailbox();
    for side in [NORTH, SOUTH] {
        pair.ledger(side).lose_body(&body_of(10));
    }
    pair.live(600_000);
    set_aside(&mut pair, SOUTH, 12);
    pair.tick(SOUTH);
    pair.settle();
    assert_eq!(is_unreadable(&mut pair, SOUTH, 12), None);
}

/// Carries what a side has sent; `quiet` says when the receiver may not ask for what is damaged.
fn carry_watching(pair: &mut Pair, from: usize, quiet: fn(&Pair, usize) -> bool) -> usize {
    let to = 1 - from;
    let mut watched = 0;
    for message in pair.take(from) {
        let before = pair.sides[to].out.len();
        pair.give(to, message);
        if quiet(pair, to) {
            watched += 1;
            assert!(!pair.sides[to].out[before..].iter().any(asks));
        }
    }
    watched
}

#[test]
fn nothing_is_repaired_while_a_recovery_is_about_the_same() {
    let mut pair = mailbox();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(NORTH, set(11, 1, 7));
    pair.change(SOUTH, set(12, 1, 7));
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    pair.ledger(NORTH).lose_body(&body_of(10));
    pair.ledger(SOUTH).lose_body(&body_of(12));
    pair.restart(SOUTH);
    let recovering = |pair: &Pair, side: usize| {
        let state = &pair.sides[side].ledger.state;
        state.rolled_back || state.partner_rolled_back
    };
    let mut watched = [0, 0];
    for _ in 0..40 {
        pair.wait(500);
        for _ in 0..10 {
            for from in [NORTH, SOUTH] {
                watched[1 - from] += carry_watching(&mut pair, from, recovering);
            }
        }
    }
    assert!(watched.iter().all(|count| *count > 0), "{watched:?}");
    for side in [NORTH, SOUTH] {
        assert!(!recovering(&pair, side));
        assert!(pair.ledger(side).bodies.contains(&body_of(10)));
        assert!(pair.ledger(side).bodies.contains(&body_of(12)));
    }
    pair.assert_equal();
}

#[test]
fn no_body_is_asked_for_while_a_rebuild_fetches_them() {
    let mut pair = mailbox();
    start(&mut pair, SOUTH, TaskKind::Rebuild, false, AGREED);
    let staging = |pair: &Pair, side: usize| pair.sides[side].ledger.state.staging;
    for _ in 0..100 {
        if staging(&pair, SOUTH) {
            break;
        }
        pair.carry(SOUTH);
        pair.carry(NORTH);
    }
    pair.ledger(SOUTH).lose_body(&body_of(12));
    let mut watched = 0;
    for _ in 0..100 {
        carry_watching(&mut pair, SOUTH, |_, _| false);
        watched += carry_watching(&mut pair, NORTH, staging);
    }
    assert!(watched > 0);
    pair.live(10_000);
    assert!(pair.ledger(SOUTH).bodies.contains(&body_of(12)));
    pair.assert_equal();
}

#[test]
fn what_is_answered_to_a_log_in_is_no_answer_about_damage() {
    let mut pair = mailbox();
    set_aside(&mut pair, SOUTH, 12);
    pair.transact(SOUTH, &[], vec![Input::LoggedIn(id(1))]);
    let asked = |m: &&Message| matches!(m.payload, Payload::Request(_));
    assert_eq!(pair.sides[SOUTH].out.iter().filter(asked).count(), 2);
    pair.settle();
    assert!(said(&pair, SOUTH, Event::Repaired(0, 1)));
    pair.assert_equal();
}

#[test]
fn a_late_answer_about_what_was_deleted_meanwhile_changes_nothing() {
    let mut pair = mailbox();
    set_aside(&mut pair, SOUTH, 10);
    pair.ledger(SOUTH).lose_body(&body_of(11)); // so that there is more to ask for
    pair.tick(SOUTH);
    pair.carry(SOUTH);
    let answers = pair.take(NORTH);
    pair.change(NORTH, delete(10));
    pair.carry(NORTH);
    assert_eq!(is_unreadable(&mut pair, SOUTH, 10), None);
    for answer in answers {
        pair.give(SOUTH, answer);
    }
    let south = pair.ledger(SOUTH);
    assert!(!south.objects.contains_key(&id(10)));
    assert!(south.tombstones.is_empty() && south.marks.is_empty());
    pair.settle();
    pair.assert_equal();
}

#[test]
fn what_belongs_to_a_deleted_user_is_told_as_deleted() {
    let mut pair = mailbox();
    set_aside(&mut pair, SOUTH, 10);
    let (at, kind) = (Timestamp(1), Kind::USER);
    pair.ledger(NORTH).remove(&id(1)).unwrap();
    pair.ledger(NORTH)
        .record_deletion(&id(1), &DeletionRecord { at, kind })
        .unwrap();
    ask_and_answer(&mut pair, |answer| {
        if let Some((items, unknown)) = rows_in(answer) {
            assert_eq!((items.len(), unknown.len()), (1, 0));
            assert_eq!(items[0].object, None);
        }
    });
    let south = pair.ledger(SOUTH);
    assert!(south.deletion_records.contains_key(&id(10)) && south.unreadable.is_empty());
}

#[test]
fn the_rows_of_a_deleted_user_go_and_those_of_others_stay() {
    let mut pair = mailbox();
    plant(pair.ledger(NORTH), id(2), NORTH, "7002");
    plant_message(pair.ledger(NORTH), id(20), id(2));
    for n in [10, 20] {
        set_aside(&mut pair, NORTH, n);
    }
    pair.change(NORTH, delete(1));
    assert_eq!(is_unreadable(&mut pair, NORTH, 10), None);
    assert!(is_unreadable(&mut pair, NORTH, 20).is_some());
}
