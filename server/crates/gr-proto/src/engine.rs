//! The engine: one life of one server of a pair.

use crate::{Config, Input, Mono, Now, Output, PartnerState, PartnerStatus};
use domain::{Change, Ledger, LedgerError, Life, Timestamp};
use std::collections::VecDeque;

/// One life of one server of a pair.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    life: Life,
    outputs: VecDeque<Output>,
}

impl Engine {
    /// A new life. `life` and `seed` come from the system's entropy and are never used twice.
    pub fn new(config: Config, life: Life, seed: u64) -> Self {
        let _ = seed;
        Self {
            config,
            life,
            outputs: VecDeque::new(),
        }
    }

    /// Makes a local change. Returns its number, for [`Output::Safe`]; `None` if there was nothing to do or there is no partner.
    pub fn change(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        change: &Change,
    ) -> Result<Option<u64>, LedgerError> {
        let _ = (now, ledger, change);
        Ok(None)
    }

    /// Takes an input.
    pub fn handle(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        input: Input,
    ) -> Result<(), LedgerError> {
        let _ = (now, ledger, input);
        Ok(())
    }

    /// Ends a transaction: writes what is to be said now. Called once, after all changes and inputs and before the commit;
    /// and by itself when [`Self::wake_at`] has come.
    pub fn pump(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        let _ = (now, ledger);
        Ok(())
    }

    /// The next output, after the commit.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::pump`] has to be called even if nothing happens. It changes with every call.
    pub fn wake_at(&self) -> Option<Mono> {
        None
    }

    /// How the partner is.
    pub fn status(&self) -> PartnerStatus {
        let _ = &self.config;
        PartnerStatus {
            state: PartnerState::Unknown,
            since: Timestamp(0),
            partner_backlog: None,
            round_trip_ms: None,
            clock_difference_ms: None,
        }
    }

    /// The life that is being lived. It may change: see [`crate::Event::NewLife`].
    pub fn life(&self) -> Life {
        self.life
    }
}
