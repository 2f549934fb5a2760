//! Log lines that somebody outside can cause as often as he likes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets one through and counts the others for a while.
#[derive(Debug)]
pub struct RateLimitedLog {
    every: Duration,
    state: Mutex<(Option<Instant>, u64)>,
}

impl RateLimitedLog {
    /// Lets one through `every` so long.
    pub const fn new(every: Duration) -> Self {
        Self {
            every,
            state: Mutex::new((None, 0)),
        }
    }

    /// How often it has happened since it was last said, if it may be said now.
    pub fn now(&self) -> Option<u64> {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, times) = &mut *state;
        *times += 1;
        if said.is_some_and(|said| now.saturating_duration_since(said) < self.every) {
            return None;
        }
        *said = Some(now);
        Some(std::mem::take(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_said_and_the_others_are_counted() {
        let log = RateLimitedLog::new(Duration::from_secs(60));
        let start = Instant::now();
        let at = |s| log.at(start + Duration::from_secs(s));
        assert_eq!(
            [at(0), at(1), at(59), at(60), at(61)],
            [Some(1), None, None, Some(3), None]
        );
    }
}
