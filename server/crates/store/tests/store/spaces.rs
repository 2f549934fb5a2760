//! Rebuilds, as the rest of the store sees them.

use crate::support::{
    Site, add_message, bytes, id, is_missing, mark, message, segment, small_segments, user,
};
use domain::{BodyRef, MessageFolder, ObjectId, ServerId, Timestamp};
use ledger::{Lane, Ledger};
use store::{Compacted, StoreError, View};

const HOME: ServerId = ServerId(7);
const DAY: i64 = 24 * 3_600_000;

/// Everything that queries of a server say about mailbox 1, so that each of its statements is prepared.
fn seen(view: &View<'_>) -> Result<(Vec<ObjectId>, Vec<ObjectId>, u64, u64), StoreError> {
    let messages = view.messages(&id(1), MessageFolder::Inbox, None, 99)?;
    let users = view.users_by_number("7200")?;
    assert_eq!(users, view.users(None, 99)?);
    assert!(view.object(&id(1))?.is_some());
    Ok((
        messages.iter().map(|m| m.id).collect(),
        users.iter().map(|(id, _)| *id).collect(),
        view.counts(&id(1))?.inbox,
        view.kept_count()?,
    ))
}

#[test]
fn a_reader_sees_one_moment_beside_a_switch_and_the_new_one_after_it() {
    let mut site = Site::new();
    site.commit(|tx| {
        tx.put(&id(1), &user("7200", HOME)).unwrap();
        tx.put(&id(10), &message(id(1), None, 10)).unwrap();
    });
    let readers = site.readers.clone();
    for round in 1..=4_u64 {
        let (old, new) = (id(9 + round), id(10 + round));
        // Two connections: the one that is lent, and an idle one whose statements are from before the switch.
        readers
            .snapshot(|view| {
                readers.snapshot(seen)?;
                assert_eq!(seen(view)?, (vec![old], vec![id(1)], 1, 0));
                site.commit(|tx| {
                    tx.stage(&id(1), Some(&user("7200", HOME))).unwrap();
                    tx.stage(&new, Some(&message(id(1), None, 1))).unwrap();
                    tx.switch().unwrap();
                    assert_eq!(seen(&tx.view()).unwrap(), (vec![new], vec![id(1)], 1, 2));
                });
                assert_eq!(
                    seen(view)?,
                    (vec![old], vec![id(1)], 1, 0),
                    "the same moment"
                );
                assert_eq!(readers.snapshot(seen)?, (vec![new], vec![id(1)], 1, 2));
                Ok(())
            })
            .unwrap();
        for _ in 0..2 {
            assert_eq!(
                readers.snapshot(seen).unwrap(),
                (vec![new], vec![id(1)], 1, 2)
            );
        }
        site.commit(|tx| {
            for (id, _) in tx.kept_after(None, 9).unwrap() {
                tx.forget_kept(&id).unwrap();
            }
        });
    }
}

#[test]
fn counters_are_right_after_a_switch_and_after_one_that_was_rolled_back() {
    let mut site = Site::new();
    site.commit(|tx| {
        tx.put(&id(1), &user("7200", HOME)).unwrap();
        for n in 2..5 {
            tx.stage(&id(n), Some(&user("7200", HOME))).unwrap();
        }
        tx.set_mark(&id(1), &mark(1, false)).unwrap();
    });
    let mut tx = site.writer.begin().unwrap();
    tx.switch().unwrap();
    tx.remove(&id(2)).unwrap();
    assert_eq!(tx.user_count().unwrap(), 2);
    drop(tx);
    site.commit(|tx| assert_eq!(tx.user_count().unwrap(), 1));
    site.commit(|tx| tx.switch().unwrap());
    for _ in 0..2 {
        site.commit(|tx| {
            assert_eq!(tx.user_count().unwrap(), 3);
            assert_eq!(tx.backlog(Lane::Messages).unwrap().count, 1);
        });
        site = site.reopen();
    }
}

#[test]
fn a_switch_onto_what_is_kept_is_refused_and_its_transaction_leaves_nothing() {
    let mut site = Site::new();
    site.commit(|tx| tx.keep(&id(1), &user("7200", HOME)).unwrap());
    let mut tx = site.writer.begin().unwrap();
    tx.stage(&id(2), Some(&user("7200", HOME))).unwrap();
    let error = tx.switch().unwrap_err();
    assert!(matches!(
        StoreError::from_ledger(&error),
        Some(StoreError::StillKept)
    ));
    assert!(tx.commit().is_err());
    site.commit(|tx| assert_eq!(tx.staged(&id(2)).unwrap(), None));
}

