//! Stories of machines that were wound back in flight.

mod support;

use gr_proto::{Event, Limits, NewIncarnation, Output};
use support::*;

fn said(pair: &Pair, side: usize, event: Event) -> bool {
    pair.sides[side].said.contains(&Output::Event(event))
}

/// The north makes a user, and a snapshot is taken of it; it makes another, which both have; and then it is resumed from the snapshot.
fn wind_north_back(pair: &mut Pair) {
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.reseed(77);
    *pair.ledger(NORTH) = ledger;
}

/// It works alone until its CSNs are past those that its partner knows.
fn work_alone(pair: &mut Pair) {
    for value in 0..20 {
        pair.change(NORTH, set(1, 9, value));
    }
}

fn assert_what_it_lost_is_back(pair: &Pair) {
    let north = &pair.sides[NORTH].ledger;
    assert!(north.objects.contains_key(&id(2)), "what it lost is back");
    pair.assert_equal();
}

#[test]
fn a_server_that_was_wound_back_in_flight_is_found_out() {
    let mut pair = Pair::running();
    wind_north_back(&mut pair);
    work_alone(&mut pair);
    pair.live(60_000);
    // Whoever notices first says so.
    let noticed = |output: &Output| {
        use gr_proto::Event::{PartnerRolledBack, RolledBack};
        matches!(output, Output::Event(RolledBack | PartnerRolledBack))
    };
    let mut said = pair.sides.iter().flat_map(|side| &side.said);
    assert!(said.any(noticed));
    assert_what_it_lost_is_back(&pair);
}

#[test]
fn a_server_that_was_wound_back_and_restarted_is_found_out() {
    let mut pair = Pair::running();
    wind_north_back(&mut pair);
    work_alone(&mut pair);
    // Before anybody is heard, the machine and its partner start anew. Only the ledger remembers what was said.
    pair.restart(NORTH);
    pair.restart(SOUTH);
    pair.live(60_000);
    assert_what_it_lost_is_back(&pair);
}

/// As above; and the machine starts once more after its partner has met it, and before it has heard what its partner knows.
#[test]
fn what_only_the_partner_can_judge_is_kept_until_it_has() {
    let mut pair = Pair::running();
    wind_north_back(&mut pair);
    work_alone(&mut pair);
    pair.restart(NORTH);
    pair.restart(SOUTH);
    pair.sides[SOUTH].said.clear();
    pair.wait(1_000);
    pair.take(NORTH);
    pair.carry(SOUTH);
    pair.carry(NORTH);
    let met = |output: &Output| matches!(output, Output::Event(Event::SessionBegan(_)));
    assert!(pair.sides[SOUTH].said.iter().any(met));
    pair.take(SOUTH);
    pair.restart(NORTH);
    pair.live(60_000);
    assert_what_it_lost_is_back(&pair);
}

/// A machine that was wound back is heard of again when it has reused its numbers unheard: it has seen less than it had.
#[test]
fn who_has_seen_less_than_it_had_was_wound_back() {
    let mut pair = Pair::running();
    let (engine, ledger) = (pair.sides[SOUTH].engine.clone(), pair.ledger(SOUTH).clone());
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.sides[SOUTH].engine = engine;
    pair.sides[SOUTH].engine.reseed(77);
    *pair.ledger(SOUTH) = ledger;
    for _ in 0..2 {
        pair.wait(15_000);
        pair.take(SOUTH);
        pair.take(NORTH);
    }
    pair.wait(15_000);
    pair.take(NORTH);
    pair.carry(SOUTH);
    assert!(said(&pair, NORTH, Event::PartnerRolledBack));
    pair.live(60_000);
    assert!(
        pair.ledger(SOUTH).objects.contains_key(&id(1)),
        "what it lost is back"
    );
    pair.assert_equal();
}

/// A machine that was wound back says something else under a number that it had used.
#[test]
fn two_messages_under_one_number_are_of_two_pasts() {
    let mut pair = Pair::running();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(1, NORTH));
    pair.carry(NORTH);
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.reseed(77);
    *pair.ledger(NORTH) = ledger;
    pair.change(NORTH, user(2, NORTH));
    pair.carry(NORTH);
    assert!(said(&pair, SOUTH, Event::PartnerRolledBack));
    assert!(pair.ledger(SOUTH).state.partner_rolled_back);
    pair.settle();
    assert!(
        [1, 2]
            .iter()
            .all(|n| pair.ledger(NORTH).objects.contains_key(&id(*n)))
    );
    pair.assert_equal();
}

/// As above; but the partner never hears what the machine says under the number that it had used, and the machine starts anew before it
/// hears of anything: the newest that its partner knows of it is of the branch that goes on.
#[test]
fn a_message_that_is_lost_is_known_by_the_next_one() {
    let mut pair = Pair::running();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(1, NORTH));
    pair.carry(NORTH);
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.reseed(77);
    *pair.ledger(NORTH) = ledger;
    pair.take(SOUTH);
    pair.change(NORTH, user(2, NORTH));
    pair.take(NORTH);
    pair.change(NORTH, user(3, NORTH));
    pair.carry(NORTH);
    assert!(said(&pair, SOUTH, Event::PartnerRolledBack));
    pair.take(SOUTH);
    pair.restart(NORTH);
    pair.live(60_000);
    assert_all_three_are_on_both(&pair);
}

