//! The state of a disk: what is planned, what has failed, and what of files and names is not durable.

use crate::Fault;
use crate::file::{TrackedFile, pick};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use store::{Disk, RealDisk};

/// Bytes of a disk on which there is always room.
const PLENTY: u64 = 1 << 40;

/// A file or directory, whatever its name: the number of its inode. All lie in one file system.
pub(crate) fn id(about: &Metadata) -> u64 {
    about.ino()
}

/// What an operation asks of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Room, be it only for a while, as on a file system that never overwrites.
    Room,
    /// That everything before is on the disk.
    Sync,
    Nothing,
}

/// The state of one disk.
#[derive(Debug)]
pub(crate) struct State {
    directory: PathBuf,
    /// Where deleted files lie that may come back, each by its number.
    removed: PathBuf,
    operations: u64,
    /// The number of an operation, and what happens there.
    planned: Option<(u64, Fault)>,
    /// The first operation that failed since a fault was planned.
    failed: Option<u64>,
    full: bool,
    sync_fails: bool,
    stopped: bool,
    /// Bytes left, and bytes in all, if there is a bound.
    room: Option<(u64, u64)>,
    /// Files that were changed or synced, each with its place in the order in which the workload came to them: numbers of inodes are not
    /// the same in every run.
    files: HashMap<u64, (usize, TrackedFile)>,
    /// What each name has stood for since the last sync of its directory, beginning with what it stood for then.
    names: BTreeMap<PathBuf, Vec<Option<u64>>>,
    /// Files by which the connections of a database share memory.
    shared_memory: BTreeSet<PathBuf>,
}

impl State {
    /// A disk on which nothing has happened.
    pub(crate) fn new(directory: PathBuf, removed: PathBuf) -> Self {
        Self {
            directory,
            removed,
            operations: 0,
            planned: None,
            failed: None,
            full: false,
            sync_fails: false,
            stopped: false,
            room: None,
            files: HashMap::new(),
            names: BTreeMap::new(),
            shared_memory: BTreeSet::new(),
        }
    }

    pub(crate) fn plan(&mut self, at: u64, fault: Fault) {
        self.planned = Some((self.operations.saturating_add(at), fault));
        self.failed = None;
    }

    pub(crate) fn heal(&mut self) {
        self.planned = None;
        (self.full, self.sync_fails, self.stopped) = (false, false, false);
    }

    pub(crate) fn operations(&self) -> u64 {
        self.operations
    }

    pub(crate) fn failed(&self) -> Option<u64> {
        self.failed
    }

    pub(crate) fn set_room(&mut self, free_bytes: u64, disk_bytes: u64) {
        self.room = Some((free_bytes, disk_bytes));
    }

    pub(crate) fn room(&self) -> io::Result<(u64, u64)> {
        self.reads()?;
        let (free, all) = self.room.unwrap_or((PLENTY, PLENTY));
        Ok((if self.full { 0 } else { free }, all))
    }

    /// Fails if nothing works any more.
    pub(crate) fn reads(&self) -> io::Result<()> {
        match self.stopped {
            true => Err(io::Error::other("the disk has stopped")),
            false => Ok(()),
        }
    }

    /// Counts an operation, and says whether it is carried out.
    fn begin(&mut self, needs: Needs) -> io::Result<()> {
        let number = self.operations;
        self.operations += 1;
        let result = self.attempt(number, needs);
        if result.is_err() {
            self.failed.get_or_insert(number);
        }
        result
    }

    fn attempt(&mut self, number: u64, needs: Needs) -> io::Result<()> {
        let planned = self.planned.filter(|(at, _)| *at <= number);
        if let Some((_, fault)) = planned {
            self.planned = None;
            match fault {
                Fault::Full => self.full = true,
                Fault::SyncFails => self.sync_fails = true,
                Fault::Crash => self.stopped = true,
            }
        }
        self.reads()?;
        match needs {
            Needs::Room if self.full => Err(io::ErrorKind::StorageFull.into()),
            Needs::Sync if std::mem::take(&mut self.sync_fails) => {
                Err(io::Error::other("the disk cannot sync"))
            }
            _ => Ok(()),
        }
    }

