//! Bodies: kept once, given out verified, gone with the last who refers to them.

use crate::support::{
    Site, add_message, bytes, flip, id, is_missing, message, segment, small_segments,
};
use domain::BodyRef;
use ledger::Ledger;
use store::{Options, StoreError};

/// Length of the header before each body.
const HEADER: u64 = 48;

#[test]
fn a_body_is_given_out_whole_and_in_part_and_survives_a_restart() {
    let mut site = Site::new();
    let sound = bytes(7, 1000);
    let body = site.message_with(10, &sound);
    let empty = site.message_with(11, b"");
    let site = site.reopen();
    assert_eq!(site.readers.body(&body).unwrap(), sound);
    assert_eq!(site.readers.body(&empty).unwrap(), b""[..]);
    let part = |range| site.readers.body_range(&body, range).unwrap();
    assert_eq!(part(10..20), sound[10..20]);
    assert_eq!(part(990..5000), sound[990..]);
    assert_eq!(part(2000..u64::MAX), b""[..]);
    assert!(is_missing(site.readers.body(&BodyRef::of(b"another"))));
}

#[test]
fn a_body_that_is_here_is_not_written_again() {
    let mut site = Site::new();
    let sound = bytes(7, 1000);
    site.message_with(10, &sound);
    site.message_with(11, &sound);
    site.commit(|tx| {
        add_message(tx, 12, &sound);
        add_message(tx, 13, &bytes(8, 10));
        add_message(tx, 14, &bytes(8, 10));
    });
    let written = site.readers.sizes().unwrap().segment_bytes;
    assert_eq!(written, 1000 + 10 + 2 * HEADER);
}

#[test]
fn a_body_goes_with_the_last_object_that_refers_to_it() {
    let mut site = Site::new();
    let sound = bytes(7, 1000);
    let body = site.message_with(10, &sound);
    site.message_with(11, &sound);
    let changed = message(id(1), Some(body), 99);
    site.commit(|tx| {
        tx.remove(&id(10)).unwrap();
        // Written again: still one reference.
        tx.put(&id(11), &changed).unwrap();
        tx.put(&id(11), &changed).unwrap();
    });
    assert_eq!(site.readers.body(&body).unwrap(), sound);
    site.commit(|tx| tx.remove(&id(11)).unwrap());
    assert!(is_missing(site.readers.body(&body)));
    assert_eq!(site.readers.sizes().unwrap().live_bytes, 0);
    assert_eq!(
        site.readers.missing_bodies(9).unwrap(),
        [],
        "nobody misses it"
    );
}

#[test]
fn an_object_that_gets_another_body_lets_the_first_one_go() {
    let mut site = Site::new();
    let first = site.message_with(10, b"first");
    let second = site.message_with(10, b"second");
    assert!(!site.readers.has_body(&first).unwrap());
    assert_eq!(site.readers.body(&second).unwrap(), b"second"[..]);
}

#[test]
fn a_transaction_that_is_dropped_leaves_its_room_to_the_next() {
    let mut site = Site::with(small_segments());
    site.message_with(10, &bytes(1, 3000));
    let mut tx = site.writer.begin().unwrap();
    // Over the end of the segment, so a file was made as well.
    for n in 0..5 {
        add_message(&mut tx, 20 + n, &bytes(20 + n, 3000));
    }
    drop(tx);
    assert_eq!(site.readers.sizes().unwrap().segment_bytes, 3000 + HEADER);
    let kept: Vec<_> = (0..9)
        .map(|n| site.message_with(30 + n, &bytes(30 + n, 3000)))
        .collect();
    let site = site.reopen();
    for (n, body) in (30..).zip(&kept) {
        assert_eq!(site.readers.body(body).unwrap(), bytes(n, 3000));
    }
}

#[test]
fn segments_roll_and_a_long_body_gets_one_to_itself() {
    let mut site = Site::with(small_segments());
    let lens = [4000, 4000, 4000, 25_000, 100, 9_952, 1, 9_900];
    let all: Vec<_> = site.commit(|tx| {
        let add = |(n, len): (u64, &usize)| add_message(tx, n, &bytes(n, *len));
        (10..).zip(&lens).map(add).collect()
    });
    let size = |n| {
        segment(site.dir.path(), n)
            .metadata()
            .map_or(0, |m| m.len())
    };
    let sizes: Vec<_> = (1..=7).map(size).collect();
    let two = 2 * (4000 + HEADER);
    assert_eq!(
        sizes,
        [
            two,
            4000 + HEADER,
            25_000 + HEADER,
            100 + HEADER,
            10_000,
            9_901 + 2 * HEADER,
            0
        ]
    );
    let site = site.reopen_after(small_segments(), |_| {});
    for ((n, body), len) in (10..).zip(&all).zip(lens) {
        assert_eq!(site.readers.body(body).unwrap(), bytes(n, len));
    }
}

#[test]
fn a_group_larger_than_memory_allows_is_written_early_and_still_undone() {
    let mut site = Site::new();
    let before = site.message_with(10, b"before");
    let mut tx = site.writer.begin().unwrap();
    for n in 0..12 {
        add_message(&mut tx, 20 + n, &bytes(20 + n, 1 << 20));
    }
    drop(tx);
    let after = site.message_with(50, b"after");
    let site = site.reopen();
    assert_eq!(site.readers.body(&before).unwrap(), b"before"[..]);
    assert_eq!(site.readers.body(&after).unwrap(), b"after"[..]);
    // What is left of it behind the end is whole, and nobody refers to it.
    assert_eq!(site.readers.object(&id(20)).unwrap(), None);
}

#[test]
fn a_damaged_body_is_reported_and_can_be_given_again() {
    for offset in [HEADER, HEADER + 999, 3, 30] {
        let mut site = Site::new();
        let sound = bytes(7, 1000);
        let body = site.message_with(10, &sound);
        flip(&segment(site.dir.path(), 1), offset);
        let found = site.readers.body(&body);
        assert!(
            matches!(found, Err(StoreError::Damaged(b)) if b == body),
            "offset {offset}"
        );

        site.commit(|tx| tx.lose_body(&body).unwrap());
        assert!(is_missing(site.readers.body(&body)));
        assert!(!site.readers.has_body(&body).unwrap());
        assert_eq!(site.readers.missing_bodies(9).unwrap(), [(id(10), body)]);

        site.commit(|tx| tx.append_body(&sound).unwrap());
        assert_eq!(site.readers.body(&body).unwrap(), sound);
        assert_eq!(site.readers.missing_bodies(9).unwrap(), []);
        site.commit(|tx| tx.remove(&id(10)).unwrap());
        assert!(
            !site.readers.has_body(&body).unwrap(),
            "it kept its one reference"
        );
    }
}

#[test]
fn the_sizes_say_what_is_on_the_disk() {
    let mut site = Site::with(Options::default());
    site.message_with(10, &bytes(1, 1000));
    site.message_with(11, &bytes(2, 500));
    site.commit(|tx| tx.remove(&id(10)).unwrap());
    let sizes = site.readers.sizes().unwrap();
    assert_eq!(sizes.segment_bytes, 1500 + 2 * HEADER);
    assert_eq!(sizes.live_bytes, 500 + HEADER);
    assert!(sizes.database_bytes > 4096);
    assert!(sizes.free_bytes > 0);
}
