//! Asking both servers and waiting for what they say: when the one in use is suspected, or while seeking one.

use super::Timing;
use super::io::Millis;
use crate::pair::Side;
use crate::status::{Health, Why};

/// What the connector is about.
#[derive(Clone, Debug)]
pub(super) enum ConnectorPhase {
    /// No server is known to answer.
    Seeking(Seeking),
    /// One is in use, and no reason to suspect it.
    Settled,
    /// One is in use, and suspected to have failed.
    Suspect(Suspect),
}

/// No server is known to answer.
#[derive(Clone, Debug)]
pub(super) struct Seeking {
    /// Being asked; `None` between two tries.
    pub(super) round: Option<ProbeRound>,
    /// Tries in a row that found neither.
    pub(super) failed: u32,
    /// When the last of them ended.
    pub(super) failed_at: Millis,
    /// When the next try is due.
    pub(super) next_at: Millis,
}

/// The server in use is suspected to have failed.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    pub(super) round: ProbeRound,
    pub(super) why: Why,
    /// It refused: the first good answer of the other decides, after a moment of grace.
    pub(super) urgent: bool,
    /// It fails requests although it answers probes: its good answers do not count.
    pub(super) insist: bool,
    /// Since when it has not answered.
    pub(super) unanswered_since: Millis,
}

/// One question to both servers.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProbeRound {
    pub(super) since: Millis,
    primary: Option<Health>,
    partner: Option<Health>,
    /// The second time, with more patience.
    pub(super) slow: bool,
}

impl ConnectorPhase {
    pub(super) fn round_mut(&mut self) -> Option<&mut ProbeRound> {
        match self {
            Self::Seeking(seeking) => seeking.round.as_mut(),
            Self::Suspect(suspect) => Some(&mut suspect.round),
            Self::Settled => None,
        }
    }

    pub(super) fn is_slow(&self) -> bool {
        match self {
            Self::Seeking(seeking) => seeking.round.is_some_and(|round| round.slow),
            Self::Suspect(suspect) => suspect.round.slow,
            Self::Settled => false,
        }
    }
}

impl Seeking {
    pub(super) fn start(now: Millis) -> Self {
        Self {
            round: Some(ProbeRound::new(now)),
            failed: 0,
            failed_at: now,
            next_at: now,
        }
    }
}

impl Suspect {
    /// When after `now` it takes a step that no answer causes: the grace of a refusal ends, or it is to be shown as switching.
    pub(super) fn next_step_at(&self, now: Millis, timing: &Timing) -> Option<Millis> {
        let steps = [self.grace_ends_at(timing), self.shown_at(timing)];
        steps.into_iter().filter(|at| *at > now).min()
    }

    pub(super) fn grace_ends_at(&self, timing: &Timing) -> Millis {
        self.round.since.plus(timing.refused_grace_ms)
    }

    pub(super) fn shown_at(&self, timing: &Timing) -> Millis {
        self.round.since.plus(timing.switching_shown_ms)
    }
}

impl ProbeRound {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            since: now,
            primary: None,
            partner: None,
            slow: false,
        }
    }

    pub(super) fn get(&self, side: Side) -> Option<Health> {
        match side {
            Side::Primary => self.primary,
            Side::Partner => self.partner,
        }
    }

    pub(super) fn set(&mut self, side: Side, health: Option<Health>) {
        match side {
            Side::Primary => self.primary = health,
            Side::Partner => self.partner = health,
        }
    }

    /// The servers change roles.
    pub(super) fn swap(&mut self) {
        std::mem::swap(&mut self.primary, &mut self.partner);
    }

    /// Neither is good. Where one was only silent, both are asked once more with more patience: perhaps the line is slow.
    /// False if that has been done or cannot help.
    pub(super) fn again_slowly(&mut self) -> bool {
        let silent = |health: Option<Health>| health == Some(Health::Silent);
        if self.slow || !(silent(self.primary) || silent(self.partner)) {
            return false;
        }
        self.slow = true;
        self.primary = None;
        self.partner = None;
        true
    }

    /// When a server is asked while seeking: the primary at once, the partner when the primary is not good or does not answer
    /// quickly.
    pub(super) fn seek_due(&self, side: Side, timing: &Timing) -> Option<Millis> {
        if self.get(side).is_some() {
            return None;
        }
        match (side, self.primary) {
            (Side::Primary, _) | (Side::Partner, Some(_)) => Some(self.since),
            (Side::Partner, None) => Some(self.since.plus(timing.seek_hedge_ms)),
        }
    }

    /// When a server is asked under suspicion: both at once.
    pub(super) fn suspect_due(&self, side: Side) -> Option<Millis> {
        self.get(side).is_none().then_some(self.since)
    }
}
