//! What every [`Ledger`] has to do, as one suite: the store and the engine's own memory are both held to it.

use domain::{
    Backlog, BodyRef, Grave, Hlc, Kind, Known, Lane, Ledger, LedgerError, Life, LineageEntry, Mark,
    Object, ObjectId, Order, ReplicaState, Timestamp, Tomb,
};

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What it wrote is there, and stays over a restart.
    Commit,
    /// Nothing of it is there.
    RollBack,
}

/// Something with transactions to be checked.
pub trait Subject {
    /// Runs `work` in one transaction and ends it.
    fn transact(
        &mut self,
        end: End,
        work: &mut dyn FnMut(&mut dyn Ledger) -> Result<(), LedgerError>,
    );
    /// Ends the process and starts it again, as far as the subject can.
    fn restart(&mut self);
    /// Appends a body in a transaction of its own and commits it.
    fn keep_body(&mut self, bytes: &[u8]) -> BodyRef;
}

/// Runs every check, each on a new and empty subject.
///
/// # Panics
/// With what was expected and what was found.
pub fn check<S: Subject>(mut make: impl FnMut() -> S) {
    let all: &[fn(&mut S)] = &[
        objects_read_back_as_written_and_go_when_removed,
        objects_are_listed_in_order_of_their_ids,
        only_what_is_owned_is_listed_for_an_owner,
        bodies_are_here_once_kept_and_not_before,
        a_mark_reads_back_and_a_later_one_replaces_it,
        marks_come_in_order_with_ties_by_id_from_a_moment_up_to_a_limit,
        the_backlog_follows_each_mark,
        tombs_and_graves_are_remembered,
        state_and_lineage_are_remembered,
        a_rolled_back_transaction_leaves_nothing,
        a_committed_transaction_survives_a_restart,
    ];
    for one in all {
        one(&mut make());
    }
}

/// Commits what `work` does.
fn commit<S: Subject>(
    subject: &mut S,
    mut work: impl FnMut(&mut dyn Ledger) -> Result<(), LedgerError>,
) {
    subject.transact(End::Commit, &mut work);
}

fn objects_read_back_as_written_and_go_when_removed<S: Subject>(s: &mut S) {
    let mut object = Object::new(Kind::LIST_ENTRY, Some(id(9)), None);
    commit(s, |l| {
        assert_eq!(l.object(&id(1))?, None, "nothing is there at first");
        l.put(&id(1), &object)?;
        assert_eq!(
            l.object(&id(1))?.as_ref(),
            Some(&object),
            "a read sees the write"
        );
        Ok(())
    });
    object.set(
        domain::Key::field(3),
        domain::Version {
            hlc: Hlc(7),
            life: Life(u64::MAX),
        },
        domain::Value::Text("é".into()),
    );
    commit(s, |l| {
        l.put(&id(1), &object)?;
        assert_eq!(
            l.object(&id(1))?.as_ref(),
            Some(&object),
            "the later one replaces it"
        );
        l.put(&id(2), &object)
    });
    commit(s, |l| {
        l.remove(&id(1))?;
        l.remove(&id(77))?;
        assert_eq!(l.object(&id(1))?, None, "removed");
        assert!(l.object(&id(2))?.is_some(), "another one stays");
        Ok(())
    });
}

fn objects_are_listed_in_order_of_their_ids<S: Subject>(s: &mut S) {
    commit(s, |l| {
        for n in [5, 1, 255, 3] {
            l.put(&id(n), &Object::new(Kind::USER, None, None))?;
        }
        assert_eq!(l.ids_after(None, 9)?, [id(1), id(3), id(5), id(255)]);
        assert_eq!(l.ids_after(None, 2)?, [id(1), id(3)]);
        assert_eq!(
            l.ids_after(Some(&id(3)), 9)?,
            [id(5), id(255)],
            "strictly after"
        );
        assert_eq!(
            l.ids_after(Some(&id(4)), 1)?,
            [id(5)],
            "after one that is not there"
        );
        assert_eq!(l.ids_after(Some(&id(255)), 9)?, []);
        Ok(())
    });
}

fn only_what_is_owned_is_listed_for_an_owner<S: Subject>(s: &mut S) {
    commit(s, |l| {
        l.put(&id(1), &Object::new(Kind::USER, None, None))?;
        for (n, kind, owner) in [
            (8, Kind::MESSAGE, 1),
            (3, Kind::GREETING, 1),
            (5, Kind(200), 1),
            (4, Kind::MESSAGE, 2),
        ] {
            l.put(&id(n), &Object::new(kind, Some(id(owner)), None))?;
        }
        assert_eq!(
            l.owned_by(&id(1))?,
            [id(3), id(5), id(8)],
            "of every kind, by id"
        );
        l.remove(&id(5))?;
        assert_eq!(l.owned_by(&id(1))?, [id(3), id(8)]);
        assert_eq!(l.owned_by(&id(7))?, []);
        Ok(())
    });
}

fn bodies_are_here_once_kept_and_not_before<S: Subject>(s: &mut S) {
    let absent = BodyRef::of(b"never seen");
    let here = s.keep_body(b"sound");
    assert_eq!(here, BodyRef::of(b"sound"));
    let same_hash = BodyRef {
        len: here.len + 1,
        ..here
    };
    commit(s, |l| {
        assert!(l.has_body(&here)?);
        assert!(!l.has_body(&absent)?);
        assert!(!l.has_body(&same_hash)?, "another length is another body");
        // A reference does not make it be here.
        l.put(
            &id(1),
            &Object::new(Kind::MESSAGE, Some(id(9)), Some(absent)),
        )?;
        assert!(!l.has_body(&absent)?);
        l.put(&id(2), &Object::new(Kind::MESSAGE, Some(id(9)), Some(here)))?;
        l.put(&id(3), &Object::new(Kind::MESSAGE, Some(id(9)), Some(here)))
    });
    commit(s, |l| {
        l.remove(&id(2))?;
        assert!(l.has_body(&here)?, "another object still refers to it");
        Ok(())
    });
    assert_eq!(s.keep_body(b"never seen"), absent);
    commit(s, |l| {
        assert!(l.has_body(&absent)?, "given later, it is here");
        Ok(())
    });
}

