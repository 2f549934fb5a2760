//! Many users and their messages, the same for every server that is filled with them.

use domain::{
    Hlc, Incarnation, Key, Kind, MessageFolder, Object, ObjectId, Password, Sender, ServerId,
    Timestamp, User, Value, Version, user_fields,
};
use ledger::{Ledger, LedgerError, ReplicaState};

/// Messages in each mailbox.
pub const MESSAGES: u64 = 2;
/// When all of it was set.
const LONG_AGO: i64 = 1_690_000_000_000;

/// The two servers of a pair.
pub fn server(side: usize) -> ServerId {
    ServerId(100 + side as u64)
}

pub fn user_id(user: u64) -> ObjectId {
    id(user, 0)
}

/// The id of a message: from 1 on, so that it is not the user's.
pub fn id(user: u64, message: u64) -> ObjectId {
    let n = (u128::from(user) << 64) + u128::from(message);
    ObjectId::from_bytes(n.to_be_bytes())
}

/// The registers of a user; every other one is local to the same server.
pub fn user(n: u64) -> Vec<(Key, Value)> {
    let (home, number) = (server((n % 2) as usize), (100_000 + n).to_string());
    let password = Password::new(
        "$argon2id$v=19$m=19456,t=2,p=1$".to_owned() + &"k3b9TzQ0".repeat(8),
        Timestamp(LONG_AGO),
    );
    let mut registers = User::registers(home, &number, &format!("User {n}"), &password);
    registers.extend([
        (Key::field(user_fields::EPOCH), Value::Int(1)),
        (Key::field(user_fields::CLASS), Value::Int(1)),
        (
            Key::per_server(user_fields::FAILED_LOGINS, home),
            Value::Int(0),
        ),
    ]);
    registers
}

/// The registers of an unread voice message.
pub fn message(n: u64) -> Vec<(Key, Value)> {
    let envelope = domain::Envelope {
        kind: contract::Kind::Voice,
        sender: Sender {
            name: "Mira Tandell".into(),
            address: "4711@client.example".into(),
            number: Some("4711".into()),
            unverified: false,
        },
        subject: format!("New delivery times {n}"),
        received_at: Timestamp(LONG_AGO + n as i64),
        duration_ms: 15_000,
        pages: None,
        attachments: 0,
        urgent: false,
        private: false,
    };
    domain::Message::registers(&envelope, MessageFolder::Inbox, true)
}

/// So many users with their messages, some in each transaction that `transact` runs.
pub fn fill(users: u64, mut transact: impl FnMut(&mut TaskRun<'_>)) {
    for first in (0..users).step_by(1_000) {
        transact(&mut |ledger| {
            for n in first..users.min(first + 1_000) {
                ledger.put(&user_id(n), &object(Kind::USER, None, user(n)))?;
                for m in 1..=MESSAGES {
                    let message = object(Kind::MESSAGE, Some(user_id(n)), message(m));
                    ledger.put(&id(n, m), &message)?;
                }
            }
            Ok(())
        });
    }
}

/// What is done in one transaction.
pub type TaskRun<'a> = dyn FnMut(&mut dyn Ledger) -> Result<(), LedgerError> + 'a;

fn object(kind: Kind, owner: Option<ObjectId>, registers: Vec<(Key, Value)>) -> Object {
    let mut object = Object::new(kind, owner, None);
    for (key, value) in registers {
        object.set(key, version(0), value);
    }
    object
}

fn version(minutes: i64) -> Version {
    Version {
        hlc: Hlc::at(Timestamp(LONG_AGO + minutes * 60_000)),
        incarnation: Incarnation(9),
    }
}

/// Gives a user another name, later than everything else was set, without a mark: what only a comparison finds.
pub fn rename(ledger: &mut dyn Ledger, user: u64) -> Result<(), LedgerError> {
    let id = user_id(user);
    if let Some(mut object) = ledger.object(&id)? {
        let name = Value::Text("Another".into());
        object.set(Key::field(user_fields::NAME), version(1), name);
        ledger.put(&id, &object)?;
    }
    Ok(())
}

/// The engine finds what it left when it last ran: nothing has to be marked for this partner.
pub fn acquainted(ledger: &mut dyn Ledger, side: usize) -> Result<(), LedgerError> {
    ledger.set_state(&ReplicaState {
        partner: Some(server(1 - side)),
        ..ReplicaState::default()
    })
}
