//! Small files of the data folder that only the server's own account may read.

use crate::site::SiteError;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Writes a file that only its owner may read (0600): aside, synced, renamed. A reader sees the old one or the new one, whole.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), SiteError> {
    let aside = path.with_extension("new");
    let write = || -> io::Result<()> {
        // Not an old one with other permissions.
        match fs::remove_file(&aside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(|e| SiteError::io(path, e))
}

/// Makes the data folder (0700) if it is not there.
pub fn make_private_dir(path: &Path) -> Result<(), SiteError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|e| SiteError::io(path, e))
}
