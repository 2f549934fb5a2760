//! Thousands of histories of a GR pair, in each test run.

mod aim;
mod answers;
mod at_rest;
mod bounds;
mod checks;
mod dials;
mod dice;
mod faults;
mod group;
mod minimise;
mod net;
mod node;
mod on_disk;
mod operators;
mod oracle;
mod outputs;
mod process;
mod promises;
mod quiet;
mod repair;
#[cfg(feature = "rule-switches")]
mod rules;
mod run;
mod slow;
mod sometimes;
mod store;
mod twins;
mod users;
mod wear;
mod wide;
mod witness;
mod world;

use oracle::Failure;
use std::io::Write;
use world::Options;

/// A history is a million small allocations; the system's allocator would take a tenth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fresh histories of one test run, from a random place. More: `cargo run --release -p tests --bin gr-sim -- --minutes 5`.
const HISTORIES: u64 = 20_000;
/// Fresh histories of one test run on real stores, whose disks fail. More: `gr-sim --random 2000 --disk`.
const DISK_HISTORIES: u64 = 400;
/// Each fault and each state must have been reached so often in them.
const REACHED_MIN: u64 = 1;

/// Histories that once broke a promise: seed, whether without what only widened histories have, and why.
const REGRESSIONS: &[(u64, bool, &str)] = &[
    (
        50008562,
        true,
        "a resumed machine did not see that it went back: an empty unconfirmed log confirmed everything",
    ),
    (52001789, true, "the same"),
    (54005644, true, "the same"),
    (56004388, true, "the same"),
    (
        51011168,
        true,
        "two incarnations met twice: a late list of their first session was judged in the second",
    ),
    (
        58008187,
        true,
        "a resync took a user away, and left contents at its home that had come before it",
    ),
    (
        60003913,
        true,
        "what is refused for good is tried again, also while a rebuild is stopped: not a fault",
    ),
    (
        1353,
        false,
        "a clock that leapt by days emptied what is kept for a week",
    ),
    (1914, false, "the same"),
    (
        7_015_391_472_608_543,
        false,
        "a row that came back stayed older than the partner's",
    ),
    (
        7_015_391_472_652_237,
        false,
        "what only the partner could judge was forgotten in a crash",
    ),
    (
        7_015_391_472_615_678,
        false,
        "incarnations were forgotten before the partner had met the present one",
    ),
    (
        7_015_395_042_013_082,
        false,
        "a server without a partner hands nothing over: not a fault",
    ),
    (
        7_015_396_335_899_865,
        false,
        "what the partner had lost went with the other's disk: not a fault",
    ),
    (
        7_015_404_427_104_310,
        false,
        "what belongs to a user that is refused for good is tried again: not a fault",
    ),
    (
        7_015_410_333_385_141,
        false,
        "what was nobody's any more was left out of comparisons",
    ),
    (
        7_015_407_041_360_613,
        false,
        "a resumed machine said more than its unconfirmed log holds, and nobody could tell",
    ),
    (
        7_015_427_664_516_387,
        false,
        "a resumed machine had seen less than it had said before, and nobody compared",
    ),
    (
        7_015_427_664_500_923,
        false,
        "what an abandoned branch acknowledged was asked of the other: not a fault",
    ),
    (
        7_015_435_446_832_377,
        false,
        "a piece was sent again and again, because every answer came late",
    ),
    (
        7_015_435_446_792_160,
        false,
        "with short timers a slow partner is unknown for a while: not a fault",
    ),
    (
        61_034,
        true,
        "a partner that was asked twice counted for the deletion guard twice",
    ),
    (
        7_015_460_705_244_382,
        false,
        "a task that compared anew had a new deletion guard",
    ),
    (
        7_015_469_629_326_282,
        false,
        "what had come after a message left was taken for on its way",
    ),
    (
        1_398_000_263,
        false,
        "accepted messages were lost; it holds since one of the mends for recovery, which one is not known",
    ),
    (
        7_015_491_756_154_733,
        false,
        "what only the partner can judge was forgotten when it was met, and it started anew",
    ),
    (
        7_015_491_756_146_005,
        false,
        "a backup of a branch that was left meant other changes by the same numbers: not a fault",
    ),
    (
        7_015_510_362_069_379,
        false,
        "a resumed machine was taken for one that knew what had been lost since its snapshot: not a fault",
    ),
    (
        1_248_002_992,
        false,
        "the two held different things; it holds since one of the mends for recovery, which one is not known",
    ),
    (
        7_015_539_324_509_192,
        false,
        "the caller of a write whose savepoint failed was told nothing",
    ),
    (
        7_015_545_393_300_679,
        false,
        "a server that had found no room put off the message that was to be fresh: not a fault",
    ),
    (
        7_015_552_205_887_234,
        false,
        "what had been put off for want of room was sent while the pair was watched for being quiet: not a fault",
    ),
    (7_015_552_205_892_642, false, "the same"),
    (
        7_015_580_654_753_244,
        false,
        "a way was cut again, and what it had carried between the cuts arrived in the second: not a fault",
    ),
    (
        7_015_585_390_840_241,
        false,
        "a pair was looked at before a resumed machine could notice that its partner spoke with its later incarnation: not a fault",
    ),
    (
        7_015_606_727_606_231,
        false,
        "what a resumed machine said under a used number was lost, and what it said next did not show it",
    ),
    (
        7_015_616_056_912_681,
        false,
        "pieces that arrived were counted as tries in vain when their acknowledgement was late",
    ),
    (
        7_015_643_851_580_549,
        false,
        "an incarnation of which only questions and heartbeats were heard did not count as met",
    ),
    (
        7015713014000242,
        false,
        "what a bad network had left unsettled filled a small bound while the pair was watched for being quiet: not a fault",
    ),
    (
        7015718774885410,
        false,
        "an undo brought back a GR user whose row could not be read, and its home, restored from a backup, did not hear of it",
    ),
];

