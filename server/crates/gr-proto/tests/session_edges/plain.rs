//! What needs no session: the deletion guard, sets of numbers, weights, what goes beside a message.

use crate::forge::set_of;
use crate::support::say::item;
use crate::support::{NORTH, Pair, id};
use domain::{BodyRef, Kind, Object};
use gr_proto::limits::RANGES_MAX;
use gr_proto::{
    DeletionGuard, Header, Item, Message, PartnerState, PartnerStatus, Payload, RangeSet, Seen,
};

#[test]
fn the_deletion_guard_allows_what_it_says() {
    let deletion_guard = DeletionGuard::default();
    assert!(deletion_guard.allows_users(10, 0) && !deletion_guard.allows_users(11, 0));
    assert!(deletion_guard.allows_users(20, 2_000) && !deletion_guard.allows_users(21, 2_000));
    assert!(deletion_guard.allows_contents(1_000) && !deletion_guard.allows_contents(1_001));
}

#[test]
fn no_more_ranges_than_there_may_be() {
    let mut set = RangeSet::default();
    assert!(set.insert(1, 2) && set.insert(4, 2));
    assert!(!set.insert(7, 2) && !set.contains(7));
    assert!(set.insert(5, 2) && set.insert(3, 2), "what makes no other");
    assert!(set.insert(2, 2) && set.ranges() == [(1, 5)]);
    // Nor does what is there already, wherever it is.
    for n in [1, 3, 5] {
        assert!(set.insert(n, 1) && set.ranges() == [(1, 5)]);
    }
    assert!(set.insert(8, 2) && set.insert(8, 2));
    assert_eq!(set.ranges(), [(1, 5), (8, 8)]);
}

#[test]
fn a_set_covers_another_above_a_floor() {
    let set = set_of([1, 2, 3, 6, 7, 8]);
    let covers = |first: u64, last: u64, floor: u64| set.covers(&set_of(first..=last), floor);
    assert!(covers(1, 3, 0) && covers(2, 3, 0) && covers(6, 8, 0));
    assert!(!covers(1, 4, 0) && !covers(5, 6, 0) && !covers(4, 4, 0));
    assert!(!covers(1, 8, 0), "no one range has them all");
    assert!(covers(1, 7, 5) && !covers(1, 7, 4), "only what is above it");
    assert!(set_of([1]).covers(&set_of(1..=5), 5), "nothing is above it");
    assert!(!set_of([1]).covers(&set_of(1..=6), 5));
}

#[test]
fn a_set_from_the_wire_is_above_its_floor_and_not_too_long() {
    let set = set_of([5, 6]);
    assert!(set.is_sound(4) && !set.is_sound(5));
    let many = |count: usize| {
        let mut set = RangeSet::default();
        (0..count).for_each(|n| assert!(set.insert(n as u64 * 2 + 1, count)));
        set
    };
    assert!(many(RANGES_MAX).is_sound(0) && !many(RANGES_MAX + 1).is_sound(0));
}

fn with_body(n: u8, with_body: bool) -> Item {
    let body = Some(BodyRef::of(b"a sound"));
    Item {
        with_body,
        ..item(id(n), &Object::new(Kind::MESSAGE, Some(id(1)), body))
    }
}

#[test]
fn a_body_weighs_and_travels_once_if_it_goes_along() {
    let weight = |along: bool| with_body(2, along).weight();
    assert_eq!(weight(true), weight(false) + b"a sound".len() as u64);
    let message = |items: Vec<Item>| Message {
        header: Header {
            from: domain::Incarnation(1),
            to: domain::Incarnation(2),
            no: 1,
            id: 1,
            csn: 1,
            seen: Seen::default(),
            settled: 0,
            rolled_back: false,
            preceding: Default::default(),
        },
        payload: Payload::Data(items),
    };
    let twice = message(vec![with_body(2, true), with_body(3, true)]);
    assert_eq!(twice.bodies(), [BodyRef::of(b"a sound")]);
    assert!(message(vec![with_body(2, false)]).bodies().is_empty());
    assert!(!twice.is_hello());
}

#[test]
fn whoever_runs_and_has_nothing_left_has_caught_up() {
    let pair = Pair::running();
    let status = PartnerStatus {
        state: PartnerState::Running,
        partner_backlog: Some(0),
        ..pair.sides[NORTH].engine.view().status()
    };
    assert!(status.caught_up());
    let but = |state, partner_backlog| PartnerStatus {
        state,
        partner_backlog,
        ..status
    };
    assert!(!but(PartnerState::Down, Some(0)).caught_up());
    assert!(!but(PartnerState::Running, Some(1)).caught_up());
    assert!(!but(PartnerState::Running, None).caught_up());
}
