//! The real store of a server, SQLite with segments, on a disk that loses power, fills up and fails to sync.
//!
//! What was committed is there after whatever happened, and of the transaction that was under way all or nothing: the store is compared
//! with the ledger in memory whenever it is opened again.

use crate::dice::Dice;
use crate::group::Fate;
use crate::node::NAMES;
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::world::World;
use bytes::Bytes;
use domain::{BodyRef, Change, ObjectId};
use faulty_disk::{Fault, FaultyDisk};
use ledger::memory::Memory;
use ledger::{Lane, Ledger, LedgerError, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{Options, Readers, Store, StoreError, Tx, Writer};

/// Segments are this long, so that there are several. Bytes.
const SEGMENT_BYTES: u64 = 20_000;

/// A store on a disk of its own.
#[derive(Debug)]
pub(crate) struct OnDisk {
    pub(crate) disk: FaultyDisk,
    /// Open while the process lives.
    pub(crate) writer: Option<Writer>,
    readers: Option<Readers>,
    /// A fault was planned for the present group.
    planned: bool,
    /// What the ledger is if the last commit is durable although nobody was told.
    pub(crate) in_doubt: Option<Memory>,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        Self {
            disk: FaultyDisk::new().expect("there is a place for temporary files"),
            writer: None,
            readers: None,
            planned: false,
            in_doubt: None,
        }
    }

    pub(crate) fn writer(&mut self) -> Option<&mut Writer> {
        self.writer.as_mut()
    }

    /// Begins a transaction; beside it where the ledger is left that is in doubt if its commit fails.
    pub(crate) fn begin(&mut self) -> Result<(Tx<'_>, &mut Option<Memory>), StoreError> {
        let writer = self.writer.as_mut().expect("the process runs");
        Ok((writer.begin()?, &mut self.in_doubt))
    }

    /// The process ends; with `power`, so does the machine, and what was not synced may be gone.
    pub(crate) fn dies(&mut self, power: bool, dice: &mut Dice) {
        (self.writer, self.readers) = (None, None);
        match power {
            true => self.disk.crash(&mut |n| dice.below(n)),
            false => self.disk.heal(),
        }
    }

    /// The store is opened when the process starts; perhaps the power goes once more while it is.
    pub(crate) fn opens(&mut self, dice: &mut Dice) -> Result<(), String> {
        let crashes = dice.chance(100);
        if crashes {
            self.disk.fail(dice.below(60), Fault::Crash);
        }
        if self.open().is_err() || (crashes && self.disk.failed().is_some()) {
            self.dies(true, dice);
            return self
                .open()
                .map_err(|e| format!("the store does not open: {e:?}"));
        }
        self.disk.heal();
        Ok(())
    }

    fn open(&mut self) -> Result<(), StoreError> {
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            disk: Arc::new(self.disk.clone()),
            ..Options::default()
        };
        let (writer, readers) = Store::open(self.disk.directory(), options)?;
        (self.writer, self.readers) = (Some(writer), Some(readers));
        Ok(())
    }

    /// Whether the store holds what a ledger does, of these objects and of all that is counted. Says what differs first.
    pub(crate) fn holds(
        &mut self,
        memory: &Memory,
        ids: &BTreeSet<ObjectId>,
    ) -> Result<(), String> {
        let writer = self.writer.as_mut().expect("the process runs");
        let mut tx = writer.begin().map_err(|e| format!("{e:?}"))?;
        let mut memory = memory.clone();
        let difference = differ(&mut tx, &mut memory, ids).map_err(|e| format!("{e:?}"))?;
        match difference {
            Some(what) => Err(what),
            None => Ok(()),
        }
    }

    /// Whether this body is there.
    fn has(&self, body: &BodyRef) -> bool {
        let readers = self.readers.as_ref();
        readers.is_some_and(|readers| matches!(readers.has_body(body), Ok(true)))
    }

    /// Whether the bodies that objects refer to can be read, and are what they were.
    pub(crate) fn reads(
        &self,
        memory: &Memory,
        contents: &BTreeMap<BodyRef, Bytes>,
    ) -> Result<(), String> {
        let Some(readers) = &self.readers else {
            return Ok(()); // it is looked at when the process starts
        };
        let bodies = memory.objects.values().filter_map(|object| object.body);
        for body in bodies {
            match readers.body(&body) {
                Ok(bytes) if contents.get(&body) == Some(&bytes) => {}
                // It never came: the partner that has it is asked for it.
                Err(StoreError::Missing(_)) if matches!(readers.has_body(&body), Ok(false)) => {}
                other => return Err(format!("{body:?} is {other:?}")),
            }
        }
        Ok(())
    }
}

