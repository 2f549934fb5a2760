//! How arriving messages are announced: one by one while they are few, by their number when they come in a burst.

use super::words;
use contract::MessageRow;

/// More than this many arrivals in one window become a number.
const SINGLY_MAX: usize = 3;
/// A window closes this long after its last arrival.
const QUIET_MS: u64 = 1_000;
/// It closes this long after its first arrival at the latest.
const WINDOW_MS: u64 = 5_000;

/// Collects arrivals until they are announced. Times are milliseconds of any clock that does not go back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    sentences: Vec<String>,
    first_at: u64,
    last_at: u64,
}

impl Arrivals {
    /// A message has arrived.
    pub fn add(&mut self, now_ms: u64, row: &MessageRow) {
        if self.sentences.is_empty() {
            self.first_at = now_ms;
        }
        self.last_at = now_ms;
        self.sentences.push(words::arrival(row));
    }

    /// When the window closes, if one is open: ask [`Self::take`] then.
    pub fn due_at(&self) -> Option<u64> {
        (!self.sentences.is_empty())
            .then(|| (self.last_at + QUIET_MS).min(self.first_at + WINDOW_MS))
    }

    /// What is to be said now. Empties the window, so that nothing is said twice.
    pub fn take(&mut self, now_ms: u64) -> Option<String> {
        if self.due_at()? > now_ms {
            return None;
        }
        let sentences = std::mem::take(&mut self.sentences);
        Some(if sentences.len() > SINGLY_MAX {
            format!("{} new messages", sentences.len())
        } else {
            sentences.join(". ")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::row;

    #[test]
    fn one_message_is_announced_with_its_sender_once() {
        let mut arrivals = Arrivals::default();
        arrivals.add(100, &row(1, 0));
        assert_eq!(arrivals.take(100), None);
        assert_eq!(
            arrivals.take(arrivals.due_at().unwrap()).as_deref(),
            Some("New voice message from Mira Tandell")
        );
        assert_eq!(arrivals.due_at(), None);
        assert_eq!(arrivals.take(60_000), None);
    }

    #[test]
    fn more_than_three_in_five_seconds_become_a_number() {
        let mut arrivals = Arrivals::default();
        for n in 0..5 {
            arrivals.add(u64::from(n) * 900, &row(n, 0));
        }
        assert_eq!(arrivals.take(4_600).as_deref(), Some("5 new messages"));
    }

    #[test]
    fn three_are_still_named() {
        let mut arrivals = Arrivals::default();
        for n in 0..3 {
            arrivals.add(0, &row(n, 0));
        }
        let said = arrivals.take(1_000).unwrap();
        assert_eq!(said.matches("Mira Tandell").count(), 3);
    }

    #[test]
    fn a_long_burst_is_announced_after_five_seconds_and_goes_on_in_the_next_window() {
        let mut arrivals = Arrivals::default();
        for n in 0..6 {
            arrivals.add(u64::from(n) * 900, &row(n, 0));
        }
        assert_eq!(arrivals.due_at(), Some(5_000));
        assert!(arrivals.take(5_000).is_some());
        arrivals.add(5_100, &row(9, 0));
        assert_eq!(arrivals.due_at(), Some(6_100));
    }
}
