//! What is staged for a rebuild, what is kept, and how they change places with what is live.

use super::trie::assert_sums;
use super::{Subject, TransactionEnd, commit, id, mark, object, user};
use crate::{DeletionRecord, Held, Lane, Ledger, LedgerError, Reason, Tombstone, Tree};
use domain::{Digest, Kind, Object, ObjectId, Timestamp};

type Objects = Vec<(ObjectId, Object)>;

/// Everything in the three spaces, and what is derived from it.
#[derive(Clone, Debug, PartialEq)]
struct Everything {
    live: Objects,
    staged: Objects,
    kept: Objects,
    sums: [Vec<Digest>; 2],
    users: u64,
}

fn everything(l: &mut dyn Ledger) -> Result<Everything, LedgerError> {
    assert_sums(l)?;
    let (mut live, mut staged) = (Vec::new(), Vec::new());
    for n in 0..=255 {
        live.extend(l.object(&id(n))?.map(|object| (id(n), object)));
        staged.extend(l.staged(&id(n))?.map(|object| (id(n), object)));
    }
    let ids: Vec<_> = live.iter().map(|(id, _)| *id).collect();
    assert_eq!(l.ids_after(None, 999)?, ids);
    let kept = l.kept_after(None, 999)?;
    assert_eq!(l.kept_count()?, kept.len() as u64);
    Ok(Everything {
        live,
        staged,
        kept,
        sums: [l.sums(Tree::Users, None)?, l.sums(Tree::Contents, None)?],
        users: l.user_count()?,
    })
}

fn looked_at<S: Subject>(s: &mut S) -> Everything {
    let mut found = None;
    commit(s, |l| {
        found = Some(everything(l)?);
        Ok(())
    });
    found.expect("the transaction was committed")
}

fn message(owner: u8, hlc: u64) -> Object {
    object(Kind::MESSAGE, Some(id(owner)), hlc)
}

pub(super) fn what_is_staged_lies_beside_what_is_live<S: Subject>(s: &mut S) {
    commit(s, |l| {
        l.put(&id(1), &user("7200", 1))?;
        l.put(&id(2), &message(1, 2))
    });
    let before = looked_at(s);
    commit(s, |l| {
        assert_eq!(l.staged(&id(1))?, None);
        for (n, staged) in [
            (1, user("7200", 9)),
            (3, user("7200", 3)),
            (4, message(1, 4)),
        ] {
            l.stage(&id(n), Some(&staged))?;
        }
        l.stage(&id(4), Some(&message(1, 5)))?;
        assert_eq!(l.staged(&id(1))?, Some(user("7200", 9)));
        assert_eq!(
            l.staged(&id(4))?,
            Some(message(1, 5)),
            "the later one replaces it"
        );
        assert_eq!(l.owned_by(&id(1))?, [id(2)]);
        assert_eq!(l.staged_owned_by(&id(1))?, [id(4)]);
        assert_eq!(l.users_with_number("7200")?, [id(1)]);
        Ok(())
    });
    s.restart();
    let after = looked_at(s);
    assert_eq!(after.staged.len(), 3);
    let staged = Vec::new();
    assert_eq!(
        Everything { staged, ..after },
        before,
        "nothing live has changed"
    );
    s.transact(TransactionEnd::RollBack, &mut |l| {
        assert_eq!(l.unstage(9)?, 3);
        Ok(())
    });
    commit(s, |l| {
        l.stage(&id(3), None)?;
        l.stage(&id(77), None)?;
        assert_eq!(l.staged(&id(3))?, None);
        assert_eq!(l.unstage(1)?, 1, "up to the limit");
        assert_eq!(l.unstage(9)?, 1);
        assert_eq!(l.unstage(9)?, 0);
        Ok(())
    });
    assert_eq!(looked_at(s), before);
}

pub(super) fn what_is_kept_lies_beside_what_is_live<S: Subject>(s: &mut S) {
    commit(s, |l| l.put(&id(2), &message(1, 2)));
    let before = looked_at(s);
    let all = [3, 5, 9].map(|n| (id(n), message(1, n.into())));
    commit(s, |l| {
        assert_eq!((l.kept_after(None, 9)?, l.kept_count()?), (vec![], 0));
        l.keep(&id(5), &user("7200", 1))?;
        for (id, object) in all.iter().rev() {
            l.keep(id, object)?;
        }
        assert_eq!((l.kept_count()?, l.user_count()?), (3, 0));
        Ok(())
    });
    s.restart();
    s.transact(TransactionEnd::RollBack, &mut |l| l.forget_kept(&id(5)));
    commit(s, |l| {
        assert_eq!(l.kept_after(None, 9)?, all);
        assert_eq!(l.kept_after(None, 2)?, all[..2]);
        assert_eq!(l.kept_after(Some(&id(3)), 1)?, all[1..2], "strictly after");
        assert_eq!(l.kept_after(Some(&id(6)), 9)?, all[2..]);
        assert_eq!(l.object(&id(5))?, None);
        for n in [3, 5, 9, 77] {
            l.forget_kept(&id(n))?;
        }
        Ok(())
    });
    assert_eq!(looked_at(s), before);
}

