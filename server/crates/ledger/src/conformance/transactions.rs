//! All or nothing, and for good.

use super::{Subject, TransactionEnd, commit, id, mark};
use crate::{DeletionRecord, HistoryEntry, Lane, Ledger, LedgerError, ReplicaState, Tombstone};
use domain::{BodyRef, Incarnation, Kind, Object, Timestamp};

fn fill(l: &mut dyn Ledger) -> Result<(), LedgerError> {
    l.put(&id(1), &Object::new(Kind::USER, None, None))?;
    l.put(
        &id(2),
        &Object::new(Kind::MESSAGE, Some(id(1)), Some(BodyRef::of(b"x"))),
    )?;
    l.set_mark(&id(2), &mark(Lane::Messages, 3))?;
    l.set_tombstone(&id(3), &Tombstone { at: Timestamp(3) })?;
    l.record_deletion(
        &id(3),
        &DeletionRecord {
            at: Timestamp(3),
            kind: Kind::MESSAGE,
        },
    )?;
    l.set_state(&ReplicaState {
        csn: 5,
        ..ReplicaState::default()
    })?;
    l.add_incarnation(&HistoryEntry {
        incarnation: Incarnation(1),
        csn: 0,
        began: Timestamp(1),
    })
}

fn filled(l: &mut dyn Ledger) -> Result<[bool; 7], LedgerError> {
    Ok([
        l.object(&id(1))?.is_some(),
        !l.owned_by(&id(1))?.is_empty(),
        l.mark(&id(2))?.is_some(),
        l.tombstone(&id(3))?.is_some(),
        l.deletion_record(&id(3))?.is_some(),
        l.state()?.csn == 5,
        !l.history()?.is_empty(),
    ])
}

pub(super) fn a_rolled_back_transaction_leaves_nothing<S: Subject>(s: &mut S) {
    s.transact(TransactionEnd::RollBack, &mut |l| {
        fill(l)?;
        assert_eq!(filled(l)?, [true; 7], "seen inside");
        Ok(())
    });
    commit(s, |l| {
        assert_eq!(filled(l)?, [false; 7]);
        Ok(())
    });
    // What was there before comes back.
    commit(s, fill);
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.remove(&id(1))?;
        l.remove(&id(2))?;
        l.clear_mark(&id(2))?;
        l.clear_tombstone(&id(3))?;
        l.set_state(&ReplicaState::default())
    });
    commit(s, |l| {
        assert_eq!(filled(l)?, [true; 7]);
        Ok(())
    });
}

pub(super) fn a_committed_transaction_survives_a_restart<S: Subject>(s: &mut S) {
    let body = s.keep_body(b"y");
    commit(s, fill);
    s.restart();
    commit(s, |l| {
        assert_eq!(filled(l)?, [true; 7]);
        assert!(l.has_body(&body)?);
        Ok(())
    });
}
