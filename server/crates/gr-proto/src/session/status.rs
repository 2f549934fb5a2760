//! How the partner is: by proof of two-way life, not by clocks (section *Status* of the design; R7).
//!
//! The partner's message echoes something that was sent from here at a known moment, so the partner lived after that moment. A
//! mail that lay in a queue for an hour proves nothing new.

use crate::{Mono, Now, PartnerState, Timers};
use domain::Timestamp;

/// What is known of the partner's being alive.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    /// The state as it was last decided.
    state: PartnerState,
    /// Since when, by the wall clock.
    since: Timestamp,
    /// When this engine began to listen.
    began: Mono,
    /// The last moment after which the partner lived for certain; `None`: it was not heard yet.
    heard: Option<Mono>,
    /// The same, as long as it counts.
    proof: Option<Mono>,
    /// The link broke then: what was sent before can prove nothing more.
    broken: Mono,
    /// When the next probe is due, and how long the pause after it is.
    probe_at: Mono,
    probe_pause_ms: u64,
}

impl Status {
    pub(crate) fn new(now: Now, configured: bool) -> Self {
        Self {
            state: if configured {
                PartnerState::Unknown
            } else {
                PartnerState::NotConfigured
            },
            since: now.wall,
            began: now.mono,
            heard: None,
            proof: None,
            broken: Mono(0),
            probe_at: now.mono,
            probe_pause_ms: crate::limits::PROBE_MS_FIRST,
        }
    }

    pub(crate) fn state(&self) -> PartnerState {
        self.state
    }

    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    pub(crate) fn heard(&self) -> Option<Mono> {
        self.heard
    }

    /// Since when there is silence.
    fn silent_since(&self) -> Mono {
        self.heard.map_or(self.began, |heard| heard.max(self.began))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state == PartnerState::Running
    }

    /// The partner lived after `moment`.
    pub(crate) fn prove(&mut self, moment: Mono) {
        self.heard = self.heard.max(Some(moment));
        if moment >= self.broken {
            self.proof = self.proof.max(Some(moment));
        }
    }

    /// The link broke, and trying again failed.
    pub(crate) fn break_link(&mut self, now: Mono) {
        self.broken = now;
        self.proof = None;
    }

    /// Probes begin anew, at once.
    pub(crate) fn probe_now(&mut self, now: Mono) {
        self.probe_at = now;
        self.probe_pause_ms = crate::limits::PROBE_MS_FIRST;
    }

    /// Whether a probe is due; if so, when the next one will be is settled too. Pauses double up to the timer of the state.
    pub(crate) fn take_probe(&mut self, now: Mono, timers: &Timers) -> bool {
        let longest = match self.state {
            PartnerState::NotConfigured | PartnerState::Running => return false,
            PartnerState::Unknown => timers.probe_unknown_ms,
            PartnerState::Down => timers.probe_down_ms,
        };
        if now < self.probe_at {
            return false;
        }
        self.probe_at = now.plus(self.probe_pause_ms.min(longest).max(1));
        self.probe_pause_ms = self.probe_pause_ms.saturating_mul(2).min(longest);
        true
    }

    /// Decides the state anew. Returns whether it is another one now.
    pub(crate) fn decide(&mut self, now: Now, timers: &Timers, in_session: bool) -> bool {
        if self.state == PartnerState::NotConfigured {
            return false;
        }
        let fresh = self
            .proof
            .is_some_and(|proof| now.mono.since(proof) < timers.unknown_ms);
        let silent_ms = now.mono.since(self.silent_since());
        let state = if fresh && in_session {
            PartnerState::Running
        } else if silent_ms >= timers.down_ms {
            PartnerState::Down
        } else {
            PartnerState::Unknown
        };
        let changed = state != self.state;
        if changed {
            if self.state == PartnerState::Running {
                self.probe_now(now.mono);
            }
            self.state = state;
            self.since = now.wall;
        }
        changed
    }

    /// When the state has to be decided anew, or a probe is due.
    pub(crate) fn wake_at(&self, timers: &Timers) -> Option<Mono> {
        match self.state {
            PartnerState::NotConfigured => None,
            PartnerState::Running => Some(self.silent_since().plus(timers.unknown_ms)),
            PartnerState::Unknown => {
                Some(self.probe_at.min(self.silent_since().plus(timers.down_ms)))
            }
            PartnerState::Down => Some(self.probe_at),
        }
    }
}