/// The same, and the message of the branch that ended comes last of all.
#[test]
fn a_message_that_is_late_is_known_by_the_one_that_overtook_it() {
    let mut pair = Pair::running();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(1, NORTH));
    let late = pair.take(NORTH);
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.reseed(77);
    *pair.ledger(NORTH) = ledger;
    pair.change(NORTH, user(2, NORTH));
    pair.take(NORTH);
    pair.change(NORTH, user(3, NORTH));
    pair.carry(NORTH);
    assert!(!said(&pair, SOUTH, Event::PartnerRolledBack));
    for message in late {
        pair.give(SOUTH, message);
    }
    assert!(said(&pair, SOUTH, Event::PartnerRolledBack));
}

fn assert_all_three_are_on_both(pair: &Pair) {
    for side in [NORTH, SOUTH] {
        let objects = &pair.sides[side].ledger.objects;
        assert!([1, 2, 3].iter().all(|n| objects.contains_key(&id(*n))));
    }
    pair.assert_equal();
}

/// As above; and after the snapshot the machine says more than it remembers before its partner is back.
#[test]
fn a_server_that_was_wound_back_and_says_much_is_found_out() {
    let limits = Limits {
        unconfirmed: 2,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    wind_north_back(&mut pair);
    for value in 0..20 {
        pair.change(NORTH, set(1, 9, value));
        pair.wait(2_000);
        pair.tick(NORTH);
    }
    pair.take(NORTH);
    pair.restart(SOUTH);
    pair.live(60_000);
    assert!(said(&pair, NORTH, Event::MayHaveRolledBack));
    assert_what_it_lost_is_back(&pair);
}

/// To be in doubt costs a comparison, and nothing else.
#[test]
fn a_server_that_only_said_much_loses_nothing_by_the_doubt() {
    let limits = Limits {
        unconfirmed: 2,
        ..Limits::default()
    };
    let mut pair = Pair::running_with(limits);
    pair.change(NORTH, user(1, NORTH));
    pair.change(SOUTH, user(2, SOUTH));
    pair.settle();
    // What the partner says is lost, and then it starts anew.
    for value in 0..6 {
        pair.change(NORTH, set(1, 9, value));
        pair.wait(2_000);
        pair.tick(NORTH);
        for message in pair.take(NORTH) {
            pair.give(SOUTH, message);
        }
        pair.take(SOUTH);
    }
    pair.change(SOUTH, delete(2));
    pair.change(SOUTH, user(3, SOUTH));
    pair.restart(SOUTH);
    pair.live(60_000);
    assert!(said(&pair, NORTH, Event::MayHaveRolledBack));
    assert!(!said(&pair, NORTH, Event::RolledBack));
    assert!(!pair.ledger(NORTH).objects.contains_key(&id(2)));
    assert!(pair.ledger(NORTH).objects.contains_key(&id(3)));
    assert!(!pair.ledger(NORTH).state.rolled_back && !pair.ledger(SOUTH).state.partner_rolled_back);
    pair.assert_equal();
}

/// A copied machine at the same address: now one of the two answers, now the other.
#[test]
fn a_partner_that_runs_twice_is_said_to_until_one_copy_is_switched_off() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.change(SOUTH, user(2, SOUTH));
    pair.settle();
    let mut other = (
        pair.sides[SOUTH].engine.clone(),
        pair.ledger(SOUTH).snapshot(),
    );
    let twice = |pair: &Pair| pair.sides[NORTH].engine.view().status().runs_twice;
    let mut seen = false;
    for n in 0..6_u8 {
        std::mem::swap(&mut pair.sides[SOUTH].engine, &mut other.0);
        std::mem::swap(&mut pair.sides[SOUTH].ledger, &mut other.1);
        pair.sides[SOUTH].engine.reseed(u64::from(n));
        pair.take(SOUTH);
        pair.change(SOUTH, set(2, 4, i64::from(n)));
        pair.live(150_000);
        seen |= twice(&pair);
    }
    assert!(seen, "two incarnations were heard in turn");
    let met_again = |said: &Output| {
        matches!(
            said,
            Output::Event(Event::NewIncarnation(_, NewIncarnation::MetAgain))
        )
    };
    assert!(
        pair.sides[NORTH].said.iter().any(met_again),
        "an incarnation that was left is met in a new one"
    );
    for _ in 0..60 {
        pair.wait(15_000);
        pair.settle();
    }
    assert!(!twice(&pair), "one of them is silent");
    pair.assert_equal();
    assert!(
        [1, 2]
            .iter()
            .all(|n| pair.ledger(NORTH).objects.contains_key(&id(*n)))
    );
}
