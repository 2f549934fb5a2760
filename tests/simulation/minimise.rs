//! A history that breaks a promise, made as small as possible: whatever can be left out while the same check still fails, is.
//!
//! Everything that happens after a pause has dice of its own, so the rest of a history stays much the same when something is left out.
//! The result depends on the seed and the options alone, and the work is bounded in transactions.

use crate::dials::{FAULTS, fault_name};
use crate::oracle::Failure;
use crate::world::{self, Options, PART_NAMES, PARTS};

/// The smallest history that was found.
#[derive(Debug)]
pub struct Smallest {
    pub seed: u64,
    /// How to run it.
    pub options: Options,
    /// What it breaks.
    pub failure: Failure,
    /// Histories that were tried.
    pub tried: u64,
    /// Happenings that are left, and how many there were.
    pub left: (usize, usize),
}

/// A search ends after so many transactions: some seconds.
const STEPS_MAX: u64 = 1_500_000;
/// And after so many histories.
const TRIES_MAX: u64 = 4_000;

/// A story is cut to so many lines.
const LINES_MAX: usize = 400;

struct Search {
    seed: u64,
    best: Options,
    failure: Failure,
    steps: u64,
    tried: u64,
}

/// Leaves out of the history of a seed what it does not need to fail; `None` if it does not fail.
pub fn minimise(seed: u64, options: &Options) -> Option<Smallest> {
    let outcome = world::run(seed, options);
    let failure = outcome.result.err()?;
    let pauses = outcome.pauses;
    let mut search = Search {
        seed,
        best: Options {
            pauses_max: Some(pauses),
            ..options.clone()
        },
        failure,
        steps: 0,
        tried: 0,
    };
    search.shorten(pauses);
    search.calm();
    let all: Vec<u64> = (0..PARTS * pauses).collect();
    search.leave_out(&all);
    search.calm();
    let Search {
        best,
        failure,
        tried,
        ..
    } = search;
    let left = happenings(&best).len();
    Some(Smallest {
        seed,
        options: best,
        failure,
        tried,
        left: (left, all.len()),
    })
}

/// What is left of a history, by number.
fn happenings(options: &Options) -> Vec<u64> {
    let end = PARTS * options.pauses_max.unwrap_or(0);
    let all = (0..end).filter(|at| !options.skip.contains(at));
    all.collect()
}

impl Search {
    /// Keeps what is left if the same check fails.
    fn fails(&mut self, options: Options) -> bool {
        if self.steps > STEPS_MAX || self.tried > TRIES_MAX {
            return false;
        }
        self.tried += 1;
        let outcome = world::run(self.seed, &options);
        self.steps += outcome.steps;
        match outcome.result {
            Err(failure) if failure.check == self.failure.check => {
                (self.best, self.failure) = (options, failure);
                true
            }
            _ => false,
        }
    }

    /// The end of the history goes, as far as it can.
    fn shorten(&mut self, pauses: u64) {
        let (mut low, mut high) = (0, pauses);
        while low < high {
            let middle = low.midpoint(high);
            let pauses_max = Some(middle);
            let shorter = Options {
                pauses_max,
                ..self.best.clone()
            };
            match self.fails(shorter) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
    }

    /// Faults that are not needed go.
    fn calm(&mut self) {
        for fault in 0..FAULTS {
            let mut calmer = self.best.clone();
            if calmer.calm.insert(fault) {
                self.fails(calmer);
            }
        }
    }

    /// Happenings that are not needed go: large groups first, then smaller ones.
    fn leave_out(&mut self, all: &[u64]) {
        let mut size = all.len().div_ceil(2).max(1);
        loop {
            let mut fewer = false;
            for group in happenings(&self.best).chunks(size) {
                let mut without = self.best.clone();
                without.skip.extend(group);
                fewer |= self.fails(without);
            }
            if size == 1 && !fewer {
                return;
            }
            size = size.div_ceil(2).max(1);
        }
    }
}

impl Smallest {
    /// The history, told line by line, with what it needs.
    pub fn story(&self) -> String {
        let options = Options {
            story: true,
            ..self.options.clone()
        };
        let mut story = world::run(self.seed, &options).story;
        if story.len() > LINES_MAX {
            let left_out = story.len() - LINES_MAX;
            let end = story.split_off(story.len() - LINES_MAX / 2);
            story.truncate(LINES_MAX / 2);
            story.push(format!("          ({left_out} lines are left out)"));
            story.extend(end);
        }
        let story = story.join("\n");
        let mut dials = self.options.dials(self.seed);
        self.options
            .calm
            .iter()
            .for_each(|fault| dials.without(*fault));
        let needed = (0..FAULTS).filter(|fault| dials.has(*fault));
        let needed: Vec<_> = needed.map(fault_name).collect();
        let parts = happenings(&self.options).into_iter();
        let parts = parts.map(|at| format!("{}{}", PART_NAMES[(at % PARTS) as usize], at / PARTS));
        format!(
            "{story}\nseed {} breaks `{}`: {}\nneeded: {needed:?}; {} of {} happenings: {}",
            self.seed,
            self.failure.check,
            self.failure.found,
            self.left.0,
            self.left.1,
            parts.collect::<Vec<_>>().join(" ")
        )
    }
}