fn a_mark_reads_back_and_a_later_one_replaces_it<S: Subject>(s: &mut S) {
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

fn marks_come_in_order_with_ties_by_id_from_a_moment_up_to_a_limit<S: Subject>(s: &mut S) {
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

fn the_backlog_follows_each_mark<S: Subject>(s: &mut S) {
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
    s.transact(End::RollBack, &mut |l| {
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

fn tombs_and_graves_are_remembered<S: Subject>(s: &mut S) {
    let (tomb, grave) = (
        Tomb { at: Timestamp(5) },
        Grave {
            at: Timestamp(6),
            kind: Kind::MESSAGE,
        },
    );
    commit(s, |l| {
        assert_eq!((l.tomb(&id(1))?, l.grave(&id(1))?), (None, None));
        l.set_tomb(&id(1), &Tomb { at: Timestamp(4) })?;
        l.set_tomb(&id(1), &tomb)?;
        l.bury(
            &id(1),
            &Grave {
                at: Timestamp(4),
                kind: Kind::MESSAGE,
            },
        )?;
        l.bury(&id(1), &grave)?;
        assert_eq!(
            (l.tomb(&id(1))?, l.grave(&id(1))?),
            (Some(tomb), Some(grave))
        );
        Ok(())
    });
    commit(s, |l| {
        l.clear_tomb(&id(1))?;
        l.clear_tomb(&id(2))?;
        assert_eq!(
            (l.tomb(&id(1))?, l.grave(&id(1))?),
            (None, Some(grave)),
            "a grave stays"
        );
        Ok(())
    });
}

fn state_and_lineage_are_remembered<S: Subject>(s: &mut S) {
    let state = ReplicaState {
        hlc: Hlc(u64::MAX),
        tick: 8,
        known: Some(Known {
            life: Life(u64::MAX - 1),
            tick: 3,
        }),
        owes_recovery: true,
        ..ReplicaState::default()
    };
    let lives = [(u64::MAX, 0), (4, 8)].map(|(life, tick)| LineageEntry {
        life: Life(life),
        tick,
        began: Timestamp(tick as i64),
    });
    commit(s, |l| {
        assert_eq!(l.state()?, ReplicaState::default());
        assert_eq!(l.lineage()?, []);
        l.set_state(&state)?;
        assert_eq!(l.state()?, state);
        lives.iter().try_for_each(|life| l.add_life(life))
    });
    s.transact(End::RollBack, &mut |l| {
        l.set_state(&ReplicaState::default())
    });
    for _ in 0..2 {
        commit(s, |l| {
            assert_eq!(l.state()?, state);
            assert_eq!(l.lineage()?, lives, "oldest first");
            Ok(())
        });
        s.restart();
    }
}

/// Writes one of each.
fn fill(l: &mut dyn Ledger) -> Result<(), LedgerError> {
    l.put(&id(1), &Object::new(Kind::USER, None, None))?;
    l.put(
        &id(2),
        &Object::new(Kind::MESSAGE, Some(id(1)), Some(BodyRef::of(b"x"))),
    )?;
    l.set_mark(&id(2), &mark(Lane::Messages, 3))?;
    l.set_tomb(&id(3), &Tomb { at: Timestamp(3) })?;
    l.bury(
        &id(3),
        &Grave {
            at: Timestamp(3),
            kind: Kind::MESSAGE,
        },
    )?;
    l.set_state(&ReplicaState {
        tick: 5,
        ..ReplicaState::default()
    })?;
    l.add_life(&LineageEntry {
        life: Life(1),
        tick: 0,
        began: Timestamp(1),
    })
}

/// What of [`fill`] is there.
fn filled(l: &mut dyn Ledger) -> Result<[bool; 7], LedgerError> {
    Ok([
        l.object(&id(1))?.is_some(),
        !l.owned_by(&id(1))?.is_empty(),
        l.mark(&id(2))?.is_some(),
        l.tomb(&id(3))?.is_some(),
        l.grave(&id(3))?.is_some(),
        l.state()?.tick == 5,
        !l.lineage()?.is_empty(),
    ])
}

fn a_rolled_back_transaction_leaves_nothing<S: Subject>(s: &mut S) {
    s.transact(End::RollBack, &mut |l| {
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
    s.transact(End::RollBack, &mut |l| {
        l.remove(&id(1))?;
        l.remove(&id(2))?;
        l.clear_mark(&id(2))?;
        l.clear_tomb(&id(3))?;
        l.set_state(&ReplicaState::default())
    });
    commit(s, |l| {
        assert_eq!(filled(l)?, [true; 7]);
        Ok(())
    });
}

fn a_committed_transaction_survives_a_restart<S: Subject>(s: &mut S) {
    let body = s.keep_body(b"y");
    commit(s, fill);
    s.restart();
    commit(s, |l| {
        assert_eq!(filled(l)?, [true; 7]);
        assert!(l.has_body(&body)?);
        Ok(())
    });
}

fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes([n; 16])
}

fn mark(lane: Lane, since: i64) -> Mark {
    Mark {
        lane,
        n: 1,
        since: Timestamp(since),
        body: false,
        unsent: false,
        recovery: false,
    }
}
