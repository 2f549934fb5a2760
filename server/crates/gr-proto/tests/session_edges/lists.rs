//! Recoveries at their edges: how a list is judged, whose answer counts, and when it is over.

use crate::forge::{at_csn, data, events, good, heartbeat, line, met, met_with, tell};
use crate::support::guide::order;
use crate::support::{NORTH, Pair, SOUTH, delete, id, set, user};
use domain::ObjectId;
use gr_proto::{
    Command, Event, Judged, Limits, List, Message, NewIncarnation, Output, Payload, Verdicts,
};

/// The digest of an object, as a list tells it.
fn digest(pair: &Pair, n: u8) -> u64 {
    let id = id(n);
    pair.sides[NORTH].ledger.objects[&id].digest(&id).short()
}

fn list(no: u64, run: u64, after: Option<u8>, to: Option<u8>, objects: &[(u8, u64)]) -> Message {
    let objects = objects.iter().map(|&(n, digest)| (id(n), digest));
    let list = List {
        run,
        after: after.map(id),
        to: to.map(id),
        objects: objects.collect(),
    };
    line(no, Payload::List(list))
}

/// Gives the north a list; returns how it judged it, and up to where.
fn judged(pair: &mut Pair, list: Message) -> Option<(Option<ObjectId>, Vec<ObjectId>, Verdicts)> {
    let said = tell(pair, list).into_iter();
    let judged = said.into_iter().find_map(|m| match m.payload {
        Payload::Judged(judged) => Some(judged),
        _ => None,
    })?;
    let verdicts = events(pair).into_iter().rev().find_map(|e| match e {
        Event::Judged(verdicts) => Some(verdicts),
        _ => None,
    });
    Some((judged.to, judged.wanted, verdicts.expect("it is said")))
}

/// A north with users 1 to 5 of the south, of which nothing is on its way.
fn with_five(limits: Limits) -> Pair {
    let mut pair = met_with(limits);
    tell(&mut pair, data(1, (1..=5).map(good).collect()));
    assert_eq!(pair.ledger(NORTH).objects.len(), 5);
    pair
}

const fn verdicts(only_here: u32, differing: u32, wanted: u32) -> Verdicts {
    Verdicts {
        only_here,
        differing,
        wanted,
    }
}

#[test]
fn each_object_of_a_list_is_judged_once_up_to_its_end() {
    let mut pair = with_five(Limits::default());
    let same = |pair: &Pair, n| (n, digest(pair, n));
    let first = [same(&pair, 1), (3, 9), (13, 9)];
    // 1 is the same, 2 is not listed, 3 differs; 4 and 5 are beyond it, and so is what should not be in it.
    let answer = judged(&mut pair, list(2, 7, None, Some(3), &first)).unwrap();
    assert_eq!(answer, (Some(id(3)), vec![], verdicts(1, 1, 0)));
    // What is marked already is about to be told anyway.
    let rest = [same(&pair, 4), (6, 9)];
    let answer = judged(&mut pair, list(3, 7, Some(3), None, &rest)).unwrap();
    assert_eq!(answer, (None, vec![id(6)], verdicts(1, 0, 1)));
    let marks: Vec<_> = pair.ledger(NORTH).marks.keys().copied().collect();
    assert_eq!(marks, [id(2), id(3), id(5)]);
    let again = judged(&mut pair, list(4, 7, None, None, &[])).unwrap();
    assert_eq!(again, (None, vec![], verdicts(2, 0, 0)), "1 and 4");
}

#[test]
fn a_list_follows_the_one_before_it() {
    let mut pair = with_five(Limits::default());
    let mut is_judged = |no, run, after, to| {
        let list = list(no, run, after, to, &[]);
        judged(&mut pair, list).is_some()
    };
    assert!(!is_judged(2, 7, Some(2), None), "nothing came before it");
    assert!(is_judged(3, 7, None, Some(3)));
    assert!(!is_judged(4, 8, Some(3), None), "another run");
    assert!(!is_judged(5, 7, Some(4), None), "something between");
    assert!(is_judged(6, 7, Some(2), Some(3)), "once more");
    assert!(is_judged(7, 7, Some(3), None));
    assert!(is_judged(8, 7, Some(4), None), "all was judged");
    assert!(is_judged(9, 8, None, None), "a new run");
}

