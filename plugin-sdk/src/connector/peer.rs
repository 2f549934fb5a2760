//! What is known of one of the two servers, and the probe that is on its way to it.

use super::io::{IoId, Millis};
use crate::pair::Endpoint;
use crate::status::Health;

/// One server.
#[derive(Clone, Debug)]
pub(super) struct KnownServer {
    pub(super) endpoint: Endpoint,
    pub(super) health: Health,
    /// Since when it has not been good, if a good answer shortly before tells.
    pub(super) out_since: Option<Millis>,
    /// Last sign of life.
    pub(super) heard_at: Option<Millis>,
    pub(super) round_trip_ms: Option<u64>,
    pub(super) probe: Option<Probe>,
    /// When the last probe was sent.
    pub(super) asked_at: Option<Millis>,
    /// It is to be asked as soon as it may.
    pub(super) wanted: bool,
    /// Shortens the next pause, in thousandths.
    spread: u16,
    /// Answers in a row by which it was in service and caught up, and when the first of them came.
    pub(super) streak: u32,
    streak_since: Millis,
}

/// A probe under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) id: IoId,
    pub(super) deadline: Millis,
}

impl KnownServer {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            health: Health::Unknown,
            out_since: None,
            heard_at: None,
            round_trip_ms: None,
            probe: None,
            asked_at: None,
            wanted: false,
            spread: 1_000,
            streak: 0,
            streak_since: Millis(0),
        }
    }

    pub(super) fn asked(&mut self, now: Millis, id: IoId, timeout_ms: u64, spread: u16) {
        let deadline = now.plus(timeout_ms);
        self.probe = Some(Probe { id, deadline });
        self.asked_at = Some(now);
        self.wanted = false;
        self.spread = spread;
    }

    /// A pause of about `ms`, never longer.
    pub(super) fn spread(&self, ms: u64) -> u64 {
        ms * u64::from(self.spread) / 1_000
    }

    pub(super) fn heard(&mut self, now: Millis) {
        self.heard_at = Some(now);
    }

    /// Takes what an answer, or its absence, says. It has been out *since now* where its last sign of life is not older than `recent_ms`; where it
    /// was not asked for longer, or never was well, nobody knows since when.
    pub(super) fn judge(&mut self, now: Millis, health: Health, recent_ms: u64) {
        let heard_lately = self.heard_at.is_some_and(|at| now.since(at) <= recent_ms);
        if health.is_good() {
            self.out_since = None;
        } else if self.health.is_good() && heard_lately {
            self.out_since = Some(now);
        }
        self.health = health;
        if matches!(health, Health::Good { .. } | Health::OutOfService) {
            self.heard(now);
        }
        if health == (Health::Good { caught_up: true }) {
            if self.streak == 0 {
                self.streak_since = now;
            }
            self.streak = self.streak.saturating_add(1);
        } else {
            self.streak = 0;
        }
    }

    /// For how long it has answered well without a break.
    pub(super) fn steady_ms(&self, now: Millis) -> u64 {
        if self.streak == 0 {
            0
        } else {
            now.since(self.streak_since)
        }
    }

    /// The earliest moment at which it may be asked again, with `gap_ms` between probes.
    pub(super) fn askable_at(&self, gap_ms: u64) -> Millis {
        self.asked_at.map_or(Millis(0), |at| at.plus(gap_ms))
    }
}
