//! A mailbox of which something is damaged at rest.

use super::guide::*;
use super::*;
use domain::BodyRef;
use gr_proto::{AvailableBodies, Event, Limits, Message, Output, Payload, Response, ResponseBody};
use ledger::{Ledger, Unreadable};

/// A user at home in the north with three messages, on both.
pub fn mailbox() -> Pair {
    mailbox_with(Limits::default())
}

pub fn mailbox_with(limits: Limits) -> Pair {
    let mut pair = Pair::running_with(limits);
    for side in [NORTH, SOUTH] {
        plant(pair.ledger(side), id(1), NORTH, "7001");
        for n in [10, 11, 12] {
            plant_message(pair.ledger(side), id(n), id(1));
        }
    }
    pair.settle();
    pair
}

pub fn body_of(n: u8) -> BodyRef {
    BodyRef::of(id(n).as_bytes())
}

pub fn said(pair: &Pair, side: usize, event: Event) -> bool {
    pair.sides[side].said.contains(&Output::Event(event))
}

/// Lets the row of an object be damaged, and noticed.
pub fn set_aside(pair: &mut Pair, side: usize, n: u8) {
    pair.ledger(side).spoil(id(n));
    assert_eq!(pair.ledger(side).object(&id(n)).unwrap(), None);
}

pub fn is_unreadable(pair: &mut Pair, side: usize, n: u8) -> Option<Unreadable> {
    pair.ledger(side).unreadable(&id(n)).unwrap()
}

/// A message of the mailbox whose body is longer than a message should be, on both.
pub fn long_message(pair: &mut Pair, hash: u8) -> BodyRef {
    let body = BodyRef {
        hash: [hash; 32],
        len: 5_000_000,
    };
    pair.ledger(NORTH).receive_body(body);
    pair.change(NORTH, message(20, 1, Some(body)));
    pair.settle();
    assert!(pair.ledger(SOUTH).bodies.contains(&body));
    body
}

pub fn answer_in(message: &mut Message) -> Option<&mut Response> {
    match &mut message.payload {
        Payload::Response(answer) => Some(answer),
        _ => None,
    }
}

pub fn found_in(message: &mut Message) -> Option<&mut AvailableBodies> {
    match &mut answer_in(message)?.reply {
        ResponseBody::Found(found) => Some(found),
        _ => None,
    }
}
