//! What is remembered of what was: tombstones, deletion records, the engine's state, its incarnations.

use super::{Subject, TransactionEnd, commit, id};
use crate::{DeletionRecord, HistoryEntry, Known, ReplicaState, Tombstone};
use domain::{Hlc, Incarnation, Kind, Timestamp};

pub(super) fn tombstones_and_deletion_records_are_remembered<S: Subject>(s: &mut S) {
    let (tombstone, deletion_record) = (
        Tombstone { at: Timestamp(5) },
        DeletionRecord {
            at: Timestamp(6),
            kind: Kind::MESSAGE,
        },
    );
    commit(s, |l| {
        assert_eq!(
            (l.tombstone(&id(1))?, l.deletion_record(&id(1))?),
            (None, None)
        );
        l.set_tombstone(&id(1), &Tombstone { at: Timestamp(4) })?;
        l.set_tombstone(&id(1), &tombstone)?;
        l.record_deletion(
            &id(1),
            &DeletionRecord {
                at: Timestamp(4),
                kind: Kind::GREETING,
            },
        )?;
        l.record_deletion(&id(1), &deletion_record)?;
        assert_eq!(
            (l.tombstone(&id(1))?, l.deletion_record(&id(1))?),
            (Some(tombstone), Some(deletion_record))
        );
        Ok(())
    });
    commit(s, |l| {
        l.clear_tombstone(&id(1))?;
        l.clear_tombstone(&id(2))?;
        assert_eq!(
            (l.tombstone(&id(1))?, l.deletion_record(&id(1))?),
            (None, Some(deletion_record)),
            "a deletion record stays"
        );
        Ok(())
    });
}

pub(super) fn state_and_history_are_remembered<S: Subject>(s: &mut S) {
    let state = ReplicaState {
        hlc: Hlc(u64::MAX),
        csn: 8,
        known: Some(Known {
            incarnation: Incarnation(u64::MAX - 1),
            csn: 3,
            id: 4,
        }),
        partner_rolled_back: true,
        ..ReplicaState::default()
    };
    let incarnations = [(u64::MAX, 0), (4, 8)].map(|(incarnation, csn)| HistoryEntry {
        incarnation: Incarnation(incarnation),
        csn,
        began: Timestamp(csn as i64),
    });
    commit(s, |l| {
        assert_eq!(l.state()?, ReplicaState::default());
        assert_eq!(l.history()?, []);
        l.set_state(&state)?;
        assert_eq!(l.state()?, state);
        incarnations
            .iter()
            .try_for_each(|incarnation| l.add_incarnation(incarnation))
    });
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.set_state(&ReplicaState::default())
    });
    for _ in 0..2 {
        commit(s, |l| {
            assert_eq!(l.state()?, state);
            assert_eq!(l.history()?, incarnations, "oldest first");
            Ok(())
        });
        s.restart();
    }
}

pub(super) fn old_deletion_records_are_forgotten_but_not_those_of_users<S: Subject>(s: &mut S) {
    let all = [
        (1, 10, Kind::USER),
        (2, 10, Kind::MESSAGE),
        (3, 19, Kind::GREETING),
        (4, 20, Kind::MESSAGE),
        (5, 15, Kind(200)),
    ];
    let left = |s: &mut S| {
        let mut left = Vec::new();
        commit(s, |l| {
            for (n, at, kind) in all {
                let at = Timestamp(at);
                match l.deletion_record(&id(n))? {
                    Some(deletion_record) => {
                        assert_eq!(deletion_record, DeletionRecord { at, kind });
                        left.push(n);
                    }
                    None => continue,
                }
            }
            Ok(())
        });
        left
    };
    commit(s, |l| {
        all.iter().try_for_each(|(n, at, kind)| {
            let (at, kind) = (Timestamp(*at), *kind);
            l.record_deletion(&id(*n), &DeletionRecord { at, kind })
        })?;
        assert_eq!(
            l.forget_deletion_records(Timestamp(10), 9)?,
            0,
            "strictly before"
        );
        Ok(())
    });
    s.restart();
    s.transact(TransactionEnd::RollBack, &mut |l| {
        assert_eq!(l.forget_deletion_records(Timestamp(20), 9)?, 3);
        Ok(())
    });
    assert_eq!(left(s), [1, 2, 3, 4, 5], "rolled back");
    commit(s, |l| {
        assert_eq!(l.forget_deletion_records(Timestamp(20), 2)?, 2);
        assert_eq!(l.forget_deletion_records(Timestamp(20), 2)?, 1);
        assert_eq!(l.forget_deletion_records(Timestamp(20), 2)?, 0);
        Ok(())
    });
    assert_eq!(left(s), [1, 4]);
}

pub(super) fn incarnations_are_forgotten_from_the_oldest_on<S: Subject>(s: &mut S) {
    // The clock was put back before the third.
    let incarnations = [10, 20, 5, 40, 50].map(|began| HistoryEntry {
        incarnation: Incarnation(began),
        csn: began,
        began: Timestamp(began as i64),
    });
    commit(s, |l| {
        assert_eq!(l.forget_incarnations(Timestamp(99))?, 0);
        incarnations
            .iter()
            .try_for_each(|incarnation| l.add_incarnation(incarnation))?;
        assert_eq!(
            l.forget_incarnations(Timestamp(10))?,
            0,
            "one of a later moment is older"
        );
        Ok(())
    });
    s.transact(TransactionEnd::RollBack, &mut |l| {
        assert_eq!(l.forget_incarnations(Timestamp(50))?, 4);
        assert_eq!(l.history()?, incarnations[4..]);
        Ok(())
    });
    commit(s, |l| {
        assert_eq!(l.history()?, incarnations, "rolled back");
        assert_eq!(l.forget_incarnations(Timestamp(40))?, 3);
        assert_eq!(l.history()?, incarnations[3..]);
        l.add_incarnation(&incarnations[0])
    });
    s.restart();
    commit(s, |l| {
        assert_eq!(
            l.history()?,
            [incarnations[3], incarnations[4], incarnations[0]],
            "a new one is the newest"
        );
        Ok(())
    });
}
