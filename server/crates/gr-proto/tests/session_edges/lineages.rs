//! Who went back in time: what a HELLO tells of incarnations, and what the unconfirmed log remembers of what was said.

use crate::forge::{OURS, THEIRS, asks, at_csn, data, entry, events, good, meet, tell};
use crate::support::{NORTH, Pair, SOUTH, server};
use domain::Incarnation;
use gr_proto::limits::HISTORY_IN_HELLO_MAX;
use gr_proto::{Event, Hello, NewIncarnation};
use ledger::{HistoryEntry, Known, SentRecord};

const fn known(incarnation: u64, csn: u64, id: u64) -> Option<Known> {
    let incarnation = Incarnation(incarnation);
    Some(Known {
        incarnation,
        csn,
        id,
    })
}

/// A north that knew this of the south.
fn knowing(knew: Option<Known>) -> Pair {
    let mut pair = Pair::strangers();
    let state = &mut pair.ledger(NORTH).state;
    state.partner = Some(server(SOUTH));
    state.known_of = Some(server(SOUTH));
    state.known = knew;
    pair
}

/// The same, and it meets an incarnation that tells this of itself.
fn met_knowing(knew: Option<Known>, history: Vec<HistoryEntry>, cut: bool) -> Pair {
    let mut pair = knowing(knew);
    let what = Hello {
        history,
        cut,
        ..asks(0)
    };
    meet(&mut pair, THEIRS, what);
    pair
}

/// What comes of it: whether the south is said to have gone back, and what is known of it from then on.
fn comes_of(history: Vec<HistoryEntry>, cut: bool) -> (bool, Option<Known>) {
    let mut pair = met_knowing(known(60, 9, 5), history, cut);
    let back = events(&pair).contains(&Event::PartnerRolledBack);
    let state = &pair.ledger(NORTH).state;
    assert_eq!(state.partner_rolled_back, back);
    (back, state.known)
}

#[test]
fn what_is_known_of_a_partner_has_to_be_part_of_its_past() {
    let present = known(THEIRS.0, 9, 0);
    let incarnation = |csn| entry(THEIRS.0, csn);
    assert_eq!(
        comes_of(vec![entry(60, 0), incarnation(9)], false),
        (false, known(60, 9, 5)),
        "what the south may not have said is kept until it has judged that"
    );
    let earlier = known(THEIRS.0, 8, 0);
    assert_eq!(
        comes_of(vec![entry(60, 0), incarnation(8)], false),
        (true, earlier)
    );
    assert_eq!(comes_of(vec![incarnation(9)], false), (true, present));
    // With incarnations that are not told of; and told of nevertheless.
    assert_eq!(
        comes_of(vec![incarnation(9)], true),
        (false, known(60, 9, 5))
    );
    assert_eq!(
        comes_of(vec![entry(60, 0), incarnation(8)], true),
        (true, earlier)
    );
}

/// A server of an earlier version does not say that there were more; it tells of no more than so many.
#[test]
fn who_tells_of_as_many_incarnations_as_can_be_told_may_have_had_more() {
    let many = |count: usize| -> Vec<_> {
        let others = (1..count as u64).map(|n| entry(1_000 + n, n));
        others.chain([entry(THEIRS.0, 900)]).collect()
    };
    let untold = (false, known(60, 9, 5));
    assert_eq!(comes_of(many(HISTORY_IN_HELLO_MAX), false), untold);
    assert!(comes_of(many(HISTORY_IN_HELLO_MAX - 1), false).0);
}

#[test]
fn who_says_that_it_rolled_back_is_believed() {
    let mut pair = Pair::strangers();
    let back = Hello {
        rolled_back: true,
        ..asks(0)
    };
    meet(&mut pair, THEIRS, back);
    assert!(events(&pair).contains(&Event::PartnerRolledBack));
    assert!(pair.ledger(NORTH).state.partner_rolled_back);
}

#[test]
fn what_is_known_of_an_incarnation_stays_known_when_it_is_met_again() {
    let knew = known(THEIRS.0, 9, 5);
    let mut pair = met_knowing(knew, vec![entry(THEIRS.0, 0)], false);
    assert_eq!(pair.ledger(NORTH).state.known, knew);
    // Also of one that went back in time: what it has said is the witness of what it may have lost.
    let mut pair = knowing(knew);
    let back = Hello {
        rolled_back: true,
        ..asks(0)
    };
    meet(&mut pair, THEIRS, back);
    assert!(events(&pair).contains(&Event::PartnerRolledBack));
    assert_eq!(pair.ledger(NORTH).state.known, knew);
    // Of one that was met, and has said nothing that bears witness, nothing is kept when another is met.
    let both = vec![entry(60, 0), entry(THEIRS.0, 9)];
    let mut pair = met_knowing(known(60, 9, 0), both, false);
    assert_eq!(pair.ledger(NORTH).state.known, known(THEIRS.0, 9, 0));
    // Unless it may be part of a past that the other does not tell of.
    let mut pair = met_knowing(known(60, 9, 0), vec![entry(THEIRS.0, 9)], true);
    assert_eq!(pair.ledger(NORTH).state.known, known(60, 9, 0));
    // What is said in a new incarnation counts more than whatever was known of an older one.
    let mut pair = met_knowing(known(60, 1_000, 5), vec![entry(THEIRS.0, 9)], true);
    tell(&mut pair, at_csn(9, data(1, vec![good(1)])));
    let known = pair.ledger(NORTH).state.known;
    assert_eq!(known.map(|known| known.incarnation), Some(THEIRS));
}

