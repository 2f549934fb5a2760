//! Stories of limits that are reached: nobody falls silent, nobody goes round in circles, and nothing is lost.

mod support;

use domain::{BodyRef, ReplicationConstraints, Timestamp};
use gr_proto::{Input, Limits, PartnerState, Payload};
use ledger::{Lane, Ledger, Mark, Reason};
use support::guide::{plant, plant_message};
use support::*;

/// The partner has no room for any GR user, or has room again.
fn room(pair: &mut Pair, side: usize, users_max: Option<u64>) {
    let constraints = ReplicationConstraints {
        users_max,
        ..ReplicationConstraints::default()
    };
    pair.transact(side, &[], vec![Input::Constraints(Box::new(constraints))]);
}

/// As many refusals as are remembered, and the acknowledgement with them is lost: what comes again finds no room to be refused.
#[test]
fn a_server_that_refuses_all_it_can_still_hears_acknowledgements_and_heartbeats() {
    let limits = Limits {
        refusals: 6,
        batch_items: 4,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    room(&mut pair, SOUTH, Some(0));
    pair.settle();
    for n in 1..9 {
        pair.change(NORTH, user(n, NORTH));
    }
    for _ in 0..6 {
        pair.carry(NORTH);
        pair.take(SOUTH).retain(|m| !is_ack(m));
        pair.wait(15_000);
    }
    // After so much that was lost it waits a little longer for answers.
    pair.live(30_000);
    assert_eq!(pair.ledger(NORTH).held.len(), 8, "refused, and heard of");
    room(&mut pair, SOUTH, None);
    pair.live(10_000);
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 8);
    assert!((0..2).all(|side| pair.state(side) == PartnerState::Running));
}

/// As many gaps as are remembered: what fills them is heard.
#[test]
fn a_server_with_all_the_gaps_it_can_remember_still_hears() {
    let limits = Limits {
        ranges: 3,
        batch_items: 1,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    for n in 1..20 {
        pair.change(NORTH, user(n, NORTH));
    }
    // Every second message is lost, and so is all that south says.
    let sent = pair.take(NORTH);
    for (at, message) in sent.into_iter().enumerate() {
        if at % 2 == 0 {
            pair.give(SOUTH, message);
        }
    }
    pair.take(SOUTH);
    pair.live(20_000);
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 19);
}

/// On both sides every gap that can be remembered is there: acknowledgements are heard all the same, and not answered without end.
#[test]
fn two_servers_with_all_the_gaps_they_can_remember_come_to_rest() {
    let limits = Limits {
        ranges: 3,
        batch_items: 1,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    for n in 1..20 {
        pair.change(NORTH, user(n, NORTH));
        pair.change(SOUTH, user(100 + n, SOUTH));
    }
    let sent = [pair.take(NORTH), pair.take(SOUTH)];
    for (from, messages) in sent.into_iter().enumerate() {
        for message in messages.into_iter().step_by(2) {
            pair.give(1 - from, message);
        }
    }
    pair.take(NORTH);
    pair.take(SOUTH);
    pair.live(20_000);
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 38);
}

/// More messages without their sound than tries are counted for.
#[test]
fn however_many_bodies_are_missing_nothing_is_sent_round_and_round() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let changes: Vec<_> = (0..1_500_u16)
        .map(|n| {
            let mut bytes = [9; 16];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            let domain::Change::Create {
                owner,
                kind,
                registers,
                ..
            } = message(0, 1, None)
            else {
                unreachable!()
            };
            domain::Change::Create {
                id: domain::ObjectId::from_bytes(bytes),
                kind,
                owner,
                body: Some(BodyRef::of(&n.to_be_bytes())),
                registers,
            }
        })
        .collect();
    pair.transact(NORTH, &changes, vec![]);
    let said = pair.settle();
    assert!(said < 200, "{said} messages about what cannot be had");
    assert_eq!(pair.ledger(NORTH).held.len(), 1_500);
    assert!(
        pair.ledger(NORTH)
            .held
            .values()
            .all(|held| held.reason == Reason::BODY_LOST)
    );
}

/// A mark that tells of nothing, as damage may leave one behind.
#[test]
fn only_a_tombstone_deletes() {
    let mut pair = Pair::running();
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
    }
    pair.ledger(NORTH).remove(&id(1)).unwrap();
    let mark = Mark {
        lane: Lane::Users,
        n: 1,
        since: Timestamp(0),
        body: false,
        unsent: false,
        recovery: false,
    };
    pair.ledger(NORTH).set_mark(&id(1), &mark).unwrap();
    pair.transact(NORTH, &[], vec![Input::LinkUp]);
    pair.live(2_000);
    assert!(
        pair.ledger(SOUTH).objects.contains_key(&id(1)),
        "the only copy"
    );
    assert!(pair.ledger(NORTH).marks.is_empty());
}

/// Few users, but many messages: a task asks before it takes them along.
#[test]
fn the_deletion_guard_counts_what_goes_along_with_users() {
    let mut pair = Pair::running();
    plant(pair.ledger(SOUTH), id(1), NORTH, "7001");
    for n in 0..=1_000_u16 {
        let mut bytes = [9; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        let message = domain::ObjectId::from_bytes(bytes);
        plant_message(pair.ledger(SOUTH), message, id(1));
    }
    let audit = gr_proto::Command::Start {
        id: ledger::TaskId(5),
        kind: ledger::TaskKind::Audit,
        dry: false,
        agreed: None,
        mailboxes: vec![],
    };
    pair.order(SOUTH, audit);
    pair.live(2_000);
    let task = pair.ledger(SOUTH).state.task.clone().unwrap();
    assert_eq!(task.phase, ledger::Phase::Waiting);
    assert_eq!(pair.ledger(SOUTH).objects.len(), 1_002);
    pair.order(SOUTH, gr_proto::Command::Agree(task.id));
    pair.live(2_000);
    assert_eq!(pair.ledger(SOUTH).objects.len(), 0);
    assert_eq!(pair.ledger(SOUTH).kept.len(), 1_002);
}

/// A machine that was resumed from a snapshot gives out a version that its lost branch has given out for another value.
#[test]
fn one_version_with_two_values_comes_to_one_value() {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(1, SOUTH));
    pair.settle();
    let (engine, ledger) = (
        pair.sides[SOUTH].engine.clone(),
        pair.ledger(SOUTH).snapshot(),
    );
    pair.change(SOUTH, set(1, 4, 3));
    (pair.sides[SOUTH].engine, pair.sides[SOUTH].ledger) = (engine, ledger);
    pair.sides[SOUTH].engine.reseed(99);
    pair.change(SOUTH, set(1, 4, 0));
    pair.live(5_000);
    pair.assert_equal();
    let last = |m: &gr_proto::Message| matches!(m.payload, Payload::Data(_));
    assert!(!pair.take(SOUTH).iter().any(last));
}
