//! Each rule of the protocol, turned off, is noticed by the simulator: so it is needed, and so it is tested.
//!
//! Run with `cargo test --release -p tests --features rule-switches --test simulation -- --nocapture off` to see the table of rule, seed and
//! the promise that breaks.

use crate::run;
use crate::world;
use gr_proto::Rule;

/// Within so many histories.
const HISTORIES: u64 = 5_000;

/// Rules that guard against a partner that was emptied or replaced; histories do not have that yet, stories do:
/// `a_user_is_never_deleted_at_its_home_because_a_list_lacks_it`.
const BY_STORY: &[Rule] = &[Rule::HomeKeeps];

#[test]
fn every_rule_that_is_turned_off_is_noticed() {
    let rules = Rule::ALL.iter().filter(|rule| !BY_STORY.contains(rule));
    let names = rules
        .map(|rule| format!("{rule:?}"))
        .chain(["CommitFirst".to_owned()]);
    let mut unnoticed = Vec::new();
    for name in names {
        let options = run::without(&name).expect("it is a rule");
        let first = (0..HISTORIES).find_map(|seed| {
            world::run(seed, options)
                .result
                .err()
                .map(|failure| (seed, failure))
        });
        match first {
            Some((seed, failure)) => println!("{name:>16}  seed {seed:>4}  {}", failure.check),
            None => unnoticed.push(name),
        }
    }
    assert!(
        unnoticed.is_empty(),
        "nobody notices that these are off: {unnoticed:?}"
    );
}
