//! Spreads retries, so that the clients of a fallen server do not all knock at once. Seeded from outside: same seed, same course.

/// A small generator of numbers (splitmix64); not for secrets.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At most `ms` and at least nine tenths of it: limits stay limits.
    pub(super) fn up_to(&mut self, ms: u64) -> u64 {
        ms - self.next() % (ms / 10 + 1)
    }

    /// Between 900 and 1000.
    pub(super) fn permille(&mut self) -> u16 {
        u16::try_from(self.up_to(1_000)).unwrap_or(1_000)
    }

    /// `first_ms` doubled `times` times, at most `max_ms`, spread.
    pub(super) fn backoff(&mut self, first_ms: u64, max_ms: u64, times: u32) -> u64 {
        let doubled = first_ms.saturating_mul(1 << times.min(20));
        self.up_to(doubled.min(max_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit_and_differ_between_seeds() {
        let mut jitter = Jitter::new(7);
        for (times, ms) in [
            (0, 2_000),
            (1, 4_000),
            (2, 8_000),
            (5, 60_000),
            (99, 60_000),
        ] {
            let pause = jitter.backoff(2_000, 60_000, times);
            assert!((ms * 9 / 10..=ms).contains(&pause), "{times}: {pause}");
        }
        assert_ne!(Jitter::new(1).up_to(60_000), Jitter::new(2).up_to(60_000));
    }
}