/// The same with real stores on disks.
const REGRESSIONS_ON_DISK: &[(u64, &str)] = &[(
    7_015_785_493_532_581,
    "the memory beside the store did not know a body that a failed transaction had written and the store had kept: not a fault",
)];

/// Says something even if the test goes well.
fn print(line: &str) {
    // Nobody listens if it fails.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn story(seed: u64, options: &Options, failure: &Failure) -> String {
    let smallest = minimise::minimise(seed, options).map(|smallest| smallest.story());
    format!(
        "{}\nseed {seed} breaks `{}`: {}\nits story: cargo run --release -p tests --bin gr-sim -- --seed {seed}{} --story",
        smallest.unwrap_or_default(),
        failure.check,
        failure.found,
        options.flags(),
    )
}

#[test]
fn no_history_loses_doubles_or_revives_anything() {
    let first = run::random_place();
    let fresh = first..first + HISTORIES;
    print(&format!("seeds {fresh:?}"));
    let options = Options::default();
    let found = run::all(fresh.clone(), &options, None);
    if let Some((seed, failure)) = found.failures.into_iter().next() {
        panic!("{}\nof seeds {fresh:?}", story(seed, &options, &failure));
    }
    assert!(found.histories >= HISTORIES);
    let rare = found.counters.rarer_than(REACHED_MIN, false);
    assert!(
        rare.is_empty(),
        "in seeds {fresh:?} these faults and states were not reached: {rare:?}\n{}",
        found.counters
    );
}

/// The real store, SQLite with segments, on a disk that loses power, fills up and fails to sync.
#[test]
fn what_was_answered_survives_a_disk_that_fails() {
    let first = run::random_place();
    let fresh = first..first + DISK_HISTORIES;
    print(&format!("seeds {fresh:?} on disks"));
    let options = Options {
        disk: true,
        ..Options::default()
    };
    let found = run::all(fresh.clone(), &options, None);
    if let Some((seed, failure)) = found.failures.into_iter().next() {
        panic!("{}\nof seeds {fresh:?}", story(seed, &options, &failure));
    }
    let rare = found.counters.rarer_than(REACHED_MIN, true);
    assert!(rare.is_empty(), "not reached in seeds {fresh:?}: {rare:?}");
}

#[test]
fn what_once_broke_a_promise_keeps_it() {
    for (seed, narrow, why) in REGRESSIONS {
        let options = Options {
            narrow: *narrow,
            ..Options::default()
        };
        if let Err(failure) = world::run(*seed, &options).result {
            panic!("{}\nonce {why}", story(*seed, &options, &failure));
        }
    }
    for (seed, why) in REGRESSIONS_ON_DISK {
        let options = Options {
            disk: true,
            ..Options::default()
        };
        if let Err(failure) = world::run(*seed, &options).result {
            panic!("{}\nonce {why}", story(*seed, &options, &failure));
        }
    }
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
