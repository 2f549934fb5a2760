//! How much may be under way, and when a link is called slow: each at its limit.

mod support;

use domain::BodyRef;
use gr_proto::{Input, Item, Limits, Message, Payload};
use support::guide::plant;
use support::*;

/// What a message takes without its body.
const BARE: u64 = 129;

fn items(message: &Message) -> &[Item] {
    match &message.payload {
        Payload::Data(items) => items,
        _ => &[],
    }
}

/// Two servers that know a user, and of whose link nothing has been measured: so many bytes may be under way.
fn unmeasured(window_bytes_first: u64, window_bytes: u64) -> Pair {
    let mut pair = Pair::running_with(Limits {
        window_bytes_first,
        window_bytes,
        window_bytes_min: 1,
        ..Limits::default()
    });
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
    }
    pair
}

/// The north sends a message that takes so many bytes.
fn send(pair: &mut Pair, n: u8, bytes: u64) -> Message {
    let body = BodyRef {
        hash: [n; 32],
        len: u32::try_from(bytes - BARE).unwrap(),
    };
    pair.ledger(NORTH).receive_body(body);
    pair.change(NORTH, message(n, 1, Some(body)));
    let sent: Vec<_> = pair.take(NORTH).into_iter().filter(is_data).collect();
    assert_eq!(sent.len(), 1);
    let all = items(&sent[0]).iter();
    assert_eq!(all.map(Item::weight).sum::<u64>(), bytes);
    sent[0].clone()
}

fn pass(pair: &mut Pair, ms: u64) {
    pair.now.mono = pair.now.mono.plus(ms);
}

/// These have come, and one acknowledgement tells of them.
fn acknowledge(pair: &mut Pair, messages: Vec<Message>) {
    let received = |message| Input::Received(Box::new(message));
    let inputs = messages.into_iter().map(received).collect();
    pair.transact(SOUTH, &[], inputs);
    pair.settle();
}

/// A message of so many bytes is acknowledged after so long.
fn carried(pair: &mut Pair, n: u8, bytes: u64, ms: u64) {
    let sent = send(pair, n, bytes);
    pass(pair, ms);
    acknowledge(pair, vec![sent]);
}

fn bytes_per_s(pair: &Pair) -> Option<u64> {
    pair.sides[NORTH].engine.view().status().bytes_per_s
}

fn is_slow(pair: &Pair) -> bool {
    pair.sides[NORTH].engine.view().status().slow
}

#[test]
fn half_a_window_shows_what_the_link_carries_and_less_does_not() {
    for (window, rate) in [(2_000, Some(100_000)), (2_002, None)] {
        let mut pair = unmeasured(window, 1 << 20);
        carried(&mut pair, 2, 1_000, 10);
        assert_eq!(bytes_per_s(&pair), rate);
    }
}

#[test]
fn a_link_that_carries_half_a_million_bytes_in_a_second_is_not_slow() {
    for (ms, slow) in [(100, false), (101, true)] {
        let mut pair = unmeasured(100_000, 1 << 20);
        carried(&mut pair, 2, 50_000, ms);
        assert_eq!(is_slow(&pair), slow, "{:?}", bytes_per_s(&pair));
    }
}

#[test]
fn a_link_is_slow_if_an_answer_takes_as_long_as_what_is_lost() {
    for (ms, slow) in [(1_999, false), (2_000, true)] {
        let mut pair = unmeasured(100_000, 1 << 20);
        carried(&mut pair, 2, 200, ms);
        assert_eq!(bytes_per_s(&pair), None, "it was little");
        assert_eq!(is_slow(&pair), slow);
    }
}

#[test]
fn little_that_takes_more_than_a_second_longer_than_it_could_halves_the_window() {
    for (ms, halved) in [(1_000, false), (1_001, true)] {
        let mut pair = unmeasured(4_000, 1 << 20);
        carried(&mut pair, 2, 200, 0);
        carried(&mut pair, 3, 200, ms);
        let body = BodyRef {
            hash: [4; 32],
            len: 2_000,
        };
        pair.ledger(NORTH).receive_body(body);
        pair.change(NORTH, message(4, 1, Some(body)));
        let sent = pair.take(NORTH);
        assert_eq!(items(&sent[0])[0].piece.is_some(), halved, "{ms}");
    }
}

#[test]
fn of_what_is_acknowledged_together_the_fastest_tells_what_the_link_carries() {
    // The later of two waited for both.
    let mut pair = unmeasured(10_000, 10_000);
    let first = send(&mut pair, 2, 200);
    let second = send(&mut pair, 3, 6_000);
    pass(&mut pair, 10);
    acknowledge(&mut pair, vec![first, second]);
    assert_eq!(bytes_per_s(&pair), Some(620_000));
    // The earlier of two waited for what has come before, and the later for little.
    let mut pair = unmeasured(10_000, 10_000);
    let first = send(&mut pair, 2, 5_000);
    let second = send(&mut pair, 3, 200);
    pass(&mut pair, 10);
    acknowledge(&mut pair, vec![first]);
    assert_eq!(bytes_per_s(&pair), Some(500_000));
    let third = send(&mut pair, 4, 200);
    pass(&mut pair, 10);
    acknowledge(&mut pair, vec![second, third]);
    assert_eq!(bytes_per_s(&pair), Some(260_000));
}
