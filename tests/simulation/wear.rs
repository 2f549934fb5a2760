//! What happens to servers beside all else in widened histories: operators take them out of service.

use crate::node::NAMES;
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::transaction::Work;
use crate::world::World;
use gr_proto::Order;

impl World {
    /// What only widened histories have, and what comes from neither mail nor transactions.
    pub(crate) fn wear(&mut self) -> Result<(), Failure> {
        if self.dice.chance(self.dials.wide.courtesy) {
            self.courtesy()?;
        }
        Ok(())
    }

    /// A server goes out of service, or comes back. I19: if nobody forces it, nothing is left to be sent.
    fn courtesy(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        let force = self.dice.chance(300);
        if self.nodes[side].engine.is_none() {
            return Ok(());
        }
        if self.nodes[side].ledger.state.courtesy {
            return self.courtesy_up(side);
        }
        let work = Work {
            orders: vec![Order::CourtesyDown { force }],
            ..Work::default()
        };
        let steps = self.steps;
        self.transact(side, work)?;
        let ledger = &self.nodes[side].ledger;
        if ledger.state.courtesy && self.steps == steps + 1 {
            self.counters.hit(Sometimes::Courtesy);
            if !force && !ledger.marks.is_empty() {
                let found = format!("{} owes {}", NAMES[side], ledger.marks.len());
                return failed("courtesy leaves nothing behind", found);
            }
        }
        Ok(())
    }

    /// A server comes back into service.
    pub(crate) fn courtesy_up(&mut self, side: usize) -> Result<(), Failure> {
        self.transact(
            side,
            Work {
                orders: vec![Order::CourtesyUp],
                ..Work::default()
            },
        )
    }

    /// When the faults have ended, whoever is out of service comes back.
    pub(crate) fn end_courtesy(&mut self) -> Result<(), Failure> {
        while self
            .nodes
            .iter()
            .any(|node| node.ledger.state.courtesy && node.engine.is_none())
        {
            let until = self.time + self.dials.timers.heartbeat_ms;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        for side in [0, 1] {
            if self.nodes[side].ledger.state.courtesy {
                self.courtesy_up(side)?;
            }
        }
        Ok(())
    }
}
