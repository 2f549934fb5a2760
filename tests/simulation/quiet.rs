//! What is checked after every step, and what must be true when all is quiet.

use crate::checks;
use crate::node::NAMES;
use crate::oracle::{Failure, failed};
use crate::slow::PUT_OFF_MS;
use crate::world::World;
use gr_proto::{Limits, PartnerState};

/// After the faults have ended, the pair must be quiet within this time: the longest retransmission time, and some.
const QUIET_WITHIN_MS: u64 = 1_500_000;

impl World {
    /// I18: who is called running was alive within the time that the timers allow. E20: clocks stay within bounds.
    pub(crate) fn honest(&mut self) -> Result<(), Failure> {
        for side in [0, 1] {
            let partner = &self.nodes[1 - side];
            let twice = self
                .twin
                .as_ref()
                .is_some_and(|twin| twin.side == partner.side);
            let alive = if partner.process.is_some() || twice {
                self.time
            } else {
                partner.last_up
            };
            let node = &self.nodes[side];
            let Some(process) = &node.process else {
                continue;
            };
            let running = process.view().partner_state() == PartnerState::Running;
            let waits = node.next_at(self.time) != Some(self.time);
            let silent = self.time.saturating_sub(alive);
            if running && silent > self.dials.timers.unknown_ms && waits {
                return failed("running is honest", format!("dead for {silent} ms"));
            }
            let running = running && waits;
            // What left before the link broke proves nothing: the partner has to have heard something that was said since.
            if running
                && node
                    .broken_at
                    .is_some_and(|at| self.net.heard(1 - side) < at)
            {
                return failed("a broken link is not running", NAMES[side]);
            }
            let cut = self.net.silent_since(1 - side, self.time);
            let silent = cut.map_or(0, |since| self.time - since);
            if running && silent > self.dials.timers.unknown_ms {
                let found = format!("{} reaches nobody for {silent} ms", NAMES[side]);
                return failed("status turns unknown on a broken link", found);
            }
            let clock = node.ledger.state.hlc.wall().0;
            if clock > node.wall_max.max(0) + domain::Hlc::ABSORB_MS_MAX + 1 {
                return failed(
                    "the logical clock is bounded",
                    format!("{} shows {clock}", NAMES[side]),
                );
            }
        }
        Ok(())
    }

    /// Waits until nobody owes anything; not for ever, for somebody may have to put things right first.
    pub(crate) fn come_to_rest(&mut self) -> Result<(), Failure> {
        let part = if self.needs_repair() { 10 } else { 1 };
        self.wait_until_quiet(self.time + self.quiet_within_ms() / part)
    }

    fn quiet_within_ms(&self) -> u64 {
        QUIET_WITHIN_MS * if self.dials.relay > 0 { 3 } else { 1 }
    }

    fn wait_until_quiet(&mut self, end: u64) -> Result<(), Failure> {
        let slice = self.dials.timers.heartbeat_ms;
        while self.time < end && !self.is_quiet() {
            let until = self.time + slice;
            self.pass(until)?;
            self.time = until;
        }
        Ok(())
    }

    /// Waits until nobody owes anything.
    pub(crate) fn become_still(&mut self) -> Result<(), Failure> {
        self.wait_until_quiet(self.time + self.quiet_within_ms())
    }

    /// Waits until nobody owes anything, and checks what both hold then.
    pub(crate) fn become_quiet(&mut self) -> Result<(), Failure> {
        self.become_still()?;
        self.comes_back()?;
        for node in &mut self.nodes {
            checks::recount(&mut node.ledger)?;
        }
        self.oracle
            .quiet([&self.nodes[0].ledger, &self.nodes[1].ledger])?;
        match self.is_quiet() {
            true => Ok(()),
            false => failed(
                "a good network is enough",
                "a server does not call its partner running",
            ),
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.is_mended()
            && self.nodes.iter().all(|node| {
                // A machine that was resumed from a snapshot and its partner go on calling each other running until what each last
                // heard of the other's former incarnation is too old.
                let partner = self.nodes[1 - node.side].process.as_ref();
                let present = partner.map(|partner| partner.view().incarnation());
                let meets = node.session_with == present;
                let idle = node
                    .ledger
                    .marks
                    .keys()
                    .all(|id| self.oracle.bad.contains(id));
                let mut held = node.ledger.held.keys();
                let state = &node.ledger.state;
                let filled = state.scans.is_empty() && held.all(|id| self.oracle.is_doomed(id));
                let judged = !state.partner_rolled_back
                    && !state.rolled_back
                    && node.ledger.tombstones.is_empty();
                let status = node.process.as_ref().map(|engine| engine.view().status());
                meets
                    && idle
                    && judged
                    && filled
                    && status.is_some_and(|s| {
                        s.state == PartnerState::Running
                            && (!self.oracle.bad.is_empty() || s.caught_up())
                    })
            })
    }

    /// I27: a pair that has nothing to do says nothing but heartbeats.
    pub(crate) fn rest(&mut self) -> Result<(), Failure> {
        let heartbeats = 10;
        // The last challenge may have been echoed late: then its proof runs out, and the partner is asked once more.
        // And what was put off for want of room comes when there is some.
        let put_off = u64::from(self.dials.wide.full_long > 0) * 2 * PUT_OFF_MS;
        // Where few numbers may be unsettled, those that were lost on a bad network leave room for the next acknowledgement at best.
        let limits = &self.dials.wide.limits;
        let few_unsettled = u64::from(limits.unsettled < Limits::default().unsettled);
        let acknowledged =
            few_unsettled * (limits.processed_unacked + 2) * self.dials.timers.heartbeat_ms;
        let settled = self.time + self.dials.timers.unknown_ms + put_off + acknowledged;
        self.pass(settled)?;
        self.time = self.time.max(settled);
        // What late mail has asked for is still on a slow way, and may be answered.
        for _ in 0..20 {
            if !self.net.is_busy(self.time) {
                break;
            }
            let until = self.time + self.dials.timers.unknown_ms;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        let before = self.net.sent;
        let until = self.time + heartbeats * self.dials.timers.heartbeat_ms;
        self.pass(until)?;
        self.everybody_is_answered()?;
        for side in [0, 1] {
            self.reads_bodies(side)?;
        }
        let said = self.net.sent - before;
        // The last acknowledgements may still be due, and what was refused is tried again now and then. What no copy is left of is asked
        // for with pauses that grow from 5 s: five times in ten heartbeats, bodies and rows, with answers.
        let allowed = 2 * (heartbeats + 3)
            + 12 * self.oracle.bad.len() as u64
            + 20 * self.asks_now_and_then();
        if said > allowed {
            return failed(
                "a quiet pair is quiet",
                format!("{said} messages in {heartbeats} heartbeats"),
            );
        }
        self.oracle
            .quiet([&self.nodes[0].ledger, &self.nodes[1].ledger])
    }
}
