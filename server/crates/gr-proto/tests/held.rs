//! Stories of mailboxes: held with their users, and made whole at a log-in.

mod support;

use domain::{Change, Key, ReplicationConstraints, Shortcut, User, user_fields};
use gr_proto::{Input, Payload};
use ledger::{Ledger, Reason};
use support::guide::*;
use support::*;

#[test]
fn a_mailbox_is_made_whole_without_bringing_back_what_was_deleted() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
        for n in [10, 11, 12] {
            plant_message(pair.ledger(side), id(n), id(1));
        }
    }
    pair.change(NORTH, delete(11));
    pair.settle();
    // Lost here and there, and one that should be gone is there again.
    pair.ledger(NORTH).remove(&id(10)).unwrap();
    pair.ledger(SOUTH).remove(&id(12)).unwrap();
    plant_message(pair.ledger(SOUTH), id(11), id(1));
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    pair.live(1_000);
    pair.assert_equal();
    let here: Vec<_> = pair.ledger(NORTH).objects.keys().copied().collect();
    assert_eq!(here, [id(1), id(10), id(12)]);
    assert!(pair.ledger(NORTH).bodies.len() >= 2);
}

#[test]
fn a_log_in_costs_one_question_when_nothing_is_missing() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
        plant_message(pair.ledger(side), id(10), id(1));
    }
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    let asked = pair.take(NORTH);
    assert_eq!(asked.len(), 1);
    assert!(matches!(asked[0].payload, Payload::Request(_)));
    let bytes: usize = asked.iter().map(|m| gr_proto::wire::encode(m).len()).sum();
    pair.give(SOUTH, asked[0].clone());
    let answered = pair.take(SOUTH);
    let back: usize = answered
        .iter()
        .map(|m| gr_proto::wire::encode(m).len())
        .sum();
    assert!(bytes + back < 600, "{bytes} and {back} bytes");
    pair.give(NORTH, answered[0].clone());
    assert_eq!(pair.settle(), 0);
    // Again within half a minute: nothing is asked.
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    assert!(pair.take(NORTH).is_empty());
}

#[test]
fn held_users_say_why_stop_nobody_and_are_filled_in_when_the_cause_goes() {
    let mut pair = Pair::running();
    let create = |n: u8, number: &str| {
        let mut create = user(n, NORTH);
        if let Change::Create { registers, .. } = &mut create {
            let key = Key::field(user_fields::NUMBERS);
            registers.push((key, User::numbers(number, &[])));
        }
        create
    };
    let south = ReplicationConstraints {
        remote_users: ["7201".to_owned()].into(),
        ..ReplicationConstraints::default()
    };
    let north = ReplicationConstraints {
        shortcuts: vec![Shortcut {
            prefix: "1272".into(),
            overlap: 2,
        }],
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(south))]);
    pair.transact(NORTH, &[], vec![Input::Constraints(Box::new(north))]);
    for (n, number) in [(1, "7200"), (2, "7300"), (3, "7201")] {
        pair.change(NORTH, create(n, number));
    }
    pair.change(NORTH, message(9, 2, None));
    pair.settle();
    let reasons = |pair: &mut Pair| {
        let held = pair.ledger(NORTH).held.iter();
        held.map(|(id, held)| (*id, held.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        reasons(&mut pair),
        [
            (id(2), Reason::NO_OVERLAP),
            (id(3), Reason::TEMPORARY_REMOTE_USER),
            (id(9), Reason::WITH_USER)
        ]
    );
    assert!(
        pair.ledger(NORTH).marks.is_empty(),
        "what is held is no backlog"
    );
    let refused = pair.sides[SOUTH].engine.view().tasks().refused;
    assert_eq!(refused[&id(3)].number, "7201");
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::default())]);
    pair.transact(NORTH, &[], vec![Input::Constraints(Box::default())]);
    pair.live(20_000);
    assert_eq!(reasons(&mut pair), []);
    pair.assert_equal();
    assert!(pair.sides[SOUTH].engine.view().tasks().refused.is_empty());
}

/// Gives a message whose bodies found no room.
fn give_without_bodies(pair: &mut Pair, message: gr_proto::Message) {
    let now = pair.now;
    let south = &mut pair.sides[SOUTH];
    south.ledger.begin();
    let input = Input::Received(Box::new(message));
    south.engine.handle(now, &mut south.ledger, input).unwrap();
    let outputs = south
        .engine
        .finish_transaction(now, &mut south.ledger)
        .unwrap();
    south.ledger.commit();
    for output in outputs {
        if let gr_proto::Output::Send(message) = output {
            south.out.push(*message);
        }
    }
}

#[test]
fn a_server_without_room_takes_deletions_and_has_the_rest_held_until_it_has_room() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    let body = domain::BodyRef::of;
    pair.ledger(NORTH).receive_body(body(b"old"));
    pair.change(NORTH, message(8, 1, Some(body(b"old"))));
    pair.settle();
    let full = ReplicationConstraints {
        no_room: true,
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(full))]);
    pair.settle();
    pair.ledger(NORTH).receive_body(body(b"new"));
    let changes = [message(9, 1, Some(body(b"new"))), delete(8), set(1, 77, 5)];
    pair.transact(NORTH, &changes, vec![]);
    for message in pair.take(NORTH) {
        give_without_bodies(&mut pair, message);
    }
    pair.carry(SOUTH);
    let held = &pair.ledger(NORTH).held;
    assert_eq!(held.keys().collect::<Vec<_>>(), [&id(9)]);
    assert_eq!(held[&id(9)].reason, Reason::NO_ROOM);
    assert!(pair.ledger(NORTH).marks.is_empty());
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(8)));
    // There is room again: nobody has to do anything.
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::default())]);
    pair.live(20_000);
    assert!(pair.ledger(NORTH).held.is_empty());
    pair.assert_equal();
}

#[test]
fn a_register_that_nothing_could_ever_replace_is_refused() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    for mut message in pair.take(NORTH) {
        if let Payload::Data(items) = &mut message.payload {
            let object = items[0].object.as_mut().unwrap();
            let version = domain::Version {
                hlc: domain::Hlc(u64::MAX),
                incarnation: domain::Incarnation(1),
            };
            object.set(
                Key::field(user_fields::NAME),
                version,
                domain::Value::Int(1),
            );
        }
        pair.give(SOUTH, message);
    }
    assert!(pair.ledger(SOUTH).objects.is_empty());
    // What its home really holds is taken.
    pair.settle();
    pair.assert_equal();
}
