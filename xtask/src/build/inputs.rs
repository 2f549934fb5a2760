//! Whether the inputs of a build are those of last time, by content: clones, checkouts and clocks do not matter.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// What the compiled client is made from (less [`WEB_ROOT`]).
pub const COMPILED: [&str; 6] = [
    "app",
    "plugin-sdk",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "xtask/src/build",
];

/// What the web root takes besides the compiled client.
pub const WEB_ROOT: [&str; 5] = [
    "index.html",
    "app/boot.js",
    "app/sw.js",
    "app/crates/ui/style",
    "app/crates/my-callpilot/static",
];

/// A digest of the names and contents below `paths` less those below `except`. All are files or folders in `root`; one
/// that is not there counts as empty.
pub fn digest(root: &Path, paths: &[&str], except: &[&str]) -> Result<String, Failure> {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        for file in files(&root.join(path))? {
            let name = file.strip_prefix(root).unwrap_or(&file);
            if except.iter().any(|folder| name.starts_with(folder)) {
                continue;
            }
            let content =
                fs::read(&file).map_err(|source| Failure::io("read the file", &file, &source))?;
            hasher
                .update(name.as_os_str().as_encoded_bytes())
                .update(blake3::hash(&content).as_bytes());
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// True when the stamp of the last build says the same digest.
pub fn stamp_is(stamp: &Path, digest: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|text| text == digest)
}

/// Keeps the digest of a build that went well.
pub fn set_stamp(stamp: &Path, digest: &str) -> Result<(), Failure> {
    fs::write(stamp, digest).map_err(|source| Failure::io("keep what was built", stamp, &source))
}

/// All files at or below `path`, sorted; none when it is not there. Links are not followed: `node_modules` is one.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    collect(path, &mut found).map_err(|source| Failure::io("list the files", path, &source))?;
    found.sort();
    Ok(found)
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let kind = match path.symlink_metadata() {
        Ok(data) => data.file_type(),
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(source),
    };
    if kind.is_file() {
        found.push(path.to_path_buf());
    } else if kind.is_dir()
        && path
            .file_name()
            .is_none_or(|name| name != "node_modules" && name != "target")
    {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), found)?;
        }
    }
    Ok(())
}
