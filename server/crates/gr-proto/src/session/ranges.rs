//! A set of message numbers, kept as ranges: two numbers for each unbroken run.

use crate::limits;
use serde::{Deserialize, Serialize};

/// A set of numbers as ascending, disjoint, non-adjacent, inclusive ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RangeSet(Vec<(u64, u64)>);

impl RangeSet {
    /// Whether `n` is in the set.
    pub fn contains(&self, n: u64) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= n);
        after > 0 && self.0[after - 1].1 >= n
    }

    /// Whether all from `first` to `last` are in the set.
    pub fn contains_all(&self, first: u64, last: u64) -> bool {
        let after = self.0.partition_point(|&(begin, _)| begin <= first);
        first > last || (after > 0 && self.0[after - 1].1 >= last)
    }

    /// Adds `n`. Returns false, and adds nothing, if that would make more than `most` ranges.
    pub fn insert(&mut self, n: u64, most: usize) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= n);
        if after > 0 && self.0[after - 1].1 >= n {
            return true;
        }
        let joins_left = after > 0 && self.0[after - 1].1 + 1 == n;
        let joins_right = self.0.get(after).is_some_and(|&(first, _)| first == n + 1);
        match (joins_left, joins_right) {
            (true, true) => {
                self.0[after - 1].1 = self.0[after].1;
                self.0.remove(after);
            }
            (true, false) => self.0[after - 1].1 = n,
            (false, true) => self.0[after].0 = n,
            (false, false) if self.0.len() >= most => return false,
            (false, false) => self.0.insert(after, (n, n)),
        }
        true
    }

    /// Forgets everything up to and including `floor`.
    pub fn forget_to(&mut self, floor: u64) {
        self.0.retain_mut(|(first, last)| {
            *first = (*first).max(floor.saturating_add(1));
            *first <= *last
        });
    }

    /// Whether this set has every number of `other` above `floor`.
    pub fn covers(&self, other: &Self, floor: u64) -> bool {
        other
            .0
            .iter()
            .filter(|(_, last)| *last > floor)
            .all(|&(first, last)| {
                let first = first.max(floor + 1);
                self.0.iter().any(|&(f, l)| f <= first && last <= l)
            })
    }

    /// The highest number, if there is one.
    pub fn top(&self) -> Option<u64> {
        self.0.last().map(|&(_, last)| last)
    }

    /// The ranges, ascending, both ends included.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Whether a set read from the wire is what this type promises, and every number in it is above `floor`.
    pub fn is_sound(&self, floor: u64) -> bool {
        let mut below = None;
        self.0.len() <= limits::RANGES_MAX
            && self.0.iter().all(|&(first, last)| {
                let sound = first > floor
                    && first <= last
                    && last < u64::MAX
                    && below.is_none_or(|b: u64| first > b + 1);
                below = Some(last);
                sound
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_holds_what_a_plain_set_holds(numbers in proptest::collection::vec(1u64..40, 0..60), floor in 0u64..40) {
            let (mut ranges, mut plain) = (RangeSet::default(), BTreeSet::new());
            for n in numbers {
                prop_assert!(ranges.insert(n, limits::RANGES_MAX));
                plain.insert(n);
            }
            ranges.forget_to(floor);
            plain.retain(|n| *n > floor);
            for n in 0..=41 {
                prop_assert_eq!(ranges.contains(n), plain.contains(&n));
                for last in 0..=41 {
                    prop_assert_eq!(ranges.contains_all(n, last), (n..=last).all(|n| plain.contains(&n)));
                }
            }
            prop_assert_eq!(ranges.top(), plain.last().copied());
            prop_assert!(ranges.is_sound(floor));
        }
    }

    #[test]
    fn ranges_that_overlap_touch_or_fall_are_not_sound() {
        for bad in [
            vec![(3, 2)],
            vec![(1, 2), (3, 4)],
            vec![(5, 6), (1, 2)],
            vec![(0, 4)],
            vec![(1, u64::MAX)],
        ] {
            assert!(!RangeSet(bad).is_sound(0));
        }
        assert!(RangeSet(vec![(1, 2), (4, 4)]).is_sound(0));
    }
}
