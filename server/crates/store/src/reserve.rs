//! Room on the disk: what is kept back, and who may still write when little is left.
//!
//! A full disk must not be a dead end: to make room somebody has to delete, and deleting writes rows before it frees anything.
//! Two bounds see to that.
//!
//! - **Spare room.** What grows the store, such as a new message, is asked about first ([`crate::Writer::admits`]) and put off if
//!   less than [`Options::spare_bytes`] would be left. For what the GR partner has accepted the bound is lower
//!   ([`crate::Writer::admits_from_partner`], [`Options::partner_spare_bytes`]): strangers cannot use up the room that its copies need.
//! - **The reserve**, a file of [`Options::reserve_bytes`] in the store's directory that holds nothing. Other programs can fill a
//!   disk to the last byte, but not this room. As much of it is given up as the next transaction may need, and it is filled again
//!   when there is room.
//!
//! Of a small disk neither takes more than an eighth, and the partner's bound is at most half of the other.

use crate::{Disk, Options, StoreError};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What a transaction that deletes or acknowledges may need: the log between two checkpoints, and some pages of the database.
const WORK_BYTES: u64 = 4 << 20;
/// Neither bound takes more than this part of the disk.
const SHARE_OF_DISK: u64 = 8;
/// The partner's bound is at most this part of the other, so that there is room that only the partner may use.
const PARTNER_SHARE: u64 = 2;
/// Below so many times the spare room, what grows and what frees no longer share a transaction.
const TIGHT_TIMES: u64 = 4;
/// What one write takes beside its bodies: its rows, their indexes, and the same again in the log.
pub(crate) const ROWS_BYTES: u64 = 32 << 10;

/// Room on the disk, as the writer last saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes that this account may still write, the reserve not counted.
    pub free_bytes: u64,
    /// What is left of the reserve, in bytes.
    pub reserve_bytes: u64,
    /// What the reserve should be, in bytes.
    pub reserve_bytes_wanted: u64,
    /// What grows the store is put off when less than this would be left free, in bytes.
    pub spare_bytes: u64,
    /// The same for what the GR partner sends, in bytes.
    pub partner_spare_bytes: u64,
    /// New messages are being put off, or soon will be. It ends when a quarter more than the spare room is free.
    pub low: bool,
    /// What the partner sends is put off, too, or soon will be. It ends alike.
    pub low_for_partner: bool,
    /// So little is left that what grows and what frees should not share a transaction.
    pub tight: bool,
}

/// Where others see what the writer saw last.
pub(crate) type Seen = Arc<Mutex<Room>>;

/// The reserve of one store. Nothing about it is an error for whoever writes: without it a server has less to fall back on.
#[derive(Debug)]
pub(crate) struct Reserve {
    directory: PathBuf,
    file: Option<File>,
    disk: Arc<dyn Disk>,
    reserve_bytes_max: u64,
    spare_bytes_max: u64,
    partner_spare_bytes_max: u64,
    room: Room,
    seen: Seen,
    /// A write failed although there seemed to be room, as with a quota: one failure in a row counts until a write that grows succeeds.
    refused: bool,
    /// What the writes of this transaction that grow will take.
    promised: u64,
}

impl Reserve {
    /// Opens the reserve and gives up of it what the start itself may need.
    pub(crate) fn open(directory: &Path, options: &Options) -> Self {
        let disk = Arc::clone(&options.disk);
        let file = open_file(&*disk, directory);
        let held = file.as_ref().map_or(0, |file| held(&*disk, file));
        let mut reserve = Self {
            directory: directory.to_owned(),
            file,
            disk,
            reserve_bytes_max: options.reserve_bytes,
            spare_bytes_max: options.spare_bytes,
            partner_spare_bytes_max: options.partner_spare_bytes,
            room: Room {
                reserve_bytes: held,
                ..Room::default()
            },
            seen: Seen::default(),
            refused: false,
            promised: 0,
        };
        reserve.look();
        reserve
    }

    pub(crate) fn seen(&self) -> Seen {
        Arc::clone(&self.seen)
    }

    pub(crate) fn room(&self) -> Room {
        self.room
    }

    /// Before a transaction: looks how much is free, gives up what it may need, or fills the reserve again.
    pub(crate) fn look(&mut self) {
        self.promised = 0;
        let Ok((free, all)) = self.disk.room(&self.directory) else {
            return;
        };
        let share = all / SHARE_OF_DISK;
        self.room.free_bytes = free;
        self.room.reserve_bytes_wanted = self.reserve_bytes_max.min(share);
        self.room.spare_bytes = self.spare_bytes_max.min(share);
        self.room.partner_spare_bytes =
            (self.partner_spare_bytes_max).min(self.room.spare_bytes / PARTNER_SHARE);
        let Room {
            reserve_bytes: held,
            reserve_bytes_wanted: wanted,
            spare_bytes: spare,
            ..
        } = self.room;
        let work = self.work();
        if held > wanted {
            self.give_up(held - wanted);
        } else if free < work {
            self.give_up(work - free);
        } else if held < wanted && !self.refused && free >= spare + work + (wanted - held) {
            self.fill(wanted);
        }
        self.settle();
    }

