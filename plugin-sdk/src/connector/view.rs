//! What the user is told, made of what the connector knows.

use super::peer::KnownServer;
use super::probe_round::ConnectorPhase;
use super::{Connector, Millis, Output};
use crate::pair::Side;
use crate::status::{FailbackWait, Health, ServerStatus, State, Status};
use contract::Timestamp;

impl Connector {
    /// The connection as it is now; `wall` gives the time of day for a moment of the connector's clock.
    pub fn status(&self, wall: impl Fn(Millis) -> Timestamp) -> Status {
        let server = |peer: &KnownServer| ServerStatus {
            fqdn: peer.endpoint.fqdn.clone(),
            http: peer.endpoint.http.clone(),
            search_base: peer.endpoint.search_base.clone(),
            health: peer.health,
            out_since: peer.out_since.map(&wall),
            round_trip_ms: peer.round_trip_ms,
        };
        let next_try_at = match &self.phase {
            ConnectorPhase::Seeking(seeking) if seeking.round.is_none() => {
                Some(wall(seeking.next_at))
            }
            _ => None,
        };
        let unanswered_since = match &self.phase {
            ConnectorPhase::Suspect(suspect) => Some(wall(suspect.unanswered_since)),
            _ => None,
        };
        Status {
            state: self.state,
            since: wall(self.state_since),
            on: self.current,
            why: self.why,
            primary: server(&self.primary),
            partner: self.partner.as_ref().map(server),
            up_to_date_at: self.heard_at.map(&wall),
            unanswered_since,
            next_try_at,
            waiting_for: self.waiting_for,
            network_offline: !self.online,
        }
    }

    /// Works out the state at `now`, and says so if a user would see a difference.
    pub(super) fn refresh(&mut self, now: Millis) {
        self.waiting_for = self.failback_wait(now);
        let state = self.state_at(now);
        if state != self.state {
            self.state = state;
            self.state_since = now;
        }
        let stale = match (self.heard_at, self.shown_heard_at) {
            (Some(heard), Some(shown)) => heard.since(shown) >= self.timing.heard_shown_ms,
            (heard, shown) => heard != shown,
        };
        let status = self.visible_part();
        if stale || self.shown.as_ref() != Some(&status) {
            self.shown = Some(status);
            self.shown_heard_at = self.heard_at;
            self.outputs.push_back(Output::StatusChanged);
        }
    }

    /// The status without what changes all the time and is not worth a message.
    fn visible_part(&self) -> Status {
        let mut status = self.status(|at| Timestamp(i64::try_from(at.0).unwrap_or(i64::MAX)));
        status.up_to_date_at = None;
        status.primary.round_trip_ms = None;
        if let Some(partner) = &mut status.partner {
            partner.round_trip_ms = None;
        }
        if status.state != State::Switching {
            status.unanswered_since = None;
        }
        status
    }

    fn state_at(&self, now: Millis) -> State {
        let current = match (&self.phase, self.current) {
            (ConnectorPhase::Seeking(seeking), _) if seeking.failed == 0 => {
                return State::Connecting;
            }
            (ConnectorPhase::Seeking(_), _) | (_, None) => return State::Unreachable,
            // Without a partner there is nothing to switch to.
            (ConnectorPhase::Suspect(suspect), Some(_))
                if self.partner.is_some() && suspect.shown_at(&self.timing) <= now =>
            {
                return State::Switching;
            }
            (_, Some(current)) => current,
        };
        match (current, self.primary.health, self.waiting_for) {
            (Side::Primary, _, _) => State::OnPrimary,
            (Side::Partner, Health::OutOfService, _) => State::Maintenance,
            (Side::Partner, _, None | Some(FailbackWait::Calm)) => State::OnPartner,
            (Side::Partner, _, Some(_)) => State::GoingBack,
        }
    }

    fn failback_wait(&self, now: Millis) -> Option<FailbackWait> {
        if self.current != Some(Side::Partner) {
            return None;
        }
        let Health::Good { caught_up } = self.primary.health else {
            return None;
        };
        if !caught_up {
            return Some(FailbackWait::CatchUp);
        }
        let flapped = self.hold_down.least_ms > self.timing.hold_down_min_ms;
        Some(match (self.rested(now), self.held()) {
            (false, _) if flapped => FailbackWait::Calm,
            (true, true) if self.steady(now) => FailbackWait::Playback,
            _ => FailbackWait::Steady,
        })
    }
}
