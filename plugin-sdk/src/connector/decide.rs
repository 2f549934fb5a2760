//! The transitions: suspect, switch, lose, seek, return.

use super::flights::Quiet;
use super::probe_round::{ConnectorPhase, ProbeRound, Seeking, Suspect};
use super::{Connector, Millis, Outcome, Output, ServerFault};
use crate::pair::Side;
use crate::status::{Health, Why};

/// After so many failed requests in a row, a server's good answers to probes do not excuse it.
const FAILURES_MAX: u32 = 2;

/// Why a server is suspected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    why: Why,
    urgent: bool,
    insist: bool,
    unanswered_since: Millis,
}

impl Cause {
    /// The event stream closed. Servers and proxies close streams for many reasons: not urgent.
    pub(super) fn stream(now: Millis, fault: ServerFault) -> Self {
        Self {
            why: fault.why(),
            urgent: fault == ServerFault::OutOfService,
            insist: false,
            unanswered_since: now,
        }
    }

    /// A request has had no answer for long.
    pub(super) fn quiet(quiet: Quiet) -> Self {
        Self {
            why: Why::Silent,
            urgent: false,
            insist: quiet.overdue,
            unanswered_since: quiet.since,
        }
    }

    /// A request failed.
    fn request(now: Millis, fault: ServerFault, failures: u32) -> Self {
        Self {
            why: fault.why(),
            urgent: fault != ServerFault::Broken,
            insist: fault == ServerFault::OutOfService || failures >= FAILURES_MAX,
            unanswered_since: now,
        }
    }

    /// A probe failed.
    fn probe(now: Millis, health: Health) -> Self {
        Self {
            why: why_of(health),
            urgent: false,
            insist: false,
            unanswered_since: now,
        }
    }
}

impl Connector {
    /// Suspects the server in use: both will be probed. A suspicion that is there already may become graver.
    pub(super) fn suspect(&mut self, now: Millis, cause: Cause) {
        match &mut self.phase {
            ConnectorPhase::Seeking(_) => {}
            ConnectorPhase::Suspect(suspect) => {
                suspect.urgent |= cause.urgent;
                suspect.insist |= cause.insist;
                suspect.unanswered_since = suspect.unanswered_since.min(cause.unanswered_since);
            }
            ConnectorPhase::Settled => {
                self.phase = ConnectorPhase::Suspect(Suspect {
                    round: ProbeRound::new(now),
                    why: cause.why,
                    urgent: cause.urgent,
                    insist: cause.insist,
                    unanswered_since: cause.unanswered_since,
                });
            }
        }
    }

    /// A server has answered a probe, failed it, or said how it is.
    pub(super) fn judged(&mut self, now: Millis, side: Side, health: Health) {
        let recent_ms = self.timing.partner_look_ms + self.timing.probe_timeout_slow_ms;
        let Some(peer) = self.peer_mut(side) else {
            return;
        };
        peer.judge(now, health, recent_ms);
        if self.current == Some(side) {
            self.heard_at = self
                .heard_at
                .max(self.peer(side).and_then(|peer| peer.heard_at));
        }
        if let ConnectorPhase::Seeking(seeking) = &mut self.phase
            && health.is_good()
        {
            // A late answer between two tries is a reason for a try.
            seeking.round.get_or_insert_with(|| ProbeRound::new(now));
        }
        if matches!(self.phase, ConnectorPhase::Settled)
            && self.current == Some(side)
            && !health.is_good()
        {
            self.suspect(now, Cause::probe(now, health));
        }
        if let Some(round) = self.phase.round_mut() {
            round.set(side, Some(health));
        }
        self.consider_return(now, side);
    }

