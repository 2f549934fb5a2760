//! Bodies that come in pieces: what goes wrong on the way, and how much room they take.

use crate::support::{Site, bytes, id, is_missing, message, segment};
use domain::{BodyRef, Timestamp};
use ledger::Ledger;
use std::os::unix::fs::FileExt;
use store::PARTIAL_BODIES_MAX;

const DAY_MS: i64 = 24 * 3_600_000;

fn piece(site: &mut Site, now: i64, body: &BodyRef, at: usize, bytes: &[u8]) {
    site.commit(|tx| {
        tx.append_piece(Timestamp(now), body, at as u32, bytes)
            .unwrap();
    });
}

fn here(site: &mut Site, body: &BodyRef) -> u32 {
    site.commit(|tx| tx.body_part(body).unwrap())
}

#[test]
fn pieces_are_put_together_and_their_room_is_given_back() {
    let mut site = Site::new();
    let sound = bytes(7, 10_000);
    let body = BodyRef::of(&sound);
    piece(&mut site, 0, &body, 0, &sound[..4_000]);
    piece(&mut site, 0, &body, 4_000, &sound[4_000..9_000]);
    assert!(is_missing(site.readers.body(&body)));
    piece(&mut site, 0, &body, 9_000, &sound[9_000..]);
    assert_eq!(site.readers.body(&body).unwrap(), sound);
    let live = site.readers.sizes().unwrap().live_bytes;
    assert_eq!(live, 10_000 + 48, "nothing but the whole body");
    site.commit(|tx| tx.put(&id(1), &message(id(2), Some(body), 1)).unwrap());
    let site = site.reopen();
    assert_eq!(site.readers.body(&body).unwrap(), sound);
}

#[test]
fn two_pieces_in_one_transaction_are_put_together_too() {
    let mut site = Site::new();
    let sound = bytes(7, 1_000);
    let body = BodyRef::of(&sound);
    site.commit(|tx| {
        for (at, part) in sound.chunks(300).enumerate() {
            tx.append_piece(Timestamp(0), &body, at as u32 * 300, part)
                .unwrap();
        }
    });
    assert_eq!(site.readers.body(&body).unwrap(), sound);
}

#[test]
fn what_is_not_the_body_that_was_announced_goes_and_begins_anew() {
    let mut site = Site::new();
    let sound = bytes(7, 1_000);
    let body = BodyRef::of(&sound);
    piece(&mut site, 0, &body, 0, &bytes(8, 600));
    piece(&mut site, 0, &body, 600, &sound[600..]);
    assert_eq!(here(&mut site, &body), 0);
    assert!(is_missing(site.readers.body(&body)));
    assert_eq!(site.readers.sizes().unwrap().live_bytes, 0);
    piece(&mut site, 0, &body, 0, &sound[..600]);
    piece(&mut site, 0, &body, 600, &sound[600..]);
    assert_eq!(site.readers.body(&body).unwrap(), sound);
}

#[test]
fn a_piece_that_is_damaged_on_the_disk_is_noticed_and_it_begins_anew() {
    let mut site = Site::new();
    let sound = bytes(7, 1_000);
    let body = BodyRef::of(&sound);
    piece(&mut site, 0, &body, 0, &sound[..600]);
    let path = segment(site.dir.path(), 1);
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(b"x", 100).unwrap();
    piece(&mut site, 0, &body, 600, &sound[600..]);
    assert_eq!(here(&mut site, &body), 0);
    piece(&mut site, 0, &body, 0, &sound);
    assert_eq!(site.readers.body(&body).unwrap(), sound);
}

#[test]
fn a_piece_that_another_body_has_too_stays_for_it() {
    let mut site = Site::new();
    let (same, one, other) = (bytes(1, 500), bytes(2, 100), bytes(3, 100));
    let (first, second) = ([&same[..], &one].concat(), [&same[..], &other].concat());
    let (a, b) = (BodyRef::of(&first), BodyRef::of(&second));
    for body in [&a, &b] {
        piece(&mut site, 0, body, 0, &same);
    }
    piece(&mut site, 0, &a, 500, &one);
    piece(&mut site, 0, &b, 500, &other);
    assert_eq!(site.readers.body(&a).unwrap(), first);
    assert_eq!(site.readers.body(&b).unwrap(), second);
}

#[test]
fn of_too_many_the_one_goes_whose_last_piece_came_longest_ago() {
    let mut site = Site::new();
    let body = |n: u64| BodyRef::of(&bytes(n, 100));
    for n in 0..=PARTIAL_BODIES_MAX {
        piece(&mut site, n as i64, &body(n), 0, &bytes(n, 60));
    }
    assert_eq!(here(&mut site, &body(0)), 0);
    assert_eq!(here(&mut site, &body(1)), 60);
    assert_eq!(here(&mut site, &body(PARTIAL_BODIES_MAX)), 60);
}

#[test]
fn what_nobody_goes_on_with_goes_after_a_day() {
    let mut site = Site::new();
    let sound = bytes(7, 1_000);
    let body = BodyRef::of(&sound);
    piece(&mut site, 0, &body, 0, &sound[..300]);
    site.writer.compact(Timestamp(1), 0).unwrap();
    piece(&mut site, DAY_MS / 2, &body, 300, &sound[300..600]);
    site.writer.compact(Timestamp(DAY_MS + 10), 0).unwrap();
    assert_eq!(
        here(&mut site, &body),
        600,
        "its last piece is half a day old"
    );
    let later = Timestamp(DAY_MS / 2 + DAY_MS + 1);
    site.writer.compact(later, 0).unwrap();
    assert_eq!(here(&mut site, &body), 0);
    assert_eq!(site.readers.sizes().unwrap().live_bytes, 0);
}
