//! Stories of machines that were wound back in flight.

mod support;

use gr_proto::Output;
use support::*;

#[test]
fn a_server_that_was_wound_back_in_flight_is_found_out() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    // The machine resumes from a snapshot, and works alone until its ticks are past those that the partner knows.
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.stir(77);
    *pair.ledger(NORTH) = ledger;
    for value in 0..20 {
        pair.change(NORTH, set(1, 9, value));
    }
    pair.live(60_000);
    // Whoever notices first says so.
    let noticed = |output: &Output| {
        use gr_proto::Event::{PartnerWentBack, WentBack};
        matches!(output, Output::Event(WentBack | PartnerWentBack))
    };
    let mut said = pair.sides.iter().flat_map(|side| &side.said);
    assert!(said.any(noticed));
    assert!(
        pair.ledger(NORTH).objects.contains_key(&id(2)),
        "what it lost is back"
    );
    pair.assert_equal();
}

#[test]
fn a_server_that_was_wound_back_and_restarted_is_found_out() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let (engine, ledger) = (pair.sides[NORTH].engine.clone(), pair.ledger(NORTH).clone());
    pair.change(NORTH, user(2, NORTH));
    pair.settle();
    // As above; and before anybody is heard, the machine and its partner start anew. Only the ledger remembers what was said.
    *pair.ledger(NORTH) = ledger;
    pair.sides[NORTH].engine = engine;
    pair.sides[NORTH].engine.stir(77);
    for value in 0..20 {
        pair.change(NORTH, set(1, 9, value));
    }
    pair.restart(NORTH);
    pair.restart(SOUTH);
    pair.live(60_000);
    assert!(
        pair.ledger(NORTH).objects.contains_key(&id(2)),
        "what it lost is back"
    );
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
    let twice = |pair: &Pair| pair.sides[NORTH].engine.status().runs_twice;
    let mut seen = false;
    for n in 0..6_u8 {
        std::mem::swap(&mut pair.sides[SOUTH].engine, &mut other.0);
        std::mem::swap(&mut pair.sides[SOUTH].ledger, &mut other.1);
        pair.sides[SOUTH].engine.stir(u64::from(n));
        pair.take(SOUTH);
        pair.change(SOUTH, set(2, 4, i64::from(n)));
        pair.live(150_000);
        seen |= twice(&pair);
    }
    assert!(seen, "two lives were heard in turn");
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
