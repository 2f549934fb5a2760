//! How much is under way at once: about as much as the link carries within a moment.
//!
//! What is sent and not acknowledged lies in a queue somewhere: in the link, in a socket, at a relay. Whoever comes next waits behind all
//! of it. So the window follows what the link has shown that it can do: so many bytes were under way when a message left, and so long
//! after that it was acknowledged. A fast link gets the whole window, a slow one as little as it takes to keep it busy, and then a fresh
//! message is on the partner within about a second, the partner's sign of life comes in time, and what is lost costs little to repeat.

use crate::{Limits, Mono, Timers};

/// Beyond the shortest round trip, what is under way may take so long, in milliseconds, or half of the time after which a message is taken
/// for lost, whichever is longer.
const QUEUE_MS: u64 = 1_000;
/// The link is called slow if it carries less than so many bytes in a second: a voice message of a minute takes a second then.
const SLOW_BYTES_S: u64 = 500_000;
/// What was measured longer ago than this, in milliseconds, says nothing of the link as it is now.
const FRESH_MS: u64 = 60_000;

/// What the link has shown so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// So many bytes may be under way; 0: nothing has been measured.
    window: u64,
    /// The shortest time from sending to acknowledgement, in milliseconds.
    shortest_ms: Option<u64>,
    /// Bytes a second, when the window was last full, and when that was.
    rate: Option<(u64, Mono)>,
}

/// One message that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Bytes that were under way when it had been written, its own included.
    pub(crate) ahead: u64,
    /// From then to its acknowledgement, in milliseconds.
    pub(crate) ms: u64,
}

impl Sample {
    /// Bytes a second.
    fn rate(&self) -> u64 {
        self.ahead.saturating_mul(1_000) / self.ms.max(1)
    }

    /// Of those that one acknowledgement brings, the one that tells most: the others waited for it.
    pub(crate) fn better(one: Option<Self>, other: Self) -> Self {
        match one {
            Some(one) if one.rate() >= other.rate() => one,
            _ => other,
        }
    }
}

impl Pace {
    /// So many bytes may be under way.
    pub(crate) fn window(&self, limits: &Limits) -> u64 {
        match self.window {
            0 => limits.window_bytes_first.min(limits.window_bytes),
            window => window,
        }
    }

    /// So many bytes one message may have, if it can be helped: a small one beside it has room in the same window.
    pub(crate) fn message_bytes(&self, limits: &Limits) -> u64 {
        let share = self.window(limits) / 4 * 3;
        share.clamp(1, limits.batch_bytes)
    }

    /// A message was acknowledged.
    pub(crate) fn acknowledged(
        &mut self,
        sample: Sample,
        now: Mono,
        timers: &Timers,
        limits: &Limits,
    ) {
        let shortest_ms = self.shortest_ms.unwrap_or(sample.ms).min(sample.ms);
        self.shortest_ms = Some(shortest_ms);
        let aim_ms = shortest_ms + queue_ms(timers);
        let window = self.window(limits);
        // Whether the link had something to do all the time; otherwise the sample says nothing of what it could have carried.
        let busy = sample.ahead >= window / 2;
        let fits = if busy {
            self.rate = Some((sample.rate(), now));
            let fits = sample.ahead.saturating_mul(aim_ms) / sample.ms.max(1);
            fits.clamp(window / 2, window * 2)
        } else if sample.ms > aim_ms {
            window / 2
        } else {
            window
        };
        self.set(fits, timers, limits);
    }

    /// Nothing was acknowledged in time: whatever the link could do, it does not now.
    pub(crate) fn timed_out(&mut self, timers: &Timers, limits: &Limits) {
        self.set(0, timers, limits);
    }

    /// There is another connection, and perhaps another way.
    pub(crate) fn begin_anew(&mut self, limits: &Limits) {
        self.window = self.window(limits).min(limits.window_bytes_first);
    }

    /// Bytes a second, as far as that was measured lately.
    pub(crate) fn bytes_per_s(&self, now: Mono) -> Option<u64> {
        let (rate, at) = self.rate?;
        (now.since(at) < FRESH_MS).then_some(rate)
    }

