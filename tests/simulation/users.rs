//! What users and administrators do: they create, change and delete on the server they happen to use.

use crate::dials::Dials;
use crate::dice::Dice;
use crate::node::server;
use crate::oracle::Oracle;
use domain::{BodyRef, Change, Key, Kind, ObjectId, User, Value, user_fields};
use ledger::memory::Memory;

/// Draws one thing that somebody does on a side; `None` if there is nothing to do it to.
pub fn act(
    side: usize,
    serial: u64,
    ledger: &mut Memory,
    oracle: &mut Oracle,
    dials: &Dials,
    dice: &mut Dice,
) -> Option<Change> {
    let users: Vec<_> = of_kind(ledger, Kind::USER);
    let messages: Vec<_> = of_kind(ledger, Kind::MESSAGE);
    if dice.chance(dials.bad_item) {
        let id = fresh(side, serial);
        oracle.bad.insert(id);
        return Some(create_user(id, 1 - side, &unique(serial), serial));
    }
    match dice.below(100) {
        0..10 => {
            let number = if dials.collide {
                number(dice.below(NUMBERS))
            } else {
                unique(serial)
            };
            Some(create_user(fresh(side, serial), side, &number, serial))
        }
        10..40 => {
            let owner = *dice.pick(&users)?;
            let id = fresh(side, serial);
            let body = (!dice.chance(100)).then(|| body(id, dice));
            if let Some(body) = body {
                ledger.receive_body(body);
            }
            let registers = vec![
                (Key::field(1), Value::Bool(true)),
                (Key::field(2), Value::Int(0)),
            ];
            Some(Change::Create {
                id,
                kind: Kind::MESSAGE,
                owner: Some(owner),
                body,
                registers,
            })
        }
        40..70 => {
            let id = *dice.pick(&messages)?;
            let field = 1 + dice.below(3) as u16;
            let registers = vec![(Key::field(field), Value::Int(dice.below(4) as i64))];
            Some(Change::Set { id, registers })
        }
        70..82 => {
            let id = *dice.pick(&users)?;
            let field = [user_fields::NAME, user_fields::LOCKED, user_fields::EPOCH]
                [dice.below(3) as usize];
            let registers = vec![(Key::field(field), Value::Int(dice.below(50) as i64))];
            Some(Change::Set { id, registers })
        }
        82..97 => Some(Change::Delete {
            id: *dice.pick(&messages)?,
        }),
        _ => {
            // Only its home deletes a user.
            let id = *dice.pick(&users)?;
            let home = User::of(&ledger.objects[&id])?.home();
            (home == Some(server(side))).then_some(Change::Delete { id })
        }
    }
}

/// So many mailbox numbers there are where they are few.
pub const NUMBERS: u64 = 12;

/// One of the few mailbox numbers: some begin with 7, some with 8.
pub fn number(n: u64) -> String {
    format!("{}{:03}", 7 + n % 2, n)
}

/// A mailbox number that nobody else has.
fn unique(serial: u64) -> String {
    format!("9{serial:05}")
}

/// A user gets a mailbox number that nobody else has.
pub fn renumber(id: ObjectId, serial: u64) -> Change {
    let key = Key::field(user_fields::NUMBERS);
    let registers = vec![(key, User::numbers(&unique(serial), &[]))];
    Change::Set { id, registers }
}

/// A new user with a number that may have been somebody else's.
pub fn create_numbered(side: usize, serial: u64, number: &str) -> Change {
    create_user(fresh(side, serial), side, number, serial)
}

pub fn of_kind(ledger: &Memory, kind: Kind) -> Vec<ObjectId> {
    let all = ledger
        .objects
        .iter()
        .filter(|(_, object)| object.kind == kind);
    all.map(|(id, _)| *id).collect()
}

/// Ids rise, but not in the order of all servers together.
fn fresh(side: usize, serial: u64) -> ObjectId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&serial.to_be_bytes());
    bytes[15] = side as u8;
    ObjectId::from_bytes(bytes)
}

fn create_user(id: ObjectId, home: usize, number: &str, serial: u64) -> Change {
    let registers = vec![
        (Key::field(user_fields::NUMBERS), User::numbers(number, &[])),
        (Key::field(user_fields::HOME), server(home).into()),
        (
            Key::field(user_fields::NAME),
            Value::Text(format!("user {serial}")),
        ),
    ];
    Change::Create {
        id,
        kind: Kind::USER,
        owner: None,
        body: None,
        registers,
    }
}

/// Bodies are as long as voice messages: most of a few seconds, some of minutes.
fn body(id: ObjectId, dice: &mut Dice) -> BodyRef {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(id.as_bytes());
    let len = if dice.chance(100) {
        900_000
    } else {
        dice.between(4_000, 120_000)
    };
    BodyRef {
        hash,
        len: len as u32,
    }
}