#[test]
fn so_many_are_judged_at_once() {
    let limits = Limits {
        judged_objects: 2,
        ..Limits::default()
    };
    let mut pair = with_five(limits);
    let missing = [(6, 9), (7, 9)];
    let answer = judged(&mut pair, list(2, 7, None, None, &missing)).unwrap();
    assert_eq!(answer, (Some(id(2)), vec![], verdicts(2, 0, 0)));
    let answer = judged(&mut pair, list(3, 7, Some(2), None, &missing)).unwrap();
    assert_eq!(answer, (Some(id(4)), vec![], verdicts(2, 0, 0)));
    let answer = judged(&mut pair, list(4, 7, Some(4), None, &missing)).unwrap();
    assert_eq!(answer, (None, vec![id(6), id(7)], verdicts(1, 0, 2)));
}

#[test]
fn what_is_being_deleted_here_is_not_asked_for() {
    let mut pair = with_five(Limits::default());
    pair.change(NORTH, delete(1));
    let listed = [1, 2, 3, 4, 5, 6].map(|n| (n, 9));
    let answer = judged(&mut pair, list(2, 7, None, None, &listed)).unwrap();
    assert_eq!(answer, (None, vec![id(6)], verdicts(0, 4, 1)));
}

/// Only what is in the list was heard of there.
#[test]
fn what_nobody_has_heard_of_can_still_be_deleted_without_a_word() {
    let mut pair = met();
    let down = Command::CourtesyDown { force: true };
    assert_eq!(order(&mut pair, NORTH, down), Ok(()));
    pair.change(NORTH, user(1, NORTH));
    pair.change(NORTH, user(2, NORTH));
    let listed = [(2, digest(&pair, 2))];
    judged(&mut pair, list(1, 7, None, None, &listed)).unwrap();
    let marks = &pair.ledger(NORTH).marks;
    assert!(marks[&id(1)].unsent && !marks[&id(2)].unsent);
}

fn rolled_back(pair: &mut Pair) -> bool {
    pair.ledger(NORTH).state.rolled_back
}

/// A north that went back, with a session in which it is to be recovered.
fn restored() -> Pair {
    let mut pair = Pair::strangers();
    pair.ledger(NORTH).state.rolled_back = true;
    crate::forge::meet(&mut pair, crate::forge::THEIRS, crate::forge::asks(0));
    pair
}

#[test]
fn a_recovery_is_over_when_nothing_is_on_its_way_any_more() {
    let mut pair = restored();
    let report = |pair: &Pair, no, users, owing| {
        let mut message = heartbeat(pair, no, users);
        if let Payload::Heartbeat(report) = &mut message.payload {
            report.owing = owing;
        }
        message
    };
    let hears = |pair: &mut Pair, message: Message| {
        tell(pair, message);
        rolled_back(pair)
    };
    let none = report(&pair, 1, 0, false);
    assert!(hears(&mut pair, none), "nothing has been judged");
    judged(&mut pair, list(10, 7, None, Some(3), &[])).unwrap();
    let none = report(&pair, 11, 0, false);
    assert!(hears(&mut pair, none), "not everything has");
    judged(&mut pair, list(20, 7, Some(3), None, &[])).unwrap();
    let none = report(&pair, 19, 0, false);
    assert!(hears(&mut pair, none), "said before the list");
    let owing = report(&pair, 23, 0, true);
    assert!(hears(&mut pair, owing));
    let behind = report(&pair, 24, 1, false);
    assert!(hears(&mut pair, behind));
    let late = report(&pair, 22, 0, false);
    assert!(hears(&mut pair, late), "it is behind since");
    let none = report(&pair, 25, 0, false);
    assert!(!hears(&mut pair, none));
}

/// What is said in between calls for no other recovery.
#[test]
fn who_has_judged_everything_says_no_longer_that_it_rolled_back() {
    let mut pair = restored();
    let says = |pair: &mut Pair, no| {
        let said = tell(pair, at_csn(no, data(no, vec![good(no as u8)])));
        said[0].header.rolled_back
    };
    assert!(says(&mut pair, 1));
    judged(&mut pair, list(2, 7, None, Some(3), &[])).unwrap();
    assert!(says(&mut pair, 3));
    judged(&mut pair, list(4, 7, Some(3), None, &[])).unwrap();
    assert!(!says(&mut pair, 5));
    assert!(rolled_back(&mut pair));
}

