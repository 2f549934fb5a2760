//! What a server with nothing to do does not do, and what it says at once.

use crate::forge::{OURS, advance, hellos};
use crate::support::guide::order;
use crate::support::{NORTH, Pair, SOUTH, delete, id, is_data, message, set, user};
use domain::{Change, Key, ReplicationConstraints, Value, user_fields};
use gr_proto::{Command, Input, Limits, Mono, PartnerState, Payload, Report};

/// A transaction of the north in which nothing happens but this: it says nothing, and writes nothing.
fn assert_idle(pair: &mut Pair, change: Option<Change>) {
    pair.now.mono = pair.now.mono.plus(1);
    pair.now.wall.0 += 1;
    let now = pair.now;
    let north = &mut pair.sides[NORTH];
    north.ledger.begin();
    let before = north.ledger.clone();
    if let Some(change) = change {
        let number = north.engine.change(now, &mut north.ledger, &change);
        assert_eq!(number.unwrap(), None);
    }
    let outputs = north
        .engine
        .finish_transaction(now, &mut north.ledger)
        .unwrap();
    assert!(north.ledger == before, "something was written");
    north.ledger.commit();
    assert_eq!(outputs, []);
}

#[test]
fn a_transaction_in_which_nothing_happens_writes_and_says_nothing() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.wait(1_000);
    pair.settle();
    assert_idle(&mut pair, None);
    // Nor does one with a change to what is there already.
    pair.change(NORTH, set(1, 9, 4));
    pair.settle();
    pair.wait(1_000);
    assert_idle(&mut pair, Some(set(1, 9, 4)));
    assert_idle(&mut pair, Some(user(1, NORTH)));
}

#[test]
fn what_is_held_keeps_nobody_busy() {
    let mut pair = Pair::running();
    let full = ReplicationConstraints {
        users_max: Some(0),
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(full))]);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.wait(1_000);
    pair.settle();
    assert_eq!(pair.ledger(NORTH).held.len(), 1);
    assert_idle(&mut pair, None);
    assert!(pair.sides[NORTH].engine.view().wake_at() > Some(pair.now.mono));
}

/// The heartbeats that the north has just sent; it has sent nothing else but questions.
fn heartbeats(pair: &mut Pair) -> Vec<Report> {
    let said = pair.take(NORTH).into_iter();
    said.filter_map(|message| match message.payload {
        Payload::Heartbeat(report) => Some(report),
        Payload::Request(_) => None,
        other => panic!("{other:?}"),
    })
    .collect()
}

#[test]
fn damage_is_told_at_once_and_then_like_everything_else() {
    let mut pair = Pair::running();
    let body = pair.ledger(NORTH).append_body(b"a sound");
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, Some(body)));
    pair.settle();
    pair.wait(1_000);
    pair.settle();
    pair.ledger(NORTH).lose_body(&body);
    pair.tick(NORTH);
    let asked = pair.sides[NORTH].out.clone();
    let told: Vec<_> = heartbeats(&mut pair).iter().map(|r| r.lacking).collect();
    assert_eq!(told, [1]);
    for _ in 0..3 {
        advance(&mut pair, 100);
        assert!(heartbeats(&mut pair).is_empty());
    }
    advance(&mut pair, 14_699);
    assert!(heartbeats(&mut pair).is_empty());
    advance(&mut pair, 1);
    assert_eq!(heartbeats(&mut pair).len(), 1, "15 seconds later");
    asked.into_iter().for_each(|m| pair.give(SOUTH, m));
    pair.settle();
    assert!(pair.ledger(NORTH).bodies.contains(&body));
    assert_eq!(pair.sides[SOUTH].engine.view().status().only_here, Some(0));
}

#[test]
fn who_is_behind_says_so_once() {
    let mut pair = Pair::running();
    pair.restart(SOUTH);
    pair.change(NORTH, user(1, NORTH));
    pair.take(NORTH);
    pair.tick(SOUTH);
    let behind = |pair: &Pair| {
        let tells =
            |m: &gr_proto::Message| matches!(&m.payload, Payload::Heartbeat(r) if r.users == 1);
        pair.sides[NORTH].out.iter().any(tells)
    };
    for _ in 0..5 {
        pair.carry(SOUTH);
        if behind(&pair) {
            break;
        }
        pair.carry(NORTH);
    }
    assert!(behind(&pair));
    pair.take(NORTH);
    for _ in 0..3 {
        advance(&mut pair, 100);
        assert!(pair.take(NORTH).is_empty());
    }
}

#[test]
fn heartbeats_are_nothing_to_be_remembered() {
    let mut pair = Pair::running();
    pair.live(60_000);
    assert!(pair.ledger(NORTH).state.unconfirmed.is_empty());
}

