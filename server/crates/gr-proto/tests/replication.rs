//! Stories of normal replication, message by message.

mod support;

use domain::{Change, Value};
use gr_proto::{ObjectChange, Output, Payload, Reason};
use support::*;

#[test]
fn a_change_takes_one_message_and_one_acknowledgement() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let n = pair.change(NORTH, set(1, 9, 5)).unwrap();
    let sent = pair.take(NORTH);
    assert_eq!(sent.len(), 1);
    pair.give(SOUTH, sent[0].clone());
    let back = pair.take(SOUTH);
    assert_eq!(back.len(), 1);
    assert!(is_ack(&back[0]));
    pair.sides[NORTH].said.clear();
    pair.give(NORTH, back[0].clone());
    assert!(
        pair.sides[NORTH]
            .said
            .contains(&Output::Safe(vec![(id(1), n)]))
    );
    assert!(pair.take(NORTH).is_empty());
    pair.assert_equal();
}

#[test]
fn a_change_during_the_flight_keeps_its_mark_and_follows() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    let first = pair.take(NORTH);
    pair.change(NORTH, set(1, 9, 5));
    assert!(pair.take(NORTH).is_empty(), "an object is in flight once");
    pair.give(SOUTH, first[0].clone());
    let ack = pair.take(SOUTH);
    pair.give(NORTH, ack[0].clone());
    assert!(
        pair.ledger(NORTH).marks.contains_key(&id(1)),
        "the acknowledgement was for an older version"
    );
    pair.settle();
    pair.assert_equal();
    assert_eq!(
        pair.ledger(SOUTH).objects[&id(1)].get(domain::Key::field(9)),
        Some(&Value::Int(5))
    );
}

#[test]
fn both_sides_change_the_same_register_and_agree() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.change(NORTH, set(1, 9, 5));
    pair.change(SOUTH, set(1, 9, 6));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn a_deletion_beats_a_change_and_leaves_nothing_behind() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.change(NORTH, delete(1));
    pair.change(SOUTH, set(1, 9, 6));
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).objects.is_empty());
}

#[test]
fn what_nobody_has_heard_of_is_deleted_without_a_word() {
    let mut pair = Pair::strangers();
    pair.transact(
        NORTH,
        &[
            user(1, NORTH),
            message(2, 1, None),
            Change::Delete { id: id(2) },
        ],
        vec![],
    );
    assert!(pair.ledger(NORTH).tombstones.is_empty());
    assert_eq!(pair.ledger(NORTH).marks.len(), 1);
}

#[test]
fn a_message_without_its_body_is_asked_for_again_with_it() {
    let mut pair = Pair::running();
    let body = pair.ledger(NORTH).append_body(b"voice");
    pair.transact(NORTH, &[user(1, NORTH), message(2, 1, Some(body))], vec![]);
    assert_eq!(pair.sides[NORTH].out[0].bodies(), vec![body]);
    pair.settle();
    pair.assert_equal();
    // A change of a flag does not carry the body; a partner that has lost it says so.
    pair.ledger(SOUTH).bodies.clear();
    pair.ledger(SOUTH).objects.remove(&id(2));
    pair.change(NORTH, set(2, 3, 1));
    assert!(pair.sides[NORTH].out[0].bodies().is_empty());
    pair.carry(NORTH);
    let Payload::Ack(ack) = &pair.sides[SOUTH].out[0].payload else {
        panic!("no acknowledgement")
    };
    assert_eq!(ack.refused[0].reason, Reason::NEED_BODY);
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).bodies.contains(&body));
}

#[test]
fn an_item_that_is_refused_for_good_stops_nobody() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, SOUTH)); // nobody but its home creates a user
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(1)));
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(2)));
    assert!(
        pair.ledger(NORTH).held.contains_key(&id(1)),
        "what was refused is held, and never called safe"
    );
    pair.change(NORTH, user(3, NORTH));
    pair.settle();
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(3)));
}

#[test]
fn a_message_that_comes_before_its_user_waits_for_the_user() {
    let mut pair = Pair::running();
    pair.change(NORTH, message(2, 1, None));
    pair.settle();
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(2)));
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.change(NORTH, delete(1));
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).objects.is_empty());
}

#[test]
fn a_message_for_a_user_deleted_here_is_answered_with_a_tombstone() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.change(SOUTH, message(2, 1, None));
    let late = pair.take(SOUTH);
    pair.change(NORTH, delete(1));
    pair.give(NORTH, late[0].clone());
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(NORTH).objects.is_empty());
}

#[test]
fn clients_hear_of_local_and_of_the_partners_changes() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        pair.sides[side].said.clear();
    }
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    for side in [NORTH, SOUTH] {
        let heard = pair.sides[side].said.iter().any(|o| {
            matches!(o, Output::Changed(c) if c.len() == 1 && c[0].id == id(1) && c[0].how == ObjectChange::Arrived)
        });
        assert!(heard);
    }
}

#[test]
fn what_was_here_before_the_partner_is_replicated_too() {
    let mut pair = Pair::strangers();
    let alone = gr_proto::Config::new(server(NORTH), None);
    pair.sides[NORTH].engine = gr_proto::Engine::new(alone, domain::Incarnation(50), 50);
    assert_eq!(pair.change(NORTH, user(1, NORTH)), None);
    assert!(pair.ledger(NORTH).marks.is_empty());
    pair.restart(NORTH);
    pair.tick(NORTH);
    pair.settle();
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 1);
}
