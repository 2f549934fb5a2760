//! The engine's rest after a group was undone.

/// After a group was undone the engine rests so long at first, then twice as long, up to the second figure: where every group fails, on a
/// full disk, incarnations would otherwise change faster than they can meet.
const REST_MS: (u64, u64) = (1_000, 30_000);
/// The engine's rest after a group was undone. Writes of clients are tried all the same; GR mail is dropped, and comes again.
#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) until: u64,
    pub(super) last_ms: u64,
}

impl Rest {
    /// A group was undone.
    pub(super) fn begin(&mut self, now: u64) {
        self.last_ms = (self.last_ms * 2).clamp(REST_MS.0, REST_MS.1);
        self.until = now + self.last_ms;
    }

    /// A group was written: if that was after the rest, all is well again.
    pub(super) fn end(&mut self, now: u64) {
        if now >= self.until {
            self.last_ms = 0;
        }
    }
}
