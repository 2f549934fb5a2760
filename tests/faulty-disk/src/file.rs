//! One file: what was done to it since its last sync, and what of that a power cut takes back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use store::{Disk, RealDisk};

/// What a disk writes whole, or not at all.
const SECTOR: u64 = 512;

type Sector = [u8; SECTOR as usize];

/// Contents that a sector has had, the newest first.
type Contents = Vec<Sector>;

/// Something that was done to the file and is not durable.
#[derive(Debug)]
struct Change {
    /// The first byte that it changed.
    at: u64,
    /// Bytes from there on.
    len: u64,
    /// What they were before; zeros behind what stands here.
    before: Vec<u8>,
    /// The length of the file before.
    len_before: u64,
    /// It made the file shorter.
    cut: bool,
    /// It was to be written by a sync that failed.
    forgotten: bool,
}

impl Change {
    /// The sectors that it touches in front of an offset.
    fn sectors(&self, end: u64) -> Range<u64> {
        let end = (self.at + self.len).min(end);
        self.at / SECTOR..end.div_ceil(SECTOR).max(self.at / SECTOR)
    }
}

/// A file that was changed or synced.
#[derive(Debug)]
pub(crate) struct TrackedFile {
    /// Kept open until the file is gone: closing any descriptor of a file drops the locks that POSIX gives a process on it, and SQLite may
    /// hold some.
    file: File,
    /// The present length.
    len: u64,
    /// The length at the last sync.
    synced_len: u64,
    /// Since the last sync, the oldest first.
    changes: Vec<Change>,
    /// What sectors held before a failed sync, the newest first. They are not among the changes any more, as a later sync succeeded.
    doubtful: BTreeMap<u64, Contents>,
}