/// A north that owes the south a recovery, and the list that it has sent.
fn owing(limits: Limits) -> (Pair, u64, List) {
    let mut pair = with_five(limits);
    let mut back = heartbeat(&pair, 2, 0);
    back.header.rolled_back = true;
    let said = tell(&mut pair, back);
    let (no, list) = listed(said).expect("a list");
    (pair, no, list)
}

fn listed(said: Vec<Message>) -> Option<(u64, List)> {
    said.into_iter().find_map(|m| match m.payload {
        Payload::List(list) => Some((m.header.no, list)),
        _ => None,
    })
}

/// It is not absent.
#[test]
fn what_cannot_be_read_is_listed() {
    let mut pair = with_five(Limits::default());
    pair.ledger(NORTH).spoil(id(2));
    let mut back = heartbeat(&pair, 2, 0);
    back.header.rolled_back = true;
    let (_, list) = listed(tell(&mut pair, back)).expect("a list");
    assert_eq!(list.objects.len(), 5);
    assert_eq!(list.objects[1], (id(2), 0));
}

#[test]
fn only_the_answer_to_the_list_that_is_under_way_counts() {
    let (mut pair, no, list) = owing(Limits::default());
    let mut answers = |number, run, answered| {
        let judged = Judged {
            run,
            no: answered,
            to: None,
            wanted: vec![],
        };
        tell(&mut pair, line(number, Payload::Judged(judged)));
        let recovered = events(&pair).contains(&Event::PartnerRecovered);
        assert_eq!(recovered, !pair.ledger(NORTH).state.partner_rolled_back);
        recovered
    };
    assert!(!answers(3, list.run, no + 9));
    assert!(!answers(4, list.run ^ 1, no));
    assert!(answers(5, list.run, no));
    // What nobody asked for is the answer to nothing.
    let mut pair = met();
    let judged = Judged {
        run: 1,
        no: 1,
        to: None,
        wanted: vec![],
    };
    tell(&mut pair, line(3, Payload::Judged(judged)));
    assert!(!events(&pair).contains(&Event::PartnerRecovered));
}

#[test]
fn lists_follow_each_other_to_the_last_object() {
    let limits = Limits {
        list_objects: 3,
        ..Limits::default()
    };
    let (mut pair, no, first) = owing(limits);
    let ids = |list: &List| list.objects.iter().map(|o| o.0).collect::<Vec<_>>();
    assert_eq!(ids(&first), [1, 2, 3].map(id));
    assert_eq!((first.after, first.to), (None, Some(id(3))));
    let judged = |no, list: &List, wanted| {
        let judged = Judged {
            run: list.run,
            no,
            to: list.to,
            wanted,
        };
        Payload::Judged(judged)
    };
    let said = tell(&mut pair, line(3, judged(no, &first, vec![id(2)])));
    assert!(pair.ledger(NORTH).marks[&id(2)].recovery);
    let (no, second) = listed(said).expect("the next one");
    assert_eq!(ids(&second), [4, 5].map(id));
    assert_eq!((second.run, second.after), (first.run, Some(id(3))));
    assert_eq!(second.to, None);
    let said = tell(&mut pair, line(4, judged(no, &second, vec![])));
    assert!(listed(said).is_none());
    assert!(events(&pair).contains(&Event::PartnerRecovered));
}

/// By a restore alone nobody takes a new incarnation beside the one in which it starts; and it is told once, and recovered once.
#[test]
fn a_restored_server_is_recovered_once() {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(2, SOUTH));
    pair.settle();
    let backup = pair.ledger(SOUTH).snapshot();
    for value in 0..5 {
        pair.change(SOUTH, set(2, 9, value));
    }
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.live(20_000);
    pair.assert_equal();
    let count = |side: usize, event: fn(&Event) -> bool| {
        let said = pair.sides[side].said.iter();
        said.filter(|o| matches!(o, Output::Event(e) if event(e)))
            .count()
    };
    assert_eq!(count(NORTH, |e| *e == Event::PartnerRecovered), 1);
    assert_eq!(count(NORTH, |e| *e == Event::PartnerRolledBack), 1);
    assert_eq!(count(SOUTH, |e| *e == Event::RolledBack), 1);
    let new = |e: &Event| matches!(e, Event::NewIncarnation(_, NewIncarnation::UnknownEcho));
    assert_eq!((count(NORTH, new), count(SOUTH, new)), (0, 0));
}
