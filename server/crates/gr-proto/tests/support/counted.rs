//! Two servers whose stocks differ, and what a comparison counts.

use super::drive::*;
use super::guide::*;
use super::*;
use domain::{
    Hlc, Incarnation, Key, Kind, Object, ObjectId, ServerId, Timestamp, Value, Version, user_fields,
};
use gr_proto::{Command, Limits, Reason};
use ledger::memory::Memory;
use ledger::{Held, Lane, Ledger, Mark, Outcome, TaskCounts, TaskId, TaskKind};

pub const SIDES: [usize; 2] = [NORTH, SOUTH];

/// Two servers that hold user 1, who is at home in the north.
pub fn with_user(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    for side in SIDES {
        plant(pair.ledger(side), id(1), NORTH, "7001");
    }
    pair
}

/// Gives an object a newer value.
pub fn renew(ledger: &mut Memory, id: ObjectId) {
    let mut object = ledger.objects[&id].clone();
    let version = Version {
        hlc: Hlc::at(Timestamp(1_650_000_000_000)),
        incarnation: Incarnation(98),
    };
    object.set(Key::field(user_fields::NAME), version, Value::Int(5));
    ledger.put(&id, &object).unwrap();
}

pub fn mark(lane: Lane) -> Mark {
    Mark {
        lane,
        n: 1,
        since: Timestamp(1_600_000_000_000),
        body: false,
        unsent: false,
        recovery: false,
    }
}

pub fn set_mark(ledger: &mut Memory, n: u8) {
    ledger.set_mark(&id(n), &mark(Lane::Users)).unwrap();
}

pub fn hold(ledger: &mut Memory, n: u8, reason: Reason) {
    let held = Held {
        reason,
        at: Timestamp(1_600_000_000_000),
        mark: mark(Lane::Users),
    };
    ledger.set_held(&id(n), &held).unwrap();
}

pub fn setting(ledger: &mut Memory, n: u8) {
    let mut setting = Object::new(Kind::SETTING, None, None);
    let version = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000)),
        incarnation: Incarnation(99),
    };
    setting.set(Key::field(1), version, Value::Int(1));
    ledger.put(&id(n), &setting).unwrap();
}

/// A user of a server that is no part of the pair.
pub fn stranger(ledger: &mut Memory, n: u8) {
    plant(ledger, id(n), NORTH, "9");
    let mut user = ledger.objects[&id(n)].clone();
    let version = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_001)),
        incarnation: Incarnation(99),
    };
    user.set(Key::field(user_fields::HOME), version, ServerId(7).into());
    ledger.put(&id(n), &user).unwrap();
}

pub fn start_for(
    pair: &mut Pair,
    side: usize,
    kind: TaskKind,
    dry: bool,
    mailboxes: &[u8],
) -> TaskId {
    let task = TaskId(900 + pair.now.mono.0);
    let start = Command::Start {
        id: task,
        kind,
        dry,
        agreed: None,
        mailboxes: mailboxes.iter().map(|n| id(*n)).collect(),
    };
    assert_eq!(order(pair, side, start), Ok(()));
    task
}

pub fn last(pair: &Pair) -> TaskCounts {
    let last = pair.sides[NORTH].engine.view().tasks().last;
    let last = last.expect("it has ended");
    assert_eq!(last.outcome, Outcome::Done);
    TaskCounts {
        done: 0,
        total: 0,
        ..last.counts
    }
}

/// What a dry run in the north counts. It changes nothing, and what is on its way stays there.
pub fn counted(pair: &mut Pair, kind: TaskKind) -> TaskCounts {
    counted_for(pair, kind, &[])
}

pub fn counted_for(pair: &mut Pair, kind: TaskKind, mailboxes: &[u8]) -> TaskCounts {
    let owed = |pair: &Pair| {
        let of = |side: usize| {
            let ledger = &pair.sides[side].ledger;
            let marks: Vec<_> = ledger.marks.iter().map(|(id, m)| (*id, m.n)).collect();
            (
                ledger.objects.clone(),
                marks,
                ledger.tombstones.clone(),
                ledger.held.clone(),
            )
        };
        SIDES.map(of)
    };
    let before = owed(pair);
    start_for(pair, NORTH, kind, true, mailboxes);
    settle_without(pair, is_data);
    assert_eq!(owed(pair), before, "it only counts");
    last(pair)
}
