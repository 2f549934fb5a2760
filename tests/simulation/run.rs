//! Many histories on all cores.

use crate::oracle::Failure;
use crate::sometimes::Counters;
use crate::world::{self, Options};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

/// What many histories came to.
#[derive(Debug, Default)]
pub struct Found {
    pub histories: u64,
    pub steps: u64,
    pub cores: usize,
    pub counters: Counters,
    /// The seeds that failed among those that were run, in order.
    pub failures: Vec<(u64, Failure)>,
}

/// Runs the histories of these seeds, until one fails (unless they go on) or the time is over. Each is run twice, unless once is enough, and
/// must come to the same.
pub fn all(seeds: Range<u64>, options: &Options, end: Option<Instant>) -> Found {
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(Found::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mine = some(&next, seeds.end, options, end);
                let mut found = found.lock().expect("no thread fails while it holds this");
                found.histories += mine.histories;
                found.steps += mine.steps;
                found.counters.add(&mine.counters);
                found.failures.extend(mine.failures);
            });
        }
    });
    let mut found = found
        .into_inner()
        .expect("no thread fails while it holds this");
    found.cores = cores;
    found.failures.sort_by_key(|(seed, _)| *seed);
    found
}

fn some(next: &AtomicU64, end: u64, options: &Options, until: Option<Instant>) -> Found {
    let mut found = Found::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || until.is_some_and(|until| Instant::now() >= until) {
            return found;
        }
        let outcome = world::run(seed, options);
        found.histories += 1;
        found.steps += outcome.steps;
        found.counters.add(&outcome.counters);
        let mut result = outcome.result;
        if result.is_ok() && !options.once {
            let trace = world::run(seed, options).trace;
            found.histories += 1;
            if trace != outcome.trace {
                let found = format!("{:x} and {trace:x}", outcome.trace);
                result = Err(Failure {
                    check: "the same seed has the same trace",
                    found,
                });
            }
        }
        if let Err(failure) = result {
            found.failures.push((seed, failure));
            if !options.go_on {
                next.store(end, Ordering::Relaxed);
                return found;
            }
        }
    }
}

/// Where nobody has been: the first seed of fresh histories.
pub fn random_place() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_nanos() as u64) >> 8
}

/// Rules whose absence no history shows any more, since recovery deletes nothing by absence and every echo of what was never said is
/// remembered, or by none that is not widened; stories in `gr-proto/tests` hold them: `tasks.rs` has a list that a new user overtakes,
/// `forks.rs` has machines that were wound back or run twice, with short trails too, `recovery.rs` has what was sent after the
/// backup, `sessions.rs` the echo of what was never said, `tasks.rs` and `recovery.rs` what is left of users that went.
#[cfg(feature = "rule-switches")]
pub const BY_STORY: &[&str] = &[
    "Overtaken",
    "ForkShows",
    "PrecedingShow",
    "MeetOnce",
    "ListedIsHeardOf",
    "UnconfirmedGap",
    "SeenRises",
    "EchoShows",
    "DeletionRecordOfOwner",
    "NobodysToo",
];

/// The options that break one rule. Histories are not widened, so that a fault that is added to widened ones leaves the table as it is.
#[cfg(feature = "rule-switches")]
pub fn without(rule: &str) -> Result<Options, String> {
    use gr_proto::{Rule, Rules};
    if rule == "CommitFirst" {
        return Ok(Options {
            leave_early: true,
            narrow: true,
            ..Options::default()
        });
    }
    let all = Rule::ALL.iter();
    let rule = all
        .copied()
        .find(|r| format!("{r:?}") == rule)
        .ok_or_else(|| format!("{rule} is not one of CommitFirst, {:?}", Rule::ALL))?;
    Ok(Options {
        rules: Rules::without(rule),
        narrow: true,
        ..Options::default()
    })
}