    /// Whether there is room for a write with so many bytes of bodies. What was admitted counts until the next look.
    pub(crate) fn admits(&mut self, bytes: u64) -> bool {
        self.leaves(bytes, self.room.spare_bytes)
    }

    /// The same for what the partner sends.
    pub(crate) fn admits_from_partner(&mut self, bytes: u64) -> bool {
        self.leaves(bytes, self.room.partner_spare_bytes)
    }

    /// Whether a write would leave so much free. 0: it is not asked.
    fn leaves(&mut self, bytes: u64, spare: u64) -> bool {
        let needed = bytes.saturating_add(ROWS_BYTES);
        let taken = self.promised.saturating_add(needed);
        let left = self.room.free_bytes.checked_sub(taken);
        let admitted = spare == 0 || left.is_some_and(|left| left >= spare);
        if admitted {
            self.promised = taken;
        }
        admitted
    }

    /// A transaction failed for want of room. If it was one that grows little, the next finds more.
    pub(crate) fn was_refused(&mut self, grows: bool) {
        self.refused = true;
        if !grows {
            self.give_up(self.work().max(ROWS_BYTES));
        }
        self.settle();
    }

    /// A transaction that grows found room.
    pub(crate) fn was_taken(&mut self) {
        self.refused = false;
    }

    /// What is kept free for the next transaction; of a small reserve, a quarter.
    fn work(&self) -> u64 {
        WORK_BYTES.min(self.room.reserve_bytes_wanted / 4)
    }

    fn give_up(&mut self, bytes: u64) {
        let Some(file) = &self.file else { return };
        let left = self.room.reserve_bytes.saturating_sub(bytes);
        if left < self.room.reserve_bytes && self.disk.truncate(file, left).is_ok() {
            self.room.free_bytes += self.room.reserve_bytes - left;
            self.room.reserve_bytes = left;
        }
    }

    fn fill(&mut self, wanted: u64) {
        if self.file.is_none() {
            // There may have been no room even for its name.
            self.file = open_file(&*self.disk, &self.directory);
        }
        let Some(file) = &self.file else { return };
        if self.disk.allocate(file, wanted).is_ok() {
            let taken = wanted.saturating_sub(self.room.reserve_bytes);
            self.room.free_bytes = self.room.free_bytes.saturating_sub(taken);
            self.room.reserve_bytes = wanted;
        } else {
            // Part of it may have been taken, and a file system that cannot allocate has no reserve.
            let _ = self.disk.truncate(file, self.room.reserve_bytes);
        }
    }

    fn settle(&mut self) {
        let Room {
            free_bytes: free,
            spare_bytes: spare,
            partner_spare_bytes,
            low,
            low_for_partner,
            ..
        } = self.room;
        // A little before the first message is put off, for they are of all sizes.
        let enough = |spare: u64, low: bool| spare + spare / if low { 4 } else { 8 };
        self.room.low = free < enough(spare, low);
        self.room.low_for_partner = free < enough(partner_spare_bytes, low_for_partner);
        self.room.tight = self.refused || free < spare.saturating_mul(TIGHT_TIMES);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.room;
    }
}

fn open_file(disk: &dyn Disk, directory: &Path) -> Option<File> {
    disk.create(&directory.join("reserve")).ok()
}

/// The room that the file holds. One that was copied may have its length and no blocks: it holds nothing.
fn held(disk: &dyn Disk, file: &File) -> u64 {
    let about = file.metadata().ok();
    match about.filter(|about| about.blocks().saturating_mul(512) >= about.len()) {
        Some(about) => about.len(),
        None => {
            // If that fails, it is as good as none.
            let _ = disk.truncate(file, 0);
            0
        }
    }
}

impl crate::Writer {
    /// Room on the disk, as it was before the present transaction.
    pub fn room(&self) -> Room {
        self.reserve.room()
    }

    /// Looks how much room there is, gives up of the reserve what the next transaction may need, or fills it again. Called before
    /// each [`Self::begin`] by whoever asks [`Self::admits`].
    pub fn look_for_room(&mut self) -> Room {
        self.reserve.look();
        self.reserve.room()
    }

    /// Whether there is room for a write with so many bytes of bodies beside those that were admitted since the last look.
    pub fn admits(&mut self, bytes: u64) -> bool {
        self.reserve.admits(bytes)
    }

    /// [`Self::admits`] for what the GR partner sends, down to its own, lower bound.
    pub fn admits_from_partner(&mut self, bytes: u64) -> bool {
        self.reserve.admits_from_partner(bytes)
    }

    /// Tells how a transaction ended: whether it failed with [`StoreError::Full`], and whether there was anything in it that grows
    /// the store.
    pub fn ended(&mut self, result: Result<(), &StoreError>, grows: bool) {
        match result {
            Ok(()) if grows => self.reserve.was_taken(),
            Err(StoreError::Full) => self.reserve.was_refused(grows),
            _ => {}
        }
    }
}
