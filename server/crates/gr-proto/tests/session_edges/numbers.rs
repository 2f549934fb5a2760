//! Numbers of messages: what is processed, acknowledged, settled and forgotten.

use crate::forge::{
    acknowledged, at_csn, data, events, good, heartbeat, holds, id_of, line, met, met_with, set_of,
    settled, tell,
};
use crate::support::{NORTH, Pair, user};
use gr_proto::{
    Ack, Event, Limits, List, Message, NewIncarnation, Output, Payload, RangeSet, Report, Seen,
};

fn backlog(pair: &Pair) -> Option<u64> {
    pair.sides[NORTH].engine.view().status().partner_backlog
}

/// The sum that proves that these were received.
fn sum_of(done: &RangeSet) -> u64 {
    let numbers = done.ranges().iter().flat_map(|&(a, z)| a..=z);
    numbers.map(id_of).fold(0, u64::wrapping_add)
}

#[test]
fn what_comes_out_of_order_is_processed_and_the_newest_is_echoed() {
    let mut pair = met();
    let ack = acknowledged(&mut pair, data(12, vec![good(2)])).unwrap();
    assert_eq!(ack.done, set_of([12]));
    let said = tell(&mut pair, data(11, vec![good(1)]));
    assert!(holds(&pair, 1) && holds(&pair, 2));
    let id = id_of(12);
    assert_eq!(said[0].header.seen, Seen { no: 12, id });
    let Payload::Ack(ack) = &said[0].payload else {
        panic!("data is acknowledged")
    };
    assert_eq!((&ack.done, ack.sum), (&set_of([11, 12]), sum_of(&ack.done)));
}

#[test]
fn what_was_settled_is_not_processed_again() {
    let mut pair = met();
    for no in 1..=3 {
        tell(&mut pair, data(no, vec![good(no as u8)]));
    }
    let said = settled(2, heartbeat(&pair, 4, 0));
    tell(&mut pair, said);
    let before = pair.ledger(NORTH).clone();
    for no in 1..=3 {
        assert!(tell(&mut pair, data(no, vec![good(no as u8)])).is_empty());
    }
    assert!(*pair.ledger(NORTH) == before);
}

#[test]
fn what_is_settled_stays_settled_when_an_older_message_comes_late() {
    let mut pair = met();
    for no in 1..=3 {
        tell(&mut pair, data(no, vec![good(no as u8)]));
    }
    tell(&mut pair, settled(3, data(5, vec![good(5)])));
    let ack = acknowledged(&mut pair, settled(1, data(4, vec![good(4)]))).unwrap();
    assert_eq!((ack.floor, &ack.done), (3, &set_of([4, 5])));
    assert_eq!(ack.sum, sum_of(&ack.done));
}

/// Whoever calls a message settled before it has come does not wait for its acknowledgement.
#[test]
fn what_is_called_settled_by_itself_is_not_acknowledged() {
    for floor in [8, 9] {
        let mut pair = met();
        tell(&mut pair, data(10, vec![good(10)]));
        let ack = acknowledged(&mut pair, settled(floor, data(8, vec![good(8)]))).unwrap();
        assert!(holds(&pair, 8));
        assert_eq!((ack.floor, &ack.done), (floor, &set_of([10])));
        assert_eq!(ack.sum, sum_of(&ack.done));
    }
}

#[test]
fn what_would_make_too_many_gaps_is_not_processed_unless_nobody_waits_for_it() {
    let mut pair = met_with(Limits {
        ranges: 2,
        ..Limits::default()
    });
    tell(&mut pair, data(1, vec![good(1)]));
    tell(&mut pair, data(3, vec![good(3)]));
    let ack = acknowledged(&mut pair, data(5, vec![good(5)])).expect("it is said again");
    assert_eq!(ack.done, set_of([1, 3]));
    assert!(!holds(&pair, 5));
    let said = heartbeat(&pair, 7, 4);
    tell(&mut pair, said);
    assert_eq!(backlog(&pair), Some(4));
    let ack = acknowledged(&mut pair, data(4, vec![good(4)])).unwrap();
    assert_eq!(
        (&ack.done, ack.sum),
        (&set_of([1, 3, 4]), sum_of(&ack.done))
    );
}

