//! Thousands of histories of a GR pair, in each test run.

mod aim;
mod bounds;
mod checks;
mod dials;
mod dice;
mod faults;
mod minimise;
mod net;
mod node;
mod operators;
mod oracle;
mod outputs;
mod promises;
mod quiet;
mod repair;
#[cfg(feature = "rule-switches")]
mod rules;
mod run;
mod sometimes;
mod store;
mod transaction;
mod twins;
mod users;
mod wear;
mod wide;
mod witness;
mod world;

use world::Options;

/// Histories of one test run. More: `cargo run --release -p tests --bin gr-sim -- --minutes 5`.
const HISTORIES: u64 = 20_000;
/// Each fault and each state must have been reached so often in them.
const REACHED_MIN: u64 = 5;

#[test]
fn no_history_loses_doubles_or_revives_anything() {
    let found = run::all(0..HISTORIES, &Options::default(), None);
    if let Some((seed, failure)) = found.failures.into_iter().next() {
        let smallest = minimise::minimise(seed, &Options::default());
        panic!(
            "{}\nseed {seed} breaks `{}`: {}\nits story: cargo run --release -p tests --bin gr-sim -- --seed {seed} --story",
            smallest
                .map(|smallest| smallest.story())
                .unwrap_or_default(),
            failure.check,
            failure.found
        );
    }
    assert!(found.histories >= HISTORIES);
    let rare = found.counters.rarer_than(REACHED_MIN);
    assert!(
        rare.is_empty(),
        "these faults and states were not reached: {rare:?}\n{}",
        found.counters
    );
}

#[test]
fn the_same_seed_has_the_same_trace_and_another_seed_another() {
    let traces = |seeds: std::ops::Range<u64>| {
        seeds
            .map(|seed| world::run(seed, &Options::default()).trace)
            .collect::<Vec<_>>()
    };
    assert_eq!(traces(100..140), traces(100..140));
    assert_ne!(traces(100..101), traces(101..102));
}

#[test]
fn a_story_is_told_without_changing_it() {
    let silent = world::run(7, &Options::default());
    let told = world::run(
        7,
        &Options {
            story: true,
            ..Options::default()
        },
    );
    assert_eq!(silent.trace, told.trace);
    assert!(silent.story.is_empty() && told.story.len() > 10);
}

/// E3 broken in the driver: what leaves before the commit is a lie if the commit is lost.
#[test]
fn a_history_that_fails_is_made_small_and_told() {
    let broken = Options {
        leave_early: true,
        ..Options::default()
    };
    let seed = (0..200)
        .find(|seed| world::run(*seed, &broken).result.is_err())
        .expect("one of them fails");
    let whole = world::run(seed, &broken).result.expect_err("it fails");
    let small = minimise::minimise(seed, &broken).expect("it fails");
    assert_eq!(small.failure.check, whole.check);
    assert!(small.left.0 * 4 < small.left.1, "{:?}", small.left);
    let story = small.story();
    assert!(story.contains("crashes"), "a crash is needed:\n{story}");
    let again = minimise::minimise(seed, &broken).expect("it fails");
    assert_eq!((again.tried, again.story()), (small.tried, story));
}
