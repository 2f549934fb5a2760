//! What is refused: how much of it is remembered, what is told of it, and when it is tried again.

use crate::forge::{
    acknowledged, advance, bad, data, events, good, heartbeat, holds, homed, line, met, met_with,
    set_of, settled, tell,
};
use crate::support::{NORTH, Pair, SOUTH, id, is_data, user};
use domain::{
    BodyRef, Change, Hlc, Incarnation, Key, Kind, Object, ReplicationConstraints, Timestamp, User,
    Value, Version, user_fields,
};
use gr_proto::{
    Ack, Event, Input, Item, Limits, Message, Output, Payload, Refusal, Report, TaskView,
};
use ledger::Reason;

fn constraints(pair: &mut Pair, side: usize, constraints: ReplicationConstraints) {
    let input = Input::Constraints(Box::new(constraints));
    pair.transact(side, &[], vec![input]);
}

fn full() -> ReplicationConstraints {
    ReplicationConstraints {
        users_max: Some(0),
        ..ReplicationConstraints::default()
    }
}

#[test]
fn a_message_that_could_be_refused_beyond_the_limit_is_not_processed() {
    let mut pair = met_with(Limits {
        refusals: 3,
        ..Limits::default()
    });
    let many = (20..25).map(good).collect();
    tell(&mut pair, data(1, many));
    assert!(holds(&pair, 24), "nothing is refused yet, so all fit");
    tell(&mut pair, data(2, vec![bad(1)]));
    tell(&mut pair, data(3, vec![bad(2), good(3)]));
    assert!(holds(&pair, 3), "exactly as many as there may be");
    // Two are refused: of two more both could be.
    let ack = acknowledged(&mut pair, data(4, vec![good(4), good(5)])).expect("said again");
    assert_eq!(ack.done, set_of([1, 2, 3]));
    assert!(!holds(&pair, 4) && !holds(&pair, 5));
    tell(&mut pair, data(5, vec![good(6)]));
    assert!(holds(&pair, 6), "one more is all right");
    // The sender has heard of the first one.
    let heard = settled(2, heartbeat(&pair, 6, 0));
    tell(&mut pair, heard);
    let ack = acknowledged(&mut pair, data(4, vec![good(4), good(5)])).unwrap();
    assert!(holds(&pair, 4) && holds(&pair, 5));
    let refused: Vec<_> = ack.refused.iter().map(|r| (r.no, r.id)).collect();
    assert_eq!(refused, [(3, id(2))]);
}

fn shown(pair: &Pair) -> TaskView {
    pair.sides[NORTH].engine.view().tasks()
}

#[test]
fn what_is_refused_is_shown_with_its_reason_and_since_when() {
    let mut pair = met();
    constraints(&mut pair, NORTH, full());
    let began = pair.now.wall;
    let offer = |pair: &mut Pair, no, number: &str| {
        tell(pair, data(no, vec![homed(1, SOUTH, number)]));
        let refused = shown(pair).refused[&id(1)].clone();
        (refused.reason, refused.number, refused.at)
    };
    let number = |number: &str| number.to_owned();
    let first = (Reason::CAPACITY, number("8001"), began);
    assert_eq!(offer(&mut pair, 1, "8001"), first);
    advance(&mut pair, 1_000);
    let said = pair.sides[NORTH].said.len();
    assert_eq!(offer(&mut pair, 2, "8001"), first);
    let told = pair.sides[NORTH].said[said..].iter();
    assert!(!told.clone().any(|o| matches!(o, Output::Task(_))));
    let taken = ReplicationConstraints {
        remote_users: ["8001".to_owned()].into(),
        ..full()
    };
    constraints(&mut pair, NORTH, taken);
    let now = pair.now.wall;
    let other = (Reason::TEMPORARY_REMOTE_USER, number("8001"), now);
    assert_eq!(offer(&mut pair, 3, "8001"), other);
    constraints(&mut pair, NORTH, full());
    assert_eq!(
        offer(&mut pair, 4, "8002"),
        (Reason::CAPACITY, number("8002"), now)
    );
    advance(&mut pair, 1_000);
    let now = pair.now.wall;
    assert_eq!(
        offer(&mut pair, 5, "8003"),
        (Reason::CAPACITY, number("8003"), now)
    );
    constraints(&mut pair, NORTH, ReplicationConstraints::default());
    tell(&mut pair, data(6, vec![homed(1, SOUTH, "8003")]));
    assert!(shown(&pair).refused.is_empty(), "it has come");
}

#[test]
fn so_much_of_what_is_refused_is_shown() {
    let mut pair = met_with(Limits {
        refused_shown: 2,
        ..Limits::default()
    });
    for n in 1..=3 {
        tell(&mut pair, data(n.into(), vec![bad(n)]));
        assert_eq!(shown(&pair).refused.len(), usize::from(n).min(2));
        let told = |event: &Event| matches!(event, Event::Refused(of, Reason::NO_SUCH_USER, _) if *of == id(n));
        assert!(events(&pair).iter().any(told));
    }
}

