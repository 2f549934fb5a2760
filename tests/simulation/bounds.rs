//! Small bounds of engines in widened histories: what a server reaches only after years, or with thousands of users, is reached here
//! after a few dozen happenings.

use crate::dice::Dice;
use gr_proto::Limits;

/// Dice of bounds have numbers from here on.
const OWN: u64 = 1 << 42;

macro_rules! bounds {
    ($($bound:ident: $low:literal..=$high:literal,)*) => {
        /// The bounds that can be small, by name: each is a fault that can be left out.
        pub(crate) const FAULTS: &[&str] = &[$(concat!("few ", stringify!($bound)),)*];

        /// The bounds of the engines of a seed, of which each is small in some histories.
        pub(crate) fn draw(seed: u64) -> Limits {
            let mut limits = Limits::default();
            let mut no = 0;
            $(
                no += 1;
                let mut dice = Dice::part(seed, OWN + no);
                let drawn = dice.between($low, $high);
                if dice.chance(250) {
                    limits.$bound = drawn.try_into().expect("it is small");
                }
            )*
            // What nobody acknowledges is unsettled, so the one bound has to be well below the other.
            let settles = u64::try_from(limits.unsettled).unwrap_or(u64::MAX) / 4;
            limits.processed_unacked = limits.processed_unacked.min(settles);
            // One message may be refused whole.
            limits.batch_items = limits.batch_items.min(limits.refusals);
            limits
        }

        /// Makes a bound large, by its place in [`FAULTS`].
        pub(crate) fn without(limits: &mut Limits, fault: usize) {
            let usual = Limits::default();
            match FAULTS.get(fault).copied().unwrap_or_default() {
                $(concat!("few ", stringify!($bound)) => limits.$bound = usual.$bound,)*
                _ => {}
            }
        }
    };
}

bounds! {
    batch_items: 1..=6,
    batch_bytes: 1_000..=200_000,
    window_bytes: 1_000..=400_000,
    window_items: 1..=12,
    unsettled: 120..=200,
    refused_tries: 1..=3,
    processed_unacked: 20..=60,
    list_objects: 1..=8,
    judged_objects: 1..=8,
    parts: 1..=4,
    scopes: 1..=4,
    ids: 1..=4,
    comparisons: 1..=2,
    due: 1..=3,
    logins: 1..=2,
    rebuild_marks: 2..=12,
    page_items: 1..=4,
    scan: 1..=4,
    stopped: 1..=2,
    deletion_records_step: 1..=2,
    history: 3..=12,
    unconfirmed: 1..=4,
    refused_shown: 1..=2,
    seeding: 1..=4,
    refusals: 1..=6,
    history_in_hello: 2..=8,
    ranges: 2..=8,
}
