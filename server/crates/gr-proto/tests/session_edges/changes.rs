//! Local changes: what comes into being, what is written, and what is told of it.

use crate::support::{NORTH, Pair, SOUTH, delete, id, message, set, user};
use domain::{Hlc, Incarnation, Key, Timestamp, Value, Version};
use ledger::Ledger;

#[test]
fn what_was_deleted_is_not_created_again_nor_anything_for_whom() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, user(2, NORTH));
    pair.change(NORTH, message(8, 2, None));
    pair.change(NORTH, set(2, 9, 4));
    pair.settle();
    pair.change(NORTH, delete(1));
    pair.change(NORTH, delete(8));
    pair.settle();
    assert_eq!(pair.change(NORTH, message(9, 1, None)), None);
    assert_eq!(pair.change(NORTH, user(1, NORTH)), None);
    assert_eq!(pair.change(NORTH, message(8, 2, None)), None);
    // Nor is what is here created once more.
    assert_eq!(pair.change(NORTH, user(2, NORTH)), None);
    let objects = &pair.ledger(NORTH).objects;
    assert_eq!(objects.keys().copied().collect::<Vec<_>>(), [id(2)]);
    let kept = objects[&id(2)].get(Key::field(9));
    assert_eq!(kept, Some(&Value::Int(4)));
    assert!(pair.change(NORTH, message(9, 2, None)).is_some());
}

/// Its messages may have gone ahead of it.
#[test]
fn a_user_that_nobody_has_heard_of_is_deleted_with_a_tombstone_and_a_message_without() {
    let mut pair = Pair::strangers();
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, None));
    assert_eq!(pair.change(NORTH, delete(9)), None);
    assert!(pair.ledger(NORTH).tombstones.is_empty());
    assert!(pair.change(NORTH, delete(1)).is_some());
    assert!(pair.ledger(NORTH).tombstones.contains_key(&id(1)));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn what_was_heard_of_is_deleted_with_a_tombstone_though_a_change_of_it_was_not() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, message(9, 1, None));
    pair.settle();
    pair.change(NORTH, set(9, 5, 1));
    pair.take(NORTH);
    assert!(pair.change(NORTH, delete(9)).is_some());
    pair.live(5_000);
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(9)));
    pair.assert_equal();
}

/// A register that was written by a clock far ahead, and is written here in the very moment that the clock showed.
#[test]
fn a_local_write_replaces_what_is_there_in_the_very_same_moment() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let wall = Timestamp(pair.now.wall.0 + 5_000);
    let version = Version {
        hlc: Hlc::at(wall),
        incarnation: Incarnation(u64::MAX),
    };
    let north = pair.ledger(NORTH);
    let mut object = north.objects[&id(1)].clone();
    assert!(object.set(Key::field(9), version, Value::Int(1)));
    north.put(&id(1), &object).unwrap();
    pair.wait(5_000);
    assert!(pair.change(NORTH, set(1, 9, 2)).is_some());
    let object = &pair.ledger(NORTH).objects[&id(1)];
    assert_eq!(object.get(Key::field(9)), Some(&Value::Int(2)));
}

#[test]
fn no_two_writes_have_the_same_time() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    for (field, value) in [(8, 1), (9, 2), (9, 3)] {
        let before = pair.ledger(NORTH).state.hlc;
        pair.change(NORTH, set(1, field, value));
        let north = pair.ledger(NORTH);
        let written = north.objects[&id(1)].version(Key::field(field)).hlc;
        assert!(written > before);
        assert_eq!(north.state.hlc, written);
    }
    pair.settle();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 1);
}
