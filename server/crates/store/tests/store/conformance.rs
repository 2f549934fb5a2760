//! The store is a ledger.

use crate::support::flip_bit_of;
use domain::{BodyRef, ObjectId, Timestamp};
use ledger::conformance::{Subject, TransactionEnd, check};
use ledger::{Ledger, LedgerError};
use store::{Options, Readers, Store, Writer};
use tempfile::TempDir;

struct Disk {
    dir: TempDir,
    open: Option<(Writer, Readers)>,
}

impl Disk {
    fn writer(&mut self) -> &mut Writer {
        let dir = self.dir.path();
        let open = self
            .open
            .get_or_insert_with(|| Store::open(dir, Options::default()).unwrap());
        &mut open.0
    }
}

impl Subject for Disk {
    fn transact(
        &mut self,
        end: TransactionEnd,
        work: &mut dyn FnMut(&mut dyn Ledger) -> Result<(), LedgerError>,
    ) {
        let mut tx = self.writer().begin().unwrap();
        work(&mut tx).unwrap();
        if end == TransactionEnd::Commit {
            tx.commit().unwrap();
        }
    }

    fn restart(&mut self) {
        self.open = None;
    }

    fn keep_body(&mut self, bytes: &[u8]) -> BodyRef {
        let mut tx = self.writer().begin().unwrap();
        let body = tx.append_body(bytes).unwrap();
        tx.commit().unwrap();
        body
    }

    fn lose_body(&mut self, body: &BodyRef) {
        let mut tx = self.writer().begin().unwrap();
        tx.lose_body(body).unwrap();
        tx.commit().unwrap();
    }

    fn spoil(&mut self, id: ObjectId) {
        self.open = None;
        flip_bit_of(self.dir.path(), "object", &id, 77);
    }

    fn keep_piece(&mut self, end: TransactionEnd, body: &BodyRef, at: u32, bytes: &[u8]) {
        let mut tx = self.writer().begin().unwrap();
        tx.append_piece(Timestamp(0), body, at, bytes).unwrap();
        if end == TransactionEnd::Commit {
            tx.commit().unwrap();
        }
    }
}

#[test]
fn the_store_does_what_every_ledger_has_to_do() {
    check(|| Disk {
        dir: TempDir::new().unwrap(),
        open: None,
    });
}
