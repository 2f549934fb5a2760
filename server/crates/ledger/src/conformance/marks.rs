//! Marks, and what is held back.

use super::{Subject, TransactionEnd, commit, id, mark};
use crate::{Backlog, Held, Lane, LedgerError, Mark, Order, Reason};
use domain::{ObjectId, Timestamp};

pub(super) fn a_mark_reads_back_and_a_later_one_replaces_it<S: Subject>(s: &mut S) {
    let first = Mark {
        body: true,
        unsent: true,
        recovery: false,
        ..mark(Lane::Users, 5)
    };
    let later = Mark {
        n: u64::MAX,
        ..mark(Lane::Messages, 6)
    };
    commit(s, |l| {
        assert_eq!(l.mark(&id(1))?, None);
        l.set_mark(&id(1), &first)?;
        assert_eq!(l.mark(&id(1))?, Some(first));
        l.set_mark(&id(1), &later)?;
        assert_eq!(l.mark(&id(1))?, Some(later));
        assert_eq!(
            l.marks(Lane::Users, Order::Oldest, Timestamp(0), 9)?,
            [],
            "it changed its lane"
        );
        l.clear_mark(&id(1))?;
        l.clear_mark(&id(1))?;
        assert_eq!(l.mark(&id(1))?, None);
        Ok(())
    });
}

pub(super) fn marks_come_in_order_with_ties_by_id_from_a_moment_up_to_a_limit<S: Subject>(
    s: &mut S,
) {
    commit(s, |l| {
        for (n, since) in [
            (7, 10),
            (2, 20),
            (9, 20),
            (4, 20),
            (1, 30),
            (3, 30),
            (8, -5),
        ] {
            l.set_mark(&id(n), &mark(Lane::Messages, since))?;
        }
        l.set_mark(&id(5), &mark(Lane::Users, 15))?;
        let mut ids = |order, from, limit| -> Result<Vec<ObjectId>, LedgerError> {
            let marks = l.marks(Lane::Messages, order, Timestamp(from), limit)?;
            Ok(marks.into_iter().map(|(id, _)| id).collect())
        };
        let of = |all: &[u8]| all.iter().copied().map(id).collect::<Vec<_>>();
        use Order::{Newest, Oldest};
        let always = i64::MIN;
        assert_eq!(ids(Oldest, always, 99)?, of(&[8, 7, 2, 4, 9, 1, 3]));
        assert_eq!(ids(Newest, always, 99)?, of(&[1, 3, 2, 4, 9, 7, 8]));
        assert_eq!(ids(Oldest, 20, 99)?, of(&[2, 4, 9, 1, 3]), "at or after");
        assert_eq!(ids(Newest, 20, 99)?, of(&[1, 3, 2, 4, 9]), "at or after");
        assert_eq!(
            ids(Oldest, always, 4)?,
            of(&[8, 7, 2, 4]),
            "cut within a tie"
        );
        assert_eq!(
            ids(Newest, always, 4)?,
            of(&[1, 3, 2, 4]),
            "cut within a tie"
        );
        assert_eq!(ids(Newest, always, 1)?, of(&[1]));
        assert_eq!(ids(Newest, always, 0)?, of(&[]));
        assert_eq!(ids(Oldest, 31, 9)?, of(&[]));
        Ok(())
    });
}

pub(super) fn the_backlog_follows_each_mark<S: Subject>(s: &mut S) {
    let backlog = |count, oldest: Option<i64>| Backlog {
        count,
        oldest: oldest.map(Timestamp),
    };
    commit(s, |l| {
        assert_eq!(l.backlog(Lane::Messages)?, backlog(0, None));
        l.set_mark(&id(1), &mark(Lane::Messages, 20))?;
        l.set_mark(&id(2), &mark(Lane::Messages, 10))?;
        l.set_mark(&id(2), &mark(Lane::Messages, 12))?;
        assert_eq!(
            l.backlog(Lane::Messages)?,
            backlog(2, Some(12)),
            "replaced, not added"
        );
        assert_eq!(l.backlog(Lane::Users)?, backlog(0, None));
        Ok(())
    });
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.set_mark(&id(3), &mark(Lane::Messages, 1))?;
        assert_eq!(l.backlog(Lane::Messages)?, backlog(3, Some(1)));
        Ok(())
    });
    commit(s, |l| {
        assert_eq!(
            l.backlog(Lane::Messages)?,
            backlog(2, Some(12)),
            "rolled back"
        );
        l.clear_mark(&id(2))?;
        l.clear_mark(&id(2))?;
        l.clear_mark(&id(44))?;
        assert_eq!(
            l.backlog(Lane::Messages)?,
            backlog(1, Some(20)),
            "cleared once"
        );
        l.set_mark(&id(1), &mark(Lane::Users, 20))?;
        assert_eq!(l.backlog(Lane::Messages)?, backlog(0, None));
        assert_eq!(l.backlog(Lane::Users)?, backlog(1, Some(20)));
        Ok(())
    });
    s.restart();
    commit(s, |l| {
        assert_eq!(
            l.backlog(Lane::Users)?,
            backlog(1, Some(20)),
            "after a restart"
        );
        Ok(())
    });
}

pub(super) fn what_is_held_is_remembered_and_is_no_backlog<S: Subject>(s: &mut S) {
    let held = |reason, since| Held {
        reason,
        at: Timestamp(since + 5),
        mark: Mark {
            n: u64::MAX,
            body: true,
            unsent: true,
            recovery: true,
            ..mark(Lane::Users, since)
        },
    };
    let plain = Held {
        mark: mark(Lane::Messages, -3),
        ..held(Reason(200), 0)
    };
    commit(s, |l| {
        assert_eq!((l.held(&id(1))?, l.held_after(None, 9)?), (None, vec![]));
        l.set_held(&id(1), &held(Reason::FAULT, 4))?;
        l.set_held(&id(1), &held(Reason::CAPACITY, 6))?;
        for n in [9, 4] {
            l.set_held(&id(n), &plain)?;
        }
        assert_eq!(
            l.held(&id(1))?,
            Some(held(Reason::CAPACITY, 6)),
            "the later one"
        );
        assert_eq!(l.held(&id(9))?, Some(plain));
        assert_eq!(l.mark(&id(1))?, None, "it is not marked");
        assert_eq!(l.backlog(Lane::Users)?, Backlog::default());
        Ok(())
    });
    s.restart();
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.clear_held(&id(1))?;
        l.set_held(&id(2), &plain)
    });
    commit(s, |l| {
        let all = [
            (id(1), held(Reason::CAPACITY, 6)),
            (id(4), plain),
            (id(9), plain),
        ];
        assert_eq!(l.held_after(None, 9)?, all);
        assert_eq!(l.held_after(None, 2)?, all[..2]);
        assert_eq!(l.held_after(Some(&id(1)), 1)?, all[1..2], "strictly after");
        assert_eq!(l.held_after(Some(&id(5)), 9)?, all[2..]);
        l.clear_held(&id(4))?;
        l.clear_held(&id(77))?;
        assert_eq!(l.held(&id(4))?, None);
        assert_eq!(l.held_after(Some(&id(1)), 9)?, all[2..]);
        Ok(())
    });
}