#[test]
fn so_many_messages_are_processed_without_an_acknowledgement() {
    let mut pair = met_with(Limits {
        processed_unacked: 3,
        ..Limits::default()
    });
    let acks = |pair: &mut Pair, no| {
        let heartbeat = heartbeat(pair, no, 0);
        acknowledged(pair, heartbeat).map(|ack| ack.done)
    };
    for no in [1, 4] {
        assert_eq!(acks(&mut pair, no), None);
        assert_eq!(acks(&mut pair, no + 1), None);
        assert_eq!(acks(&mut pair, no + 2), Some(set_of(1..=no + 2)));
    }
}

#[test]
fn a_list_is_overtaken_by_data_alone() {
    let list = |no| {
        let list = List {
            run: 5,
            after: None,
            to: None,
            objects: vec![],
        };
        line(no, Payload::List(list))
    };
    let judged = |said: Vec<Message>| {
        let judged = |m: &Message| matches!(m.payload, Payload::Judged(_));
        said.iter().any(judged)
    };
    let mut pair = met();
    let said = heartbeat(&pair, 3, 0);
    tell(&mut pair, said);
    assert!(judged(tell(&mut pair, list(2))));
    tell(&mut pair, data(6, vec![good(1)]));
    assert!(!judged(tell(&mut pair, list(5))));
}

#[test]
fn a_report_that_comes_late_is_not_taken() {
    let mut pair = met();
    let said = heartbeat(&pair, 5, 0);
    tell(&mut pair, said);
    let said = heartbeat(&pair, 4, 9);
    tell(&mut pair, said);
    assert_eq!(backlog(&pair), Some(0));
    let said = heartbeat(&pair, 6, 9);
    tell(&mut pair, said);
    assert_eq!(backlog(&pair), Some(9));
}

#[test]
fn only_the_partners_incarnation_is_heard_and_only_in_this_one() {
    let mut pair = met();
    for (from, to) in [(88, 1), (77, 2)] {
        let mut message = heartbeat(&pair, 3, 7);
        message.header.from = domain::Incarnation(from);
        message.header.to = domain::Incarnation(to);
        assert!(tell(&mut pair, message).is_empty());
        assert_eq!(backlog(&pair), None);
    }
    let said = heartbeat(&pair, 3, 7);
    tell(&mut pair, said);
    assert_eq!(backlog(&pair), Some(7));
}

/// It may be important, and its sender has to hear that it was not understood: by silence.
#[test]
fn what_is_not_understood_is_never_acknowledged() {
    let mut pair = met();
    tell(&mut pair, line(1, Payload::Unknown));
    let ack = acknowledged(&mut pair, data(2, vec![good(1)])).unwrap();
    assert_eq!(ack.done, set_of([2]));
}

#[test]
fn what_is_known_of_the_partner_only_grows() {
    let mut pair = met();
    let known = |pair: &mut Pair| {
        let known = pair.ledger(NORTH).state.known.expect("it was met");
        (known.csn, known.id)
    };
    assert_eq!(known(&mut pair), (0, 0));
    // What it had before this incarnation counts as well.
    tell(&mut pair, at_csn(0, data(1, vec![good(1)])));
    assert_eq!(known(&mut pair), (0, id_of(1)));
    tell(&mut pair, at_csn(12, data(4, vec![good(4)])));
    assert_eq!(known(&mut pair), (12, id_of(4)));
    tell(&mut pair, at_csn(10, data(3, vec![good(3)])));
    tell(&mut pair, at_csn(12, data(5, vec![good(5)])));
    assert_eq!(known(&mut pair), (12, id_of(4)));
}

#[test]
fn a_partner_that_says_in_the_session_that_it_rolled_back_is_believed_once() {
    let mut pair = met();
    let mut back = heartbeat(&pair, 1, 0);
    back.header.rolled_back = true;
    tell(&mut pair, back.clone());
    back.header.no = 2;
    tell(&mut pair, back);
    let told = events(&pair);
    let told = told.iter().filter(|e| **e == Event::PartnerRolledBack);
    assert_eq!(told.count(), 1);
    assert!(pair.ledger(NORTH).state.partner_rolled_back);
}

