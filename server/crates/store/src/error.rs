//! What can go wrong, by what a caller does about it.

use domain::BodyRef;
use ledger::LedgerError;
use std::io;
use std::path::{Path, PathBuf};

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has this store open. Nothing was touched.
    #[error("{} is in use by another server process; stop it first, or choose another data directory", dir.display())]
    InUse {
        /// The directory of the store.
        dir: PathBuf,
    },
    /// The store was written by a later release. Nothing was touched.
    #[error(
        "the store has format {found}, and this release knows formats up to {known}; start the release that wrote it"
    )]
    Newer {
        /// The format found.
        found: u32,
        /// The newest format this release knows.
        known: u32,
    },
    /// A file or directory could not be used.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The disk is full. The transaction changed nothing; another one may succeed when there is room again.
    #[error("the disk is full")]
    Full,
    /// This process, or the system, has as many files open as it may. Nothing is wrong with the disk: another try may succeed when
    /// there is less to do.
    #[error("too many files are open")]
    TooManyFiles,
    /// The body is not here. Somebody else may have it.
    #[error("body {0:?} is not here")]
    Missing(BodyRef),
    /// The body is here, but its bytes are not those it had. [`crate::Tx::lose_body`] makes it missing.
    #[error("body {0:?} is damaged")]
    Damaged(BodyRef),
    /// A row does not make sense.
    #[error("a row of table {table} cannot be read: {why}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        why: String,
    },
    /// A rebuild cannot end: what an earlier task removed is still kept, and its place is needed.
    #[error("what an earlier task removed is still kept")]
    StillKept,
    /// A reader's questions took longer than [`crate::Options::read_time_max`]; an old snapshot keeps SQLite's log from being cut.
    #[error("reading took too long")]
    TooLong,
    /// SQLite refused.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
    /// An earlier call in this transaction failed, so it cannot go on.
    #[error("an earlier step of this transaction failed")]
    Failed,
    /// What is on disk is no longer known: a sync or a commit failed. The process has to end; the next start looks. Never retried.
    #[error("the disk did not confirm what was written ({0}); the server has to stop")]
    Fatal(String),
}

impl StoreError {
    /// The store's own error inside of one that came through [`ledger::Ledger`].
    pub fn from_ledger(error: &LedgerError) -> Option<&Self> {
        error.0.downcast_ref()
    }

    /// For use in `map_err`: what was tried, on which file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            if is_full(&source) {
                Self::Full
            } else if are_too_many_files(&source) {
                Self::TooManyFiles
            } else {
                Self::Io {
                    action,
                    path,
                    source,
                }
            }
        }
    }

    /// For use in `map_err` after a sync.
    pub(crate) fn fatal(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Fatal(format!("cannot {action} {}: {source}", path.display()))
    }

    /// A row that does not make sense.
    pub(crate) fn corrupt(table: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Corrupt {
            table,
            why: why.to_string(),
        }
    }
}

/// No room on the disk, or none left for this account.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// No file can be opened at present: by this process, or by any.
pub(crate) fn are_too_many_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errnos = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|e| errnos.contains(&e))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::TooLong,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(error))
    }
}
