//! What is damaged at rest: bodies that are missing, rows that cannot be read.

use super::trie::assert_sums;
use super::{Subject, TransactionEnd, commit, id, mark, object, user};
use crate::{Damage, Lane, Leaf, Tree, Unreadable};
use domain::{BodyRef, Kind, Object};

pub(super) fn missing_bodies_are_listed_until_they_are_given_again<S: Subject>(s: &mut S) {
    let mut bodies = [&b"one"[..], b"two", b"three"].map(|bytes| s.keep_body(bytes));
    let unused = s.keep_body(b"nobody's");
    commit(s, |l| {
        for (n, body) in (1..).zip(bodies) {
            l.put(&id(n), &Object::new(Kind::MESSAGE, Some(id(9)), Some(body)))?;
        }
        assert_eq!(l.damage()?, Damage::default());
        assert_eq!(l.missing_after(None, 9)?, []);
        Ok(())
    });
    bodies.sort_unstable();
    for body in bodies {
        s.lose_body(&body);
    }
    s.lose_body(&unused);
    let missing = |n: u64| Damage {
        bodies: n,
        ..Damage::default()
    };
    for _ in 0..2 {
        commit(s, |l| {
            assert_eq!(
                l.damage()?,
                missing(3),
                "what nobody refers to does not count"
            );
            assert!(!l.has_body(&bodies[0])?);
            assert_eq!(l.missing_after(None, 9)?, bodies);
            assert_eq!(l.missing_after(None, 2)?, bodies[..2]);
            assert_eq!(l.missing_after(Some(&bodies[0]), 9)?, bodies[1..]);
            Ok(())
        });
        s.restart();
    }
    let [one, two, three] = [&b"one"[..], b"two", b"three"].map(BodyRef::of);
    assert_eq!(s.keep_body(b"one"), one);
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.remove(&id(2))?;
        assert_eq!(l.missing_after(None, 9)?, [three]);
        Ok(())
    });
    commit(s, |l| {
        assert!(l.has_body(&one)?);
        let mut left = [two, three];
        left.sort_unstable();
        assert_eq!(l.missing_after(None, 9)?, left, "rolled back");
        l.put(&id(4), &Object::new(Kind::MESSAGE, Some(id(9)), Some(two)))?;
        l.remove(&id(2))?;
        l.remove(&id(3))?;
        assert_eq!(l.missing_after(None, 9)?, [two], "another one refers to it");
        assert_eq!(l.damage()?, missing(1));
        Ok(())
    });
    s.keep_body(b"two");
    commit(s, |l| {
        assert_eq!(l.damage()?, Damage::default());
        Ok(())
    });
}

pub(super) fn what_cannot_be_read_is_neither_here_nor_absent<S: Subject>(s: &mut S) {
    let message = object(Kind::MESSAGE, Some(id(1)), 5);
    commit(s, |l| {
        l.put(&id(1), &user("7200", 1))?;
        l.put(&id(2), &message)?;
        l.put(&id(3), &object(Kind::MESSAGE, Some(id(1)), 6))?;
        l.set_mark(&id(2), &mark(Lane::Messages, 7))
    });
    s.spoil(id(1));
    s.spoil(id(2));
    let unreadable = |kind, owner, lost| Unreadable { kind, owner, lost };
    let of = [
        (id(1), unreadable(Kind::USER, None, false)),
        (id(2), unreadable(Kind::MESSAGE, Some(id(1)), false)),
    ];
    s.transact(TransactionEnd::RollBack, &mut |l| {
        assert_eq!(l.object(&id(2))?, None);
        Ok(())
    });
    commit(s, |l| {
        assert_eq!(l.unreadable(&id(2))?, None, "nobody has noticed it yet");
        for (id, unreadable) in of {
            assert_eq!(l.object(&id)?, None);
            assert_eq!(l.unreadable(&id)?, Some(unreadable));
        }
        Ok(())
    });
    s.restart();
    commit(s, |l| {
        assert_eq!(l.ids_after(None, 9)?, [id(3)]);
        assert_eq!(l.owned_by(&id(1))?, [id(3)]);
        let no = Leaf::number(&id(1));
        assert_eq!(l.in_leaf(Tree::Contents, no, None, 9)?, [id(3)]);
        assert_eq!(l.in_leaf(Tree::Users, no, None, 9)?, []);
        assert_eq!((l.user_count()?, l.users_with_number("7200")?), (0, vec![]));
        assert_sums(l)?;
        assert!(l.mark(&id(2))?.is_some(), "what is owed is still owed");
        assert_eq!(l.deletion_record(&id(2))?, None);
        assert_eq!(l.unreadable(&id(3))?, None);
        assert_eq!(l.unreadable_after(None, 9)?, of);
        assert_eq!(l.unreadable_after(None, 1)?, of[..1]);
        assert_eq!(l.unreadable_after(Some(&id(1)), 9)?, of[1..]);
        l.set_lost(&id(1), true)?;
        l.set_lost(&id(3), true)?;
        Ok(())
    });
    let damage = |rows, lost_rows| Damage {
        bodies: 0,
        rows,
        lost_rows,
    };
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.set_lost(&id(2), true)?;
        assert_eq!(l.damage()?, damage(2, 2));
        l.put(&id(1), &user("7200", 1))?;
        assert_eq!(l.damage()?, damage(1, 1));
        Ok(())
    });
    commit(s, |l| {
        assert_eq!(l.damage()?, damage(2, 1));
        l.set_lost(&id(1), false)?;
        assert_eq!(l.damage()?, damage(2, 0));
        l.put(&id(2), &message)?;
        assert_eq!(
            (l.object(&id(2))?, l.unreadable(&id(2))?),
            (Some(message.clone()), None)
        );
        l.remove(&id(1))?;
        assert_eq!(l.damage()?, Damage::default());
        assert_sums(l)
    });
}

pub(super) fn a_switch_brings_back_what_was_unreadable<S: Subject>(s: &mut S) {
    commit(s, |l| {
        l.put(&id(1), &user("7200", 1))?;
        l.put(&id(2), &user("7201", 1))?;
        l.put(&id(3), &user("7202", 1))
    });
    for n in [1, 2, 3] {
        s.spoil(id(n));
    }
    commit(s, |l| {
        assert_eq!((l.object(&id(1))?, l.object(&id(2))?), (None, None));
        l.stage(&id(1), Some(&user("7200", 1)))?;
        l.switch()?;
        assert_eq!(l.unreadable(&id(1))?, None);
        assert!(l.unreadable(&id(2))?.is_some(), "the new ones lack it, too");
        assert_eq!(l.object(&id(3))?, None, "it was replaced unread");
        assert_eq!(l.unreadable(&id(3))?, None);
        assert_sums(l)
    });
}
