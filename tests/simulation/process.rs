//! The process of a server: the writer that real servers have, over a store in memory.

use crate::dice::Dice;
use crate::store::{SimStore, SimTx};
use ::store::StoreError;
use domain::{Incarnation, ServerId};
use gr_proto::{Config, Now, Output, View};
use std::ops::{Deref, DerefMut};
use writer::{Host, Writer};

/// A write waits for the partner's acknowledgement at most so long. Milliseconds.
pub(crate) const ACCEPT_WAIT_MS: u64 = 2_000;

/// A process that runs. Its copy is that of a machine: the callers that it has not answered stay with the original.
pub(crate) struct Process(Box<Writer<SimHost>>);

impl Process {
    pub(crate) fn new(config: Config, incarnation: u64) -> Self {
        let first = (Incarnation(incarnation), incarnation ^ 0x5eed);
        Self(Box::new(Writer::new(first, config, ACCEPT_WAIT_MS)))
    }
}

impl Clone for Process {
    fn clone(&self) -> Self {
        Self(Box::new(self.0.copy_of_machine()))
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.view().fmt(f)
    }
}

impl Deref for Process {
    type Target = Writer<SimHost>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// What surrounds the writer for the time of one group.
#[derive(Debug)]
pub(crate) struct SimHost {
    pub(crate) now: Now,
    /// What has left.
    pub(crate) outputs: Vec<Output>,
    /// From this the next incarnation is drawn, if one begins.
    pub(crate) seed: u64,
}

impl Host for SimHost {
    type Store = SimStore;
    type Pair = ServerId;
    type Permit = ();

    fn now(&mut self) -> Now {
        self.now
    }

    fn new_incarnation(&mut self) -> (Incarnation, u64) {
        let fresh = Dice::new(self.seed).roll();
        (Incarnation(fresh), fresh ^ 0x5eed)
    }

    /// Machines that are copied are given other randomness when they are.
    fn reseed(&mut self) -> Option<u64> {
        None
    }

    fn partner_of(pair: &ServerId) -> ServerId {
        *pair
    }

    /// A simulated server is configured anew between two groups.
    fn store_pair(_: &mut SimTx<'_>, _: Option<&ServerId>) -> Result<(), StoreError> {
        Ok(())
    }

    fn pair_changed(&mut self, _: Option<ServerId>) {}

    fn incarnation_began(&mut self, _: View<'_>) {}

    fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }
}
