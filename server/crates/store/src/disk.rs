//! What is asked of the disk, as a trait, so that a test can make it fail or lose power.

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

/// What is done to directories, to segment files, to the reserve, and to SQLite's log when a store is opened. Every method has the real
/// thing as its default; a test replaces one.
///
/// SQLite does its own input and output, through the VFS that [`Self::vfs`] names.
pub trait Disk: Send + Sync + fmt::Debug {
    /// The name of the VFS by which SQLite opens its files; `None`: the one of the system.
    fn vfs(&self) -> Option<&str> {
        None
    }

    /// Makes a directory that only this account can use. It is there after a power cut once its parent is synced.
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    /// Opens a file for reading and writing. If there is none it is made, and only this account can read it; it is there after a power
    /// cut once its directory is synced.
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.mode(0o600).open(path)
    }

    /// Deletes a file. It may come back with a power cut as long as its directory is not synced.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Cuts a file to a length, or extends it to one by zeros.
    fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    /// Writes all bytes at an offset.
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Returns once what was written is on stable storage, together with the length of the file.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Returns once the names in a directory are on stable storage.
    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        directory.sync_all()
    }

    /// Lets the system forget what it remembers of a part of a file, so that the next read asks the disk. Only advice: if it is not
    /// taken, a damage is found later.
    fn forget(&self, file: &File, offset: u64, len: u64) {
        let len = std::num::NonZeroU64::new(len);
        let _ = rustix::fs::fadvise(file, offset, len, rustix::fs::Advice::DontNeed);
    }

    /// Fills the buffer from an offset; `UnexpectedEof` if the file ends before.
    fn read(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        file.read_exact_at(bytes, offset)
    }

    /// Bytes that this account may still write where a directory lies, and bytes that the disk has altogether.
    fn room(&self, directory: &Path) -> io::Result<(u64, u64)> {
        let disk = statvfs(directory)?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Ok((bytes(disk.f_bavail), bytes(disk.f_blocks)))
    }

    /// Takes room for a file up to this length, so that nobody else can.
    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        Ok(fallocate(file, FallocateFlags::empty(), 0, len)?)
    }

    /// Gives the room of a part of a file back, which reads as zeros from then on. `Unsupported` where the file system cannot.
    fn punch(&self, file: &File, offset: u64, len: u64) -> io::Result<()> {
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(file, hole, offset, len)?)
    }
}

/// The disk itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}