/// What a store and a ledger say differently, if anything.
fn differ(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    ids: &BTreeSet<ObjectId>,
) -> Result<Option<String>, LedgerError> {
    macro_rules! same {
        ($name:ident($($argument:expr),*)) => {
            let (stored, said) = (Ledger::$name(tx, $($argument),*)?, memory.$name($($argument),*)?);
            if stored != said {
                return Ok(Some(format!("{} {}: {stored:?} in the store, {said:?} in memory",
                    stringify!($name), stringify!($($argument),*))));
            }
        };
    }
    for id in ids {
        same!(object(id));
        same!(mark(id));
        same!(tombstone(id));
        same!(deletion_record(id));
        same!(held(id));
        same!(staged(id));
    }
    same!(state());
    same!(history());
    same!(kept_after(None, usize::MAX >> 1));
    same!(ids_after(None, 1 << 20));
    same!(user_count());
    for lane in [Lane::Users, Lane::Messages] {
        same!(backlog(lane));
    }
    for tree in [Tree::Users, Tree::Contents] {
        same!(sums(tree, None));
    }
    Ok(None)
}

impl World {
    /// Dice for the disk of a server, at this moment.
    fn disk_dice(&self, side: usize) -> Dice {
        Dice::new(self.trace ^ (self.steps << 1) ^ side as u64)
    }

    /// Plans what the disk does during the next group.
    pub(crate) fn plan(&mut self, side: usize, fate: Fate) {
        let mut dice = self.disk_dice(side);
        let Some(disk) = &mut self.nodes[side].ledger.disk else {
            return;
        };
        let fault = match fate {
            Fate::Kept | Fate::DiedAfter(_) => return,
            Fate::LostBeforeCommit => Fault::Crash,
            Fate::Undone if dice.chance(500) => Fault::SyncFails,
            Fate::Undone | Fate::NoRoom => Fault::Full,
        };
        // A group takes some operations; some groups, and the checkpoint before one, many.
        let at = dice.below(2 << dice.clone().below(5));
        disk.disk.fail(at, fault);
        disk.planned = true;
    }

    /// After a group: a process whose disk has gone dies, and a full one has room again.
    pub(crate) fn after_faults(&mut self, side: usize) {
        let Some(disk) = &mut self.nodes[side].ledger.disk else {
            return;
        };
        if !std::mem::take(&mut disk.planned) {
            return;
        }
        let happened = disk.disk.failed().is_some();
        disk.disk.heal();
        if happened {
            self.counters.hit(Sometimes::DiskFault);
            if self.nodes[side].process.is_some() && self.disk_dice(side).chance(500) {
                self.kill(side);
            }
        }
    }

    /// A process ends, and perhaps its machine.
    pub(crate) fn disk_dies(&mut self, side: usize) {
        let mut dice = self.disk_dice(side);
        if let Some(disk) = &mut self.nodes[side].ledger.disk {
            let power = dice.chance(700);
            disk.dies(power, &mut dice);
            if power {
                self.counters.hit(Sometimes::PowerCut);
            }
        }
    }

    /// A process starts: its store holds what was committed, and of what was under way all or nothing.
    pub(crate) fn opens(&mut self, side: usize) -> Result<(), Failure> {
        let mut dice = self.disk_dice(side);
        let facts = std::mem::take(&mut self.in_doubt[side]);
        let born = self.oracle.born.keys();
        let made = facts.iter().map(|(change, _, _)| change.id());
        let ids: BTreeSet<_> = born.copied().chain(made).collect();
        let store = &mut self.nodes[side].ledger;
        let Some(disk) = &mut store.disk else {
            return Ok(());
        };
        let check = "what was committed is there";
        if let Err(found) = disk.opens(&mut dice) {
            return failed(check, format!("{}: {found}", NAMES[side]));
        }
        // A body that a transaction has written before it failed is kept if it is whole: the store may have more than was committed.
        let kept = self.contents.keys().filter(|body| disk.has(body));
        store.memory.bodies.extend(kept);
        let in_doubt = disk.in_doubt.take();
        if let Err(found) = disk.holds(&store.memory, &ids) {
            let after = in_doubt.filter(|after| disk.holds(after, &ids).is_ok());
            let Some(after) = after else {
                return failed(check, format!("{}: {found}", NAMES[side]));
            };
            self.counters.hit(Sometimes::DurableUntold);
            store.memory = after;
            self.record(side, facts);
        }
        self.reads_bodies(side)
    }

    /// What messages hold can be read.
    pub(crate) fn reads_bodies(&mut self, side: usize) -> Result<(), Failure> {
        let store = &self.nodes[side].ledger;
        let Some(disk) = &store.disk else {
            return Ok(());
        };
        match disk.reads(&store.memory, &self.contents) {
            Ok(()) => Ok(()),
            Err(found) => failed(
                "a body that is there is whole",
                format!("{}: {found}", NAMES[side]),
            ),
        }
    }

    /// Messages get real bodies, where stores are real.
    pub(crate) fn fill(&mut self, changes: &mut [Change]) {
        if !self.options.disk {
            return;
        }
        for change in changes {
            let id = change.id();
            if let Change::Create {
                body: Some(body), ..
            } = change
            {
                let bytes = id.as_bytes().repeat(2 + body.len as usize % 300);
                *body = BodyRef::of(&bytes);
                self.contents.insert(*body, Bytes::from(bytes));
            }
        }
    }
}
