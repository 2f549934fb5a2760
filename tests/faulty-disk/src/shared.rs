//! What the clones of a disk and the files that SQLite has open on it share; and which disk a path lies on.

use crate::state::{State, id};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use tempfile::TempDir;

/// A file system in memory, on Linux.
const IN_MEMORY: &str = "/dev/shm";

/// All disks of the process by their directories: SQLite knows files only by their paths.
static DISKS: RwLock<BTreeMap<PathBuf, Weak<Shared>>> = RwLock::new(BTreeMap::new());

/// One disk.
pub(crate) struct Shared {
    directory: PathBuf,
    state: Mutex<State>,
    /// Files that SQLite has open.
    open: AtomicUsize,
    _place: TempDir,
}

impl Shared {
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let place = match Path::new(IN_MEMORY).is_dir() {
            true => TempDir::new_in(IN_MEMORY)?,
            false => TempDir::new()?,
        };
        // SQLite resolves links before it opens a file.
        let root = fs::canonicalize(place.path())?;
        let (directory, removed) = (root.join("disk"), root.join("removed"));
        fs::create_dir(&directory)?;
        fs::create_dir(&removed)?;
        let disk = Arc::new(Self {
            directory: directory.clone(),
            state: Mutex::new(State::new(directory.clone(), removed)),
            open: AtomicUsize::new(0),
            _place: place,
        });
        let mut disks = DISKS.write().unwrap_or_else(PoisonError::into_inner);
        disks.insert(directory, Arc::downgrade(&disk));
        Ok(disk)
    }

    /// The disk on which a path lies.
    pub(crate) fn of(path: &Path) -> Option<Arc<Self>> {
        let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
        path.ancestors()
            .find_map(|above| disks.get(above))
            .and_then(Weak::upgrade)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The state is as whole after a panic as before: a failed assertion of a test does not stop in the middle of an operation.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn crash(&self, choose: &mut dyn FnMut(u64) -> u64) {
        let open = self.open.load(Ordering::SeqCst);
        assert!(open == 0, "{open} files of the database are still open");
        let left = self.lock().crash(choose);
        left.expect("the machine that runs the test can write to its temporary directory");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut disks = DISKS.write().unwrap_or_else(PoisonError::into_inner);
        disks.remove(&self.directory);
    }
}

/// A file on a disk that SQLite is about to open.
pub(crate) struct OpeningFile {
    disk: Arc<Shared>,
    path: PathBuf,
    is_new: bool,
}

impl OpeningFile {
    /// If there is no such file, making one is an operation, and may fail.
    pub(crate) fn begin(path: PathBuf, create: bool) -> io::Result<Self> {
        let disk = Shared::of(&path).ok_or(io::ErrorKind::NotFound)?;
        let is_new = create && !path.exists();
        match is_new {
            true => disk.lock().makes_name()?,
            false => disk.lock().reads()?,
        }
        Ok(Self { disk, path, is_new })
    }

    /// It is open. `with_directory`: its first sync also syncs its directory.
    pub(crate) fn end(self, with_directory: bool, is_database: bool) -> io::Result<OpenFile> {
        let Self { disk, path, is_new } = self;
        let mut state = disk.lock();
        if is_new {
            state.made_name(&path)?;
        }
        if is_database {
            state.has_shared_memory(&path);
        }
        let id = state.track_path(&path)?;
        drop(state);
        disk.open.fetch_add(1, Ordering::SeqCst);
        let directory = path.parent().filter(|_| with_directory).map(Path::to_owned);
        Ok(OpenFile {
            disk,
            id,
            directory,
        })
    }
}

/// A file on a disk that SQLite has open.
pub(crate) struct OpenFile {
    disk: Arc<Shared>,
    id: u64,
    /// The directory that is to be synced with the file.
    directory: Option<PathBuf>,
}

impl OpenFile {
    pub(crate) fn reads(&self) -> io::Result<()> {
        self.disk.lock().reads()
    }

    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.lock().write(self.id, bytes, at)
    }

    pub(crate) fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.lock().truncate(self.id, len)
    }

    /// Syncs it as SQLite does on Unix: the directory of a new journal or log comes after its content, is tried once, and if it cannot be
    /// synced, nobody hears of it.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.sync(self.id)?;
        if let Some(directory) = self.directory.take() {
            let _ = state.sync_directory(id(&fs::metadata(directory)?));
        }
        Ok(())
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.disk.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Deletes a file for SQLite, perhaps for good.
pub(crate) fn remove(path: &Path, for_good: bool) -> io::Result<()> {
    let disk = Shared::of(path).ok_or(io::ErrorKind::NotFound)?;
    let mut state = disk.lock();
    state.remove(path)?;
    match path.parent().filter(|_| for_good) {
        Some(directory) => state.sync_directory(id(&fs::metadata(directory)?)),
        None => Ok(()),
    }
}
