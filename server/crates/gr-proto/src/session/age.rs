//! When age may destroy (E22): what is remembered or kept for a time goes only when that much time has surely passed.
//!
//! Wall clocks are set wrong, and set right again; a clock that leaps ahead by a week would empty at once what is kept for a week. So
//! each server counts, durably, how long its clock has agreed without a break: with its own monotonic clock, and with the partner's
//! clock whenever that is heard. Only real time adds to the count: milliseconds of the monotonic clock. A disagreement sets it to 0.
//! What is to be kept for some time goes only when its date is that old *and* the clocks have agreed for that long (test
//! `one_leap_of_a_clock_destroys_nothing`).

use crate::engine::{Engine, View};
use crate::{Event, Now, limits};
use domain::Timestamp;

impl View<'_> {
    /// Whether what is dated more than so many milliseconds ago may go: this server's clock has agreed for that long with the
    /// monotonic one and with the partner's.
    pub fn may_destroy(&self, age_ms: i64) -> bool {
        self.engine().may_destroy(age_ms)
    }

    /// The moment before which things of this age may go now; `None`: none may. For whoever destroys for age outside of the engine: asked in
    /// a transaction of the engine, which may be the first one after a leap of the clock.
    pub fn oldest_destroyable(&self, now: Now, age_ms: i64) -> Option<Timestamp> {
        let engine = self.engine();
        let believed = engine.stored.is_some() && !is_leap(engine.leap(now));
        engine.destroyable(now, age_ms).filter(|_| believed)
    }
}

/// Whether a wall clock that is off by so many milliseconds is not believed.
fn is_leap(off_ms: i64) -> bool {
    off_ms.unsigned_abs() >= limits::CLOCKS_AGREE_MS
}

impl Engine {
    fn may_destroy(&self, age_ms: i64) -> bool {
        i64::try_from(self.state.agreed_ms).unwrap_or(i64::MAX) >= age_ms
    }

    /// By how many milliseconds the wall clock is ahead of what it should show by the monotonic one.
    fn leap(&self, now: Now) -> i64 {
        let expected = match (self.clocks, self.state.counted_at) {
            (Some(first), _) => {
                let passed = i64::try_from(now.mono.since(first.mono)).unwrap_or(i64::MAX);
                first.wall.0.saturating_add(passed)
            }
            // Nobody knows how long a server was down; but less than nothing, or more than a day, is worth a doubt.
            (None, Some(last)) => {
                let down = now.wall.0.saturating_sub(last.0);
                last.0
                    .saturating_add(down.clamp(0, limits::DOWN_MS_BELIEVED))
            }
            (None, None) => return 0,
        };
        now.wall.0.saturating_sub(expected)
    }

    /// Looks at this server's clocks, in every transaction: a wall clock that has leapt against the monotonic one is not believed.
    pub(crate) fn watch_clocks(&mut self, now: Now) {
        let leap = self.leap(now);
        if self.clocks.is_none() {
            self.clocks = Some(now);
            self.counted = now.mono;
        }
        if is_leap(leap) {
            self.clocks = Some(now);
            self.clocks_disagree(now);
            self.event(Event::ClockLeapt(leap));
        }
    }

    /// The clocks of the two servers, or of this one, do not agree: what is dated by them proves nothing about age.
    pub(crate) fn clocks_disagree(&mut self, now: Now) {
        self.state.agreed_ms = 0;
        self.counted = now.mono;
    }

    /// Counts the time for which the clocks have agreed. While the partner cannot be heard nothing is added, and nothing lost.
    pub(crate) fn count_agreement(&mut self, now: Now) {
        let passed = now.mono.since(self.counted);
        self.counted = now.mono;
        self.state.counted_at = Some(now.wall);
        if self.config.partner.is_none() || (self.is_running() && self.partner_agrees(now)) {
            self.state.agreed_ms = self.state.agreed_ms.saturating_add(passed);
        }
    }

    /// Whether the partner's clock, as it was last heard, shows about what this server's shows now.
    fn partner_agrees(&self, now: Now) -> bool {
        let heard = self.session.as_ref().and_then(|session| session.heard);
        heard.is_some_and(|(wall, at)| {
            let passed = i64::try_from(now.mono.since(at)).unwrap_or(i64::MAX);
            let there = wall.0.saturating_add(passed);
            now.wall.0.abs_diff(there) < limits::CLOCKS_AGREE_MS
        })
    }

    /// The moment before which things of this age go now; `None`: none may.
    pub(crate) fn destroyable(&self, now: Now, age_ms: i64) -> Option<Timestamp> {
        self.may_destroy(age_ms)
            .then(|| Timestamp(now.wall.0.saturating_sub(age_ms)))
    }
}
