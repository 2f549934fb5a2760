//! What a start finds, and what it does about it.

use crate::support::{Site, add_message, bytes, id, is_missing, segment, small_segments};
use domain::BodyRef;
use ledger::Ledger;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::{Opened, Options, Store, StoreError};
use tempfile::TempDir;

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
}

fn cut(path: &Path, len: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(len).unwrap();
}

#[test]
fn a_second_writer_is_refused_until_the_first_has_gone() {
    let site = Site::new();
    let second = Store::open(site.dir.path(), Options::default());
    let error = second.map(drop).unwrap_err();
    assert!(matches!(&error, StoreError::InUse { dir } if dir == site.dir.path()));
    assert!(
        error
            .to_string()
            .contains("in use by another server process")
    );
    site.reopen();
}

#[test]
fn nobody_else_can_read_the_files() {
    let outer = TempDir::new().unwrap();
    let dir = outer.path().join("a/store");
    fs::create_dir_all(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let (mut writer, readers) = Store::open(&dir, Options::default()).unwrap();
    let mut tx = writer.begin().unwrap();
    add_message(&mut tx, 10, b"sound");
    tx.commit().unwrap();
    readers.object(&id(10)).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let mut files = 0;
    for directory in [dir.clone(), dir.join("bodies")] {
        assert_eq!(mode(&directory), 0o700);
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files >= 4, "lock, database, log and a segment");
}

#[test]
fn a_store_of_a_later_release_is_left_alone() {
    let mut site = Site::new();
    site.message_with(10, b"sound");
    let dir = site.dir;
    drop((site.writer, site.readers));
    // The later release left its format in the log alone, as a killed one does, and bytes behind the last commit.
    let database = dir.path().join("callpilot.db");
    let conn = rusqlite::Connection::open(&database).unwrap();
    let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    conn.set_db_config(keep, true).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    append(&segment(dir.path(), 1), b"torn");
    let files = [
        database.clone(),
        database.with_extension("db-wal"),
        segment(dir.path(), 1),
    ];
    let content = || files.each_ref().map(|path| fs::read(path).unwrap());
    let before = content();
    assert!(!before[1].is_empty());
    let error = Store::open(dir.path(), Options::default())
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }));
    assert!(before == content(), "not a byte is changed");
}

#[test]
fn a_torn_tail_is_cut_off_wherever_it_was_torn() {
    // What a transaction writes that is not committed: two records.
    let mut other = Site::new();
    other.commit(|tx| {
        add_message(tx, 10, &bytes(1, 300));
        add_message(tx, 11, &bytes(2, 300));
    });
    let records = fs::read(segment(other.dir.path(), 1)).unwrap();
    for torn in [1, 47, 48, 49, 347, 348, 349, 400, records.len() - 1] {
        let mut site = Site::new();
        let body = site.message_with(20, b"acknowledged");
        let site = site.reopen_after(Options::default(), |dir| {
            append(&segment(dir, 1), &records[..torn]);
        });
        let whole = torn as u64 / 348;
        let expected = Opened {
            cut_bytes: torn as u64 % 348,
            adopted_bodies: whole,
            ..Opened::default()
        };
        assert_eq!(site.writer.opened(), &expected, "torn after {torn} bytes");
        assert_eq!(site.readers.body(&body).unwrap(), b"acknowledged"[..]);
        let mut site = site;
        let next = site.message_with(21, b"next");
        let site = site.reopen();
        assert_eq!(site.writer.opened(), &Opened::default());
        assert_eq!(site.readers.body(&next).unwrap(), b"next"[..]);
        assert_eq!(site.readers.body(&body).unwrap(), b"acknowledged"[..]);
        let first = BodyRef::of(&bytes(1, 300));
        assert_eq!(site.readers.has_body(&first).unwrap(), whole > 0);
    }
}

#[test]
fn zeros_behind_the_end_are_cut_off() {
    let mut site = Site::new();
    site.message_with(20, b"acknowledged");
    let site = site.reopen_after(Options::default(), |dir| {
        append(&segment(dir, 1), &[0; 5000]);
        fs::write(segment(dir, 2), [0; 100]).unwrap();
    });
    assert_eq!(site.writer.opened().cut_bytes, 5100);
    assert!(!segment(site.dir.path(), 2).exists());
    let len = segment(site.dir.path(), 1).metadata().unwrap().len();
    assert_eq!(len, 48 + 12);
}

