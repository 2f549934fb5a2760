//! Objects and their bodies.

use super::{Subject, TransactionEnd, commit, id};
use domain::{BodyRef, Hlc, Incarnation, Kind, Object};

pub(super) fn objects_read_back_as_written_and_go_when_removed<S: Subject>(s: &mut S) {
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
            incarnation: Incarnation(u64::MAX),
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

pub(super) fn objects_are_listed_in_order_of_their_ids<S: Subject>(s: &mut S) {
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

pub(super) fn only_what_is_owned_is_listed_for_an_owner<S: Subject>(s: &mut S) {
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

pub(super) fn bodies_are_here_once_kept_and_not_before<S: Subject>(s: &mut S) {
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

pub(super) fn a_body_comes_in_pieces_and_is_here_with_the_last<S: Subject>(s: &mut S) {
    let sound: Vec<u8> = (0..=99).collect();
    let body = BodyRef::of(&sound);
    let expect = |s: &mut S, whole: bool, part: u32| {
        commit(s, |l| {
            assert_eq!((l.has_body(&body)?, l.body_part(&body)?), (whole, part));
            Ok(())
        });
    };
    expect(s, false, 0);
    s.keep_piece(TransactionEnd::Commit, &body, 10, &sound[10..20]);
    expect(s, false, 0); // not the beginning
    s.keep_piece(TransactionEnd::Commit, &body, 0, &sound[..30]);
    expect(s, false, 30);
    s.keep_piece(TransactionEnd::RollBack, &body, 30, &sound[30..60]);
    expect(s, false, 30); // rolled back
    s.keep_piece(TransactionEnd::Commit, &body, 0, &sound[..30]);
    expect(s, false, 30); // once more
    s.keep_piece(TransactionEnd::Commit, &body, 30, &sound[30..60]);
    s.restart();
    expect(s, false, 60); // it survives a restart
    s.keep_piece(TransactionEnd::RollBack, &body, 60, &sound[60..]);
    expect(s, false, 60); // rolled back
    s.keep_piece(TransactionEnd::Commit, &body, 60, &sound[60..]);
    expect(s, true, 0);
    s.keep_piece(TransactionEnd::Commit, &body, 0, &sound[..30]);
    expect(s, true, 0); // whole already
    s.restart();
    expect(s, true, 0);
    // One that comes whole after all.
    let other = BodyRef::of(b"another voice");
    s.keep_piece(TransactionEnd::Commit, &other, 0, b"another");
    s.keep_body(b"another voice");
    commit(s, |l| {
        assert_eq!((l.has_body(&other)?, l.body_part(&other)?), (true, 0));
        Ok(())
    });
}
