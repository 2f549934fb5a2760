//! Stores that are written while their servers do not run, so that two servers can be apart in ways that replication itself never leaves.

use domain::{
    Hlc, Incarnation, Key, Kind, Object, ObjectId, ServerId, Timestamp, User, Version, user_fields,
};
use ledger::{DeletionRecord, Ledger};
use std::path::Path;
use store::{Options, Store, Tx};
use support::Pair;

/// The two servers of every pair here.
pub const A: &str = "cp-a.test.example";
/// The other one.
pub const B: &str = "cp-b.test.example";

/// A user, and which servers have it.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Its mailbox number, and its identity.
    pub number: u32,
    /// Where it is local.
    pub home: &'static str,
}

impl Person {
    /// Its identity, the same on both servers.
    pub fn id(self) -> ObjectId {
        id(1, self.number)
    }

    fn object(self, name: &str, hlc: u64) -> Object {
        let mut object = Object::new(Kind::USER, None, None);
        let version = Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(1),
        };
        let home = ServerId::of(self.home).into();
        object.set(Key::field(user_fields::HOME), version, home);
        let numbers = User::numbers(&self.number.to_string(), &[]);
        object.set(Key::field(user_fields::NUMBERS), version, numbers);
        let name = domain::Value::Text(name.to_owned());
        object.set(Key::field(user_fields::NAME), version, name);
        object
    }
}

fn id(kind: u8, n: u32) -> ObjectId {
    let mut bytes = [0; 16];
    bytes[0] = kind;
    // Spread over the trie.
    bytes[8..12].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// Writes into the store of a server that does not run.
pub fn write(root: &Path, server: &str, work: impl FnOnce(&mut Tx<'_>)) {
    let folder = root.join(server).join("data");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (mut writer, _readers) = Store::open(&folder, Options::default()).expect("a store");
    let mut tx = writer.begin().expect("a transaction");
    work(&mut tx);
    tx.commit().expect("a commit");
}

/// A running pair into whose stores something was written while it stood still. Paired before, so that nothing of it is marked.
pub fn pair_with(root: &Path, write_into_stores: impl FnOnce()) -> Pair {
    let mut pair = Pair::start(root, "");
    assert!(pair.a.stop().success() && pair.b.stop().success());
    write_into_stores();
    pair.a.run();
    pair.b.run();
    pair.running();
    pair
}

/// Puts a user.
pub fn put(tx: &mut Tx<'_>, person: Person, name: &str, hlc: u64) {
    tx.put(&person.id(), &person.object(name, hlc))
        .expect("a user is written");
}

/// Puts a message with a body of so many bytes.
pub fn put_message(tx: &mut Tx<'_>, owner: Person, n: u32, bytes: usize) {
    let body: Vec<u8> = n.to_le_bytes().into_iter().cycle().take(bytes).collect();
    let body = tx.append_body(&body).expect("a body is kept");
    let object = Object::new(Kind::MESSAGE, Some(owner.id()), Some(body));
    tx.put(&id(2, n), &object).expect("a message is written");
}

/// Takes an object away without a trace, as a disk does that has lost it.
pub fn lose(tx: &mut Tx<'_>, id: ObjectId) {
    tx.remove(&id).expect("an object is removed");
}

/// Takes an object away as if it had been deleted, and the partner had acknowledged it and forgotten it again.
pub fn delete(tx: &mut Tx<'_>, id: ObjectId) {
    lose(tx, id);
    let record = DeletionRecord {
        at: Timestamp(1),
        kind: Kind::MESSAGE,
    };
    tx.record_deletion(&id, &record).expect("a deletion record");
}

/// The guide's pair: 100 local and 200 GR users on server a, 50 local and 75 GR users on b. Of a's GR users 170 have no original,
/// of b's 15; 5 users have other names on the two servers, the newer one on b.
pub fn guides_pair(root: &Path) {
    let local = |server: &'static str, numbers: std::ops::Range<u32>| {
        numbers.map(move |number| Person {
            number,
            home: server,
        })
    };
    write(root, A, |tx| {
        for person in local(A, 1_000..1_100) {
            put(tx, person, "As it was", 1);
        }
        let copies = local(B, 2_000..2_030).chain(local(B, 3_000..3_170));
        for person in copies {
            put(tx, person, "As it was", 1);
        }
    });
    write(root, B, |tx| {
        for person in local(B, 2_000..2_050) {
            put(tx, person, "As it was", 1);
        }
        let copies = local(A, 1_000..1_060).chain(local(A, 4_000..4_015));
        for person in copies {
            let (name, hlc) = match person.number {
                1_000..1_005 => ("As it is now", 2),
                _ => ("As it was", 1),
            };
            put(tx, person, name, hlc);
        }
    });
}
