//! A server that runs twice, at one address: a clone of its machine that somebody forgot to switch off.

use crate::node::NAMES;
use crate::sometimes::Sometimes;
use crate::world::World;
use ledger::memory::Memory;

impl World {
    /// A copy of a server is started at its address; or one of the two is switched off.
    pub(crate) fn twins(&mut self, side: usize) {
        if self.twin.is_some() {
            return self.end_twin();
        }
        if self.nodes[side].process.is_none() {
            return;
        }
        self.counters.hit(Sometimes::Twins);
        self.tell(|| format!("{} runs twice", NAMES[side]));
        let mut twin = self.nodes[side].clone();
        let seed = self.dice.roll();
        twin.process.as_mut().expect("it runs").reseed(seed);
        self.twin = Some(twin);
        self.oracle.restored[side] = true;
    }

    /// Mail and time reach either of two copies.
    pub(crate) fn swap_twins(&mut self, side: usize) {
        let here = self.twin.as_ref().is_some_and(|twin| twin.side == side);
        if !here || !self.dice.chance(300) {
            return;
        }
        let time = self.time;
        if let Some(twin) = &mut self.twin {
            std::mem::swap(twin, &mut self.nodes[side]);
            self.nodes[side].last_up = self.nodes[side].last_up.max(twin.last_up);
        }
        self.tell(|| format!("the other {} is at work", NAMES[side]));
        self.oracle.as_of[side].clear();
        self.checks.goes_back(side);
        self.nodes[side].restored_at = Some(time);
        self.nodes[side].broken_at = None;
        let node = &mut self.nodes[side];
        node.kept_since = node.ledger.kept.keys().map(|id| (*id, 0)).collect();
    }

    /// One of two copies is switched off. What it did alone is gone with it.
    pub(crate) fn end_twin(&mut self) {
        let Some(twin) = self.twin.take() else {
            return;
        };
        let side = twin.side;
        self.answers.hung_up(side);
        let incarnations = twin
            .incarnations
            .iter()
            .map(|(incarnation, _)| (*incarnation, Some(self.time)));
        let incarnations: Vec<_> = incarnations.collect();
        self.counters.hit(Sometimes::TwinEnds);
        self.tell(|| format!("{} runs once", NAMES[side]));
        let partner = &self.nodes[1 - side].ledger;
        let history = &self.nodes[side].history;
        let ledgers: [&Memory; 2] = [&self.nodes[side].ledger, partner];
        self.oracle.goes_back(side, &twin.history, history, ledgers);
        // Nobody can tell from outside what was with which of them.
        self.oracle.restored = [true, true];
        self.oracle.as_of[side].clear();
        self.checks.goes_back(side);
        let node = &mut self.nodes[side];
        node.restored_at = Some(self.time);
        node.incarnations.splice(..0, incarnations);
        node.last_up = match twin.process {
            Some(_) => self.time,
            None => node.last_up.max(twin.last_up),
        };
        self.blind = true;
    }
}