impl TrackedFile {
    /// A file whose present content is durable.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self {
            file,
            len,
            synced_len: len,
            changes: Vec::new(),
            doubtful: BTreeMap::new(),
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.note(at, bytes.len() as u64)?;
        self.file.write_all_at(bytes, at)?;
        self.len = self.len.max(at + bytes.len() as u64);
        Ok(())
    }

    pub(crate) fn truncate(&mut self, len: u64) -> io::Result<()> {
        if len >= self.len {
            return self.grow(len, |file| file.set_len(len));
        }
        self.note(len, self.len - len)?;
        if let Some(change) = self.changes.last_mut() {
            change.cut = true;
        }
        self.len = len;
        self.file.set_len(len)
    }

    /// Makes it longer by zeros, in this way.
    pub(crate) fn grow(
        &mut self,
        len: u64,
        how: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<()> {
        if len > self.len {
            self.note(self.len, 0)?;
            self.len = len;
        }
        how(&self.file)
    }

    /// Gives the room of a part back, and returns how much that was, in bytes.
    pub(crate) fn punch(&mut self, at: u64, len: u64) -> io::Result<u64> {
        self.note(at, len)?;
        let before = self.file.metadata()?.blocks();
        RealDisk.punch(&self.file, at, len)?;
        Ok(before.saturating_sub(self.file.metadata()?.blocks()) * 512)
    }

    /// Notes what a part of the file holds, before it is changed.
    fn note(&mut self, at: u64, len: u64) -> io::Result<()> {
        let there = (at + len).min(self.len).saturating_sub(at);
        let mut before = vec![0; usize::try_from(there).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut before, at)?;
        let zeros = before.iter().rev().take_while(|byte| **byte == 0).count();
        before.truncate(before.len() - zeros);
        self.changes.push(Change {
            at,
            len,
            before,
            len_before: self.len,
            cut: false,
            forgotten: false,
        });
        Ok(())
    }

    /// A sync succeeded.
    pub(crate) fn synced(&mut self) -> io::Result<()> {
        if self.changes.iter().any(|change| change.forgotten) {
            for (sector, contents) in self.contents()? {
                let older = self.doubtful.entry(sector).or_default();
                older.splice(..0, contents.into_iter().skip(1));
            }
        }
        if !self.doubtful.is_empty() {
            for change in self.changes.iter().filter(|change| !change.forgotten) {
                for sector in change.sectors(u64::MAX) {
                    self.doubtful.remove(&sector);
                }
            }
        }
        self.changes.clear();
        self.synced_len = self.len;
        Ok(())
    }

    /// A sync failed: what it was to write is never written, but taken for written.
    pub(crate) fn sync_failed(&mut self) {
        for change in &mut self.changes {
            change.forgotten = true;
        }
    }

    /// Makes the file what a power cut could leave of it. That is durable then.
    pub(crate) fn crash(&mut self, choose: &mut dyn FnMut(u64) -> u64) -> io::Result<()> {
        if self.changes.is_empty() && self.doubtful.is_empty() {
            return Ok(());
        }
        let shortest = self.choose_cut(choose)?;
        let longest = self.len;
        let way = choose(4);
        let len = match way {
            // Nothing that was not synced is left,
            0 => shortest,
            // or all of it,
            1 => longest,
            // or what was done first,
            2 => self.choose_prefix(choose)?,
            // or this and that.
            _ => match choose(3) {
                0 => shortest,
                1 => longest,
                _ => shortest + choose(longest - shortest + 1),
            },
        };
        let mut contents = self.contents()?;
        for (sector, older) in std::mem::take(&mut self.doubtful) {
            let newer = match contents.remove(&sector) {
                Some(newer) => newer,
                None => vec![self.sector(sector)?],
            };
            contents.insert(sector, newer.into_iter().chain(older).collect());
        }
        for (sector, contents) in contents {
            let last = contents.len() - 1;
            let chosen = match way {
                0 => last,
                1 => 0,
                _ => pick(choose, contents.len()),
            };
            self.file.write_all_at(&contents[chosen], sector * SECTOR)?;
        }
        self.file.set_len(len)?;
        (self.len, self.synced_len) = (len, len);
        self.changes.clear();
        Ok(())
    }

    /// Chooses which cuts were durable, undoes the others with all that came after, and returns the length that is durable with that.
    fn choose_cut(&mut self, choose: &mut dyn FnMut(u64) -> u64) -> io::Result<u64> {
        let is_cut = |(n, change): (usize, &Change)| change.cut.then_some(n);
        let cuts: Vec<_> = self.changes.iter().enumerate().filter_map(is_cut).collect();
        let durable = pick(choose, cuts.len() + 1);
        if let Some(first_lost) = cuts.get(durable) {
            self.undo_from(*first_lost)?;
        }
        let last = cuts[..durable].last();
        Ok(last.map_or(self.synced_len, |last| self.changes[*last].at))
    }

    /// Undoes what was done last since the last cut, some of it, takes the rest for durable, and returns the length.
    fn choose_prefix(&mut self, choose: &mut dyn FnMut(u64) -> u64) -> io::Result<u64> {
        let first = self.changes.iter().rposition(|change| change.cut);
        let first = first.map_or(0, |cut| cut + 1);
        let kept = pick(choose, self.changes.len() - first + 1);
        self.undo_from(first + kept)?;
        self.changes.clear();
        Ok(self.len)
    }

    fn undo_from(&mut self, first: usize) -> io::Result<()> {
        for change in self.changes.drain(first..).rev() {
            let there = (change.at + change.len)
                .min(change.len_before)
                .saturating_sub(change.at);
            let mut before = change.before;
            before.resize(usize::try_from(there).map_err(io::Error::other)?, 0);
            self.file.write_all_at(&before, change.at)?;
            self.file.set_len(change.len_before)?;
            self.len = change.len_before;
        }
        Ok(())
    }

    /// What each changed sector may hold, if all cuts are durable: its present content and the earlier ones, back to the last sync.
    fn contents(&self) -> io::Result<BTreeMap<u64, Contents>> {
        let mut found = BTreeMap::<u64, Contents>::new();
        // What lay behind a durable cut is gone for good.
        let mut end = u64::MAX;
        for change in self.changes.iter().rev() {
            if change.cut {
                end = end.min(change.at);
                continue;
            }
            for sector in change.sectors(end) {
                let contents = match found.entry(sector) {
                    std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                    std::collections::btree_map::Entry::Vacant(new) => {
                        new.insert(vec![self.sector(sector)?])
                    }
                };
                let mut older = contents[contents.len() - 1];
                let first = change.at.max(sector * SECTOR);
                let last = (change.at + change.len).min(end).min((sector + 1) * SECTOR);
                for at in first..last {
                    let before = usize::try_from(at - change.at).map_err(io::Error::other)?;
                    let before = change.before.get(before).copied().unwrap_or(0);
                    older[(at % SECTOR) as usize] = before;
                }
                contents.push(older);
            }
        }
        Ok(found)
    }

    /// The present content of a sector, with zeros behind the end of the file.
    fn sector(&self, sector: u64) -> io::Result<Sector> {
        let mut bytes = [0; SECTOR as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            let at = sector * SECTOR + filled as u64;
            match self.file.read_at(&mut bytes[filled..], at)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(bytes)
    }
}

/// An index below `n`.
pub(crate) fn pick(choose: &mut dyn FnMut(u64) -> u64, n: usize) -> usize {
    let chosen = choose(n as u64);
    assert!(chosen < n as u64, "the dice show {chosen} of {n}");
    chosen as usize
}
