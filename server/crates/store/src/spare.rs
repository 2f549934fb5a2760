//! A file handle that is kept back, for the moment when all others are in use.
//!
//! The writer needs a new handle only now and then, when a segment is full; failing then would undo a whole group of writes. So one handle is
//! held that opens nothing of use, and given up for it.

use crate::error::are_too_many_files;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A handle that is kept back.
#[derive(Debug)]
pub(crate) struct Spare {
    path: PathBuf,
    held: Mutex<Option<File>>,
}

impl Spare {
    /// A handle on something that is there for as long as the store is.
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            held: Mutex::new(File::open(path).ok()),
        }
    }

    /// Opens something; if no handle is left for it, with this one.
    ///
    /// # Errors
    /// Those of `open`.
    pub(crate) fn open(&self, open: impl Fn() -> io::Result<File>) -> io::Result<File> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match open() {
            Err(error) if are_too_many_files(&error) && held.take().is_some() => open(),
            opened => opened,
        };
        if held.is_none() {
            // As soon as there is one again.
            *held = File::open(&self.path).ok();
        }
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn when_no_handle_is_left_the_spare_one_is_given_up_once_and_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let spare = Spare::of(dir.path());
        let tries = Cell::new(0);
        let fails = |times: u32| {
            tries.set(0);
            let open = || {
                tries.set(tries.get() + 1);
                match tries.get() <= times {
                    true => Err(rustix::io::Errno::MFILE.into()),
                    false => File::open(dir.path()),
                }
            };
            spare.open(open)
        };
        assert!(fails(1).is_ok());
        assert!(spare.held.lock().unwrap().is_some(), "there is one again");
        let error = fails(2).unwrap_err();
        assert!(are_too_many_files(&error));
        assert_eq!(tries.get(), 2, "tried again once");
    }
}