#[test]
fn so_much_of_what_was_said_is_remembered() {
    let limits = Limits {
        unconfirmed: 2,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    for n in 1..=3 {
        pair.change(NORTH, user(n, NORTH));
        let state = &pair.ledger(NORTH).state;
        assert_eq!(state.unconfirmed.len(), usize::from(n).min(2));
        assert_eq!(state.unconfirmed_gap, if n == 3 { state.csn } else { 0 });
    }
}

/// What was said and confirmed is forgotten but for the newest, and so the unconfirmed log does not overflow.
#[test]
fn what_is_confirmed_need_not_be_remembered() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    for value in 0..100 {
        pair.change(NORTH, set(1, 9, value));
        pair.settle();
    }
    let state = &pair.ledger(NORTH).state;
    assert!(
        (1..4).contains(&state.unconfirmed.len()),
        "{:?}",
        state.unconfirmed
    );
    assert_eq!(state.unconfirmed_gap, 0);
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.settle();
    assert!(!pair.ledger(NORTH).state.rolled_back);
}

#[test]
fn in_the_silence_nothing_is_said_but_hellos() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    advance(&mut pair, 61_000);
    pair.take(NORTH);
    for _ in 0..40 {
        advance(&mut pair, 1_000);
        assert!(
            pair.sides[NORTH]
                .out
                .iter()
                .all(gr_proto::Message::is_hello)
        );
        pair.take(NORTH);
    }
}

/// What was under way on a link that broke is not waited for.
#[test]
fn what_was_under_way_is_sent_again_as_soon_as_the_partner_is_heard() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.take(NORTH);
    pair.transact(NORTH, &[], vec![Input::LinkDown]);
    pair.settle();
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 1);
    assert_eq!(
        pair.sides[NORTH].engine.view().incarnation(),
        OURS,
        "in the same session"
    );
    // And as soon as there is another connection.
    pair.change(NORTH, user(2, NORTH));
    pair.take(NORTH);
    pair.transact(NORTH, &[], vec![Input::LinkUp]);
    assert!(pair.sides[NORTH].out.iter().any(is_data));
}

/// What is different by then travels anyway.
#[test]
fn who_logs_in_while_the_partner_is_away_is_not_compared_later() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.transact(NORTH, &[], vec![Input::LinkDown]);
    pair.transact(NORTH, &[], vec![Input::LoggedIn(id(1))]);
    for _ in 0..5 {
        let asks = |m: &gr_proto::Message| matches!(m.payload, Payload::Request(_));
        assert!(!pair.sides[NORTH].out.iter().any(asks));
        pair.carry(NORTH);
        pair.carry(SOUTH);
    }
    assert_eq!(pair.state(NORTH), PartnerState::Running);
}

#[test]
fn what_was_sent_before_the_link_broke_proves_nothing() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.carry(NORTH);
    pair.wait(10);
    pair.transact(NORTH, &[], vec![Input::LinkDown]);
    pair.carry(SOUTH);
    assert!(pair.ledger(NORTH).marks.is_empty(), "it is acknowledged");
    assert_eq!(pair.state(NORTH), PartnerState::Unknown);
    assert!(!hellos(&mut pair).is_empty());
}

/// The answer was on its way when the link broke: it counts.
#[test]
fn a_refusal_that_comes_after_the_link_broke_is_heard() {
    let mut pair = Pair::running();
    let full = ReplicationConstraints {
        users_max: Some(0),
        ..ReplicationConstraints::default()
    };
    pair.transact(SOUTH, &[], vec![Input::Constraints(Box::new(full))]);
    pair.settle();
    pair.change(NORTH, user(1, NORTH));
    pair.carry(NORTH);
    pair.wait(10);
    pair.transact(NORTH, &[], vec![Input::LinkDown]);
    pair.carry(SOUTH);
    assert_eq!(pair.ledger(NORTH).held.len(), 1);
}

#[test]
fn out_of_service_nothing_is_sent() {
    let mut pair = Pair::running();
    let down = Command::CourtesyDown { force: true };
    assert_eq!(order(&mut pair, NORTH, down), Ok(()));
    pair.settle();
    pair.change(NORTH, user(1, NORTH));
    assert!(pair.take(NORTH).is_empty());
    assert_eq!(order(&mut pair, NORTH, Command::CourtesyUp), Ok(()));
    assert!(pair.sides[NORTH].out.iter().any(is_data));
    pair.settle();
    pair.assert_equal();
}

/// What a change says: data, and nothing beside it.
fn only_data(pair: &mut Pair, change: Change) -> bool {
    pair.change(NORTH, change);
    let said = pair.take(NORTH);
    let alone = said.len() == 1 && is_data(&said[0]);
    said.into_iter().for_each(|m| pair.give(SOUTH, m));
    pair.settle();
    alone
}

/// Only what may have been the cause of a refusal is worth another try there.
#[test]
fn a_change_that_was_nobodys_obstacle_causes_no_new_try() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, None));
    pair.settle();
    assert!(only_data(&mut pair, set(1, user_fields::NAME, 4)));
    assert!(only_data(&mut pair, set(9, user_fields::NUMBERS, 4)));
    assert!(only_data(&mut pair, delete(9)));
    let number = Change::Set {
        id: id(1),
        registers: vec![(Key::field(user_fields::NUMBERS), Value::List(vec![]))],
    };
    assert!(!only_data(&mut pair, number), "a number was freed");
    assert!(!only_data(&mut pair, delete(1)), "and a user gone");
    assert!(pair.sides[NORTH].engine.view().wake_at() > Some(Mono(pair.now.mono.0)));
}