/// A north that has said some things, of which the south has acknowledged all, and has heard that the earlier ones are forgotten.
struct Talk {
    pair: Pair,
    /// The numbers and ids of what it said.
    said: Vec<(u64, u64)>,
    /// Up to here both have forgotten.
    floor: u64,
}

impl Talk {
    fn new() -> Self {
        let mut talk = Self {
            pair: met(),
            said: vec![],
            floor: 0,
        };
        talk.listen();
        talk.pair.change(NORTH, user(1, NORTH));
        talk.listen();
        talk.floor = talk.last();
        talk.acknowledge(1, 0, set_of(1..=talk.floor));
        talk.pair.change(NORTH, user(2, NORTH));
        talk.listen();
        talk.acknowledge(2, talk.floor, set_of(talk.floor + 1..=talk.last()));
        assert_eq!(talk.verdict(), None);
        talk
    }

    fn listen(&mut self) {
        let said = self.pair.take(NORTH).into_iter().map(|m| m.header);
        let said = said.filter(|header| header.no > 0);
        self.said.extend(said.map(|header| (header.no, header.id)));
    }

    fn last(&self) -> u64 {
        self.said.last().expect("something was said").0
    }

    /// An echo of that, with something wrong in the id.
    fn newest(&self, wrong: u64) -> Seen {
        let (no, id) = *self.said.last().expect("something was said");
        Seen { no, id: id ^ wrong }
    }

    /// The south acknowledges these.
    fn acknowledge(&mut self, no: u64, floor: u64, done: RangeSet) {
        self.acknowledge_with(no, floor, done, 0);
    }

    fn acknowledge_with(&mut self, no: u64, floor: u64, done: RangeSet, wrong: u64) {
        let here = self.said.iter().filter(|said| done.contains(said.0));
        let sum = here.map(|said| said.1).fold(wrong, u64::wrapping_add);
        let report = Report {
            wall: self.pair.now.wall,
            ..Report::default()
        };
        let ack = Ack {
            floor,
            done,
            sum,
            refused: vec![],
            report,
        };
        self.pair.give(NORTH, line(no, Payload::Ack(ack)));
        self.listen();
    }

    fn verdict(&self) -> Option<NewIncarnation> {
        events(&self.pair).into_iter().find_map(|e| match e {
            Event::NewIncarnation(_, why) => Some(why),
            _ => None,
        })
    }
}

/// Everything above a number.
fn all(floor: u64, last: u64) -> RangeSet {
    set_of(floor + 1..=last)
}

#[test]
fn an_acknowledgement_fits_what_was_said_and_the_one_before() {
    use NewIncarnation::{AckRegression, UnknownEcho};
    let verdict = |of: fn(u64, u64) -> (u64, RangeSet, u64)| {
        let mut talk = Talk::new();
        let (floor, done, wrong) = of(talk.floor, talk.last());
        talk.acknowledge_with(3, floor, done, wrong);
        talk.verdict()
    };
    assert_eq!(verdict(|floor, last| (floor, all(floor, last), 0)), None);
    assert_eq!(verdict(|_, last| (last, set_of([]), 0)), None);
    // What was never said; or something else was.
    let strange = Some(UnknownEcho);
    assert_eq!(verdict(|_, last| (last + 1, set_of([]), 0)), strange);
    assert_eq!(
        verdict(|floor, last| (floor, all(floor, last + 1), 0)),
        strange
    );
    assert_eq!(
        verdict(|floor, last| (floor, set_of((floor + 1..=last).chain([last + 9])), 0)),
        strange
    );
    assert_eq!(verdict(|floor, last| (floor, all(floor, last), 1)), strange);
    // What was acknowledged is not any more; or what was forgotten is not.
    let ack_regressed = Some(AckRegression);
    assert_eq!(verdict(|floor, _| (floor, set_of([]), 0)), ack_regressed);
    assert_eq!(
        verdict(|floor, last| (floor - 1, all(floor, last), 0)),
        ack_regressed
    );
    assert_eq!(
        verdict(|floor, last| (floor - 1, all(floor - 1, last), 0)),
        ack_regressed
    );
}

