//! The pair of the guide, and tasks on it.

use super::{NORTH, Pair, SOUTH, server};
use domain::{
    Hlc, Incarnation, Key, Kind, Object, ObjectId, Timestamp, User, Value, Version, user_fields,
};
use gr_proto::{Command, Rejected};
use ledger::memory::Memory;
use ledger::{Deletions, Ledger, Outcome, TaskId, TaskKind};

/// An administrator who has seen the numbers.
pub const AGREED: Option<Deletions> = Some(Deletions {
    here: 1_000,
    there: 1_000,
});

/// A user that was written long ago, and is not marked.
pub fn plant(ledger: &mut Memory, id: ObjectId, home: usize, number: &str) {
    let version = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000)),
        incarnation: Incarnation(99),
    };
    let mut user = Object::new(Kind::USER, None, None);
    user.set(Key::field(user_fields::HOME), version, server(home).into());
    user.set(
        Key::field(user_fields::NUMBERS),
        version,
        User::numbers(number, &[]),
    );
    ledger.put(&id, &user).unwrap();
}

/// A message that was written long ago, and is not marked.
pub fn plant_message(ledger: &mut Memory, id: ObjectId, owner: ObjectId) {
    let body = ledger.append_body(id.as_bytes());
    let mut message = Object::new(Kind::MESSAGE, Some(owner), Some(body));
    let version = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000)),
        incarnation: Incarnation(99),
    };
    message.set(Key::field(1), version, Value::Bool(true));
    ledger.put(&id, &message).unwrap();
}

pub fn nth(home: usize, n: u16) -> ObjectId {
    let mut bytes = [home as u8 + 1; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// The pair of the guide: 100 local and 200 GR users in the north, 50 and 75 in the south. Of the 200 only 30 have an original, and 40 of
/// the 75; the rest of the originals have no copy.
pub fn the_guide() -> Pair {
    let mut pair = Pair::running();
    for n in 0..200 {
        let number = |home: usize| format!("{}{n:03}", 7 + home);
        if n < 100 {
            plant(pair.ledger(NORTH), nth(NORTH, n), NORTH, &number(NORTH));
        }
        if (60..135).contains(&n) {
            plant(pair.ledger(SOUTH), nth(NORTH, n), NORTH, &number(NORTH));
        }
        if n < 50 {
            plant(pair.ledger(SOUTH), nth(SOUTH, n), SOUTH, &number(SOUTH));
        }
        let gr = n + 20;
        plant(
            pair.ledger(NORTH),
            nth(SOUTH, gr),
            SOUTH,
            &format!("8{gr:03}"),
        );
    }
    assert_eq!(counts(&pair), [(100, 200), (50, 75)]);
    pair
}

/// Local and GR users of both.
pub fn counts(pair: &Pair) -> [(usize, usize); 2] {
    [NORTH, SOUTH].map(|side| {
        let users = pair.sides[side].ledger.objects.values();
        let homes = users.filter_map(|object| User::of(object)?.home());
        let (local, others): (Vec<_>, Vec<_>) = homes.partition(|home| *home == server(side));
        (local.len(), others.len())
    })
}

pub fn order(pair: &mut Pair, side: usize, order: Command) -> Result<(), Rejected> {
    let now = pair.now;
    let at = &mut pair.sides[side];
    let done = at.engine.command(now, &mut at.ledger, order).unwrap();
    pair.tick(side);
    done
}

pub fn start(
    pair: &mut Pair,
    side: usize,
    kind: TaskKind,
    dry: bool,
    agreed: Option<Deletions>,
) -> TaskId {
    let id = TaskId(500 + pair.now.mono.0);
    let begun = order(
        pair,
        side,
        Command::Start {
            id,
            kind,
            dry,
            agreed,
            mailboxes: vec![],
        },
    );
    assert_eq!(begun, Ok(()));
    id
}

/// Starts a task and lets it come to its end.
pub fn run(
    pair: &mut Pair,
    side: usize,
    kind: TaskKind,
    dry: bool,
    agreed: Option<Deletions>,
) -> Outcome {
    let id = start(pair, side, kind, dry, agreed);
    for _ in 0..200 {
        pair.live(500);
        let tasks = pair.sides[side].engine.view().tasks();
        if tasks.open.is_none() && tasks.job.is_none() {
            let last = tasks.last.expect("it has ended");
            assert_eq!(last.id, id);
            return last.outcome;
        }
    }
    panic!(
        "it does not end: {:?}",
        pair.sides[side].engine.view().tasks()
    );
}
