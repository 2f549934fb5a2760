//! HELLOs: who is answered, with which question, and who is believed.

use crate::forge::{OURS, THEIRS, advance, asks, entry, events, greet, hellos, met};
use crate::support::{NORTH, Pair, SOUTH, set, user};
use domain::{Incarnation, ServerId};
use gr_proto::{Event, Hello, Input, Limits, NewIncarnation, PartnerState};
use ledger::Known;

/// A HELLO that answers nothing that was asked.
fn echoing(challenge: Option<u64>) -> Hello {
    Hello {
        challenge,
        echo: Some(12_345),
        ..asks(70)
    }
}

#[test]
fn a_reply_that_was_meant_for_an_incarnation_that_is_over_is_not_answered() {
    let stranger = Incarnation(88);
    for (to, what, answers) in [
        (Incarnation(0), asks(70), 1),
        (OURS, asks(70), 1),
        (Incarnation(999), asks(70), 1),
        (Incarnation(0), echoing(Some(70)), 1),
        (OURS, echoing(Some(70)), 1),
        (OURS, echoing(None), 1),
        (Incarnation(999), echoing(Some(70)), 0),
    ] {
        let mut pair = Pair::strangers();
        pair.tick(NORTH);
        let answered = greet(&mut pair, stranger, to, what.clone());
        assert_eq!(answered.len(), answers, "to {to:?}: {what:?}");
        assert!(answered.iter().all(|answer| answer.challenge.is_some()));
    }
}

#[test]
fn a_stranger_is_not_answered_nor_one_of_whom_no_level_is_spoken_here() {
    let mut pair = Pair::strangers();
    pair.tick(NORTH);
    let other = Hello {
        server: ServerId(999),
        ..asks(70)
    };
    assert!(greet(&mut pair, THEIRS, Incarnation(0), other).is_empty());
    assert!(events(&pair).contains(&Event::Stranger(ServerId(999))));
    for (levels, spoken) in [
        ((1, 1), true),
        ((0, 1), true),
        ((1, 5), true),
        ((0, 0), false),
        ((2, 3), false),
    ] {
        let hello = Hello { levels, ..asks(70) };
        let answered = greet(&mut pair, THEIRS, Incarnation(0), hello);
        assert_eq!(answered.len() == 1, spoken);
        let none = Event::NoCommonLevel(levels.0, levels.1);
        assert_eq!(events(&pair).contains(&none), !spoken);
    }
}

/// One question at a time, and one for all, as long as its answer would prove that somebody lives.
#[test]
fn the_same_is_asked_until_its_answer_would_prove_nothing() {
    let mut pair = Pair::strangers();
    pair.tick(NORTH);
    let first = hellos(&mut pair)[0].challenge;
    for _ in 0..122 {
        advance(&mut pair, 500);
        // A stranger may be about to answer it.
        assert!(hellos(&mut pair).iter().all(|h| h.challenge == first));
    }
    let mut asked = |from: u64, ms: u64| {
        advance(&mut pair, ms);
        greet(&mut pair, Incarnation(from), Incarnation(0), asks(70))[0].challenge
    };
    let second = asked(81, 0);
    assert_ne!(second, first, "a minute later, and somebody else");
    assert_eq!(asked(82, 59_999), second);
    assert_ne!(asked(83, 1), second);
}

#[test]
fn the_partner_is_asked_something_else_when_an_answer_would_prove_nothing() {
    let mut pair = met();
    advance(&mut pair, 60_000);
    let first = hellos(&mut pair)[0].challenge;
    advance(&mut pair, 59_999);
    assert_eq!(hellos(&mut pair)[0].challenge, first);
    advance(&mut pair, 15_000);
    assert_ne!(hellos(&mut pair)[0].challenge, first);
}

/// The answer lay in a queue for more than a minute: it proves too little, but somebody is there.
#[test]
fn who_answers_late_is_asked_again_at_once() {
    let mut pair = Pair::strangers();
    pair.tick(NORTH);
    let first = hellos(&mut pair)[0].challenge;
    for _ in 0..122 {
        advance(&mut pair, 500);
    }
    let late = Hello {
        echo: first,
        ..asks(70)
    };
    let said = greet(&mut pair, THEIRS, OURS, late);
    assert_eq!(said.len(), 2);
    assert_eq!((said[0].echo, said[0].challenge), (Some(70), None));
    assert!(said[1].challenge.is_some() && said[1].challenge != first);
    assert_eq!(pair.state(NORTH), PartnerState::Unknown);
}