#[test]
fn who_takes_back_what_it_acknowledged_rolled_back() {
    let mut talk = Talk::new();
    talk.acknowledge(3, talk.floor, set_of([]));
    assert!(events(&talk.pair).contains(&Event::PartnerRolledBack));
    assert!(talk.pair.ledger(NORTH).state.partner_rolled_back);
}

#[test]
fn an_echo_is_of_something_that_was_said() {
    let echo = |of: fn(&Talk) -> Seen| {
        let mut talk = Talk::new();
        let mut message = heartbeat(&talk.pair, 3, 0);
        message.header.seen = of(&talk);
        talk.pair.give(NORTH, message);
        let back = events(&talk.pair).contains(&Event::RolledBack);
        assert_eq!(talk.pair.ledger(NORTH).state.rolled_back, back);
        (talk.verdict(), back)
    };
    let strange = (Some(NewIncarnation::UnknownEcho), true);
    let sound = (None, false);
    assert_eq!(echo(|_| Seen::default()), sound);
    assert_eq!(echo(|talk| talk.newest(0)), sound);
    assert_eq!(echo(|talk| talk.newest(1)), strange);
    assert_eq!(echo(|_| Seen { no: 10_000, id: 1 }), strange);
}

/// What the south says under these numbers has seen so many of the things that the north has said.
fn having_seen(lines: &[(u64, usize)]) -> Option<NewIncarnation> {
    let mut talk = Talk::new();
    // The last two: they are not settled.
    talk.pair.change(NORTH, user(3, NORTH));
    talk.listen();
    let last = talk.said.len() - 2;
    for &(no, seen) in lines {
        let (seen, id) = talk.said[last + seen];
        let mut message = heartbeat(&talk.pair, no, 0);
        message.header.seen = Seen { no: seen, id };
        talk.pair.give(NORTH, message);
        talk.listen();
    }
    talk.verdict()
}

#[test]
fn what_a_partner_has_seen_rises_with_its_numbers_in_whatever_order_they_come() {
    let ack_regressed = Some(NewIncarnation::AckRegression);
    assert_eq!(having_seen(&[(12, 0), (13, 1), (14, 1)]), None);
    assert_eq!(having_seen(&[(12, 1), (13, 0)]), ack_regressed);
    assert_eq!(having_seen(&[(12, 1), (11, 0)]), None);
    assert_eq!(having_seen(&[(12, 1), (11, 1)]), None);
    assert_eq!(having_seen(&[(12, 0), (11, 1)]), ack_regressed);
    // Late mail does not make it forget what it has heard since.
    assert_eq!(having_seen(&[(12, 1), (11, 0), (13, 0)]), ack_regressed);
}

/// Once is enough: it is being recovered already.
#[test]
fn another_unknown_echo_is_no_news_but_begins_a_new_incarnation() {
    let mut pair = Pair::strangers();
    let state = &mut pair.ledger(NORTH).state;
    state.rolled_back = true;
    crate::forge::meet(&mut pair, crate::forge::THEIRS, crate::forge::asks(0));
    let mut message = heartbeat(&pair, 3, 0);
    message.header.seen = Seen { no: 10_000, id: 1 };
    pair.give(NORTH, message);
    let events = events(&pair);
    assert!(!events.contains(&Event::RolledBack));
    let new = |e: &Event| matches!(e, Event::NewIncarnation(_, NewIncarnation::UnknownEcho));
    assert!(events.iter().any(new));
}

#[test]
fn what_is_said_again_under_one_number_is_said_by_two() {
    let mut pair = met();
    tell(&mut pair, data(3, vec![good(3)]));
    let mut other = data(3, vec![good(4)]);
    other.header.id ^= 1;
    tell(&mut pair, other);
    assert!(!holds(&pair, 4));
    let forked = |e: &Event| matches!(e, Event::NewIncarnation(_, NewIncarnation::NumberReuse));
    assert!(events(&pair).iter().any(forked));
    let told = pair.sides[NORTH].said.iter();
    let told = told.filter(|o| **o == Output::Event(Event::PartnerRolledBack));
    assert_eq!(told.count(), 1);
}
