//! The segment files: their names, their open handles, and reading a body out of one.

use crate::record::{self, HEADER};
use crate::spare::Spare;
use crate::{Disk, StoreError};
use bytes::Bytes;
use domain::BodyRef;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Handles kept open at a time; beyond it all are closed and the busy ones come back by themselves.
const HANDLES_MAX: usize = 128;

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// Which segment.
    pub segment: i64,
    /// Offset of the header.
    pub offset: u64,
}

/// All segments of a store, shared by its writer and its readers.
#[derive(Debug)]
pub(crate) struct Segments {
    directory: PathBuf,
    disk: Arc<dyn Disk>,
    spare: Spare,
    handles: Mutex<HashMap<i64, Arc<File>>>,
}

impl Segments {
    pub(crate) fn new(directory: PathBuf, disk: Arc<dyn Disk>) -> Self {
        Self {
            spare: Spare::of(&directory),
            directory,
            disk,
            handles: Mutex::default(),
        }
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(crate) fn path(&self, segment: i64) -> PathBuf {
        self.directory.join(format!("{segment:08}.seg"))
    }

    /// The segments that have a file, in order.
    pub(crate) fn on_disk(&self) -> Result<Vec<i64>, StoreError> {
        let failed = |e| StoreError::io("list", &self.directory)(e);
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let id = name.to_str().and_then(|n| n.strip_suffix(".seg"));
            ids.extend(id.and_then(|id| id.parse::<i64>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Makes the file of a segment that no row knows; what a transaction that was not committed left there goes.
    pub(crate) fn create(&self, segment: i64) -> Result<Arc<File>, StoreError> {
        let path = self.path(segment);
        let file = self
            .spare
            .open(|| self.disk.create(&path))
            .and_then(|file| self.disk.truncate(&file, 0).map(|()| file))
            .map_err(StoreError::io("create", &path))?;
        self.sync_directory()?;
        let file = Arc::new(file);
        self.keep(segment, &file);
        Ok(file)
    }

    /// The file of a segment.
    pub(crate) fn file(&self, segment: i64) -> io::Result<Arc<File>> {
        if let Some(file) = self.lock().get(&segment) {
            return Ok(Arc::clone(file));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = self.spare.open(|| options.open(self.path(segment)))?;
        let file = Arc::new(file);
        self.keep(segment, &file);
        Ok(file)
    }

    /// Deletes the file of a segment; it may be gone already.
    pub(crate) fn remove(&self, segment: i64) -> Result<(), StoreError> {
        self.lock().remove(&segment);
        let path = self.path(segment);
        match self.disk.remove(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("delete", &path)(e))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn sync_directory(&self) -> Result<(), StoreError> {
        let directory = self
            .spare
            .open(|| File::open(&self.directory))
            .map_err(StoreError::io("open", &self.directory))?;
        sync(self.disk(), &directory, &self.directory)
    }

    /// Reads a body and verifies it. `None`: the segment has no file (any more).
    pub(crate) fn read(&self, at: Location, body: &BodyRef) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(at.segment);
        let file = match self.file(at.segment) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::io("open", &path)(e)),
        };
        let mut bytes = vec![0; HEADER + body.len as usize];
        match self.disk.read(&file, &mut bytes, at.offset) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(StoreError::Damaged(*body));
            }
            Err(e) => return Err(StoreError::io("read", &path)(e)),
        }
        let bytes = Bytes::from(bytes);
        let content = bytes.slice(HEADER..);
        if bytes[..HEADER] != record::header(body) || blake3::hash(&content) != body.hash {
            return Err(StoreError::Damaged(*body));
        }
        Ok(Some(content))
    }

    /// [`Self::read`], but from the disk: what the system remembers of the file proves nothing of it.
    pub(crate) fn read_from_disk(
        &self,
        at: Location,
        body: &BodyRef,
    ) -> Result<Option<Bytes>, StoreError> {
        if let Ok(file) = self.file(at.segment) {
            self.disk.forget(&file, at.offset, record::size(body));
        }
        self.read(at, body)
    }

    fn keep(&self, segment: i64, file: &Arc<File>) {
        let mut handles = self.lock();
        if handles.len() >= HANDLES_MAX {
            handles.clear();
        }
        handles.insert(segment, Arc::clone(file));
    }

    /// The map is whole whatever a panicking thread did.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Arc<File>>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(disk: &dyn Disk, directory: &Path) -> Result<(), StoreError> {
    let opened = File::open(directory).map_err(StoreError::io("open", directory))?;
    sync(disk, &opened, directory)
}

/// Only what was opened can fail to sync: a directory that cannot be opened has lost nothing.
fn sync(disk: &dyn Disk, opened: &File, directory: &Path) -> Result<(), StoreError> {
    disk.sync_directory(opened)
        .map_err(StoreError::fatal("sync", directory))
}
