//! Packages from npm: exactly those of a committed lock file, in a folder of the cache named after the lock file's content.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{failure::Failure, paths, process};

/// The `node_modules` in the cache for the lock file in `folder` (a folder of the clone).
pub fn node_modules(folder: &str) -> PathBuf {
    home(folder).join("node_modules")
}

/// True when the packages of the lock file in `folder` are installed.
pub fn is_there(folder: &str) -> bool {
    node_modules(folder).is_dir()
}

/// Installs the packages of the lock file in `folder`.
pub fn install(folder: &str) -> Result<(), Failure> {
    let home = home(folder);
    let partial = paths::partial(&home);
    fs::create_dir_all(&partial)
        .map_err(|source| Failure::io("make a folder", &partial, &source))?;
    for file in ["package.json", "package-lock.json"] {
        let from = paths::root().join(folder).join(file);
        fs::copy(&from, partial.join(file))
            .map_err(|source| Failure::io("copy the file", &from, &source))?;
    }
    let mut command = Command::new("npm");
    command.args([
        "ci",
        "--ignore-scripts",
        "--engine-strict",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]);
    process::say(format!("setup: {} ({folder})", process::shown(&command)));
    process::run(command.current_dir(&partial))
        .map_err(|failure| failure.remedy(by_hand(folder)))?;
    fs::rename(&partial, &home)
        .map_err(|source| Failure::io("move the packages to their place", &home, &source))
}

/// The commands with which a person installs the packages of `folder`.
pub fn by_hand(folder: &str) -> String {
    let (from, to) = (paths::root().join(folder), home(folder));
    format!(
        "mkdir -p {to} && cp {from}/package*.json {to} && (cd {to} && npm ci)   (needs Node.js 18 or newer)",
        from = from.display(),
        to = to.display()
    )
}

/// Makes `folder/node_modules` a link to the cache: JavaScript modules find their packages only by such a folder.
pub fn link(folder: &str) -> Result<(), Failure> {
    let (link, target) = (
        paths::root().join(folder).join("node_modules"),
        node_modules(folder),
    );
    if !target.is_dir() || fs::read_link(&link).is_ok_and(|current| current == target) {
        return Ok(());
    }
    replace_link(&link, &target).map_err(|source| {
        Failure::io("link the packages of the browser tests", &link, &source)
            .remedy("remove it, and run this again")
    })
}

fn replace_link(link: &Path, target: &Path) -> io::Result<()> {
    if link.is_symlink() {
        fs::remove_file(link)?;
    }
    symlink(target, link)
}

fn home(folder: &str) -> PathBuf {
    // Without a lock file the folder is one that cannot be there, and installing says what is wrong.
    let lock = fs::read(paths::root().join(folder).join("package-lock.json")).unwrap_or_default();
    let name = folder.replace('/', "-");
    paths::cache().join(format!(
        "npm-{name}-{}",
        &blake3::hash(&lock).to_hex()[..12]
    ))
}