#[test]
fn bodies_newer_than_the_database_are_kept_for_those_who_will_refer_to_them() {
    // An older copy of the database is put back beside newer segments.
    let mut site = Site::with(small_segments());
    site.message_with(10, &bytes(10, 4000));
    let old = |dir: &Path| {
        fs::copy(dir.join("callpilot.db"), dir.join("copy"))
            .map(drop)
            .unwrap()
    };
    let mut site = site.reopen_after(small_segments(), old);
    let newer: Vec<_> = (11..16)
        .map(|n| site.message_with(n, &bytes(n, 4000)))
        .collect();
    let mut site = site.reopen_after(small_segments(), |dir| {
        fs::rename(dir.join("copy"), dir.join("callpilot.db")).unwrap();
    });
    assert_eq!(site.writer.opened().adopted_bodies, 5);
    assert_eq!(site.readers.object(&id(11)).unwrap(), None);
    for (n, body) in (11..).zip(&newer) {
        assert_eq!(site.readers.body(body).unwrap(), bytes(n, 4000));
    }
    let before = site.readers.sizes().unwrap();
    site.message_with(11, &bytes(11, 4000));
    assert_eq!(
        site.readers.sizes().unwrap().segment_bytes,
        before.segment_bytes,
        "not written again"
    );
    assert_eq!(before.live_bytes, 6 * 4048);
}

#[test]
fn bodies_of_a_segment_that_lost_its_end_are_missing_and_the_rest_is_here() {
    let mut site = Site::new();
    let all: Vec<_> = (10..14)
        .map(|n| site.message_with(n, &bytes(n, 1000)))
        .collect();
    for (len, here) in [(4 * 1048 - 1, 3), (2 * 1048 + 500, 2), (10, 0)] {
        site = site.reopen_after(Options::default(), |dir| cut(&segment(dir, 1), len));
        assert_eq!(site.writer.opened().missing_bodies, 4 - here);
        let missing = site.readers.missing_bodies(9).unwrap();
        assert_eq!(missing.len() as u64, 4 - here);
        assert_eq!(missing[0], (id(10 + here), all[here as usize]));
        for (n, body) in all.iter().enumerate() {
            let is_here = (n as u64) < here;
            assert_eq!(site.readers.has_body(body).unwrap(), is_here);
            assert_eq!(is_missing(site.readers.body(body)), !is_here);
        }
        assert_eq!(site.readers.sizes().unwrap().live_bytes, here * 1048);
    }
    // They come again, into another segment.
    for n in 10..14 {
        site.message_with(n, &bytes(n, 1000));
    }
    let site = site.reopen();
    assert_eq!(site.writer.opened(), &Opened::default());
    for (n, body) in (10..).zip(&all) {
        assert_eq!(site.readers.body(body).unwrap(), bytes(n, 1000));
    }
}

#[test]
fn a_segment_that_is_gone_leaves_its_bodies_missing_and_its_objects_here() {
    let mut site = Site::with(small_segments());
    let all: Vec<_> = (10..20)
        .map(|n| site.message_with(n, &bytes(n, 4000)))
        .collect();
    let site = site.reopen_after(small_segments(), |dir| {
        fs::remove_file(segment(dir, 2)).unwrap();
    });
    assert_eq!(site.writer.opened().missing_bodies, 2);
    for (n, body) in (10..).zip(&all) {
        assert!(site.readers.object(&id(n)).unwrap().is_some());
        assert_eq!(site.readers.has_body(body).unwrap(), ![12, 13].contains(&n));
    }
    let mut site = site;
    site.commit(|tx| tx.remove(&id(12)).unwrap());
    assert_eq!(site.readers.missing_bodies(9).unwrap(), [(id(13), all[3])]);
    assert_eq!(site.readers.missing_bodies(0).unwrap(), []);
}

#[test]
fn the_log_of_the_database_does_not_grow_without_end() {
    let mut site = Site::new();
    for n in 0..60 {
        // Other bytes each time: SQLite leaves a page alone that does not change.
        site.commit(|tx| tx.put_setting("key", &vec![n; 1 << 20]).unwrap());
    }
    let log = site.dir.path().join("callpilot.db-wal");
    let len = log.metadata().unwrap().len();
    assert!(len < 24 << 20, "{len} bytes after 60 MiB of changes");
    let site = site.reopen();
    let kept = site.readers.setting("key").unwrap().unwrap();
    assert_eq!(kept.last(), Some(&59));
}
