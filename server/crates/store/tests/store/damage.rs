//! What a disk loses while nobody looks: found, set aside, and in nobody's way.

use crate::support::{
    Site, add_message, bytes, flip, flip_bit_of, id, is_missing, message, segment, small_segments,
    user,
};
use domain::{BodyRef, Kind, MessageFolder, ServerId};
use ledger::{Damage, Ledger};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use store::{LookedInto, Options, ScrubPlace};

const HOME: ServerId = ServerId(7);

/// A user with ten messages, and an alarm that is counted.
fn mailbox() -> (Site, Arc<AtomicU32>) {
    let mut site = Site::with(small_segments());
    site.commit(|tx| {
        tx.put(&id(1), &user("7200", HOME)).unwrap();
        for n in 10..20 {
            add_message(tx, n, &bytes(n, 3000));
        }
    });
    let alarms = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&alarms);
    site.readers.on_damage(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    (site, alarms)
}

/// One pass over everything. Returns bytes read and what was found.
fn scrub(site: &Site) -> (u64, u64) {
    let (mut place, mut sum) = (Some(ScrubPlace::Beginning), (0, 0));
    while let Some(from) = place {
        let step = site.readers.scrub(from, 5_000).unwrap();
        sum = (sum.0 + step.bytes, sum.1 + step.damaged);
        place = step.next;
    }
    sum
}

#[test]
fn a_pass_reads_everything_and_finds_what_is_damaged() {
    let (mut site, alarms) = mailbox();
    let (read, damaged) = scrub(&site);
    assert!(
        read > 30_000 && damaged == 0,
        "{read} bytes, {damaged} damaged"
    );
    assert_eq!(alarms.load(Ordering::SeqCst), 0);

    flip(&segment(site.dir.path(), 2), 48 + 1500);
    flip_bit_of(site.dir.path(), "object", &id(15), 400);
    std::fs::write(segment(site.dir.path(), 4), b"").unwrap();
    let (_, damaged) = scrub(&site);
    assert_eq!(
        damaged,
        1 + 1 + 1,
        "a body, a row, and the segment with one body"
    );
    assert_eq!(alarms.load(Ordering::SeqCst), 3);
    let looked = site.commit(|tx| tx.look_into_damage().unwrap());
    let found = LookedInto {
        rows: 1,
        bodies: 2,
        back: 0,
    };
    assert_eq!(looked, found);
    let damage = site.commit(|tx| tx.damage().unwrap());
    let (bodies, rows, lost_rows) = (2, 1, 0);
    assert_eq!(
        damage,
        Damage {
            bodies,
            rows,
            lost_rows
        }
    );
    assert_eq!(scrub(&site).1, 0, "nothing is found twice");
    let site = site.reopen_after(small_segments(), |_| {});
    assert_eq!(site.writer.opened().missing_bodies, 2);
    assert_eq!(
        site.readers
            .unreadable(&id(15))
            .unwrap()
            .map(|row| row.kind),
        Some(Kind::MESSAGE)
    );
}

#[test]
fn lists_go_on_beside_what_cannot_be_read() {
    let (mut site, alarms) = mailbox();
    for n in [19, 17, 12] {
        flip_bit_of(site.dir.path(), "object", &id(n), 99);
    }
    let page = |site: &Site, limit| {
        let page = site
            .readers
            .messages(&id(1), MessageFolder::Inbox, None, limit);
        let ids = page.unwrap().into_iter().map(|listed| listed.id);
        ids.collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(page(&site, 3), [id(18), id(16), id(15)], "a full page");
        assert_eq!(page(&site, 9).len(), 7);
        assert_eq!(site.readers.object(&id(17)).unwrap(), None);
        site.commit(|tx| tx.look_into_damage().unwrap());
    }
    assert_eq!(alarms.load(Ordering::SeqCst), 3, "each is noted once");
    assert_eq!(site.commit(|tx| tx.owned_by(&id(1)).unwrap()).len(), 7);
}