/// A north in its second incarnation, which was born at CSN 20; its first one said these things and is here again.
#[derive(Clone)]
struct Past {
    unconfirmed: &'static [(u64, u64)],
    from: Option<u64>,
    gap: u64,
    rolled_back: bool,
}

const PAST: Past = Past {
    unconfirmed: &[(10, 1), (15, 2)],
    from: Some(10),
    gap: 0,
    rolled_back: false,
};

#[derive(Debug, PartialEq, Eq)]
enum Judged {
    Sound,
    Back,
    Perhaps,
}

/// What it thinks of itself when its partner knows this of it; and whether it takes a new incarnation.
fn judges(past: &Past, knows: Option<Known>) -> (Judged, bool) {
    let mut pair = Pair::strangers();
    let north = pair.ledger(NORTH);
    north.history = vec![entry(50, 0)];
    let state = &mut north.state;
    state.partner = Some(server(SOUTH));
    state.known_of = Some(server(SOUTH));
    state.csn = 20;
    let said = past
        .unconfirmed
        .iter()
        .map(|&(csn, id)| SentRecord { csn, id });
    state.unconfirmed = said.collect();
    (state.unconfirmed_from, state.unconfirmed_gap) = (past.from, past.gap);
    state.rolled_back = past.rolled_back;
    let what = Hello {
        known: knows,
        ..asks(0)
    };
    meet(&mut pair, THEIRS, what);
    let events = events(&pair);
    let judged = match events.contains(&Event::RolledBack) {
        true => Judged::Back,
        false if events.contains(&Event::MayHaveRolledBack) => Judged::Perhaps,
        false => Judged::Sound,
    };
    if judged != Judged::Sound {
        assert!(pair.ledger(NORTH).state.rolled_back);
    }
    let new = |e: &Event| matches!(e, Event::NewIncarnation(_, NewIncarnation::UnknownEcho));
    (judged, events.iter().any(new))
}

#[test]
fn what_the_partner_knows_has_to_be_part_of_the_past() {
    let judged = |incarnation, csn, id| judges(&PAST, known(incarnation, csn, id));
    assert_eq!(judges(&PAST, None), (Judged::Sound, false));
    // Incarnations: the present one began at 20.
    assert_eq!(judged(50, 20, 0), (Judged::Sound, false));
    assert_eq!(judged(50, 21, 0), (Judged::Back, false));
    assert_eq!(judged(99, 1, 0), (Judged::Back, false));
    // The unconfirmed log, which tells of everything from 10 on.
    assert_eq!(judged(50, 10, 1), (Judged::Sound, false));
    assert_eq!(judged(50, 15, 2), (Judged::Sound, false));
    assert_eq!(judged(50, 9, 7), (Judged::Sound, false));
    assert_eq!(judged(50, 10, 7), (Judged::Back, false));
    assert_eq!(judged(50, 12, 9), (Judged::Back, false));
    assert_eq!(judged(50, 15, 1), (Judged::Back, false));
}

#[test]
fn another_branch_of_the_very_same_incarnation_shows_too() {
    let judged = |csn, id| judges(&PAST, known(OURS.0, csn, id));
    assert_eq!(judged(20, 0), (Judged::Sound, false));
    assert_eq!(judged(15, 2), (Judged::Sound, false));
    assert_eq!(judged(20, 7), (Judged::Back, true));
    // What it will say is not known to it yet, whatever it remembers of what it said.
    let blank = Past {
        unconfirmed: &[],
        from: None,
        ..PAST
    };
    assert!(judges(&blank, known(OURS.0, 21, 7)).1);
    assert!(judges(&PAST, known(OURS.0, 21, 7)).1);
}

#[test]
fn what_the_unconfirmed_could_not_hold_leaves_a_doubt() {
    let past = Past { gap: 12, ..PAST };
    let judged = |csn, id| judges(&past, known(50, csn, id)).0;
    assert_eq!(judged(11, 9), Judged::Perhaps);
    assert_eq!(judged(12, 9), Judged::Perhaps);
    assert_eq!(judged(13, 9), Judged::Back);
    assert_eq!(judged(9, 9), Judged::Sound);
    assert_eq!(judged(10, 1), Judged::Sound);
}

/// From a version that did not write down from when on.
#[test]
fn a_unconfirmed_without_a_beginning_tells_from_its_first_entry_on() {
    let past = Past { from: None, ..PAST };
    assert_eq!(judges(&past, known(50, 9, 7)).0, Judged::Sound);
    assert_eq!(judges(&past, known(50, 10, 7)).0, Judged::Back);
    let blank = Past {
        unconfirmed: &[],
        ..past
    };
    assert_eq!(judges(&blank, known(50, 10, 7)).0, Judged::Sound);
}

#[test]
fn who_is_being_recovered_does_not_go_back_once_more() {
    let past = Past {
        rolled_back: true,
        ..PAST
    };
    assert_eq!(judges(&past, known(50, 21, 0)), (Judged::Sound, false));
    assert_eq!(judges(&past, known(OURS.0, 15, 1)), (Judged::Sound, false));
}

/// Nothing was written down when it was said; so nothing is claimed to be.
#[test]
fn an_empty_unconfirmed_claims_to_tell_of_nothing() {
    let mut pair = Pair::strangers();
    let state = &mut pair.ledger(NORTH).state;
    state.csn = 20;
    state.partner = Some(server(SOUTH));
    pair.tick(NORTH);
    pair.settle();
    pair.live(40_000);
    assert_eq!(pair.ledger(NORTH).state.unconfirmed_from, None);
}