#[test]
fn a_question_gets_one_answer_and_no_probe_beside_it() {
    let mut pair = Pair::strangers();
    pair.tick(NORTH);
    advance(&mut pair, 100);
    assert_eq!(greet(&mut pair, THEIRS, Incarnation(0), asks(70)).len(), 1);
    assert_eq!(greet(&mut pair, THEIRS, OURS, echoing(Some(71))).len(), 1);
}

/// In a session a question is answered, and with a question only if the partner is not proven to be alive; an answer is not.
#[test]
fn hellos_of_a_partner_come_to_an_end() {
    let mut pair = met();
    let said = |pair: &mut Pair, what: Hello| {
        let said = greet(pair, THEIRS, OURS, what);
        let asked = said.iter().map(|h| (h.echo, h.challenge.is_some()));
        asked.collect::<Vec<_>>()
    };
    assert_eq!(said(&mut pair, asks(71)), [(Some(71), false)]);
    assert_eq!(said(&mut pair, echoing(None)), []);
    pair.transact(NORTH, &[], vec![Input::LinkDown]);
    assert_eq!(pair.state(NORTH), PartnerState::Unknown);
    assert_eq!(said(&mut pair, asks(72)), [(Some(72), true)]);
    assert_eq!(said(&mut pair, echoing(Some(73))), [(Some(73), false)]);
}

/// Only the partner is believed, and what it knew is judged once.
#[test]
fn what_somebody_else_knows_and_what_is_said_again_is_not_judged() {
    let mut pair = met();
    let incarnation = pair.sides[NORTH].engine.view().incarnation();
    let knowing = Hello {
        known: Some(Known {
            incarnation: Incarnation(99),
            csn: 50,
            id: 5,
        }),
        ..asks(70)
    };
    greet(&mut pair, THEIRS, OURS, knowing.clone());
    greet(&mut pair, Incarnation(88), OURS, knowing.clone());
    assert!(!events(&pair).contains(&Event::RolledBack));
    assert_eq!(pair.sides[NORTH].engine.view().incarnation(), incarnation);
    // Nor is somebody who has not proven yet that it lives.
    let mut pair = Pair::strangers();
    greet(&mut pair, THEIRS, Incarnation(0), knowing);
    assert!(!events(&pair).contains(&Event::RolledBack));
}

#[test]
fn a_stranger_is_told_what_is_known_now_and_the_partner_what_was_known_before() {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(1, SOUTH));
    pair.settle();
    let known = pair.ledger(NORTH).state.known;
    let south = pair.sides[SOUTH].engine.view().incarnation();
    assert_eq!(known.map(|known| known.incarnation), Some(south));
    let told = greet(&mut pair, Incarnation(88), Incarnation(0), asks(70));
    assert_eq!(told[0].known, known);
    let told = greet(&mut pair, south, OURS, asks(71));
    assert_eq!(told[0].known, None);
}

/// The restored server says nothing by itself: it is told by the one that looks for it.
#[test]
fn a_restored_server_hears_what_was_known_of_it_from_whoever_begins() {
    let mut pair = Pair::running();
    pair.change(SOUTH, user(1, SOUTH));
    pair.settle();
    let backup = pair.ledger(SOUTH).snapshot();
    pair.change(SOUTH, set(1, 9, 1));
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    pair.restart(SOUTH);
    pair.take(NORTH);
    advance(&mut pair, 61_000);
    pair.settle();
    let rolled_back = gr_proto::Output::Event(Event::RolledBack);
    assert!(pair.sides[SOUTH].said.contains(&rolled_back));
    pair.live(5_000);
    pair.assert_equal();
}

#[test]
fn an_incarnation_that_meets_nobody_and_changes_nothing_leaves_no_trace() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.live(20_000);
    let incarnations: Vec<_> = pair.ledger(NORTH).history.clone();
    assert_eq!(incarnations.len(), 1, "one incarnation, entered once");
    pair.restart(NORTH);
    for _ in 0..5 {
        advance(&mut pair, 1_000);
    }
    assert_eq!(pair.ledger(NORTH).history, incarnations);
    assert!(
        pair.ledger(NORTH).marks.is_empty(),
        "nothing to be sent anew"
    );
    pair.settle();
    assert_eq!(pair.ledger(NORTH).history.len(), 2, "it was met");
    // Nor is it missed, if it was met and changed nothing.
    pair.restart(NORTH);
    pair.tick(NORTH);
    pair.settle();
    assert!((0..2).all(|side| !pair.ledger(side).state.rolled_back));
    let found = gr_proto::Output::Event(Event::PartnerRolledBack);
    assert!(!pair.sides[SOUTH].said.contains(&found));
}