    /// Whether the link is slow: it carries little, or takes as long as what is lost.
    pub(crate) fn is_slow(&self, now: Mono, srtt_ms: Option<u64>, timers: &Timers) -> bool {
        let late = srtt_ms.is_some_and(|ms| ms >= timers.retransmit_ms_min.max(2 * QUEUE_MS));
        late || self
            .bytes_per_s(now)
            .is_some_and(|rate| rate < SLOW_BYTES_S)
    }

    fn set(&mut self, window: u64, timers: &Timers, limits: &Limits) {
        // Where an answer takes a minute, a window that is made for a second would carry nothing.
        let least = limits.window_bytes_min.saturating_mul(queue_ms(timers)) / QUEUE_MS;
        let least = least.clamp(1, limits.window_bytes);
        self.window = window.clamp(least, limits.window_bytes);
    }
}

fn queue_ms(timers: &Timers) -> u64 {
    QUEUE_MS.max(timers.retransmit_ms_min / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = Limits::default;

    fn carried(pace: &mut Pace, bytes_per_s: u64, times: usize) {
        for _ in 0..times {
            let ahead = pace.window(&LIMITS()) / 4 * 3;
            let ms = 20 + ahead * 1_000 / bytes_per_s;
            pace.acknowledged(Sample { ahead, ms }, Mono(0), &Timers::direct(), &LIMITS());
        }
    }

    #[test]
    fn a_fast_link_gets_the_whole_window_and_a_slow_one_a_second_of_it() {
        let mut pace = Pace::default();
        carried(&mut pace, 1_000_000_000, 10);
        assert_eq!(pace.window(&LIMITS()), LIMITS().window_bytes);
        assert!(!pace.is_slow(Mono(0), None, &Timers::direct()));
        carried(&mut pace, 300_000, 10);
        let window = pace.window(&LIMITS());
        assert!((250_000..400_000).contains(&window), "{window}");
        assert!(pace.is_slow(Mono(0), None, &Timers::direct()));
        let rate = pace.bytes_per_s(Mono(0)).unwrap();
        assert!((250_000..=300_000).contains(&rate), "{rate}");
        carried(&mut pace, 1_000_000_000, 10);
        assert_eq!(pace.window(&LIMITS()), LIMITS().window_bytes);
    }

    #[test]
    fn little_that_is_acknowledged_at_once_says_nothing_of_what_would_fit() {
        let mut pace = Pace::default();
        let window = pace.window(&LIMITS());
        let (ahead, ms) = (500, 3);
        pace.acknowledged(Sample { ahead, ms }, Mono(0), &Timers::direct(), &LIMITS());
        assert_eq!(pace.window(&LIMITS()), window);
        assert_eq!(pace.bytes_per_s(Mono(0)), None);
        let ms = 5_000;
        pace.acknowledged(Sample { ahead, ms }, Mono(0), &Timers::direct(), &LIMITS());
        assert_eq!(pace.window(&LIMITS()), window / 2, "late all the same");
    }

    #[test]
    fn after_a_time_out_and_on_another_connection_little_is_risked() {
        let mut pace = Pace::default();
        carried(&mut pace, 1_000_000_000, 10);
        pace.begin_anew(&LIMITS());
        assert_eq!(pace.window(&LIMITS()), LIMITS().window_bytes_first);
        pace.timed_out(&Timers::direct(), &LIMITS());
        assert_eq!(pace.window(&LIMITS()), LIMITS().window_bytes_min);
        pace.timed_out(&Timers::relay(), &LIMITS());
        assert!(
            pace.window(&LIMITS()) > 1 << 20,
            "where answers take a minute"
        );
    }

    #[test]
    fn what_was_measured_long_ago_calls_nobody_slow() {
        let mut pace = Pace::default();
        carried(&mut pace, 100_000, 10);
        assert!(pace.is_slow(Mono(59_999), None, &Timers::direct()));
        assert!(!pace.is_slow(Mono(60_000), None, &Timers::direct()));
        assert!(pace.is_slow(Mono(60_000), Some(3_000), &Timers::direct()));
        assert!(!pace.is_slow(Mono(60_000), Some(30_000), &Timers::relay()));
    }
}
