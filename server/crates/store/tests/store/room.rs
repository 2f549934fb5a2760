//! Little room on the disk: what may still be written, and what is kept back for it.

use crate::support::{Site, bytes};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Disk, Options, Room};

const MIB: u64 = 1 << 20;

/// A disk that others fill: what is free of it are these bytes without the reserve.
#[derive(Debug)]
struct Shared {
    free: AtomicU64,
    all: u64,
}

impl Shared {
    fn with(free: u64) -> (Arc<Self>, Options) {
        let disk = Arc::new(Self {
            free: AtomicU64::new(free),
            all: 8_000 * MIB,
        });
        let options = Options {
            spare_bytes: 64 * MIB,
            reserve_bytes: 16 * MIB,
            disk: disk.clone(),
            ..Options::default()
        };
        (disk, options)
    }
}

impl Disk for Shared {
    fn room(&self, directory: &Path) -> io::Result<(u64, u64)> {
        let held = directory.join("reserve").metadata();
        let held = held.map_or(0, |about| about.blocks() * 512);
        let free = self.free.load(Ordering::SeqCst);
        Ok((free.saturating_sub(held), self.all))
    }
}

fn reserve(site: &Site) -> u64 {
    let path = site.dir.path().join("reserve");
    path.metadata().unwrap().blocks() * 512
}

#[test]
fn what_grows_is_put_off_before_the_spare_room_is_touched() {
    let (disk, options) = Shared::with(180 * MIB);
    let mut site = Site::with(options);
    let room = site.writer.look_for_room();
    assert!(!room.low && room.free_bytes == 164 * MIB, "{room:?}");
    // 100 MiB above the spare room: what was admitted counts.
    assert!(site.writer.admits(60 * MIB) && site.writer.admits(39 * MIB));
    assert!(!site.writer.admits(10 * MIB));
    assert!(site.writer.admits(MIB / 2), "a smaller one fits");
    disk.free.store(79 * MIB, Ordering::SeqCst);
    assert!(site.writer.look_for_room().low && !site.writer.admits(0));
    assert!(site.readers.room().low, "others see it");
    disk.free.store(81 * MIB, Ordering::SeqCst);
    assert!(site.writer.look_for_room().low, "it does not flap");
    disk.free.store(97 * MIB, Ordering::SeqCst);
    assert!(!site.writer.look_for_room().low && site.writer.admits(0));
}

#[test]
fn what_the_partner_sends_has_room_that_nobody_else_may_use() {
    let (disk, options) = Shared::with(66 * MIB);
    let mut site = Site::with(Options {
        partner_spare_bytes: 20 * MIB,
        reserve_bytes: 0,
        ..options
    });
    let room = site.writer.look_for_room();
    assert!(room.low && !room.low_for_partner, "{room:?}");
    assert!(!site.writer.admits(4 * MIB));
    assert!(site.writer.admits_from_partner(40 * MIB));
    assert!(
        !site.writer.admits_from_partner(6 * MIB),
        "what was admitted counts"
    );
    for (free, low) in [(22, true), (24, true), (26, false), (23, false)] {
        disk.free.store(free * MIB, Ordering::SeqCst);
        let room = site.writer.look_for_room();
        assert_eq!(room.low_for_partner, low, "{free}: it does not flap");
    }
    let (_disk, options) = Shared::with(900 * MIB);
    let room = Site::with(options).readers.room();
    assert_eq!(
        room.partner_spare_bytes,
        32 * MIB,
        "half of the other at most"
    );
}

#[test]
fn the_reserve_is_given_up_as_far_as_it_is_needed_and_filled_again() {
    let (disk, options) = Shared::with(200 * MIB);
    let mut site = Site::with(options);
    assert_eq!(reserve(&site), 16 * MIB);
    // Another program leaves 1 MiB beside the reserve.
    disk.free.store(17 * MIB, Ordering::SeqCst);
    let room = site.writer.look_for_room();
    assert_eq!((room.free_bytes, reserve(&site)), (4 * MIB, 13 * MIB));
    // And takes that, too, again and again, down to nothing.
    for left in [9, 5, 1, 0, 0] {
        let held = site.writer.look_for_room().reserve_bytes;
        disk.free.store(held, Ordering::SeqCst);
        site.writer.look_for_room();
        assert_eq!(reserve(&site), left * MIB);
    }
    disk.free.store(83 * MIB, Ordering::SeqCst);
    site.writer.look_for_room();
    assert_eq!(reserve(&site), 0, "the spare room comes first");
    disk.free.store(84 * MIB, Ordering::SeqCst);
    let room = site.writer.look_for_room();
    assert_eq!((room.reserve_bytes, reserve(&site)), (16 * MIB, 16 * MIB));
}

#[test]
fn a_start_on_a_full_disk_has_the_reserve() {
    let (disk, options) = Shared::with(200 * MIB);
    let mut site = Site::with(options.clone());
    site.message_with(10, &bytes(10, 500));
    disk.free.store(16 * MIB, Ordering::SeqCst);
    let site = site.reopen_after(options, |dir| assert!(dir.join("reserve").exists()));
    assert_eq!(reserve(&site), 12 * MIB);
    let Room { low, tight, .. } = site.readers.room();
    assert!(low && tight);
}

#[test]
fn a_copied_reserve_that_holds_no_blocks_is_filled() {
    let (_disk, options) = Shared::with(200 * MIB);
    let site = Site::with(options.clone());
    let site = site.reopen_after(options, |dir| {
        let file = File::create(dir.join("reserve")).unwrap();
        file.set_len(16 * MIB).unwrap();
    });
    assert_eq!(reserve(&site), 16 * MIB);
}

#[test]
fn of_a_small_disk_neither_takes_more_than_an_eighth() {
    let disk = Arc::new(Shared {
        free: AtomicU64::new(30 * MIB),
        all: 32 * MIB,
    });
    let (_, options) = Shared::with(0);
    let site = Site::with(Options { disk, ..options });
    let room = site.readers.room();
    assert_eq!((room.spare_bytes, room.reserve_bytes), (4 * MIB, 4 * MIB));
}

#[test]
fn with_a_quota_a_refusal_gives_up_reserve_for_what_grows_little() {
    let (_disk, options) = Shared::with(900 * MIB);
    let mut site = Site::with(options);
    assert!(!site.writer.look_for_room().tight);
    let full = store::StoreError::Full;
    site.writer.ended(Err(&full), true);
    assert!(site.readers.room().tight, "from now on they go apart");
    assert_eq!(reserve(&site), 16 * MIB);
    site.writer.ended(Err(&full), false);
    assert_eq!(reserve(&site), 12 * MIB);
    site.writer.look_for_room();
    assert_eq!(reserve(&site), 12 * MIB, "not taken away again");
    site.writer.ended(Ok(()), true);
    site.writer.look_for_room();
    assert_eq!(reserve(&site), 16 * MIB);
}
