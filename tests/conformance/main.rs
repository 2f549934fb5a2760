//! The engine's own memory is held to the suite that the store is held to: what a test or a history of the simulator finds out of
//! the one is true of the other.

use domain::{BodyRef, ObjectId};
use ledger::conformance::{Subject, TransactionEnd, check};
use ledger::memory::Memory;
use ledger::{Ledger, LedgerError};

struct Kept(Memory);

impl Subject for Kept {
    fn transact(
        &mut self,
        end: TransactionEnd,
        work: &mut dyn FnMut(&mut dyn Ledger) -> Result<(), LedgerError>,
    ) {
        self.0.begin();
        work(&mut self.0).expect("nothing in memory can fail");
        match end {
            TransactionEnd::Commit => self.0.commit(),
            TransactionEnd::RollBack => self.0.roll_back(),
        }
    }

    /// Whoever restarts begins with what a backup of this moment holds.
    fn restart(&mut self) {
        self.0 = self.0.snapshot();
    }

    fn keep_body(&mut self, bytes: &[u8]) -> BodyRef {
        self.0.append_body(bytes)
    }

    fn lose_body(&mut self, body: &BodyRef) {
        self.0.lose_body(body);
    }

    fn spoil(&mut self, id: ObjectId) {
        self.0.spoil(id);
    }

    fn keep_piece(&mut self, end: TransactionEnd, body: &BodyRef, at: u32, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).expect("a small piece");
        self.0.begin();
        self.0.receive_piece(*body, at, len);
        match end {
            TransactionEnd::Commit => self.0.commit(),
            TransactionEnd::RollBack => self.0.roll_back(),
        }
    }
}

#[test]
fn the_memory_does_what_every_ledger_has_to_do() {
    check(|| Kept(Memory::default()));
}
