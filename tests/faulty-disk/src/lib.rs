//! A disk for tests of the store: it loses power, fills up and fails to sync when it is told to.
//!
//! A [`FaultyDisk`] is a temporary directory with a memory. The store runs on it as it is, SQLite included: the store's own input and
//! output comes through [`store::Disk`], that of SQLite through a VFS. The files are real, so everything reads them as usual; nothing is
//! synced in truth. Instead the disk remembers, for each file and each directory, what was done to it since its last sync, and
//! [`FaultyDisk::crash`] takes back what a power cut could take back.
//!
//! # What survives a power cut
//! - **What was synced**, always.
//! - **Of a file's content**, for each sector of 512 bytes written since the last sync of the file, any of the contents that it has had since:
//!   the last one, the synced one, or one in between, as a cache may have written it out at any time. 512 bytes are what disks
//!   of every kind write whole; those of 4,096 tear at fewer places, so whatever they can leave is among what is tried.
//! - **Of a file's length**, the present one, the synced one, or one in between. What a file gained and lost reads as zeros.
//! - **A file that was cut** was cut, or was not; then nothing that was written to it since is there either. File systems do not bring back a
//!   cut part with holes in it.
//! - **A name**, made or deleted since the last sync of its directory, may be there or not, whatever was synced of the file itself.
//!
//! # After a failed sync
//! The system calls clean what it could not write. What the failed sync should have written stays in doubt, and no later sync makes it
//! durable, until it is written again and *then* synced. A process that is started anew reads it as it was last written; the next power cut
//! may take it.
//!
//! # What is not modelled
//! Sectors that come back damaged, and reads that fail: the store's own tests have those. Shared memory of SQLite is forwarded to the
//! system, and deleted in a crash. Temporary files of SQLite are forwarded, too; the store has none.

mod file;
mod shared;
mod state;
mod vfs;

use shared::Shared;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use store::{Disk, RealDisk};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full: this operation and every later one that writes finds no room, until [`FaultyDisk::heal`]. Half of what
    /// is to be written is written all the same. Cutting, deleting and syncing work.
    Full,
    /// The first sync from this operation on fails, once.
    SyncFails,
    /// The process is being killed, or the power goes: this operation and every later one fails and does nothing, reads as well, until
    /// [`FaultyDisk::crash`] (the power went) or [`FaultyDisk::heal`] (only the process ended).
    Crash,
}

/// A directory with a disk of its own beneath it. Clones are the same disk; the directory goes with the last of them.
///
/// Any number of disks can be in use side by side, from any threads. Operations are counted: each write, cut, sync, creation or deletion is
/// one. A workload that does the same in one thread counts the same.
#[derive(Clone)]
pub struct FaultyDisk(Arc<Shared>);

impl FaultyDisk {
    /// A disk with an empty directory, in memory if the system has a place for that.
    ///
    /// # Errors
    /// The directory cannot be made.
    ///
    /// # Panics
    /// SQLite does not take the VFS, which it does unless memory runs out.
    pub fn new() -> io::Result<Self> {
        vfs::register();
        Shared::new().map(Self)
    }

    /// The directory. A store is opened in it, or in one below it.
    pub fn directory(&self) -> &Path {
        self.0.directory()
    }

    /// Plans a fault for an operation: 0 is the next one. It takes the place of one that was planned and has not happened.
    pub fn fail(&self, at: u64, fault: Fault) {
        self.0.lock().plan(at, fault);
    }

    /// Everything works from now on, and nothing is planned. Nothing is taken back: what a failed sync left in doubt still is.
    ///
    /// After [`Fault::Crash`] this is the end of a process and not of the machine, so whatever had files open has to be dropped first.
    pub fn heal(&self) {
        self.0.lock().heal();
    }

    /// How many operations were asked for so far, those that failed included.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations()
    }

    /// The number of the first operation that failed since the last call of [`Self::fail`], counted like [`Self::operations`]; room that
    /// was set by [`Self::set_room`] and ran out is no failure of this kind.
    pub fn failed(&self) -> Option<u64> {
        self.0.lock().failed()
    }

    /// From now on so many bytes are free of so many, and a write that would make a file grow beyond them finds no room. What files grow by
    /// is taken from it, and what they shrink by is given back. Without this there is always room.
    pub fn set_room(&self, free_bytes: u64, disk_bytes: u64) {
        self.0.lock().set_room(free_bytes, disk_bytes);
    }

    /// Takes the power away and gives it back: the files are then what a power cut at this moment could have left, and all faults are
    /// healed. `choose(n)` decides each time by a number below `n`; the same numbers after the same operations leave the same files.
    ///
    /// # Panics
    /// The database is still open somewhere, a writer or a reader: a power cut ends them first. Or the machine that runs the test has
    /// a fault of its own.
    pub fn crash(&self, choose: &mut dyn FnMut(u64) -> u64) {
        self.0.crash(choose);
    }
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.directory().display();
        f.debug_tuple("FaultyDisk")
            .field(&format_args!("{name}"))
            .finish()
    }
}

impl Disk for FaultyDisk {
    fn vfs(&self) -> Option<&str> {
        Some(vfs::NAME)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.0.lock().create_directory(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.0.lock().create(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().remove(path)
    }

    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let id = state.track(file)?;
        state.truncate(id, len)
    }

    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let id = state.track(file)?;
        state.write(id, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.0.lock();
        let id = state.track(file)?;
        state.sync(id)
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        let id = state::id(&directory.metadata()?);
        self.0.lock().sync_directory(id)
    }

    fn forget(&self, _: &File, _: u64, _: u64) {}

    fn read(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.lock().reads()?;
        file.read_exact_at(bytes, offset)
    }

    fn room(&self, _: &Path) -> io::Result<(u64, u64)> {
        self.0.lock().room()
    }

    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let id = state.track(file)?;
        state.grow(id, len, |file| RealDisk.allocate(file, len))
    }

    fn punch(&self, file: &File, offset: u64, len: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let id = state.track(file)?;
        state.punch(id, offset, len)
    }
}
