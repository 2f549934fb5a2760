//! Small files of the data folder that only the server's own account may read.

use crate::server::WriterError;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a file that only its owner may read (0600): aside, synced, renamed. A reader sees the old one or the new one, whole. If there
/// is no room for a second file, the old one is overwritten where it lies, which needs none.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), WriterError> {
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
    let written = write().or_else(|e| match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            // What of it there is takes room, too.
            let _ = fs::remove_file(&aside);
            overwrite(path, content).map_err(|_| e)
        }
        _ => Err(e),
    });
    written.map_err(|e| WriterError::io(path, e))
}

fn overwrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let about = fs::metadata(path)?;
    if !about.is_file() || about.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other("not a private file"));
    }
    let file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all_at(content, 0)?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}

/// Makes the data folder (0700) if it is not there.
pub fn make_private_dir(path: &Path) -> Result<(), WriterError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|e| WriterError::io(path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_overwritten_where_it_lies_and_one_that_others_read_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        write_private(&path, b"the first one").unwrap();
        overwrite(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(overwrite(&path, b"third").is_err());
        assert!(overwrite(&dir.path().join("none"), b"x").is_err());
    }
}
