//! What the writer needs of a store, so that a simulation can put another in its place.

use domain::{BodyRef, Timestamp};
use ledger::Ledger;
use std::collections::BTreeSet;
use store::{Compacted, LookedInto, Room, StoreError};

/// A store with one writer: [`store::Writer`], or what a simulation has instead.
pub trait Store: 'static {
    /// One open transaction. Dropped without [`Transaction::commit`], it leaves nothing.
    type Tx<'t>: Transaction;

    /// Begins a transaction. There is one at a time.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] if the process has to end.
    fn begin(&mut self) -> Result<Self::Tx<'_>, StoreError>;

    /// Looks how much room there is on the disk; see [`store::Writer::look_for_room`].
    fn look_for_room(&mut self) -> Room;

    /// Room on the disk, as it was last seen.
    fn room(&self) -> Room;

    /// Whether there is room for a write with so many bytes of bodies beside those that were admitted since the last look.
    fn admits(&mut self, bytes: u64) -> bool;

    /// [`Self::admits`] for what the GR partner sends: it may use more of the room.
    fn admits_from_partner(&mut self, bytes: u64) -> bool {
        self.admits(bytes)
    }

    /// Tells how a transaction ended, and whether there was anything in it that grows the store.
    fn ended(&mut self, result: Result<(), &StoreError>, grows: bool);

    /// One bounded step of giving disk space back, moving at most so many bytes of bodies.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] if the process has to end; anything else is tried again with the next step.
    fn compact(&mut self, now: Timestamp, move_bytes_max: u64) -> Result<Compacted, StoreError>;

    /// How many bodies cannot be read, and in which segments they lie.
    fn unreadable(&self) -> (usize, BTreeSet<i64>);
}

/// The open transaction of a store.
///
/// One savepoint at a time: [`Self::savepoint`], then either [`Self::release`] or [`Self::roll_back`].
pub trait Transaction: Ledger {
    /// Takes a body; it is durable when the transaction is, and before any row that refers to it (E16).
    ///
    /// # Errors
    /// The store failed.
    fn append_body(&mut self, bytes: &[u8]) -> Result<BodyRef, StoreError>;

    /// Takes a piece of a long body, at an offset in bytes.
    ///
    /// # Errors
    /// The store failed.
    fn append_piece(
        &mut self,
        now: Timestamp,
        body: &BodyRef,
        at: u32,
        bytes: &[u8],
    ) -> Result<(), StoreError>;

    /// Looks at what readers found damaged since, or found again.
    ///
    /// # Errors
    /// The store failed.
    fn look_into_damage(&mut self) -> Result<LookedInto, StoreError>;

    /// Rows that this transaction has set aside because they cannot be read.
    fn rows_set_aside(&self) -> u64;

    /// From here on what is written can be taken back by itself.
    ///
    /// # Errors
    /// The store failed.
    fn savepoint(&mut self) -> Result<(), StoreError>;

    /// What was written since the savepoint stays with the rest of the transaction.
    ///
    /// # Errors
    /// The store failed.
    fn release(&mut self) -> Result<(), StoreError>;

    /// What was written since the savepoint has not happened, and neither have errors in it.
    ///
    /// # Errors
    /// The transaction as a whole cannot go on: the disk is full or failed, or the store has undone all of it.
    fn roll_back(&mut self) -> Result<(), StoreError>;

    /// Makes everything durable.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] if the process has to end. Anything else: the transaction changed nothing.
    fn commit(self) -> Result<(), StoreError>;
}

impl Store for store::Writer {
    type Tx<'t> = store::Tx<'t>;

    fn begin(&mut self) -> Result<store::Tx<'_>, StoreError> {
        self.begin()
    }

    fn look_for_room(&mut self) -> Room {
        self.look_for_room()
    }

    fn room(&self) -> Room {
        self.room()
    }

    fn admits(&mut self, bytes: u64) -> bool {
        self.admits(bytes)
    }

    fn admits_from_partner(&mut self, bytes: u64) -> bool {
        self.admits_from_partner(bytes)
    }

    fn ended(&mut self, result: Result<(), &StoreError>, grows: bool) {
        self.ended(result, grows);
    }

    fn compact(&mut self, now: Timestamp, move_bytes_max: u64) -> Result<Compacted, StoreError> {
        self.compact(now, move_bytes_max)
    }

    fn unreadable(&self) -> (usize, BTreeSet<i64>) {
        let segments = self.unreadable().map(|(segment, _)| segment).collect();
        (self.unreadable().count(), segments)
    }
}

impl Transaction for store::Tx<'_> {
    fn append_body(&mut self, bytes: &[u8]) -> Result<BodyRef, StoreError> {
        self.append_body(bytes)
    }

    fn append_piece(
        &mut self,
        now: Timestamp,
        body: &BodyRef,
        at: u32,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.append_piece(now, body, at, bytes).map(drop)
    }

    fn look_into_damage(&mut self) -> Result<LookedInto, StoreError> {
        self.look_into_damage()
    }

    fn rows_set_aside(&self) -> u64 {
        self.rows_set_aside()
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.savepoint()
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.release_savepoint()
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        self.roll_back_to_savepoint()
    }

    fn commit(self) -> Result<(), StoreError> {
        self.commit()
    }
}
