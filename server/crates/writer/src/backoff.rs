//! The engine's rest after a group was undone.

/// After a group was undone the engine rests so long at first, then twice as long, up to the second figure: where every group fails, on a
/// full disk, incarnations would otherwise change faster than they can meet. Milliseconds.
const REST_MS: (u64, u64) = (1_000, 30_000);

/// The engine's rest after a group was undone. Writes of clients are tried all the same; GR mail is dropped, and comes again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    pub(crate) until: u64,
    pub(crate) last_ms: u64,
}

impl Backoff {
    /// A group was undone.
    pub(crate) fn begin(&mut self, now: u64) {
        self.last_ms = (self.last_ms * 2).clamp(REST_MS.0, REST_MS.1);
        self.until = now + self.last_ms;
    }

    /// A group was written: if that was after the rest, all is well again.
    pub(crate) fn end(&mut self, now: u64) {
        if now >= self.until {
            self.last_ms = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_after_a_failure_grows_and_ends_with_the_first_success_after_it() {
        let mut rest = Backoff::default();
        rest.begin(0);
        assert_eq!(rest.until, 1_000);
        rest.end(500);
        rest.begin(1_000);
        assert_eq!(rest.until, 3_000, "a success meanwhile proves nothing");
        for _ in 0..9 {
            rest.begin(10_000);
        }
        assert_eq!(rest.until, 40_000, "no longer than that");
        rest.end(40_000);
        rest.begin(50_000);
        assert_eq!(rest.until, 51_000);
    }
}