fn with_body(n: u8, body: Option<BodyRef>) -> Item {
    let at = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000)),
        incarnation: Incarnation(99),
    };
    let mut object = Object::new(Kind::MESSAGE, Some(id(1)), body);
    object.set(Key::field(1), at, Value::Bool(true));
    crate::support::say::item(id(n), &object)
}

/// Gives the north a message, and nothing of what should be beside it.
fn give_bare(pair: &mut Pair, message: Message) {
    let now = pair.now;
    let north = &mut pair.sides[NORTH];
    north.ledger.begin();
    let input = Input::Received(Box::new(message));
    north.engine.handle(now, &mut north.ledger, input).unwrap();
    let outputs = north
        .engine
        .finish_transaction(now, &mut north.ledger)
        .unwrap();
    north.ledger.commit();
    for output in outputs {
        north.said.push(output);
    }
}

/// That a body is still to come is nothing to be shown; that it did not come with its message is worth a line in the log.
#[test]
fn what_waits_for_its_body_is_not_shown_as_refused() {
    let mut pair = met();
    tell(&mut pair, data(1, vec![good(1)]));
    let body = Some(BodyRef::of(b"a sound"));
    let item = with_body(9, body);
    let ack = acknowledged(&mut pair, data(2, vec![item.clone()])).unwrap();
    let refusal = |no, reason, have| Refusal {
        no,
        id: id(9),
        reason,
        have,
    };
    assert_eq!(ack.refused, [refusal(2, Reason::NEED_BODY, Some(0))]);
    let told = Event::Refused(id(9), Reason::NEED_BODY, None);
    assert!(!events(&pair).contains(&told));
    assert!(shown(&pair).refused.is_empty());
    let whole = Item {
        with_body: true,
        ..item
    };
    give_bare(&mut pair, data(3, vec![whole.clone()]));
    assert!(events(&pair).contains(&told));
    assert!(shown(&pair).refused.is_empty());
    tell(&mut pair, data(4, vec![whole]));
    // The same under another body is a fault, and no body would help.
    let other = with_body(9, Some(BodyRef::of(b"another")));
    let ack = acknowledged(&mut pair, data(5, vec![other])).unwrap();
    assert_eq!(ack.refused.last(), Some(&refusal(5, Reason::FAULT, None)));
    assert_eq!(shown(&pair).refused[&id(9)].reason, Reason::FAULT);
}

/// A north with a user that is held, because the south has refused it.
fn with_one_held() -> Pair {
    let mut pair = met();
    let report = Payload::Heartbeat(causes(&pair, 5));
    tell(&mut pair, line(9, report));
    pair.change(NORTH, user(1, NORTH));
    let said = pair.take(NORTH);
    let sent = said.iter().find(|m| is_data(m)).expect("it is sent").header;
    let refusal = Refusal {
        no: sent.no,
        id: id(1),
        reason: Reason::CAPACITY,
        have: None,
    };
    let ack = Ack {
        floor: 0,
        done: set_of([sent.no]),
        sum: sent.id,
        refused: vec![refusal],
        report: causes(&pair, 5),
    };
    tell(&mut pair, line(10, Payload::Ack(ack)));
    assert_eq!(pair.ledger(NORTH).held.len(), 1);
    pair
}

fn causes(pair: &Pair, causes: u64) -> Report {
    Report {
        causes,
        wall: pair.now.wall,
        ..Report::default()
    }
}

#[test]
fn what_is_held_is_tried_again_when_the_partner_says_that_something_has_changed() {
    let mut pair = with_one_held();
    let mut tried = |no, number| {
        let report = Payload::Heartbeat(causes(&pair, number));
        tell(&mut pair, line(no, report)).iter().any(is_data)
    };
    assert!(!tried(12, 5), "nothing has");
    assert!(!tried(11, 6), "this is old");
    assert!(tried(13, 6));
}

/// The number that the partner's user waits for.
#[test]
fn a_number_that_is_freed_lets_the_partners_user_come_at_once() {
    let numbers = |number: &str| {
        let key = Key::field(user_fields::NUMBERS);
        (key, User::numbers(number, &[]))
    };
    let create = |n: u8, home: usize| {
        let mut create = user(n, home);
        if let Change::Create { registers, .. } = &mut create {
            registers.push(numbers("7001"));
        }
        create
    };
    let mut pair = Pair::running();
    pair.change(SOUTH, create(2, SOUTH));
    pair.take(SOUTH);
    pair.change(NORTH, create(1, NORTH));
    pair.carry(NORTH);
    pair.settle();
    assert!(pair.ledger(NORTH).held.contains_key(&id(1)));
    let other = Change::Set {
        id: id(2),
        registers: vec![numbers("7002")],
    };
    pair.change(SOUTH, other);
    pair.settle();
    assert!(pair.ledger(NORTH).held.is_empty());
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(1)));
}