/// It is where the past forks if a backup is restored.
#[test]
fn an_incarnation_that_changes_something_is_entered_even_if_nobody_ever_hears_of_it() {
    let mut pair = Pair::running();
    pair.restart(NORTH);
    pair.change(NORTH, user(1, NORTH));
    pair.take(NORTH);
    pair.restart(NORTH);
    pair.change(NORTH, user(2, NORTH));
    let incarnations = &pair.ledger(NORTH).history;
    let began: Vec<_> = incarnations.iter().map(|entry| entry.csn).collect();
    assert_eq!(began, [0, 0, 1]);
}

#[test]
fn a_hello_tells_of_so_many_incarnations_and_whether_there_were_more() {
    let limits = Limits {
        history_in_hello: 2,
        ..Limits::default()
    };
    for (incarnations, cut) in [(2, false), (3, true)] {
        let mut pair = Pair::strangers_with(limits);
        let all: Vec<_> = (0..incarnations).map(|n| entry(50 + n, n)).collect();
        pair.ledger(NORTH).history = all.clone();
        pair.tick(NORTH);
        let told = hellos(&mut pair).remove(0);
        assert_eq!(told.history[..], all[all.len() - 2..]);
        assert_eq!(told.cut, cut);
    }
}

/// So many of its own numbers a server remembers without an acknowledgement.
#[test]
fn more_numbers_than_can_be_remembered_begin_a_new_incarnation() {
    let limits = Limits {
        unsettled: 4,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    let mut last = 1;
    for _ in 0..8 {
        pair.wait(15_000);
        let said = pair.sides[NORTH].out.iter().map(|m| m.header);
        let said = said.filter(|header| header.from == OURS);
        last = said.map(|header| header.no).fold(last, u64::max);
        pair.settle();
    }
    assert_eq!(last, 5, "one more than can be remembered");
    let new = |e: &Event| matches!(e, Event::NewIncarnation(_, NewIncarnation::Unsettled));
    assert!(events(&pair).iter().any(new));
}

/// The first thing that a server ever said is lost with its memory; its partner has it.
#[test]
fn the_unconfirmed_begins_with_the_first_thing_that_was_ever_said() {
    let mut pair = Pair::running();
    let engine = pair.sides[NORTH].engine.clone();
    let ledger = pair.ledger(NORTH).clone();
    assert_eq!(ledger.state.csn, 0);
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    (pair.sides[NORTH].engine, pair.sides[NORTH].ledger) = (engine, ledger);
    pair.sides[NORTH].engine.reseed(77);
    let changes: Vec<_> = (10..15).map(|n| user(n, NORTH)).collect();
    pair.transact(NORTH, &changes, vec![]);
    pair.take(NORTH);
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.live(10_000);
    assert!(events(&pair).contains(&Event::RolledBack));
    pair.assert_equal();
    assert_eq!(pair.ledger(NORTH).objects.len(), 6);
}

/// Of two that are restored or started anew, only the one that lost something is taken for having gone back.
#[test]
fn who_was_not_restored_is_not_taken_for_having_gone_back() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let backup = pair.ledger(SOUTH).snapshot();
    for value in 0..5 {
        pair.change(NORTH, set(1, 9, value));
        pair.settle();
    }
    pair.restart(NORTH);
    pair.tick(NORTH);
    pair.settle();
    pair.change(NORTH, set(1, 9, 9));
    pair.settle();
    pair.sides[SOUTH].ledger = backup;
    pair.restart(SOUTH);
    pair.restart(NORTH);
    pair.tick(SOUTH);
    pair.tick(NORTH);
    pair.live(5_000);
    pair.assert_equal();
    let back = |e: &Event| matches!(e, Event::RolledBack | Event::MayHaveRolledBack);
    assert!(!events(&pair).iter().any(back));
}

#[test]
fn who_heard_everything_and_begins_anew_leaves_the_other_its_incarnation() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.restart(SOUTH);
    pair.tick(SOUTH);
    pair.settle();
    assert_eq!(pair.sides[NORTH].engine.view().incarnation(), OURS);
}
