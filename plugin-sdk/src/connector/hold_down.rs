//! How long a client stays on the partner before it goes back: longer each time the primary fails soon after a return, so that a
//! server that comes and goes does not drag its users to and fro.

use super::Timing;
use super::io::Millis;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FailbackHoldDown {
    /// The least time on the partner now in force. 0: the primary was not left because it failed, so it has nothing to prove.
    pub(super) least_ms: u64,
    left_at: Millis,
    returned_at: Option<Millis>,
}

impl FailbackHoldDown {
    /// The primary failed and was left, or was not there at the start.
    pub(super) fn left(&mut self, now: Millis, timing: &Timing) {
        let soon = (self.returned_at).is_some_and(|at| now.since(at) < timing.calm_ms);
        self.least_ms = if soon {
            let doubled = self.least_ms.saturating_mul(2);
            doubled.clamp(timing.hold_down_min_ms, timing.hold_down_max_ms)
        } else {
            timing.hold_down_min_ms
        };
        self.left_at = now;
    }

    /// The partner is used although the primary has not failed.
    pub(super) fn visiting(&mut self, now: Millis) {
        self.least_ms = 0;
        self.left_at = now;
    }

    pub(super) fn returned(&mut self, now: Millis) {
        self.returned_at = Some(now);
    }

    pub(super) fn ends_at(&self) -> Millis {
        self.left_at.plus(self.least_ms)
    }
}
