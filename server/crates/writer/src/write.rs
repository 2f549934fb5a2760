//! A write: a closure that runs inside the transaction of a group, and what its caller is told.

use crate::error::WriterError;
use crate::store::{Store, Transaction};
use domain::{BodyRef, Change, ObjectId, ReplicationConstraints, ServerId, Timestamp};
use gr_proto::{Engine, Input, Now};
use ledger::LedgerError;

/// How long a write waits for more than this server's own disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Answered when it is durable here.
    Local,
    /// While the partner is running, answered when the partner has acknowledged it, or after `gr.accept_wait_ms`.
    Partner,
}

/// On how many servers a write is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On this one only so far.
    Local,
    /// On both.
    Replicated,
}

/// What a write returned, and where it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// The closure's value.
    pub value: T,
    /// On how many servers.
    pub durability: Durability,
}

/// Why a closure stops. What it has written before is taken back.
#[derive(Debug)]
pub enum Abort<E> {
    /// The caller's own reason.
    Refused(E),
    /// The store failed.
    Ledger(LedgerError),
}

impl<E> From<LedgerError> for Abort<E> {
    fn from(e: LedgerError) -> Self {
        Self::Ledger(e)
    }
}

impl<E> From<store::StoreError> for Abort<E> {
    fn from(e: store::StoreError) -> Self {
        Self::Ledger(e.into())
    }
}

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure refused.
    #[error("refused")]
    Refused(E),
    /// The server could not do it.
    #[error(transparent)]
    Failed(#[from] WriterError),
}

/// The inside of the group's transaction, as one write sees it.
pub struct WriteTx<'a, 't, S: Store> {
    pub(crate) engine: &'a mut Engine,
    pub(crate) tx: &'a mut S::Tx<'t>,
    pub(crate) now: Now,
    pub(crate) home: ServerId,
    /// The changes that the partner has to hear of, by their numbers.
    pub(crate) marked: Vec<(ObjectId, u64)>,
    /// The disk is nearly full.
    pub(crate) no_room: bool,
    /// The server's conditions, if the write changed them.
    pub(crate) constraints: Option<ReplicationConstraints>,
}

impl<'t, S: Store> WriteTx<'_, 't, S> {
    /// The wall clock of this group.
    pub fn now(&self) -> Timestamp {
        self.now.wall
    }

    /// The identity of this server.
    pub fn home(&self) -> ServerId {
        self.home
    }

    /// The transaction, for look-ups. Objects are changed by [`Self::change`] only: it marks them for the partner (E1).
    pub fn tx(&mut self) -> &mut S::Tx<'t> {
        self.tx
    }

    /// Adds a body; it is durable before any row that refers to it (E16).
    ///
    /// # Errors
    /// The store failed.
    pub fn append_body(&mut self, bytes: &[u8]) -> Result<BodyRef, LedgerError> {
        Ok(self.tx.append_body(bytes)?)
    }

    /// Changes an object and marks it for the partner, in this transaction (E1).
    ///
    /// # Errors
    /// The store failed.
    pub fn change(&mut self, change: &Change) -> Result<(), LedgerError> {
        if let Some(n) = self.engine.change(self.now, &mut *self.tx, change)? {
            self.marked.push((change.id(), n));
        }
        Ok(())
    }

    /// What this write has changed so far of which the partner has to hear, each with the number of the change.
    pub fn marked(&self) -> &[(ObjectId, u64)] {
        &self.marked
    }

    /// The moment before which things of this age may be destroyed now; `None`: none may (E22). An age in milliseconds.
    pub fn oldest_destroyable(&self, age_ms: i64) -> Option<Timestamp> {
        self.engine.view().oldest_destroyable(self.now, age_ms)
    }

    /// Tells the engine, in this transaction, what the server's conditions are now (R9).
    ///
    /// # Errors
    /// The store failed.
    pub fn set_conditions(
        &mut self,
        mut constraints: ReplicationConstraints,
    ) -> Result<(), LedgerError> {
        constraints.no_room = self.no_room;
        let input = Input::Constraints(Box::new(constraints.clone()));
        self.engine.handle(self.now, &mut *self.tx, input)?;
        self.constraints = Some(constraints);
        Ok(())
    }
}
