//! The disk itself: what a power cut may take back, and what not.

use faulty_disk::{Fault, FaultyDisk};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use store::Disk;

const SECTOR: usize = 512;
/// Power cuts tried; each outcome that has a fair chance comes.
const TRIES: u64 = 300;

/// The dice: a linear congruential generator, of which the upper bits are used.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |n| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    }
}

fn path(disk: &FaultyDisk) -> PathBuf {
    disk.directory().join("file")
}

/// A file whose name is durable.
fn file(disk: &FaultyDisk) -> File {
    let file = disk.create(&path(disk)).unwrap();
    sync_directory(disk);
    file
}

fn sync_directory(disk: &FaultyDisk) {
    let directory = File::open(disk.directory()).unwrap();
    disk.sync_directory(&directory).unwrap();
}

/// All that power cuts leave of the file after `work`; `None`: it is not there.
fn left_after(work: impl Fn(&FaultyDisk)) -> BTreeSet<Option<Vec<u8>>> {
    let left = |seed| {
        let disk = FaultyDisk::new().unwrap();
        work(&disk);
        disk.crash(&mut dice(seed));
        fs::read(path(&disk)).ok()
    };
    (0..TRIES).map(left).collect()
}

/// A text with a letter for each sector.
fn sectors(text: &str) -> Vec<u8> {
    let sector = |letter: u8| [letter; SECTOR];
    text.bytes().flat_map(sector).collect()
}

/// The letters of such a text, and a dot for zeros.
fn letters(left: &BTreeSet<Option<Vec<u8>>>) -> BTreeSet<String> {
    let letter = |sector: &[u8]| match sector[0] {
        0 => '.',
        letter => char::from(letter),
    };
    let text = |bytes: &Vec<u8>| bytes.chunks(SECTOR).map(letter).collect();
    left.iter().flatten().map(text).collect()
}

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_was_synced_stays_and_each_other_sector_is_new_or_old() {
    let left = left_after(|disk| {
        let file = file(disk);
        disk.write(&file, &sectors("aaa"), 0).unwrap();
        disk.sync(&file).unwrap();
        disk.write(&file, &sectors("bb"), SECTOR as u64).unwrap();
    });
    assert_eq!(letters(&left), texts(&["aaa", "aab", "aba", "abb"]));
}

#[test]
fn a_sector_may_be_what_it_was_in_between() {
    let left = left_after(|disk| {
        let file = file(disk);
        for letter in ["a", "b", "c"] {
            disk.write(&file, &sectors(letter), 0).unwrap();
        }
        disk.sync(&file).unwrap();
        for letter in ["d", "e"] {
            disk.write(&file, &sectors(letter), 0).unwrap();
        }
    });
    assert_eq!(letters(&left), texts(&["c", "d", "e"]));
}

#[test]
fn a_file_that_grew_may_be_of_any_length_in_between() {
    let left = left_after(|disk| {
        let file = file(disk);
        disk.write(&file, &sectors("a"), 0).unwrap();
        disk.sync(&file).unwrap();
        disk.write(&file, &sectors("b"), SECTOR as u64).unwrap();
    });
    let lens = left.iter().flatten().map(Vec::len);
    let lens: BTreeSet<_> = lens.collect();
    let (first, last) = (lens.first().unwrap(), lens.last().unwrap());
    assert_eq!((*first, *last), (SECTOR, 2 * SECTOR));
    assert!(lens.len() > 9, "{lens:?}");
    let lost = letters(&left).contains("a.");
    assert!(lost, "its length is durable and its content is not");
}

#[test]
fn a_file_that_was_cut_is_whole_or_cut() {
    let left = left_after(|disk| {
        let file = file(disk);
        disk.write(&file, &sectors("aaa"), 0).unwrap();
        disk.sync(&file).unwrap();
        disk.truncate(&file, 0).unwrap();
        disk.write(&file, &sectors("b"), 0).unwrap();
    });
    let whole = |bytes: &&Vec<u8>| bytes.len() > SECTOR;
    let mut whole = left.iter().flatten().filter(whole);
    assert_eq!(whole.next(), Some(&sectors("aaa")));
    assert_eq!(whole.next(), None);
    assert!(letters(&left).contains("b"));
    assert!(left.contains(&Some(Vec::new())));
}

