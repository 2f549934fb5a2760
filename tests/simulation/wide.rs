//! What only widened histories have: faults that came later than the others, each drawn from dice of its own, so that what a seed had
//! before stays as it was.

use crate::dials::Dials;
use crate::dice::Dice;

/// Probabilities are in thousandths; where all is 0, the history is not widened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wide {
    /// A call of the store fails in the middle of a transaction.
    pub store_fails: u64,
    /// Operators take servers out of service, and back.
    pub courtesy: u64,
}

/// Faults that can be left out of a widened history, by name.
pub const FAULTS: [&str; 2] = ["store errors", "courtesy"];

/// Dice of widened histories have numbers from here on; those below belong to all histories.
const OWN: u64 = 1 << 40;

/// Each dial has dice of its own.
const DIALS: u64 = 1 << 41;

impl Wide {
    /// What a seed is widened by: nothing for every other seed.
    pub fn of(seed: u64, _dials: &Dials) -> Self {
        let dice = |dial| Dice::part(seed, DIALS + dial);
        if !dice(0).chance(500) {
            return Self::default();
        }
        let dial = |no, often, low, high| {
            let mut dice = dice(no);
            let drawn = dice.between(low, high);
            if dice.chance(often) { drawn } else { 0 }
        };
        Self {
            store_fails: dial(1, 250, 2, 30),
            courtesy: dial(2, 150, 10, 60),
        }
    }

    /// Leaves a fault out, by its place in [`FAULTS`].
    pub fn without(&mut self, fault: usize) {
        *match fault {
            0 => &mut self.store_fails,
            _ => &mut self.courtesy,
        } = 0;
    }
}

/// The dice of a widened history for what happens as so-and-so many-th: beside those that all histories have.
pub fn dice(seed: u64, at: u64) -> Dice {
    Dice::part(seed, OWN + at)
}
