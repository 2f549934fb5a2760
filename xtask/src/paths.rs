//! Where things are: the clone, what is built in it, and the cache of tools outside it.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// The top folder of the clone.
pub fn root() -> PathBuf {
    // `cargo run` sets the variable; the fall-back serves a binary that is started by hand.
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where native programs are built: `target/`, unless `CARGO_TARGET_DIR` says otherwise.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Where the browser client is compiled. A folder of its own: it may be built by another compiler (see [`crate::setup`]).
pub fn wasm_target() -> PathBuf {
    target().join("wasm")
}

/// A native program of this workspace, as built by the release profile.
pub fn program(name: &str) -> PathBuf {
    target().join("release").join(name)
}

/// The web root: what the server gives out below `/MyCallPilot/`.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The cache of tools, shared by all clones: `$XDG_CACHE_HOME/callpilot-gr` or `~/.cache/callpilot-gr`.
pub fn cache() -> PathBuf {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    base.unwrap_or_else(|| env::home_dir().unwrap_or_else(env::temp_dir).join(".cache"))
        .join("callpilot-gr")
}

/// Where something for `folder` is made before it is moved there whole.
pub fn partial(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// Waits until no other job holds the lock `file`, and holds it until the result is dropped.
pub fn lock(file: &Path) -> Result<File, Failure> {
    let folder = file.parent().unwrap_or(file);
    let locked = fs::create_dir_all(folder)
        .and_then(|()| File::create(file))
        .and_then(|opened| opened.lock().map(|()| opened));
    locked.map_err(|source| Failure::io("take the lock", file, &source))
}

/// The first program called `name` on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Where cargo keeps what it downloads: `$CARGO_HOME` or `~/.cargo`.
pub fn cargo_home() -> PathBuf {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named.unwrap_or_else(|| env::home_dir().unwrap_or_else(env::temp_dir).join(".cargo"))
}