#[test]
fn a_name_is_there_for_good_once_its_directory_is_synced() {
    let made = |disk: &FaultyDisk| {
        let file = disk.create(&path(disk)).unwrap();
        disk.write(&file, &sectors("a"), 0).unwrap();
        disk.sync(&file).unwrap();
    };
    let a = Some(sectors("a"));
    assert_eq!(left_after(made), BTreeSet::from([None, a.clone()]));
    let left = left_after(|disk| {
        made(disk);
        sync_directory(disk);
    });
    assert_eq!(left, BTreeSet::from([a.clone()]));
    let removed = |disk: &FaultyDisk| {
        made(disk);
        sync_directory(disk);
        disk.remove(&path(disk)).unwrap();
    };
    assert_eq!(left_after(removed), BTreeSet::from([None, a]));
    let left = left_after(|disk| {
        removed(disk);
        sync_directory(disk);
    });
    assert_eq!(left, BTreeSet::from([None]));
}

#[test]
fn what_a_failed_sync_did_not_write_is_durable_only_once_it_is_written_again() {
    let failed = |disk: &FaultyDisk| {
        let file = file(disk);
        disk.write(&file, &sectors("aa"), 0).unwrap();
        disk.sync(&file).unwrap();
        disk.write(&file, &sectors("bb"), 0).unwrap();
        disk.fail(0, Fault::SyncFails);
        assert!(disk.sync(&file).is_err());
        assert_eq!(fs::read(path(disk)).unwrap(), sectors("bb"));
        file
    };
    let left = left_after(|disk| disk.sync(&failed(disk)).unwrap());
    assert_eq!(letters(&left), texts(&["aa", "ab", "ba", "bb"]));
    let left = left_after(|disk| {
        let file = failed(disk);
        disk.write(&file, &sectors("b"), 0).unwrap();
        disk.sync(&file).unwrap();
    });
    assert_eq!(letters(&left), texts(&["ba", "bb"]));
    let left = left_after(|disk| {
        let file = failed(disk);
        disk.sync(&file).unwrap();
        disk.write(&file, &sectors("bb"), 0).unwrap();
        disk.sync(&file).unwrap();
    });
    assert_eq!(letters(&left), texts(&["bb"]));
}

#[test]
fn a_stopped_disk_does_nothing_until_it_is_healed() {
    let disk = FaultyDisk::new().unwrap();
    let file = file(&disk);
    disk.write(&file, b"one", 0).unwrap();
    let before = disk.operations();
    disk.fail(1, Fault::Crash);
    disk.write(&file, b"two", 0).unwrap();
    assert!(disk.write(&file, b"three", 0).is_err());
    assert!(disk.sync(&file).is_err());
    assert!(disk.read(&file, &mut [0; 3], 0).is_err());
    assert_eq!(disk.failed(), Some(before + 1));
    assert_eq!(disk.operations(), before + 3);
    disk.heal();
    assert_eq!(fs::read(path(&disk)).unwrap(), b"two");
    disk.sync(&file).unwrap();
}

#[test]
fn a_full_disk_writes_half_and_has_no_room() {
    let full = |result: std::io::Result<()>| {
        let kind = result.map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::StorageFull));
    };
    let disk = FaultyDisk::new().unwrap();
    let file = file(&disk);
    disk.fail(0, Fault::Full);
    full(disk.write(&file, b"four", 0));
    full(disk.allocate(&file, 9));
    assert_eq!(disk.room(disk.directory()).unwrap().0, 0);
    disk.sync(&file).unwrap();
    disk.heal();
    assert_eq!(fs::read(path(&disk)).unwrap(), b"fo");

    disk.set_room(10, 100);
    disk.write(&file, b"twelve bytes", 0).unwrap();
    assert_eq!(disk.room(disk.directory()).unwrap(), (0, 100));
    full(disk.write(&file, b"s", 12));
    disk.write(&file, b"T", 0).unwrap();
    disk.truncate(&file, 6).unwrap();
    assert_eq!(disk.room(disk.directory()).unwrap(), (6, 100));
    disk.crash(&mut |_| 0);
    assert_eq!(fs::read(path(&disk)).unwrap(), b"fo");
    assert_eq!(disk.room(disk.directory()).unwrap(), (10, 100));
}

#[test]
fn the_same_dice_leave_the_same() {
    let left = |seed| {
        let disk = FaultyDisk::new().unwrap();
        let file = file(&disk);
        for n in 0..20 {
            let at = n * 300 % 4_000;
            disk.write(&file, &[n as u8; 700], at).unwrap();
            if n == 7 {
                disk.sync(&file).unwrap();
            }
        }
        disk.crash(&mut dice(seed));
        fs::read(path(&disk)).unwrap()
    };
    for seed in 0..50 {
        assert_eq!(left(seed), left(seed));
    }
}
