//! Compaction: room comes back, and nothing that lives is lost.

use crate::support::{Site, add_message, bytes, id, is_missing, segment, small_segments};
use domain::{BodyRef, Timestamp};
use ledger::Ledger;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Compacted, Disk, Options};

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
        all.unreadable_bodies += step.unreadable_bodies;
        all.stuck_segments += step.stuck_segments;
        all.deleted_segments += step.deleted_segments;
        all.freed_bytes += step.freed_bytes;
    }
    panic!("compaction does not come to an end");
}

/// Messages 10 to 49 of 1000 bytes each: four and a half segments of nine.
fn filled() -> Site {
    filled_with(small_segments())
}

fn filled_with(options: Options) -> Site {
    let mut site = Site::with(options);
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

/// A disk with one sector that cannot be read, at this offset of the first file that was written to.
#[derive(Debug)]
struct BadSector {
    /// The inode; 0: not known yet.
    file: AtomicU64,
    at: u64,
}

impl Disk for BadSector {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let inode = file.metadata()?.ino();
        // Only the first is taken.
        let _ = (self.file).compare_exchange(0, inode, Ordering::SeqCst, Ordering::SeqCst);
        file.write_all_at(bytes, offset)
    }

    fn read(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let hit = (offset..offset + bytes.len() as u64).contains(&self.at);
        if hit && file.metadata()?.ino() == self.file.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(5)); // EIO
        }
        file.read_exact_at(bytes, offset)
    }
}

#[test]
fn a_sector_that_cannot_be_read_keeps_one_body_where_it_is_and_everything_else_goes_on() {
    let options = Options {
        disk: Arc::new(BadSector {
            file: AtomicU64::new(0),
            at: 200,
        }),
        ..small_segments()
    };
    let mut site = filled_with(options.clone());
    // Messages 10 and 12 stay in the first segment, 20 in the second; 10 lies on the bad sector.
    let gone = (10..28).filter(|n| ![10, 12, 20].contains(n));
    site.commit(|tx| gone.for_each(|n| tx.remove(&id(n)).unwrap()));
    let done = compact(&mut site, 0, 1);
    assert_eq!((done.unreadable_bodies, done.damaged_bodies), (1, 0));
    assert_eq!((done.moved_bytes, done.deleted_segments), (2000, 1));
    assert_eq!(segments(site.dir.path()), [1, 3, 4, 5]);
    let bad = BodyRef::of(&bytes(10, 1000));
    assert_eq!(site.writer.unreadable().collect::<Vec<_>>(), [(1, bad)]);
    for n in [12, 20] {
        let body = BodyRef::of(&bytes(n, 1000));
        assert_eq!(site.readers.body(&body).unwrap(), bytes(n, 1000));
    }
    // Given again by whoever has it, it lies elsewhere, and the segment goes at last.
    site.commit(|tx| {
        tx.lose_body(&bad).unwrap();
        tx.append_body(&bytes(10, 1000)).unwrap();
    });
    assert_eq!(compact(&mut site, 0, 1).deleted_segments, 1);
    assert_eq!(site.writer.unreadable().count(), 0);
    assert_eq!(site.readers.body(&bad).unwrap(), bytes(10, 1000));
}

#[test]
fn a_segment_that_cannot_be_deleted_does_not_hold_up_the_others() {
    let mut site = filled();
    // A folder with something in it is not deleted like a file.
    let path = segment(site.dir.path(), 1);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir_all(path.join("stuck")).unwrap();
    site.commit(|tx| (10..28).for_each(|n| tx.remove(&id(n)).unwrap()));
    let first = site.writer.compact(Timestamp(0), 0).unwrap();
    assert_eq!((first.deleted_segments, first.stuck_segments), (1, 0));
    let again = site.writer.compact(Timestamp(0), 0).unwrap();
    assert_eq!((again.deleted_segments, again.stuck_segments), (0, 1));
    std::fs::remove_dir_all(&path).unwrap();
    site.writer.compact(Timestamp(0), 0).unwrap();
    assert_eq!(
        site.writer.compact(Timestamp(0), 0).unwrap(),
        Compacted::default()
    );
}

#[test]
fn the_room_of_bodies_that_are_gone_comes_back_where_they_lay() {
    let mut site = Site::new();
    for n in 10..20 {
        site.message_with(n, &bytes(n, 1 << 20));
    }
    let path = segment(site.dir.path(), 1);
    let blocks = || path.metadata().unwrap().blocks() * 512;
    let before = blocks();
    let gone = (10..20).filter(|n| ![13, 14, 19].contains(n));
    site.commit(|tx| gone.clone().for_each(|n| tx.remove(&id(n)).unwrap()));
    let done = compact(&mut site, 0, u64::MAX);
    assert_eq!((done.moved_bytes, done.deleted_segments), (0, 0));
    assert!(done.freed_bytes > 7 * ((1 << 20) - 8192), "{done:?}");
    assert!(blocks() + done.freed_bytes <= before + 8192);
    let all_whole = |site: &Site| {
        for n in [13, 14, 19] {
            let body = BodyRef::of(&bytes(n, 1 << 20));
            assert_eq!(site.readers.body(&body).unwrap(), bytes(n, 1 << 20));
        }
    };
    all_whole(&site);
    // A database of before the segment is put back beside it: what was left in the segment is found, behind the holes, too.
    let site = site.reopen_after(Options::default(), |dir| {
        for file in ["callpilot.db", "callpilot.db-wal", "callpilot.db-shm"] {
            let _ = std::fs::remove_file(dir.join(file));
        }
    });
    assert_eq!(site.writer.opened().adopted_bodies, 3);
    all_whole(&site);
}