/// Objects in live and in staged, some of the same ids, and one of everything else.
fn fill(l: &mut dyn Ledger) -> Result<(), LedgerError> {
    l.put(&id(1), &user("7200", 1))?;
    for n in [2, 3] {
        l.put(&id(n), &message(1, n.into()))?;
    }
    l.stage(&id(1), Some(&user("7200", 9)))?;
    l.stage(&id(3), Some(&message(1, 9)))?;
    l.stage(&id(4), Some(&message(1, 4)))?;
    for (n, number) in [(5, "7200"), (6, "7206")] {
        l.stage(&id(n), Some(&user(number, 5)))?;
    }
    l.set_mark(&id(2), &mark(Lane::Messages, 3))?;
    let (reason, at) = (Reason::FAULT, Timestamp(3));
    let mark = mark(Lane::Messages, 4);
    l.set_held(&id(3), &Held { reason, at, mark })?;
    l.set_tombstone(&id(8), &Tombstone { at })?;
    let kind = Kind::MESSAGE;
    l.record_deletion(&id(8), &DeletionRecord { at, kind })
}

pub(super) fn a_switch_makes_live_what_was_staged_and_keeps_what_was_live<S: Subject>(s: &mut S) {
    commit(s, fill);
    let before = looked_at(s);
    commit(s, |l| {
        // Written in the same transaction as the switch, before and after it.
        l.stage(&id(7), Some(&message(1, 7)))?;
        l.switch()?;
        l.put(&id(10), &message(6, 10))?;
        l.remove(&id(4))?;
        assert_eq!(l.object(&id(3))?, Some(message(1, 9)));
        assert_eq!((l.object(&id(2))?, l.staged(&id(7))?), (None, None));
        assert_eq!(l.owned_by(&id(1))?, [id(3), id(7)]);
        assert_eq!(l.users_with_number("7200")?, [id(1), id(5)]);
        assert_eq!(l.user_count()?, 3);
        everything(l).map(drop)
    });
    for _ in 0..2 {
        let after = looked_at(s);
        let ids: Vec<_> = after.live.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [1, 3, 5, 6, 7, 10].map(id));
        assert_eq!((after.staged, &after.kept), (vec![], &before.live));
        assert_eq!(after.users, 3);
        commit(s, |l| {
            assert!(l.mark(&id(2))?.is_some() && l.held(&id(3))?.is_some());
            assert!(l.tombstone(&id(8))?.is_some() && l.deletion_record(&id(8))?.is_some());
            assert_eq!(l.backlog(Lane::Messages)?.count, 1);
            Ok(())
        });
        s.restart();
    }
}

pub(super) fn a_switch_that_is_rolled_back_leaves_all_as_it_was<S: Subject>(s: &mut S) {
    commit(s, fill);
    let before = looked_at(s);
    for restart in [false, true] {
        s.transact(TransactionEnd::RollBack, &mut |l| {
            l.stage(&id(7), Some(&message(1, 7)))?;
            l.switch()?;
            l.put(&id(10), &user("7210", 10))?;
            l.stage(&id(11), Some(&message(1, 11)))?;
            l.forget_kept(&id(2))?;
            assert_eq!(l.user_count()?, 4);
            everything(l).map(drop)
        });
        if restart {
            s.restart();
        }
        assert_eq!(looked_at(s), before);
    }
}

pub(super) fn switches_follow_each_other_once_nothing_is_kept<S: Subject>(s: &mut S) {
    commit(s, |l| l.put(&id(1), &user("7200", 1)));
    for round in 1..=5_u8 {
        let (old, new) = (id(round), id(round + 1));
        commit(s, |l| {
            l.stage(&new, Some(&user("7200", round.into())))?;
            l.stage(&id(100), Some(&message(round + 1, round.into())))?;
            l.switch()?;
            assert_eq!(l.users_with_number("7200")?, [new]);
            assert_eq!(l.owned_by(&new)?, [id(100)]);
            assert_sums(l)
        });
        if round % 2 == 0 {
            s.restart();
        }
        let after = looked_at(s);
        assert_eq!((after.live.len(), after.users), (2, 1));
        assert_eq!(after.kept.first().map(|(id, _)| *id), Some(old));
        s.transact(TransactionEnd::RollBack, &mut |l| {
            l.stage(&id(50), Some(&user("7250", 1)))?;
            assert!(l.switch().is_err(), "something is still kept");
            Ok(())
        });
        assert_eq!(looked_at(s), after);
        commit(s, |l| {
            for (id, _) in l.kept_after(None, 9)? {
                l.forget_kept(&id)?;
            }
            Ok(())
        });
    }
}
