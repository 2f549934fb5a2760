//! Which server is asked how it is, and when.

use super::peer::KnownServer;
use super::probe_round::ConnectorPhase;
use super::{Connector, IoId, Millis, Output, ServerFault};
use crate::pair::Side;
use crate::status::Health;
use contract::Discovery;

impl Connector {
    /// When a server is to be asked next, if it is not being asked.
    pub(super) fn probe_due(&self, side: Side) -> Option<Millis> {
        let peer = self.peer(side)?;
        let due = match &self.phase {
            ConnectorPhase::Seeking(seeking) => {
                seeking.round.as_ref()?.seek_due(side, &self.timing)?
            }
            ConnectorPhase::Suspect(suspect) => suspect.round.suspect_due(side)?,
            ConnectorPhase::Settled => self.watch_due(side, peer)?,
        };
        Some(due.max(peer.askable_at(self.timing.probe_gap_ms)))
    }

    /// The same while one server is in use and not suspected.
    fn watch_due(&self, side: Side, peer: &KnownServer) -> Option<Millis> {
        if peer.wanted {
            return Some(Millis(0));
        }
        let idle = if self.visible && self.session {
            self.timing.idle_probe_ms
        } else {
            self.timing.hidden_probe_ms
        };
        let after =
            |at: Option<Millis>, ms: u64| at.map_or(Millis(0), |at| at.plus(peer.spread(ms)));
        if self.current == Some(side) {
            Some(after(peer.heard_at.max(peer.asked_at), idle))
        } else if side == Side::Primary {
            Some(after(peer.asked_at, idle))
        } else {
            let look = self.timing.partner_look_ms;
            self.visible.then(|| after(peer.asked_at, look))
        }
    }

    pub(super) fn send_probes(&mut self, now: Millis) {
        for side in [Side::Primary, Side::Partner] {
            let free = self.peer(side).is_some_and(|peer| peer.probe.is_none());
            if !free || self.probe_due(side).is_none_or(|due| due > now) {
                continue;
            }
            let id = self.new_id();
            let timeout_ms = if self.phase.is_slow() {
                self.timing.probe_timeout_slow_ms
            } else {
                self.timing.probe_timeout_ms
            };
            let spread = self.jitter.permille();
            if let Some(peer) = self.peer_mut(side) {
                peer.asked(now, id, timeout_ms, spread);
                let http = peer.endpoint.http.clone();
                self.outputs.push_back(Output::Probe {
                    id,
                    side,
                    http,
                    timeout_ms,
                });
            }
        }
    }

    /// What has not been answered in time has failed, also when the driver has not said so yet.
    pub(super) fn end_late_probes(&mut self, now: Millis) {
        for side in [Side::Primary, Side::Partner] {
            let late = |peer: &KnownServer| peer.probe.is_some_and(|probe| probe.deadline <= now);
            if self.peer(side).is_some_and(late) {
                if let Some(peer) = self.peer_mut(side) {
                    peer.probe = None;
                }
                self.judged(now, side, Health::Silent);
            }
        }
    }

    /// A server has answered its probe: it says how it is, and of its pair.
    pub(super) fn probe_answered(
        &mut self,
        now: Millis,
        id: IoId,
        discovery: &Discovery,
        round_trip_ms: u64,
    ) {
        let Some(side) = self.end_probe(id) else {
            return;
        };
        if let Some(peer) = self.peer_mut(side) {
            peer.round_trip_ms = Some(round_trip_ms);
        }
        self.hear_discovery(now, side, discovery);
    }

    pub(super) fn probe_failed(&mut self, now: Millis, id: IoId, fault: ServerFault) {
        if let Some(side) = self.end_probe(id) {
            self.judged(now, side, fault.health());
        }
    }

    /// Whose probe it was; `None` for one that was given up.
    fn end_probe(&mut self, id: IoId) -> Option<Side> {
        [Side::Primary, Side::Partner].into_iter().find(|side| {
            let Some(peer) = self.peer_mut(*side) else {
                return false;
            };
            let ours = peer.probe.is_some_and(|probe| probe.id == id);
            if ours {
                peer.probe = None;
            }
            ours
        })
    }
}
