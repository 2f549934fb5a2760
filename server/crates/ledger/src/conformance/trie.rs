//! Sums, leaves, and the users in them.

use super::{Subject, TransactionEnd, commit, id, object, user, version};
use crate::{Leaf, Ledger, LedgerError, Tree};
use domain::{Digest, Key, Kind, Object, ObjectId, ServerId, Value};
use std::collections::{BTreeMap, HashMap};

/// Sees that all sums are those of the live objects, by counting anew.
///
/// # Errors
/// [`LedgerError`] if the ledger cannot be read.
///
/// # Panics
/// With the sum that is wrong.
pub fn assert_sums(l: &mut dyn Ledger) -> Result<(), LedgerError> {
    let mut expected = BTreeMap::<(Tree, u16), Digest>::new();
    for id in l.ids_after(None, usize::MAX >> 1)? {
        let Some(object) = l.object(&id)? else {
            panic!("{id} is listed and not there");
        };
        let Leaf { tree, no } = Leaf::of(&id, &object);
        let sum = expected.entry((tree, no)).or_default();
        *sum = sum.plus(object.digest(&id));
    }
    for tree in [Tree::Users, Tree::Contents] {
        let parts = l.sums(tree, None)?;
        assert_eq!(parts.len(), 256);
        for part in 0..=255 {
            let leaves = l.sums(tree, Some(part))?;
            assert_eq!(leaves.len(), 256);
            for (low, sum) in (0..=255).zip(&leaves) {
                let no = u16::from_be_bytes([part, low]);
                let expected = expected.get(&(tree, no)).copied().unwrap_or_default();
                assert_eq!(*sum, expected, "{tree:?}, leaf {no}");
            }
            let whole = leaves.into_iter().fold(Digest::default(), Digest::plus);
            assert_eq!(parts[usize::from(part)], whole, "{tree:?}, part {part}");
        }
    }
    Ok(())
}

pub(super) fn sums_follow_every_change_and_equal_a_recount<S: Subject>(s: &mut S) {
    commit(s, |l| {
        assert_sums(l)?;
        l.put(&id(1), &user("7201", 1))?;
        for n in 2..60 {
            let owner = (n % 4 > 0).then(|| id(n % 4));
            l.put(&id(n), &object(Kind(n % 5 + 2), owner, n.into()))?;
        }
        assert_sums(l)
    });
    s.restart();
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.put(&id(1), &user("7201", 2))?;
        l.remove(&id(5))?;
        assert_sums(l)
    });
    commit(s, |l| {
        assert_sums(l)?;
        // The same again, another version, another value of the same version, and one that is not there.
        l.put(&id(2), &object(Kind(4), Some(id(2)), 2))?;
        l.put(&id(3), &object(Kind(5), Some(id(3)), 99))?;
        let mut other = object(Kind(6), None, 0);
        other.set(Key::field(1), version(4), Value::Bool(true));
        l.put(&id(4), &other)?;
        l.remove(&id(200))?;
        assert_sums(l)?;
        // Ledgers do not rely on what never happens: here an object gets another owner.
        l.put(&id(6), &object(Kind(3), Some(id(3)), 6))?;
        l.put(&id(7), &object(Kind(4), None, 7))?;
        assert_sums(l)?;
        for n in 10..30 {
            l.remove(&id(n))?;
        }
        assert_sums(l)
    });
    commit(s, |l| {
        for id in l.ids_after(None, 999)? {
            l.remove(&id)?;
        }
        for tree in [Tree::Users, Tree::Contents] {
            assert_eq!(l.sums(tree, None)?, [Digest::default(); 256]);
        }
        assert_sums(l)
    });
}

/// Two ids that lie in the same leaf.
fn neighbours() -> (ObjectId, ObjectId) {
    let mut seen = HashMap::new();
    for n in 0..=u16::MAX {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        let id = ObjectId::from_bytes(bytes);
        if let Some(other) = seen.insert(Leaf::number(&id), id) {
            return (other, id);
        }
    }
    panic!("65536 ids, and no two in one of 65536 leaves")
}

pub(super) fn a_leaf_is_listed_in_pages<S: Subject>(s: &mut S) {
    let (one, other) = neighbours();
    let no = Leaf::number(&one);
    commit(s, |l| {
        l.put(&other, &user("1", 1))?;
        l.put(&one, &user("2", 1))?;
        for (n, owner) in [
            (250, one),
            (240, other),
            (245, one),
            (252, other),
            (251, id(9)),
        ] {
            l.put(&id(n), &Object::new(Kind::MESSAGE, Some(owner), None))?;
        }
        l.stage(&id(241), Some(&Object::new(Kind::MESSAGE, Some(one), None)))?;
        l.keep(&id(242), &Object::new(Kind::MESSAGE, Some(one), None))?;
        assert_eq!(l.in_leaf(Tree::Users, no, None, 9)?, [one, other]);
        assert_eq!(l.in_leaf(Tree::Users, no, Some(&one), 9)?, [other]);
        let all = [240, 245, 250, 252].map(id);
        assert_eq!(l.in_leaf(Tree::Contents, no, None, 9)?, all);
        assert_eq!(l.in_leaf(Tree::Contents, no, None, 3)?, all[..3]);
        let after = |n: u8, l: &mut dyn Ledger| l.in_leaf(Tree::Contents, no, Some(&id(n)), 2);
        assert_eq!(after(240, l)?, all[1..3], "strictly after");
        assert_eq!(after(246, l)?, all[2..], "after one that is not there");
        assert_eq!(after(252, l)?, []);
        assert_eq!(l.in_leaf(Tree::Contents, no ^ 1, None, 9)?, []);
        l.remove(&id(245))?;
        assert_eq!(after(240, l)?, [id(250), id(252)]);
        Ok(())
    });
}

pub(super) fn users_are_counted_and_found_by_their_number<S: Subject>(s: &mut S) {
    commit(s, |l| {
        assert_eq!((l.user_count()?, l.users_with_number("7200")?), (0, vec![]));
        for (n, number) in [(5, "7200"), (2, "7200"), (3, "7201"), (4, "720")] {
            l.put(&id(n), &user(number, 1))?;
        }
        l.put(&id(6), &Object::new(Kind::MESSAGE, Some(id(5)), None))?;
        assert_eq!(
            l.users_with_number("7200")?,
            [id(2), id(5)],
            "in order of ids"
        );
        l.put(&id(5), &user("7203", 2))?;
        assert_eq!(l.users_with_number("7200")?, [id(2)]);
        assert_eq!(l.user_count()?, 4, "written twice, counted once");
        assert_eq!(
            (l.users_of(ServerId(7))?, l.users_of(ServerId(77))?),
            (4, 0),
            "by where they are local"
        );
        Ok(())
    });
    s.transact(TransactionEnd::RollBack, &mut |l| {
        l.remove(&id(2))?;
        assert_eq!((l.user_count()?, l.users_with_number("7200")?), (3, vec![]));
        Ok(())
    });
    commit(s, |l| {
        assert_eq!(l.user_count()?, 4, "rolled back");
        l.remove(&id(3))?;
        l.remove(&id(3))?;
        l.remove(&id(6))?;
        assert_eq!(l.user_count()?, 3);
        Ok(())
    });
    s.restart();
    commit(s, |l| {
        assert_eq!(l.user_count()?, 3);
        Ok(())
    });
}
