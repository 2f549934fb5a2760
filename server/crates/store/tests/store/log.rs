//! SQLite's log: a start trusts nothing of it that may be in memory alone, and readers cannot make it grow for ever.

use crate::support::{Site, add_message, id, message};
use ledger::Ledger;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use store::{Disk, Options, Store, StoreError};

fn log(dir: &Path) -> PathBuf {
    dir.join("callpilot.db-wal")
}

/// Notes what is written to one file, and whether it was synced since; its syncs can be made to fail.
#[derive(Debug, Default)]
struct Watch {
    /// The inode.
    file: AtomicU64,
    fails: AtomicBool,
    written: Mutex<Vec<(u64, u64)>>,
    synced: AtomicBool,
}

impl Disk for Watch {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if file.metadata()?.ino() == self.file.load(Ordering::SeqCst) {
            let mut written = self.written.lock().unwrap();
            written.push((offset, bytes.len() as u64));
            self.synced.store(false, Ordering::SeqCst);
        }
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(5)); // EIO
        }
        if file.metadata()?.ino() == self.file.load(Ordering::SeqCst) {
            self.synced.store(true, Ordering::SeqCst);
        }
        file.sync_data()
    }
}

/// A store whose process ended because a sync failed: something was acknowledged before, and lies in the log.
fn ended_by_a_failed_sync(disk: &Arc<Watch>) -> tempfile::TempDir {
    let options = Options {
        disk: disk.clone(),
        ..Options::default()
    };
    let mut site = Site::with(options);
    site.message_with(10, b"acknowledged");
    let database = fs::read(site.dir.path().join("callpilot.db")).unwrap();
    disk.fails.store(true, Ordering::SeqCst);
    let mut tx = site.writer.begin().unwrap();
    add_message(&mut tx, 11, b"lost");
    assert!(matches!(tx.commit(), Err(StoreError::Fatal(_))));
    let Site {
        dir,
        writer,
        readers,
    } = site;
    drop((writer, readers));
    let after = fs::read(dir.path().join("callpilot.db")).unwrap();
    assert!(database == after, "the end moves nothing into the database");
    dir
}

#[test]
fn a_start_after_a_failed_sync_writes_the_log_again_and_syncs_it_first() {
    let disk = Arc::new(Watch::default());
    let dir = ended_by_a_failed_sync(&disk);
    let about = log(dir.path()).metadata().unwrap();
    assert!(about.len() > 0);
    disk.file.store(about.ino(), Ordering::SeqCst);
    let before = fs::read(log(dir.path())).unwrap();
    let options = || Options {
        disk: disk.clone(),
        ..Options::default()
    };
    // The disk still fails: nothing is served, and nothing is spoilt.
    let error = Store::open(dir.path(), options()).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Fatal(_)), "{error}");
    assert!(before == fs::read(log(dir.path())).unwrap());
    disk.fails.store(false, Ordering::SeqCst);
    disk.written.lock().unwrap().clear();
    let (writer, readers) = Store::open(dir.path(), options()).unwrap();
    let written = disk.written.lock().unwrap().clone();
    let end = written
        .iter()
        .try_fold(0, |end, (at, len)| (*at == end).then(|| end + len));
    assert_eq!(end, Some(about.len()), "all of it, from its beginning");
    assert!(disk.synced.load(Ordering::SeqCst));
    assert!(readers.object(&id(10)).unwrap().is_some());
    assert!(readers.object(&id(11)).unwrap().is_none());
    drop((writer, readers));
}

#[test]
fn bodies_behind_the_last_commit_are_written_again_before_a_row_relies_on_them() {
    let disk = Arc::new(Watch::default());
    let dir = ended_by_a_failed_sync(&disk);
    let segment = crate::support::segment(dir.path(), 1).metadata().unwrap();
    disk.file.store(segment.ino(), Ordering::SeqCst);
    disk.fails.store(false, Ordering::SeqCst);
    let options = Options {
        disk: disk.clone(),
        ..Options::default()
    };
    let (writer, _readers) = Store::open(dir.path(), options).unwrap();
    assert_eq!(writer.opened().adopted_bodies, 1);
    let first = 48 + b"acknowledged".len() as u64;
    let expected = [(first, segment.len() - first)];
    assert_eq!(*disk.written.lock().unwrap(), expected);
    assert!(disk.synced.load(Ordering::SeqCst));
}

#[test]
fn an_orderly_end_leaves_nothing_in_the_log() {
    let mut site = Site::new();
    site.message_with(10, b"sound");
    let site = site.reopen_after(Options::default(), |dir| {
        assert_eq!(log(dir).metadata().map_or(0, |about| about.len()), 0);
    });
    assert!(site.readers.object(&id(10)).unwrap().is_some());
}

#[test]
fn readers_that_overlap_all_the_time_do_not_make_the_log_grow_for_ever() {
    let mut site = Site::new();
    let stop = AtomicBool::new(false);
    let mut longest = 0;
    std::thread::scope(|scope| {
        // Each reader ends only when the other one has begun, so there is never a moment without one.
        let (to_b, from_a) = mpsc::channel();
        let (to_a, from_b) = mpsc::channel();
        for (begun, other) in [(to_b, from_b), (to_a, from_a)] {
            let (readers, stop) = (site.readers.clone(), &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let look = readers.snapshot(|view| {
                        view.setting("key")?;
                        let _ = begun.send(());
                        // With a limit, for the other one may have stopped.
                        let _ = other.recv_timeout(Duration::from_secs(1));
                        Ok(())
                    });
                    look.unwrap();
                }
            });
        }
        for n in 0..250_u64 {
            site.commit(|tx| {
                let value = vec![n.to_le_bytes()[0]; 1 << 20];
                tx.put_setting("key", &value).unwrap();
            });
            longest = longest.max(log(site.dir.path()).metadata().unwrap().len());
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(longest < 160 << 20, "{longest} bytes");
}

#[test]
fn a_reader_that_takes_too_long_is_interrupted() {
    let mut site = Site::with(Options {
        read_time_max: Duration::ZERO,
        ..Options::default()
    });
    site.commit(|tx| {
        for n in 10..4_000 {
            tx.put(&id(n), &message(id(1), None, 5)).unwrap();
        }
    });
    let ask_on =
        |view: &store::View<'_>| (0..100_000).try_for_each(|_| view.counts(&id(1)).map(drop));
    let slow = site.readers.snapshot(ask_on);
    assert!(matches!(slow, Err(StoreError::TooLong)), "{slow:?}");
    assert!(
        site.readers.object(&id(10)).unwrap().is_some(),
        "the next one is served"
    );
}
