//! SQLite's log (the WAL): what a start makes sure of, and when it is moved into the database.
//!
//! **After a failed sync the kernel calls a page clean that is not on the disk.** A process that starts then reads it from memory,
//! takes it for durable, appends behind it and syncs again, with success; and after a power cut the log ends where the page is
//! missing, before what was acknowledged since. So a start trusts nothing that it did not write itself: it writes the whole log
//! again, byte for byte, and syncs it, before SQLite looks at it ([`renew`]). A frame that is not as it was written fails its checksum,
//! and the log ends there, before anything was acknowledged. For the same reason nothing moves the log into the database when a
//! connection is closed: only an orderly end does ([`Writer`]'s drop), and only if no sync had failed.
//!
//! **Readers of old snapshots keep the log from beginning anew.** Usually it is moved without waiting for anybody. If readers overlap
//! all the time it would grow for ever; so the longer it is, the longer the writer waits for those that are reading, and a reader is
//! interrupted after [`crate::Options::read_time_max`].

use crate::{Disk, StoreError, Writer, check};
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Pages of 4 KiB in the log from which on they are moved into the database: 16 MiB.
const LOG_PAGES_MAX: u32 = 4_096;
/// The same while there is little room on the disk: 1 MiB.
const LOG_PAGES_MAX_LOW: u32 = 256;
/// After a try, the next one comes when the log is longer by this part of the bound.
const NEXT_TRY: u32 = 4;
/// From this length on, in pages, the writer waits so long for readers. 64, 128 and 256 MiB.
const PATIENCE: [(u32, Duration); 3] = [
    (65_536, Duration::from_secs(5)),
    (32_768, Duration::from_secs(1)),
    (16_384, Duration::from_millis(100)),
];
/// How long an orderly end waits for readers.
const END_WAIT: Duration = Duration::from_secs(1);
/// The file of the log.
pub(crate) fn path(database: &Path) -> PathBuf {
    database.with_extension("db-wal")
}

/// Writes the log again and syncs it, so that what is in memory is on the disk, too. Nothing to do after an orderly end.
///
/// # Errors
/// [`StoreError::Fatal`] if the disk still cannot sync: then nothing has been accepted, and nothing is lost.
pub(crate) fn renew(disk: &dyn Disk, database: &Path) -> Result<(), StoreError> {
    let path = path(database);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(StoreError::io("open", &path)(e)),
    };
    let len = file
        .metadata()
        .map_err(StoreError::io("look at", &path))?
        .len();
    check::rewrite(disk, &file, 0, len).map_err(StoreError::io("write again", &path))?;
    if len > 0 {
        disk.sync(&file).map_err(StoreError::fatal("sync", &path))?;
    }
    Ok(())
}

impl Writer {
    /// Moves SQLite's log into the database when it has grown long. Done before a transaction and not after one, so that nobody's
    /// answer waits for it. A failed sync in here is as fatal as one in a commit.
    pub(crate) fn checkpoint(&mut self) -> Result<(), StoreError> {
        let pages = self.log_pages.load(Ordering::Relaxed);
        let most = match self.reserve.room().low {
            true => LOG_PAGES_MAX_LOW,
            false => LOG_PAGES_MAX,
        };
        if pages < most {
            self.log_tried = 0;
            return Ok(());
        }
        let tried = self.log_tried > 0;
        if tried && pages >= self.log_tried && pages < self.log_tried + most / NEXT_TRY {
            return Ok(());
        }
        self.log_tried = pages;
        let patience = PATIENCE.iter().find(|(long, _)| pages >= *long);
        let moved = match patience {
            None => self.move_log("PRAGMA wal_checkpoint(PASSIVE)", None),
            // Waits for readers, begins the log anew, and cuts its file.
            Some((_, wait)) => self.move_log("PRAGMA wal_checkpoint(TRUNCATE)", Some(*wait)),
        };
        self.after_move(moved)
    }

    /// When a store is opened: gives back the room of a log that an end by force has left, before anything else is written.
    pub(crate) fn begin_log(&mut self) -> Result<(), StoreError> {
        let moved = self.move_log("PRAGMA wal_checkpoint(TRUNCATE)", None);
        self.after_move(moved)
    }

    fn after_move(&mut self, moved: rusqlite::Result<bool>) -> Result<(), StoreError> {
        match moved {
            // The next commit counts anew. If readers keep it from beginning anew, it tells that the log is as long as before.
            Ok(true) => {
                self.log_pages.store(0, Ordering::Relaxed);
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(e) => match e.sqlite_error_code() {
                Some(rusqlite::ErrorCode::SystemIoFailure) => {
                    let why = format!("checkpoint: {e}");
                    self.fatal = Some(why.clone());
                    Err(StoreError::Fatal(why))
                }
                Some(rusqlite::ErrorCode::DiskFull) => {
                    // The database cannot grow: everything is still in the log, and the next try finds more room.
                    self.reserve.was_refused(false);
                    Ok(())
                }
                _ => Ok(()),
            },
        }
    }

    /// Whether all of the log was moved.
    fn move_log(&self, sql: &str, wait: Option<Duration>) -> rusqlite::Result<bool> {
        if let Some(wait) = wait {
            self.conn.busy_timeout(wait)?;
        }
        let moved = self.conn.query_row(sql, [], |row| {
            let (busy, pages, moved): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(!busy && pages == moved)
        });
        if wait.is_some() {
            self.conn.busy_timeout(crate::open::BUSY_WAIT)?;
        }
        moved
    }
}

impl Drop for Writer {
    /// An orderly end moves the log into the database, so that the next start has nothing to write again, and a copy of the database
    /// alone is whole.
    fn drop(&mut self) {
        if self.fatal.is_none() && self.conn.is_autocommit() {
            // What is not moved stays in the log.
            let _ = self.move_log("PRAGMA wal_checkpoint(TRUNCATE)", Some(END_WAIT));
        }
    }
}