    /// Takes room for a file that grows.
    fn take(&mut self, bytes: u64) -> io::Result<()> {
        let Some((free, _)) = &mut self.room else {
            return Ok(());
        };
        *free = free.checked_sub(bytes).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }

    fn give_back(&mut self, bytes: u64) {
        if let Some((free, _)) = &mut self.room {
            *free += bytes;
        }
    }
}

/// Files.
impl State {
    /// The number of an open file.
    pub(crate) fn track(&mut self, file: &File) -> io::Result<u64> {
        let id = id(&file.metadata()?);
        if !self.files.contains_key(&id) {
            self.add(id, file.try_clone()?)?;
        }
        Ok(id)
    }

    /// The number of the file that has this name.
    pub(crate) fn track_path(&mut self, path: &Path) -> io::Result<u64> {
        let id = id(&fs::metadata(path)?);
        if !self.files.contains_key(&id) {
            self.add(id, OpenOptions::new().read(true).write(true).open(path)?)?;
        }
        Ok(id)
    }

    fn add(&mut self, id: u64, file: File) -> io::Result<()> {
        let place = self.files.len();
        self.files.insert(id, (place, TrackedFile::new(file)?));
        Ok(())
    }

    fn file(&mut self, id: u64) -> io::Result<&mut TrackedFile> {
        let tracked = self.files.get_mut(&id).map(|(_, file)| file);
        tracked.ok_or_else(|| io::Error::other("the file was deleted for good"))
    }

    pub(crate) fn write(&mut self, id: u64, bytes: &[u8], at: u64) -> io::Result<()> {
        if let Err(error) = self.begin(Needs::Room) {
            if error.kind() == io::ErrorKind::StorageFull {
                self.file(id)?.write(&bytes[..bytes.len() / 2], at)?;
            }
            return Err(error);
        }
        let end = at + bytes.len() as u64;
        let grows = end.saturating_sub(self.file(id)?.len());
        self.take(grows)?;
        self.file(id)?.write(bytes, at)
    }

    pub(crate) fn truncate(&mut self, id: u64, len: u64) -> io::Result<()> {
        let before = self.file(id)?.len();
        if len > before {
            return self.grow(id, len, |file| file.set_len(len));
        }
        self.begin(Needs::Nothing)?;
        self.file(id)?.truncate(len)?;
        self.give_back(before - len);
        Ok(())
    }

    /// Makes a file longer in this way, if it is shorter.
    pub(crate) fn grow(
        &mut self,
        id: u64,
        len: u64,
        how: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<()> {
        self.begin(Needs::Room)?;
        let grows = len.saturating_sub(self.file(id)?.len());
        self.take(grows)?;
        self.file(id)?.grow(len, how)
    }

    pub(crate) fn punch(&mut self, id: u64, at: u64, len: u64) -> io::Result<()> {
        self.begin(Needs::Nothing)?;
        let freed = self.file(id)?.punch(at, len)?;
        self.give_back(freed);
        Ok(())
    }

    pub(crate) fn sync(&mut self, id: u64) -> io::Result<()> {
        match self.begin(Needs::Sync) {
            Ok(()) => self.file(id)?.synced(),
            // Of a process that has ended nothing reached the system.
            Err(error) if self.stopped => Err(error),
            Err(error) => {
                self.file(id)?.sync_failed();
                Err(error)
            }
        }
    }
}

/// Names.
impl State {
    pub(crate) fn create(&mut self, path: &Path) -> io::Result<File> {
        if path.exists() {
            self.reads()?;
            return RealDisk.create(path);
        }
        self.makes_name()?;
        let file = RealDisk.create(path)?;
        self.made_name(path)?;
        Ok(file)
    }

    pub(crate) fn create_directory(&mut self, path: &Path) -> io::Result<()> {
        self.makes_name()?;
        RealDisk.create_directory(path)?;
        self.made_name(path)
    }

    /// Whether a name can be made now.
    pub(crate) fn makes_name(&mut self) -> io::Result<()> {
        self.begin(Needs::Room)
    }

