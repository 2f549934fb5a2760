//! Two servers full of users and messages that are the same, until a test makes a difference.

use super::support::{NORTH, Pair, SOUTH, server};
use domain::{
    Hlc, Incarnation, Key, Kind, Object, ObjectId, Password, Timestamp, User, Value, Version,
    message_fields, user_fields,
};
use gr_proto::PartnerState;
use ledger::Ledger;
use ledger::memory::Memory;

/// Messages in each mailbox.
pub const MESSAGES: usize = 2;
/// When everything was set that nobody has changed since: long before the pair's present moment.
const LONG_AGO: i64 = 1_690_000_000_000;

/// The server that a user is local to: they take turns.
pub fn home(user: usize) -> usize {
    if user.is_multiple_of(2) { NORTH } else { SOUTH }
}

pub fn user_id(user: usize) -> ObjectId {
    id(user, 0)
}

/// The ids of a user's messages.
pub fn message_ids(user: usize) -> impl Iterator<Item = ObjectId> {
    (1..=MESSAGES).map(move |message| id(user, message))
}

fn id(user: usize, message: usize) -> ObjectId {
    let n = (user * (MESSAGES + 1) + message) as u128;
    ObjectId::from_bytes(n.to_be_bytes())
}

/// A version of this many minutes after everything was set.
pub fn version(minutes: i64) -> Version {
    Version {
        hlc: Hlc::at(Timestamp(LONG_AGO + minutes * 60_000)),
        incarnation: Incarnation(9),
    }
}

/// A user with the registers that users have.
fn user(n: usize) -> Object {
    let password = Password::new(
        "$argon2id$v=19$m=19456,t=2,p=1$".to_owned() + &"k3b9TzQ0".repeat(8),
        Timestamp(LONG_AGO),
    );
    let number = (100_000 + n).to_string();
    let mut registers = User::registers(server(home(n)), &number, &format!("User {n}"), &password);
    registers.extend([
        (
            Key::field(user_fields::NUMBERS),
            User::numbers(&number, &[format!("5{number}")]),
        ),
        (Key::field(user_fields::EPOCH), Value::Int(1)),
        (Key::field(user_fields::CLASS), Value::Int(1)),
        (
            Key::per_server(user_fields::FAILED_LOGINS, server(home(n))),
            Value::Int(0),
        ),
    ]);
    object(Kind::USER, None, registers)
}

/// A message, but for its body: what is compared are versions.
fn message(owner: usize) -> Object {
    let registers = vec![
        (Key::field(message_fields::UNREAD), Value::Bool(true)),
        (
            Key::field(message_fields::PLACE),
            Value::List(vec![Value::Int(0), Value::Int(LONG_AGO)]),
        ),
        (
            Key::field(message_fields::ENVELOPE),
            Value::Bytes(vec![7; 160]),
        ),
    ];
    object(Kind::MESSAGE, Some(user_id(owner)), registers)
}

fn object(kind: Kind, owner: Option<ObjectId>, registers: Vec<(Key, Value)>) -> Object {
    let mut object = Object::new(kind, owner, None);
    for (key, value) in registers {
        object.set(key, version(0), value);
    }
    object
}

/// So many users, local to one server or the other, and their messages if there are to be any.
pub fn stock(users: usize, with_messages: bool) -> Memory {
    let mut ledger = Memory::default();
    for n in 0..users {
        ledger.put(&user_id(n), &user(n)).unwrap();
        for id in message_ids(n).filter(|_| with_messages) {
            ledger.put(&id, &message(n)).unwrap();
        }
    }
    ledger
}

/// A pair in session that holds this: nothing of it was there before the partner, so nothing is marked.
pub fn running(mut ledgers: [Memory; 2]) -> Pair {
    let mut pair = Pair::strangers();
    for side in [NORTH, SOUTH] {
        ledgers[side].state.partner = Some(server(1 - side));
        *pair.ledger(side) = std::mem::take(&mut ledgers[side]);
    }
    pair.tick(NORTH);
    pair.settle();
    for side in [NORTH, SOUTH] {
        assert_eq!(pair.state(side), PartnerState::Running);
        assert!(pair.ledger(side).marks.is_empty());
    }
    pair
}

/// Sets a register, so many minutes after everything was set.
pub fn set(ledger: &mut Memory, id: &ObjectId, field: u16, minutes: i64, value: Value) {
    let mut object = ledger.objects[id].clone();
    assert!(object.set(Key::field(field), version(minutes), value));
    ledger.put(id, &object).unwrap();
}

/// Removes a user with all that belongs to it, without a trace, as a damaged store does.
pub fn lose_user(ledger: &mut Memory, user: usize) {
    for id in message_ids(user).chain([user_id(user)]) {
        ledger.remove(&id).unwrap();
    }
}
