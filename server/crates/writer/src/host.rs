//! What surrounds the writer: clocks, entropy, and where that goes which leaves.

use crate::error::WriterError;
use crate::store::Store;
use domain::{Incarnation, ServerId};
use gr_proto::{Now, Output, View};
use store::StoreError;

/// The process around a writer. A server has threads, channels and the system's clocks; a simulation has its own.
pub trait Host {
    /// The store that is written to.
    type Store: Store;
    /// The partner of a pair, with what it takes to reach it.
    type Pair: Send + 'static;
    /// The place of a job in the bounded queue, held until the job is done.
    type Permit: Send + 'static;

    /// Both clocks.
    fn now(&mut self) -> Now;

    /// The name of a new incarnation, and a seed; both are never used twice.
    fn new_incarnation(&mut self) -> (Incarnation, u64);

    /// Fresh randomness for the engine, in each transaction: a machine that is resumed from a snapshot of its memory must not draw again
    /// what it drew (E13). `None`: there is none to be added.
    fn reseed(&mut self) -> Option<u64>;

    /// The identity of a partner.
    fn partner_of(pair: &Self::Pair) -> ServerId;

    /// Writes down with whom this server is paired, in the transaction that makes it so.
    ///
    /// # Errors
    /// The store failed.
    fn store_pair(
        tx: &mut <Self::Store as Store>::Tx<'_>,
        pair: Option<&Self::Pair>,
    ) -> Result<(), StoreError>;

    /// The pair has changed, durably. Called before the incarnation that lives in it begins.
    fn pair_changed(&mut self, pair: Option<Self::Pair>);

    /// A new incarnation has begun. What the former one said of itself no longer holds.
    fn incarnation_began(&mut self, engine: View<'_>);

    /// A step of house-keeping was done, or failed and is tried again: nothing else has suffered from it.
    fn upkeep(&mut self, _what: &'static str, _result: Result<(), &WriterError>) {}

    /// Something leaves: called after the commit, in the engine's order.
    fn output(&mut self, output: Output);
}