    /// A name was made.
    pub(crate) fn made_name(&mut self, path: &Path) -> io::Result<()> {
        let id = id(&fs::metadata(path)?);
        let stood_for = self.names.entry(path.to_owned());
        stood_for.or_insert_with(|| vec![None]).push(Some(id));
        Ok(())
    }

    /// Deletes a file, so that it may come back.
    pub(crate) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.reads()?;
        let about = fs::metadata(path)?;
        self.begin(Needs::Nothing)?;
        fs::rename(path, self.removed(id(&about)))?;
        let stood_for = self.names.entry(path.to_owned());
        let stood_for = stood_for.or_insert_with(|| vec![Some(id(&about))]);
        stood_for.push(None);
        self.give_back(about.len());
        Ok(())
    }

    pub(crate) fn sync_directory(&mut self, directory: u64) -> io::Result<()> {
        self.begin(Needs::Sync)?;
        let is_in = |name: &&PathBuf| {
            let parent = name.parent().and_then(|parent| fs::metadata(parent).ok());
            parent.is_some_and(|about| id(&about) == directory)
        };
        let names: Vec<_> = self.names.keys().filter(is_in).cloned().collect();
        for name in names {
            if let Some(mut stood_for) = self.names.remove(&name) {
                stood_for.pop();
                self.forget(stood_for)?;
            }
        }
        Ok(())
    }

    /// A database was opened.
    pub(crate) fn has_shared_memory(&mut self, database: &Path) {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        self.shared_memory.insert(name.into());
    }

    /// Deletes removed files for good.
    fn forget(&mut self, files: Vec<Option<u64>>) -> io::Result<()> {
        for id in files.into_iter().flatten() {
            fs::remove_file(self.removed(id))?;
            self.files.remove(&id);
        }
        Ok(())
    }

    fn removed(&self, id: u64) -> PathBuf {
        self.removed.join(id.to_string())
    }
}

/// The power cut.
impl State {
    pub(crate) fn crash(&mut self, choose: &mut dyn FnMut(u64) -> u64) -> io::Result<()> {
        let used = self.used()?;
        for name in std::mem::take(&mut self.shared_memory) {
            if name.exists() {
                fs::remove_file(name)?;
            }
        }
        let mut files: Vec<_> = self.files.values_mut().collect();
        files.sort_by_key(|(place, _)| *place);
        for (_, file) in files {
            file.crash(choose)?;
        }
        for (name, stood_for) in std::mem::take(&mut self.names) {
            // A directory comes before what is in it, and takes it along.
            if name.parent().is_some_and(Path::is_dir) {
                self.crash_name(&name, stood_for, choose)?;
            }
        }
        // All that is left is durable.
        self.files.clear();
        self.heal();
        let still_used = self.used()?;
        if let Some((free, _)) = &mut self.room {
            *free = (*free + used).saturating_sub(still_used);
        }
        Ok(())
    }

    fn crash_name(
        &mut self,
        name: &Path,
        mut stood_for: Vec<Option<u64>>,
        choose: &mut dyn FnMut(u64) -> u64,
    ) -> io::Result<()> {
        let chosen = pick(choose, stood_for.len());
        if chosen + 1 < stood_for.len() {
            if name.is_dir() {
                fs::remove_dir_all(name)?;
            } else if name.exists() {
                fs::remove_file(name)?;
            }
            if let Some(id) = stood_for[chosen].take() {
                fs::rename(self.removed(id), name)?;
            }
        }
        stood_for.pop();
        self.forget(stood_for)
    }

    /// Bytes of all files, for the bound of the room.
    fn used(&self) -> io::Result<u64> {
        match self.room {
            Some(_) => bytes_in(&self.directory),
            None => Ok(0),
        }
    }
}

fn bytes_in(directory: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(directory)? {
        let about = entry?;
        let path = about.path();
        let about = about.metadata()?;
        sum += match about.is_dir() {
            true => bytes_in(&path)?,
            false => about.len(),
        };
    }
    Ok(sum)
}
