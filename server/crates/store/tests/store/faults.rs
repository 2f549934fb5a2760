//! A disk that fails: what was not confirmed is not acknowledged.

use crate::support::{Site, add_message, bytes, id, segment};
use ledger::Ledger;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use store::{Disk, LookedInto, Options, Readers, StoreError};

/// Each fault happens once, when it is set.
#[derive(Debug, Default)]
struct Faults {
    sync: AtomicBool,
    directory: AtomicBool,
    no_space: AtomicBool,
    read: AtomicBool,
    /// This one lasts until it is taken back.
    bad_sector: AtomicBool,
}

fn hit(fault: &AtomicBool, kind: io::ErrorKind) -> io::Result<()> {
    match fault.swap(false, Ordering::SeqCst) {
        true => Err(kind.into()),
        false => Ok(()),
    }
}

impl Disk for Faults {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(e) = hit(&self.no_space, io::ErrorKind::StorageFull) {
            file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(e);
        }
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        hit(&self.sync, io::ErrorKind::Other)?;
        file.sync_data()
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        hit(&self.directory, io::ErrorKind::Other)?;
        directory.sync_all()
    }

    fn read(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        hit(&self.read, io::ErrorKind::Other)?;
        if self.bad_sector.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::Other.into());
        }
        file.read_exact_at(bytes, offset)
    }
}

fn site() -> (Site, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let options = Options {
        disk: faults.clone(),
        ..Options::default()
    };
    (Site::with(options), faults)
}

#[test]
fn a_sync_that_fails_once_is_fatal_forever_and_nothing_was_acknowledged() {
    let (mut site, faults) = site();
    let before = site.message_with(10, b"before");
    let mut tx = site.writer.begin().unwrap();
    add_message(&mut tx, 11, b"lost");
    faults.sync.store(true, Ordering::SeqCst);
    let error = tx.commit().unwrap_err();
    assert!(matches!(error, StoreError::Fatal(_)), "{error}");
    // The disk would work again; it is not asked.
    for _ in 0..2 {
        let again = site.writer.begin().map(drop).unwrap_err();
        assert!(matches!(again, StoreError::Fatal(_)));
    }
    assert_eq!(site.readers.object(&id(11)).unwrap(), None);
    let site = site.reopen();
    assert_eq!(site.readers.object(&id(11)).unwrap(), None);
    assert_eq!(site.readers.body(&before).unwrap(), b"before"[..]);
}

#[test]
fn a_segment_whose_name_is_not_durable_is_fatal() {
    let (mut site, faults) = site();
    faults.directory.store(true, Ordering::SeqCst);
    let mut tx = site.writer.begin().unwrap();
    let error = tx.append_body(b"sound").unwrap_err();
    assert!(matches!(error, StoreError::Fatal(_)), "{error}");
    assert!(matches!(tx.commit(), Err(StoreError::Failed)));
    assert!(site.writer.begin().is_err());
}

#[test]
fn a_full_disk_refuses_one_transaction_and_takes_the_next() {
    let (mut site, faults) = site();
    let before = site.message_with(10, &bytes(10, 500));
    let mut tx = site.writer.begin().unwrap();
    add_message(&mut tx, 11, &bytes(11, 9000));
    faults.no_space.store(true, Ordering::SeqCst);
    assert!(matches!(tx.commit(), Err(StoreError::Full)));
    assert_eq!(site.readers.object(&id(11)).unwrap(), None);

    let after = site.message_with(12, &bytes(12, 700));
    let site = site.reopen();
    assert_eq!(site.readers.body(&before).unwrap(), bytes(10, 500));
    assert_eq!(site.readers.body(&after).unwrap(), bytes(12, 700));
}

#[test]
fn a_transaction_with_a_failed_step_cannot_be_committed() {
    let (mut site, faults) = site();
    let mut tx = site.writer.begin().unwrap();
    faults.no_space.store(true, Ordering::SeqCst);
    // More than is gathered in memory, so the append itself writes.
    let error = tx.append_body(&bytes(1, 9 << 20)).unwrap_err();
    assert!(matches!(error, StoreError::Full));
    let error = tx.remove(&id(1)).unwrap_err();
    assert!(matches!(
        StoreError::from_ledger(&error),
        Some(StoreError::Failed)
    ));
    assert!(matches!(tx.commit(), Err(StoreError::Failed)));
    site.message_with(12, b"works again");
}

#[test]
fn a_read_that_fails_once_is_tried_again() {
    let (mut site, faults) = site();
    let body = site.message_with(10, b"sound");
    faults.read.store(true, Ordering::SeqCst);
    assert_eq!(site.readers.body(&body).unwrap(), b"sound"[..]);
    let looked = site.commit(|tx| tx.look_into_damage().unwrap());
    assert_eq!(looked, LookedInto::default());
}

#[test]
fn a_body_that_the_disk_does_not_give_is_missing_until_it_does() {
    let (mut site, faults) = site();
    let body = site.message_with(10, b"sound");
    faults.bad_sector.store(true, Ordering::SeqCst);
    let error = site.readers.body(&body).unwrap_err();
    assert!(matches!(&error, StoreError::Io { path, .. } if *path == segment(site.dir.path(), 1)));
    let looked = site.commit(|tx| tx.look_into_damage().unwrap());
    assert_eq!((looked.bodies, looked.back), (1, 0));
    assert_eq!(site.readers.missing_bodies(9).unwrap(), [(id(10), body)]);
    let begin = store::ScrubPlace::Beginning;
    site.readers.scrub(begin, 1 << 20).unwrap();
    let looked = site.commit(|tx| tx.look_into_damage().unwrap());
    assert_eq!(looked.back, 0, "the disk still does not give it");

    faults.bad_sector.store(false, Ordering::SeqCst);
    site.readers.scrub(begin, 1 << 20).unwrap();
    let looked = site.commit(|tx| tx.look_into_damage().unwrap());
    assert_eq!((looked.bodies, looked.back), (0, 1));
    assert_eq!(site.readers.body(&body).unwrap(), b"sound"[..]);
}

/// Notes at each sync how long the segment is and whether the message can be seen already.
#[derive(Debug, Default)]
struct Watch {
    readers: OnceLock<Readers>,
    seen: Mutex<Vec<(u64, bool)>>,
}

impl Disk for Watch {
    fn sync(&self, file: &File) -> io::Result<()> {
        if let Some(readers) = self.readers.get() {
            let message = readers.object(&id(10)).unwrap();
            let len = file.metadata()?.len();
            self.seen.lock().unwrap().push((len, message.is_some()));
        }
        file.sync_data()
    }
}

#[test]
fn a_body_is_synced_before_its_row_can_be_seen() {
    let watch = Arc::new(Watch::default());
    let mut site = Site::with(Options {
        disk: watch.clone(),
        ..Options::default()
    });
    watch.readers.set(site.readers.clone()).unwrap();
    site.message_with(10, &bytes(1, 1000));
    assert_eq!(*watch.seen.lock().unwrap(), [(1048, false)]);
    assert!(site.readers.object(&id(10)).unwrap().is_some());
    site.commit(|tx| tx.remove(&id(10)).unwrap());
    assert_eq!(
        watch.seen.lock().unwrap().len(),
        1,
        "nothing was appended, so nothing is synced"
    );
}