    pub(super) fn request_ended(&mut self, now: Millis, outcome: Outcome) {
        match outcome {
            Outcome::Abandoned => {}
            Outcome::Answered => {
                self.failures = 0;
                self.heard(now);
                if let (ConnectorPhase::Suspect(suspect), Some(side)) =
                    (&mut self.phase, self.current)
                    && suspect.round.get(side).is_none()
                {
                    // It answers the application: better proof than a probe. Whether it has caught up does not matter here.
                    let caught_up = false;
                    suspect.round.set(side, Some(Health::Good { caught_up }));
                }
            }
            Outcome::Failed(fault) => {
                self.failures = self.failures.saturating_add(1);
                self.suspect(now, Cause::request(now, fault, self.failures));
            }
        }
    }

    /// Takes at most one step out of suspicion or search. True if it took one.
    pub(super) fn settle(&mut self, now: Millis) -> bool {
        match (&self.phase, self.current) {
            (ConnectorPhase::Suspect(suspect), Some(current)) => {
                let suspect = suspect.clone();
                self.settle_suspect(now, current, &suspect)
            }
            (ConnectorPhase::Seeking(seeking), _) => match seeking.round {
                Some(round) => self.settle_round(now, &round),
                None if seeking.next_at <= now => {
                    self.begin_round(now);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    fn settle_suspect(&mut self, now: Millis, current: Side, suspect: &Suspect) -> bool {
        let other = current.other();
        let ours = suspect.round.get(current);
        let theirs = self.verdict(&suspect.round, other);
        let good = |health: Option<Health>| health.is_some_and(Health::is_good);
        let bad = |health: Option<Health>| health.is_some_and(|health| !health.is_good());
        if good(ours) && (!suspect.insist || bad(theirs)) {
            self.phase = ConnectorPhase::Settled;
            return true;
        }
        if good(theirs) {
            let grace_over = suspect.urgent && suspect.grace_ends_at(&self.timing) <= now;
            if bad(ours) || suspect.insist || grace_over {
                let why = ours
                    .filter(|ours| !ours.is_good())
                    .map_or(suspect.why, why_of);
                match other {
                    Side::Partner => self.hold_down.left(now, &self.timing),
                    Side::Primary => self.hold_down.returned(now),
                }
                self.use_server(now, other, why, true);
                return true;
            }
        }
        if bad(ours) && bad(theirs) {
            if let ConnectorPhase::Suspect(suspect) = &mut self.phase
                && self.online
                && suspect.round.again_slowly()
            {
                return false;
            }
            self.lose(now);
            return true;
        }
        false
    }

    fn settle_round(&mut self, now: Millis, round: &ProbeRound) -> bool {
        let theirs = self.verdict(round, Side::Partner);
        match (round.get(Side::Primary), theirs) {
            (None, _) => false,
            (Some(Health::Good { caught_up: false }), None) => false,
            (Some(Health::Good { caught_up: false }), Some(Health::Good { caught_up: true })) => {
                // The partner knows more, for instance what was deleted there while the primary was out.
                self.hold_down.visiting(now);
                self.use_server(now, Side::Partner, Why::NotCaughtUp, true);
                true
            }
            (Some(Health::Good { .. }), _) => {
                self.use_server(now, Side::Primary, Why::Preferred, true);
                true
            }
            (Some(_), None) => false,
            (Some(ours), Some(Health::Good { .. })) => {
                self.hold_down.left(now, &self.timing);
                self.use_server(now, Side::Partner, why_of(ours), true);
                true
            }
            (Some(_), Some(_)) => {
                let online = self.online;
                if online && self.phase.round_mut().is_some_and(ProbeRound::again_slowly) {
                    return false;
                }
                self.lose(now);
                true
            }
        }
    }

    /// What a round has found out of a server; one that does not exist is no help.
    fn verdict(&self, round: &ProbeRound, side: Side) -> Option<Health> {
        match self.peer(side) {
            Some(_) => round.get(side),
            None => Some(Health::Unknown),
        }
    }

    pub(super) fn use_server(&mut self, now: Millis, side: Side, why: Why, resend: bool) {
        self.current = Some(side);
        self.why = why;
        self.phase = ConnectorPhase::Settled;
        self.failures = 0;
        self.flights.clear();
        self.drop_stream();
        self.heard(now);
        self.outputs
            .push_back(Output::UseServer { side, why, resend });
    }

    /// Neither answers.
    fn lose(&mut self, now: Millis) {
        let failed = match &self.phase {
            ConnectorPhase::Seeking(seeking) => seeking.failed.saturating_add(1),
            _ => 1,
        };
        let (first, max) = (self.timing.retry_first_ms, self.timing.retry_max_ms);
        let pause = self.jitter.backoff(first, max, failed - 1);
        self.no_current();
        self.phase = ConnectorPhase::Seeking(Seeking {
            round: None,
            failed,
            failed_at: now,
            next_at: now.plus(pause),
        });
        self.outputs.push_back(Output::NoServer);
    }

    /// The server in use is no longer one of the pair: look again.
    pub(super) fn seek_anew(&mut self, now: Millis) {
        self.no_current();
        self.why = Why::PairChanged;
        self.phase = ConnectorPhase::Seeking(Seeking::start(now));
    }

    fn no_current(&mut self) {
        self.current = None;
        self.failures = 0;
        self.flights.clear();
        self.drop_stream();
    }

    fn begin_round(&mut self, now: Millis) {
        if let ConnectorPhase::Seeking(seeking) = &mut self.phase {
            seeking.round.get_or_insert_with(|| ProbeRound::new(now));
        }
    }

    /// While neither is known to answer: a try now, if the last one ended at least `gap_ms` ago.
    pub(super) fn seek_again(&mut self, now: Millis, gap_ms: u64) {
        if let ConnectorPhase::Seeking(seeking) = &self.phase
            && now.since(seeking.failed_at) >= gap_ms
        {
            self.begin_round(now);
        }
    }

    /// Circumstances have changed: both are asked as soon as they may be. A network that is gone is no reason to seek again.
    pub(super) fn look_again(&mut self, now: Millis, seek: bool) {
        self.primary.wanted = true;
        if let Some(partner) = &mut self.partner {
            partner.wanted = true;
        }
        if seek {
            self.seek_again(now, 0);
        }
    }

    /// Playing or recording may have ended: whether to go back is decided by an answer of this moment.
    pub(super) fn let_go(&mut self) {
        if self.current == Some(Side::Partner) && !self.held() {
            self.primary.wanted = true;
        }
    }

    pub(super) fn held(&self) -> bool {
        self.playing || self.recording
    }

    /// Goes back to the primary if its answer, given just now, and those before it allow that.
    fn consider_return(&mut self, now: Millis, side: Side) {
        let on_partner = self.current == Some(Side::Partner);
        if side != Side::Primary || !on_partner || !matches!(self.phase, ConnectorPhase::Settled) {
            return;
        }
        if self.primary.health.is_good() && self.steady(now) && self.rested(now) && !self.held() {
            self.hold_down.returned(now);
            self.use_server(now, Side::Primary, Why::CaughtUp, false);
        }
    }

    /// The primary has answered well often and long enough. One that has not failed has nothing to prove.
    pub(super) fn steady(&self, now: Millis) -> bool {
        let (answers, ms) = if self.hold_down.least_ms == 0 {
            (1, 0)
        } else {
            (self.timing.back_answers, self.timing.back_steady_ms)
        };
        self.primary.streak >= answers && self.primary.steady_ms(now) >= ms
    }

    /// The hold-down on the partner has been long enough.
    pub(super) fn rested(&self, now: Millis) -> bool {
        self.hold_down.ends_at() <= now
    }
}

fn why_of(health: Health) -> Why {
    match health {
        Health::Unknown | Health::Good { .. } => Why::Preferred,
        Health::OutOfService => Why::OutOfService,
        Health::Refused => Why::Refused,
        Health::Silent => Why::Silent,
        Health::Broken => Why::Broken,
    }
}
