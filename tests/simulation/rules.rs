//! Each rule of the protocol, turned off, is noticed by the simulator: so it is needed, and so it is tested.
//!
//! The table is made by `cargo run --release -p tests --features rule-switches --bin gr-sim -- --rules`; when histories are drawn in
//! another way, it has to be made anew.

use crate::run;
use crate::world::{self, Options};
use gr_proto::Rule;

/// Each rule, and the first history that goes wrong without it. `CommitFirst` is E3, which the driver keeps.
const TABLE: &[(&str, u64)] = &[];

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
        let outcome = world::run(*seed, &Options::default());
        assert_eq!(outcome.result, Ok(()), "seed {seed}, which is for {rule}");
    }
}

#[test]
fn every_rule_is_in_the_table() {
    let names = Rule::ALL.iter().map(|rule| format!("{rule:?}"));
    let names = names.chain(["CommitFirst".to_owned()]);
    let listed = |name: &String| TABLE.iter().any(|(rule, _)| rule == name);
    let missing: Vec<_> = names.filter(|name| !listed(name)).collect();
    assert!(missing.is_empty(), "no history is named for {missing:?}");
}
