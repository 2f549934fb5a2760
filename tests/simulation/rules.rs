//! Each rule of the protocol, turned off, is noticed by the simulator: so it is needed, and so it is tested.
//!
//! The table is made by `cargo run --release -p tests --features rule-switches --bin gr-sim -- --rules`; when histories are drawn in
//! another way, it has to be made anew.

use crate::run;
use crate::world::{self, Options};
use gr_proto::Rule;

/// Each rule, and the first history that goes wrong without it. `CommitFirst` is E3, which the driver keeps.
const TABLE: &[(&str, u64)] = &[
    ("MarkWithChange", 0),     // what the partner lacks is marked
    ("MarkByVersion", 0),      // what the partner lacks is marked
    ("Join", 8),               // versions never fall
    ("DeletionIsFinal", 36),   // both hold the same
    ("Incarnation", 3),        // nobody went back
    ("Challenge", 0),          // nobody went back
    ("Numbers", 2),            // nobody went back
    ("TombstoneUntilAck", 16), // both hold the same
    ("DeletionRecord", 2),     // deleted is deleted
    ("OnlyRunning", 0),        // data only while running
    ("ClockBound", 5),         // the logical clock is bounded
    ("WriteWins", 1),          // a local write takes effect
    ("SetAside", 3),           // they come to rest
    ("AskForBody", 4),         // what the partner lacks is marked
    ("History", 7553),         // both hold the same
    ("KnownByAck", 161),       // both hold the same
    ("OnlyHomeCreates", 3),    // only its home creates a user
    ("AnswerMore", 33),        // both hold the same
    ("DeleteLast", 10),        // a task deletes last
    ("StageToo", 196),         // they come to rest
    ("StageMarked", 424),      // safe is safe
    ("StageAnew", 9047),       // what is held is filled in
    ("DeletionGuard", 59),     // the deletion guard holds
    ("Unconfirmed", 4543),     // both hold the same
    ("CommitFirst", 16),       // nobody went back
];

#[test]
fn every_rule_that_is_turned_off_is_noticed() {
    let unnoticed = TABLE.iter().filter(|(rule, seed)| {
        let without = run::without(rule).expect("it is a rule");
        world::run(*seed, &without).result.is_ok()
    });
    let unnoticed: Vec<_> = unnoticed.collect();
    assert!(
        unnoticed.is_empty(),
        "nobody notices that these are off: {unnoticed:?}"
    );
}

#[test]
fn with_all_rules_the_same_histories_keep_every_promise() {
    for (rule, seed) in TABLE {
        let narrow = Options {
            narrow: true,
            ..Options::default()
        };
        let outcome = world::run(*seed, &narrow);
        assert_eq!(outcome.result, Ok(()), "seed {seed}, which is for {rule}");
    }
}

#[test]
fn every_rule_is_in_the_table() {
    let names = Rule::ALL.iter().map(|rule| format!("{rule:?}"));
    let names = names.chain(["CommitFirst".to_owned()]);
    let names = names.filter(|name| !run::BY_STORY.contains(&name.as_str()));
    let listed = |name: &String| TABLE.iter().any(|(rule, _)| rule == name);
    let missing: Vec<_> = names.filter(|name| !listed(name)).collect();
    assert!(missing.is_empty(), "no history is named for {missing:?}");
}
