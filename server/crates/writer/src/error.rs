//! What goes wrong below the listeners.

use std::io;
use std::path::PathBuf;

/// What goes wrong below the listeners.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// Too much is waiting to be written: try again soon.
    #[error("too much is waiting to be written")]
    Busy,
    /// The server is stopping.
    #[error("the server is going out of service")]
    OutOfService,
    /// The store failed; nothing of the write has happened.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The writer undid the group that the write was in.
    #[error("the write was undone because the store failed")]
    Undone,
    /// Something kept on disk cannot be used.
    #[error("{0}")]
    Damaged(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl WriterError {
    /// Whether there is no room on the disk.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Store(store::StoreError::Full))
    }

    /// Whether so many files are open that the store cannot open another: load, not a fault.
    pub fn is_too_many_files(&self) -> bool {
        matches!(self, Self::Store(store::StoreError::TooManyFiles))
    }

    /// What those are told whose writes were undone with the one that failed.
    pub fn of_the_group(&self) -> Self {
        match self.is_full() {
            true => Self::Store(store::StoreError::Full),
            false => Self::Undone,
        }
    }

    /// A file could not be read or written.
    pub fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}
