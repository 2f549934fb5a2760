//! What must be true of both servers when all is quiet.

use crate::oracle::{Failure, Oracle, failed};
use ledger::memory::Memory;
use std::collections::BTreeMap;

impl Oracle {
    /// The state of both servers when all is quiet.
    pub fn quiet(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        self.drained(ledgers)?;
        self.converged(ledgers)?;
        for id in self
            .born
            .keys()
            .filter(|id| self.is_wanted(id) && !self.bad.contains(id))
        {
            if !ledgers[0].objects.contains_key(id) && !self.is_doubtful(id) {
                return failed("nothing accepted is lost", format!("{id}"));
            }
        }
        for (id, object) in &ledgers[0].objects {
            if !self.is_wanted(id) && !self.is_doubtful(id) {
                return failed("deleted is deleted", format!("{id} is back"));
            }
            for (key, register) in &object.registers {
                let newest = self.newest.get(&(*id, *key));
                if newest.is_some_and(|newest| *newest > register.version) && !self.is_doomed(id) {
                    return failed("the newest value wins", format!("{id} {key:?}"));
                }
            }
        }
        self.homes(ledgers)?;
        self.bodies(ledgers)
    }

    fn converged(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        let rows = |ledger: &Memory| {
            let good = ledger.objects.iter().filter(|(id, _)| !self.is_doomed(id));
            good.map(|(id, object)| (*id, object.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let (north, south) = (rows(ledgers[0]), rows(ledgers[1]));
        let ids = north.keys().chain(south.keys());
        match ids.into_iter().find(|id| north.get(id) != south.get(id)) {
            Some(id) => failed(
                "both hold the same",
                format!("{id}: north {:?}, south {:?}", north.get(id), south.get(id)),
            ),
            None => Ok(()),
        }
    }

    fn drained(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        for ledger in ledgers {
            let mut held = ledger.held.keys();
            if let Some(id) = held.find(|id| !self.is_doomed(id)) {
                return failed("what is held is filled in", format!("{id} is still held"));
            }
            // What is held for good, and what belongs to it, is tried again now and then, and is marked while it is.
            let tried = |id: &domain::ObjectId| self.bad.contains(id) || self.is_doomed(id);
            if let Some(id) = ledger.marks.keys().find(|id| !tried(id)) {
                return failed("marks drain", format!("{id} is still marked"));
            }
            if let Some(id) = ledger.tombstones.keys().next() {
                return failed("tombstones drain", format!("{id} still has one"));
            }
            if ledger.state.partner_rolled_back || ledger.state.rolled_back {
                return failed(
                    "recoveries end",
                    "a server believes that one of them went back",
                );
            }
        }
        Ok(())
    }

    /// I12: only its home creates a user. (A server that was restored, or may have been, takes back what it may have lost.)
    fn homes(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        for id in self.bad.iter().filter(|_| !self.may_have_gone_back()) {
            let maker = usize::from(id.as_bytes()[15]);
            if ledgers[1 - maker].objects.contains_key(id) && !self.rebuilt[1 - maker] {
                return failed("only its home creates a user", format!("{id}"));
            }
        }
        Ok(())
    }

    fn bodies(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        for ledger in ledgers {
            for (id, object) in &ledger.objects {
                if object
                    .body
                    .is_some_and(|body| !ledger.bodies.contains(&body))
                    && !self.is_doomed(id)
                {
                    return failed("every message has its body", format!("{id} has none"));
                }
            }
        }
        Ok(())
    }
}