#[test]
fn an_unreadable_user_takes_no_mailbox_along() {
    let (mut site, _) = mailbox();
    flip_bit_of(site.dir.path(), "object", &id(1), 200);
    assert_eq!(site.readers.users_by_number("7200").unwrap(), []);
    site.commit(|tx| tx.look_into_damage().unwrap());
    assert_eq!(site.readers.counts(&id(1)).unwrap().inbox, 10);
    site.commit(|tx| tx.put(&id(1), &user("7200", HOME)).unwrap());
    assert_eq!(site.readers.users_by_number("7200").unwrap().len(), 1);
    assert_eq!(site.readers.unreadable(&id(1)).unwrap(), None);
}

#[test]
fn the_body_and_the_bytes_of_an_unreadable_row_are_kept() {
    let (mut site, _) = mailbox();
    flip_bit_of(site.dir.path(), "object", &id(12), 300);
    let body = BodyRef::of(&bytes(12, 3000));
    site.commit(|tx| assert_eq!(tx.object(&id(12)).unwrap(), None));
    assert_eq!(site.readers.body(&body).unwrap(), bytes(12, 3000));
    site.commit(|tx| tx.put(&id(12), &message(id(1), Some(body), 12)).unwrap());
    assert_eq!(site.readers.body(&body).unwrap(), bytes(12, 3000));
    site.commit(|tx| tx.remove(&id(12)).unwrap());
    assert!(
        is_missing(site.readers.body(&body)),
        "one reference, not two"
    );
    let conn = rusqlite::Connection::open(site.dir.path().join("callpilot.db")).unwrap();
    let sql = "SELECT length(data), why FROM unreadable WHERE mended = 1";
    let (bytes, why): (u64, String) = conn
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert!(
        bytes > 100 && why.contains("checksum"),
        "{bytes} bytes: {why}"
    );
}

#[test]
fn an_unreadable_message_that_is_removed_lets_its_body_go() {
    let (mut site, _) = mailbox();
    flip_bit_of(site.dir.path(), "object", &id(12), 300);
    let body = BodyRef::of(&bytes(12, 3000));
    site.commit(|tx| assert_eq!(tx.object(&id(12)).unwrap(), None));
    site.commit(|tx| tx.remove(&id(12)).unwrap());
    assert!(is_missing(site.readers.body(&body)));
    assert_eq!(site.commit(|tx| tx.damage().unwrap()), Damage::default());
}

#[test]
fn what_is_kept_and_cannot_be_read_is_left_out() {
    let mut site = Site::with(Options::default());
    site.commit(|tx| {
        for n in 1..=5 {
            tx.keep(&id(n), &message(id(9), None, 1)).unwrap();
        }
    });
    for n in [1, 2, 4] {
        flip_bit_of(site.dir.path(), "kept", &id(n), 50);
    }
    site.commit(|tx| {
        let page = tx.kept_after(None, 2).unwrap();
        assert_eq!(
            page.iter().map(|kept| kept.0).collect::<Vec<_>>(),
            [id(3), id(5)]
        );
        assert_eq!(tx.kept_count().unwrap(), 2);
        assert_eq!(
            tx.damage().unwrap(),
            Damage::default(),
            "nobody can give it again"
        );
    });
}

#[test]
fn a_staged_row_that_cannot_be_read_is_missing_only_after_the_switch() {
    let mut site = Site::with(Options::default());
    site.commit(|tx| {
        tx.put(&id(1), &user("7200", HOME)).unwrap();
        for n in [1, 2] {
            tx.stage(&id(n), Some(&user("7200", HOME))).unwrap();
        }
    });
    for n in [1, 2] {
        flip_bit_of(site.dir.path(), "staged", &id(n), 50);
    }
    site.commit(|tx| {
        assert_eq!(
            (tx.staged(&id(1)).unwrap(), tx.staged(&id(2)).unwrap()),
            (None, None)
        );
        assert_eq!(tx.unreadable(&id(1)).unwrap(), None, "it is live");
        tx.switch().unwrap();
        assert!(tx.unreadable(&id(1)).unwrap().is_some());
        assert_eq!(tx.damage().unwrap().rows, 2);
    });
}