/// Compacts until nothing is left to do, days later.
fn compact(site: &mut Site) -> u64 {
    let mut collected = 0;
    for day in 1..100 {
        let step = site
            .writer
            .compact(Timestamp(day * DAY * 2), u64::MAX)
            .unwrap();
        collected += step.collected_bodies;
        if day > 2 && step == Compacted::default() {
            return collected;
        }
    }
    panic!("compaction does not come to an end");
}

fn stage(site: &mut Site, n: u64, content: u64) -> BodyRef {
    site.commit(|tx| {
        let body = tx.append_body(&bytes(content, 500)).unwrap();
        tx.stage(&id(n), Some(&message(id(1), Some(body), 1)))
            .unwrap();
        body
    })
}

fn readable(site: &Site, bodies: &[BodyRef]) -> Vec<bool> {
    bodies
        .iter()
        .map(|body| site.readers.body(body).is_ok())
        .collect()
}

#[test]
fn no_body_of_what_is_staged_or_kept_is_collected() {
    let mut site = Site::with(small_segments());
    let live = site.message_with(10, &bytes(10, 500));
    let staged = stage(&mut site, 11, 11);
    let (kept, both) = site.commit(|tx| {
        let kept = tx.append_body(&bytes(12, 500)).unwrap();
        tx.keep(&id(12), &message(id(1), Some(kept), 1)).unwrap();
        let both = add_message(tx, 13, &bytes(13, 500));
        tx.keep(&id(13), &message(id(1), Some(both), 1)).unwrap();
        (kept, both)
    });
    // Enough of others, which go again, that the segment with these is emptied.
    for n in 20..40 {
        site.message_with(n, &bytes(n, 1000));
    }
    site.commit(|tx| {
        (20..40)
            .chain([13])
            .for_each(|n| tx.remove(&id(n)).unwrap())
    });
    compact(&mut site);
    assert!(!segment(site.dir.path(), 1).exists(), "it was emptied");
    let all = [live, staged, kept, both];
    assert_eq!(readable(&site, &all), [true; 4]);
    assert_eq!(site.readers.missing_bodies(9).unwrap(), []);

    // Live becomes kept, staged becomes live.
    site.commit(|tx| {
        tx.forget_kept(&id(12)).unwrap();
        tx.forget_kept(&id(13)).unwrap();
        tx.switch().unwrap();
    });
    compact(&mut site);
    assert_eq!(readable(&site, &all), [true, true, false, false]);
    site.commit(|tx| tx.forget_kept(&id(10)).unwrap());
    compact(&mut site);
    assert_eq!(readable(&site, &all), [false, true, false, false]);
    site.commit(|tx| tx.remove(&id(11)).unwrap());
    assert!(is_missing(site.readers.body(&staged)));
}

#[test]
fn a_body_goes_with_the_last_object_that_refers_to_it_in_whatever_place() {
    let mut site = Site::new();
    let body = site.message_with(10, b"sound");
    site.commit(|tx| {
        tx.stage(&id(10), Some(&message(id(1), Some(body), 1)))
            .unwrap();
        tx.keep(&id(10), &message(id(1), Some(body), 1)).unwrap();
        tx.remove(&id(10)).unwrap();
        tx.forget_kept(&id(10)).unwrap();
    });
    assert_eq!(readable(&site, &[body]), [true]);
    site = site.reopen();
    site.commit(|tx| assert_eq!(tx.unstage(9).unwrap(), 1));
    assert!(is_missing(site.readers.body(&body)));
    assert_eq!(site.reopen().writer.opened().missing_bodies, 0);
}

#[test]
fn a_body_that_only_a_staged_object_wants_is_missing_until_it_is_live() {
    let mut site = Site::new();
    let absent = BodyRef::of(b"not here");
    site.commit(|tx| {
        tx.stage(&id(10), Some(&message(id(1), Some(absent), 1)))
            .unwrap()
    });
    assert_eq!(site.readers.missing_bodies(9).unwrap(), []);
    site = site.reopen();
    assert_eq!(site.writer.opened().missing_bodies, 1);
    site.commit(|tx| tx.switch().unwrap());
    assert_eq!(site.readers.missing_bodies(9).unwrap(), [(id(10), absent)]);
    site.commit(|tx| tx.append_body(b"not here").map(drop).unwrap());
    assert_eq!(site.readers.missing_bodies(9).unwrap(), []);
}
