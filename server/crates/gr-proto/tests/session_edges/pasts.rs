//! What messages name of the ones before them (E13): it is compared number for number, and remembered of so many that have not come.

use crate::forge::{events, heartbeat, id_of, met, tell};
use crate::support::Pair;
use gr_proto::limits::{FORETOLD_MAX, PRECEDING_MAX};
use gr_proto::{Event, Message, NewIncarnation};

/// The same, naming messages with these ids before it, newest first.
fn naming(ids: impl Iterator<Item = u64>, mut message: Message) -> Message {
    let prints = ids.flat_map(|id| ((id & 0xffff) as u16).to_be_bytes());
    let mut bytes = Vec::new();
    let value = ciborium::Value::Bytes(prints.collect());
    ciborium::into_writer(&value, &mut bytes).unwrap();
    message.header.preceding = ciborium::from_reader(&bytes[..]).unwrap();
    message
}

/// The south says a heartbeat under a number, and names as many as it can before it.
fn say(pair: &mut Pair, no: u64) {
    let before = (1..no).rev().take(PRECEDING_MAX).map(id_of);
    let said = naming(before, heartbeat(pair, no, 0));
    tell(pair, said);
}

fn two_pasts_show(pair: &Pair) -> bool {
    let shows = |e: &Event| matches!(e, Event::NewIncarnation(_, NewIncarnation::NumberReuse));
    events(pair).iter().any(shows)
}

/// Whether another message than the one that was named shows under a number.
fn another_shows(mut pair: Pair, no: u64) -> bool {
    assert!(!two_pasts_show(&pair));
    let mut other = heartbeat(&pair, no, 0);
    other.header.id ^= 1;
    tell(&mut pair, other);
    two_pasts_show(&pair)
}

/// How many a message names, and itself.
const STRIDE: u64 = PRECEDING_MAX as u64 + 1;

/// A north that has heard so many messages, and none of those that they name.
fn with_gaps(gaps: u64) -> Pair {
    let mut pair = met();
    for gap in 1..=gaps {
        say(&mut pair, gap * STRIDE);
    }
    pair
}

/// What a partner names cannot fill the memory: of more numbers than are remembered the lowest are forgotten, and heard unproved.
#[test]
fn what_is_named_is_remembered_of_so_many_numbers_that_have_not_come() {
    let most = (FORETOLD_MAX / PRECEDING_MAX) as u64;
    assert!(another_shows(with_gaps(most), 1));
    assert!(!another_shows(with_gaps(most + 1), 1));
    assert!(another_shows(with_gaps(most + 1), STRIDE + 1));
}

/// However many have come meanwhile.
#[test]
fn what_is_named_of_a_number_that_has_not_come_outlasts_what_has_come() {
    let mut pair = met();
    let lost = |no: &u64| no % 32 == 2;
    for no in (1..=FORETOLD_MAX as u64 + 100).filter(|no| !lost(no)) {
        say(&mut pair, no);
    }
    assert!(another_shows(pair, 2));
}

/// As a machine does that was wound back and says something else under numbers that it had used.
#[test]
fn what_names_the_newest_messages_under_other_numbers_is_of_another_past() {
    let named = || [3, 2, 1].map(id_of).into_iter();
    for (no, shows) in [(4, false), (5, true)] {
        let mut pair = met();
        (1..=3).for_each(|no| say(&mut pair, no));
        let next = naming(named(), heartbeat(&pair, no, 0));
        tell(&mut pair, next);
        assert_eq!(two_pasts_show(&pair), shows, "{no}");
    }
}
