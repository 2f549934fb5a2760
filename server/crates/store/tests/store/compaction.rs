//! Compaction: room comes back, and nothing that lives is lost.

use crate::support::{Site, add_message, bytes, id, is_missing, segment, small_segments};
use domain::{Ledger, Timestamp};
use std::path::Path;
use store::Compacted;

const DAY: i64 = 24 * 3_600_000;

fn segments(dir: &Path) -> Vec<u32> {
    (1..99).filter(|n| segment(dir, *n).exists()).collect()
}

/// Steps until nothing is left to do.
fn compact(site: &mut Site, now: i64, budget: u64) -> Compacted {
    let mut all = Compacted::default();
    for _ in 0..100 {
        let step = site.writer.compact(Timestamp(now), budget).unwrap();
        if step == Compacted::default() {
            return all;
        }
        all.collected_bodies += step.collected_bodies;
        all.moved_bytes += step.moved_bytes;
        all.damaged_bodies += step.damaged_bodies;
        all.deleted_segments += step.deleted_segments;
        all.freed_bytes += step.freed_bytes;
    }
    panic!("compaction does not come to an end");
}

/// Messages 10 to 49 of 1000 bytes each: four and a half segments of nine.
fn filled() -> Site {
    let mut site = Site::with(small_segments());
    for n in 10..50 {
        site.message_with(n, &bytes(n, 1000));
    }
    assert_eq!(segments(site.dir.path()), [1, 2, 3, 4, 5]);
    site
}

#[test]
fn segments_without_live_bodies_are_deleted() {
    let mut site = filled();
    assert_eq!(compact(&mut site, 0, u64::MAX), Compacted::default());
    site.commit(|tx| (19..28).for_each(|n| tx.remove(&id(n)).unwrap()));
    let done = compact(&mut site, 0, u64::MAX);
    assert_eq!((done.deleted_segments, done.moved_bytes), (1, 0));
    assert_eq!(done.freed_bytes, 9 * 1048);
    assert_eq!(segments(site.dir.path()), [1, 3, 4, 5]);
}

#[test]
fn sparse_segments_are_emptied_into_the_growing_one_a_bounded_piece_at_a_time() {
    let mut site = filled();
    // Of nine bodies in each of the first two segments, two stay.
    let gone = (10..28).filter(|n| ![12, 17, 20, 27].contains(n));
    site.commit(|tx| gone.clone().for_each(|n| tx.remove(&id(n)).unwrap()));
    let first = site.writer.compact(Timestamp(0), 1).unwrap();
    assert_eq!(
        (first.moved_bytes, first.deleted_segments),
        (1000, 0),
        "one at a time"
    );
    let done = compact(&mut site, 0, 1);
    assert_eq!((done.moved_bytes, done.deleted_segments), (3000, 2));
    assert_eq!(segments(site.dir.path()), [3, 4, 5]);

    let site = site.reopen_after(small_segments(), |_| {});
    assert_eq!(site.writer.opened(), &store::Opened::default());
    for n in (28..50).chain([12, 17, 20, 27]) {
        let object = site.readers.object(&id(n)).unwrap().unwrap();
        let body = object.body.unwrap();
        assert_eq!(
            site.readers.body(&body).unwrap(),
            bytes(n, 1000),
            "message {n}"
        );
    }
    let sizes = site.readers.sizes().unwrap();
    assert_eq!(sizes.live_bytes, 26 * 1048);
}

#[test]
fn the_growing_segment_stays() {
    let mut site = Site::new();
    site.message_with(10, b"sound");
    site.commit(|tx| tx.remove(&id(10)).unwrap());
    assert_eq!(compact(&mut site, 0, u64::MAX), Compacted::default());
    let body = site.message_with(11, b"more");
    assert_eq!(site.readers.body(&body).unwrap(), b"more"[..]);
}

#[test]
fn a_body_without_reference_is_kept_for_a_day() {
    let mut site = Site::new();
    let [ahead, forgotten] =
        site.commit(|tx| [b"ahead", b"never"].map(|b| tx.append_body(b).unwrap()));
    assert_eq!(compact(&mut site, 1_000, 0).collected_bodies, 0);
    assert_eq!(
        compact(&mut site, 1_000 + DAY, 0).collected_bodies,
        0,
        "not longer than a day"
    );
    site.commit(|tx| add_message(tx, 10, b"ahead"));
    assert_eq!(compact(&mut site, 1_001 + DAY, 0).collected_bodies, 1);
    assert!(is_missing(site.readers.body(&forgotten)));
    assert_eq!(site.readers.body(&ahead).unwrap(), b"ahead"[..]);
}

#[test]
fn a_body_sent_again_is_kept_for_another_day() {
    let mut site = Site::new();
    let body = site.commit(|tx| tx.append_body(b"ahead").unwrap());
    compact(&mut site, 0, 0);
    site.commit(|tx| tx.append_body(b"ahead").unwrap());
    assert_eq!(compact(&mut site, DAY + 1, 0).collected_bodies, 0);
    assert!(site.readers.has_body(&body).unwrap());
    assert_eq!(compact(&mut site, 2 * DAY + 2, 0).collected_bodies, 1);
}

#[test]
fn a_damaged_body_does_not_hold_up_its_segment() {
    let mut site = filled();
    site.commit(|tx| (12..19).for_each(|n| tx.remove(&id(n)).unwrap()));
    let path = segment(site.dir.path(), 1);
    let mut content = std::fs::read(&path).unwrap();
    content[100] ^= 1;
    std::fs::write(&path, content).unwrap();
    let done = compact(&mut site, 0, u64::MAX);
    assert_eq!(
        (done.damaged_bodies, done.moved_bytes, done.deleted_segments),
        (1, 1000, 1)
    );
    let missing = site.readers.missing_bodies(9).unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].0, id(10));
}

#[test]
fn a_segment_given_up_just_before_the_end_is_deleted_at_the_next_start() {
    let mut site = filled();
    site.commit(|tx| (10..19).for_each(|n| tx.remove(&id(n)).unwrap()));
    let content = std::fs::read(segment(site.dir.path(), 1)).unwrap();
    let step = site.writer.compact(Timestamp(0), 0).unwrap();
    assert_eq!(step.deleted_segments, 1);
    // As if the process had ended between the commit and the deletion: its row is there as long as no later step was done.
    let site = site.reopen_after(small_segments(), |dir| {
        std::fs::write(segment(dir, 1), &content).unwrap();
    });
    assert_eq!(site.writer.opened(), &store::Opened::default());
    assert_eq!(segments(site.dir.path()), [2, 3, 4, 5]);
}

#[test]
fn a_body_is_read_at_its_new_place_after_it_was_moved() {
    let mut site = filled();
    site.commit(|tx| (11..19).for_each(|n| tx.remove(&id(n)).unwrap()));
    let body = site.readers.object(&id(10)).unwrap().unwrap().body.unwrap();
    assert_eq!(site.readers.body(&body).unwrap(), bytes(10, 1000));
    compact(&mut site, 0, u64::MAX);
    assert_eq!(site.readers.body(&body).unwrap(), bytes(10, 1000));
}
