//! What is remembered of what was: tombstones, graves, the engine's state, its lives.

use super::{End, Subject, commit, id};
use crate::{Grave, Known, LineageEntry, ReplicaState, Tomb};
use domain::{Hlc, Kind, Life, Timestamp};

pub(super) fn tombs_and_graves_are_remembered<S: Subject>(s: &mut S) {
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
                kind: Kind::GREETING,
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

pub(super) fn state_and_lineage_are_remembered<S: Subject>(s: &mut S) {
    let state = ReplicaState {
        hlc: Hlc(u64::MAX),
        tick: 8,
        known: Some(Known {
            life: Life(u64::MAX - 1),
            tick: 3,
            id: 4,
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

pub(super) fn old_graves_are_forgotten_but_not_those_of_users<S: Subject>(s: &mut S) {
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
                match l.grave(&id(n))? {
                    Some(grave) => {
                        assert_eq!(grave, Grave { at, kind });
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
            l.bury(&id(*n), &Grave { at, kind })
        })?;
        assert_eq!(l.forget_graves(Timestamp(10), 9)?, 0, "strictly before");
        Ok(())
    });
    s.restart();
    s.transact(End::RollBack, &mut |l| {
        assert_eq!(l.forget_graves(Timestamp(20), 9)?, 3);
        Ok(())
    });
    assert_eq!(left(s), [1, 2, 3, 4, 5], "rolled back");
    commit(s, |l| {
        assert_eq!(l.forget_graves(Timestamp(20), 2)?, 2);
        assert_eq!(l.forget_graves(Timestamp(20), 2)?, 1);
        assert_eq!(l.forget_graves(Timestamp(20), 2)?, 0);
        Ok(())
    });
    assert_eq!(left(s), [1, 4]);
}

pub(super) fn lives_are_forgotten_from_the_oldest_on<S: Subject>(s: &mut S) {
    // The clock was put back before the third.
    let lives = [10, 20, 5, 40, 50].map(|began| LineageEntry {
        life: Life(began),
        tick: began,
        began: Timestamp(began as i64),
    });
    commit(s, |l| {
        assert_eq!(l.forget_lives(Timestamp(99))?, 0);
        lives.iter().try_for_each(|life| l.add_life(life))?;
        assert_eq!(
            l.forget_lives(Timestamp(10))?,
            0,
            "one of a later moment is older"
        );
        Ok(())
    });
    s.transact(End::RollBack, &mut |l| {
        assert_eq!(l.forget_lives(Timestamp(50))?, 4);
        assert_eq!(l.lineage()?, lives[4..]);
        Ok(())
    });
    commit(s, |l| {
        assert_eq!(l.lineage()?, lives, "rolled back");
        assert_eq!(l.forget_lives(Timestamp(40))?, 3);
        assert_eq!(l.lineage()?, lives[3..]);
        l.add_life(&lives[0])
    });
    s.restart();
    commit(s, |l| {
        assert_eq!(
            l.lineage()?,
            [lives[3], lives[4], lives[0]],
            "a new one is the newest"
        );
        Ok(())
    });
}
