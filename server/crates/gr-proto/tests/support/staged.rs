//! Two servers of which one is rebuilt.

use super::guide::*;
use super::*;
use domain::{Hlc, Incarnation, Key, Kind, Timestamp, Value, Version};
use gr_proto::Limits;
use ledger::memory::Memory;
use ledger::{Held, Lane, Ledger, Mark, Outcome, Phase, Reason, TaskKind};

/// A register in which nobody else writes.
pub const FIELD: u16 = 77;

/// Two servers that hold a user and three messages.
pub fn same(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
        for n in [10, 11, 12] {
            plant_message(pair.ledger(side), id(n), id(1));
        }
    }
    pair
}

pub fn pages_of(page_items: usize) -> Limits {
    Limits {
        page_items,
        ..Limits::default()
    }
}

pub fn steps_of(scan: usize) -> Limits {
    Limits {
        scan,
        ..Limits::default()
    }
}

/// Gives a planted object a value of that year, which is not marked.
pub fn renew(ledger: &mut Memory, n: u8, value: i64) {
    let mut object = ledger.objects[&id(n)].clone();
    let version = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000 + value)),
        incarnation: Incarnation(98),
    };
    object.set(Key::field(FIELD), version, Value::Int(value));
    ledger.put(&id(n), &object).unwrap();
}

pub fn value(pair: &Pair, side: usize, n: u8) -> Option<Value> {
    let object = pair.sides[side].ledger.objects.get(&id(n))?;
    object.get(Key::field(FIELD)).cloned()
}

pub fn holds(pair: &Pair, side: usize, n: u8) -> bool {
    pair.sides[side].ledger.objects.contains_key(&id(n))
}

pub fn hold(pair: &mut Pair, side: usize, n: u8, reason: Reason) -> Held {
    let lane = match pair.ledger(side).objects.get(&id(n)) {
        Some(object) if object.kind == Kind::MESSAGE => Lane::Messages,
        _ => Lane::Users,
    };
    let mark = Mark {
        lane,
        n: 1,
        since: pair.now.wall,
        body: false,
        unsent: false,
        recovery: false,
    };
    let at = pair.now.wall;
    let held = Held { reason, at, mark };
    pair.ledger(side).set_held(&id(n), &held).unwrap();
    held
}

pub fn phase(pair: &Pair) -> Option<Phase> {
    pair.sides[NORTH]
        .engine
        .view()
        .tasks()
        .open
        .map(|open| open.phase)
}

pub fn rebuild(pair: &mut Pair) {
    start(pair, NORTH, TaskKind::Rebuild, false, None);
}

/// Carries messages until an object is staged in the north.
pub fn until_staged(pair: &mut Pair, n: u8) {
    while !pair.ledger(NORTH).staged.contains_key(&id(n)) {
        assert!(
            pair.carry(NORTH) + pair.carry(SOUTH) > 0,
            "it is never staged"
        );
    }
}

pub fn assert_done(pair: &Pair) {
    let tasks = pair.sides[NORTH].engine.view().tasks();
    let last = tasks.last.expect("it has ended");
    assert_eq!(
        (last.kind, last.outcome),
        (TaskKind::Rebuild, Outcome::Done)
    );
}
