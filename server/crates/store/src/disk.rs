//! The few things a segment asks of the disk, as a trait, so that a test can make them fail.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What is done to segment files. Every method has the real thing as its default; a test replaces one.
///
/// SQLite does its own input and output and does not come through here.
pub trait Disk: Send + Sync + fmt::Debug {
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

    /// Fills the buffer from an offset; `UnexpectedEof` if the file ends before.
    fn read(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        file.read_exact_at(bytes, offset)
    }
}

/// The disk itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}
