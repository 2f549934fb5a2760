//! A partner that is written by hand: one incarnation in the south, which says what a test wants it to say.

use crate::support::{NORTH, Pair, SOUTH, server};
use domain::{Hlc, Incarnation, Key, Kind, Object, Timestamp, User, Value, Version, user_fields};
use gr_proto::{
    Ack, Event, Header, Hello, Item, Limits, Message, Output, Payload, RangeSet, Report, Seen,
};
use ledger::HistoryEntry;

/// The incarnation of the server that is tested.
pub const OURS: Incarnation = Incarnation(1);
/// The incarnation that is written by hand.
pub const THEIRS: Incarnation = Incarnation(77);

/// The id of a message of that incarnation.
pub fn id_of(no: u64) -> u64 {
    1_000_000 + no * no
}

/// What that incarnation says under a number.
pub fn line(no: u64, payload: Payload) -> Message {
    let header = Header {
        from: THEIRS,
        to: OURS,
        no,
        id: id_of(no),
        csn: 0,
        seen: Seen::default(),
        settled: 0,
        rolled_back: false,
        preceding: Default::default(),
    };
    Message { header, payload }
}

/// The same, after it has called these numbers settled.
pub fn settled(settled: u64, mut message: Message) -> Message {
    message.header.settled = settled;
    message
}

/// The same, at a CSN.
pub fn at_csn(csn: u64, mut message: Message) -> Message {
    message.header.csn = csn;
    message
}

/// A heartbeat that tells of so many marks.
pub fn heartbeat(pair: &Pair, no: u64, users: u64) -> Message {
    let report = Report {
        users,
        wall: pair.now.wall,
        ..Report::default()
    };
    line(no, Payload::Heartbeat(report))
}

pub fn data(no: u64, items: Vec<Item>) -> Message {
    line(no, Payload::Data(items))
}

pub fn entry(incarnation: u64, csn: u64) -> HistoryEntry {
    let began = Timestamp(1_600_000_000_000);
    HistoryEntry {
        incarnation: Incarnation(incarnation),
        csn,
        began,
    }
}

/// A HELLO of the south that asks, and knows nothing.
pub fn asks(challenge: u64) -> Hello {
    Hello {
        server: server(SOUTH),
        levels: (1, 1),
        challenge: Some(challenge),
        echo: None,
        history: vec![entry(THEIRS.0, 0)],
        cut: false,
        known: None,
        rolled_back: false,
    }
}

pub fn hello(from: Incarnation, to: Incarnation, hello: Hello) -> Message {
    let mut message = line(0, Payload::Hello(Box::new(hello)));
    (message.header.from, message.header.to, message.header.id) = (from, to, 0);
    message
}

/// Gives the north a HELLO; returns the HELLOs that it answers with.
pub fn greet(pair: &mut Pair, from: Incarnation, to: Incarnation, what: Hello) -> Vec<Hello> {
    pair.take(NORTH);
    pair.give(NORTH, hello(from, to, what));
    hellos(pair)
}

/// Takes what the north has said, and returns the HELLOs of it.
pub fn hellos(pair: &mut Pair) -> Vec<Hello> {
    let said = pair.take(NORTH).into_iter();
    said.filter_map(|message| match message.payload {
        Payload::Hello(hello) => Some(*hello),
        _ => None,
    })
    .collect()
}

/// An incarnation of the south is met, which says this of itself when it echoes.
pub fn meet(pair: &mut Pair, incarnation: Incarnation, what: Hello) {
    let answer = greet(pair, incarnation, Incarnation(0), asks(70));
    let to = pair.sides[NORTH].engine.view().incarnation();
    let echo = answer.last().expect("a question is answered").challenge;
    let what = Hello {
        challenge: None,
        echo,
        ..what
    };
    assert!(what.echo.is_some(), "who is not known is asked");
    pair.give(NORTH, hello(incarnation, to, what));
}

/// A north that has just met the incarnation that is written by hand.
pub fn met_with(limits: Limits) -> Pair {
    let mut pair = Pair::strangers_with(limits);
    meet(&mut pair, THEIRS, asks(0));
    assert!(events(&pair).contains(&Event::SessionBegan(THEIRS)));
    pair
}

pub fn met() -> Pair {
    met_with(Limits::default())
}

/// What the north has put into its log.
pub fn events(pair: &Pair) -> Vec<Event> {
    let said = pair.sides[NORTH].said.iter();
    said.filter_map(|output| match output {
        Output::Event(event) => Some(*event),
        _ => None,
    })
    .collect()
}

/// Gives the north a message; returns what it says then.
pub fn tell(pair: &mut Pair, message: Message) -> Vec<Message> {
    pair.take(NORTH);
    pair.give(NORTH, message);
    pair.take(NORTH)
}

/// The same; returns the acknowledgement.
pub fn acknowledged(pair: &mut Pair, message: Message) -> Option<Ack> {
    let said = tell(pair, message).into_iter();
    said.rev().find_map(|message| match message.payload {
        Payload::Ack(ack) => Some(ack),
        _ => None,
    })
}

/// So much time passes for the north alone.
pub fn advance(pair: &mut Pair, ms: u64) {
    pair.now.mono = pair.now.mono.plus(ms);
    pair.now.wall.0 += ms as i64;
    pair.tick(NORTH);
}

pub fn set_of(numbers: impl IntoIterator<Item = u64>) -> RangeSet {
    let mut set = RangeSet::default();
    numbers
        .into_iter()
        .for_each(|no| assert!(set.insert(no, 1_000)));
    set
}

/// A user with a number, as its home tells of it.
pub fn homed(n: u8, home: usize, number: &str) -> Item {
    let at = Version {
        hlc: Hlc::at(Timestamp(1_600_000_000_000)),
        incarnation: Incarnation(99),
    };
    let mut object = Object::new(Kind::USER, None, None);
    object.set(Key::field(user_fields::HOME), at, server(home).into());
    object.set(
        Key::field(user_fields::NUMBERS),
        at,
        User::numbers(number, &[]),
    );
    let name = Value::Text(format!("user {n}"));
    object.set(Key::field(user_fields::NAME), at, name);
    crate::support::say::item(crate::support::id(n), &object)
}

/// A user of the south: it is taken.
pub fn good(n: u8) -> Item {
    homed(n, SOUTH, &format!("80{n:02}"))
}

/// A user of the north that only the south has: it is refused.
pub fn bad(n: u8) -> Item {
    homed(n, NORTH, &format!("70{n:02}"))
}

/// Whether the north holds an object.
pub fn holds(pair: &Pair, n: u8) -> bool {
    let id = crate::support::id(n);
    pair.sides[NORTH].ledger.objects.contains_key(&id)
}
