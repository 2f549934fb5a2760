//! A ledger in memory, for tests and simulations.
//!
//! It is what a store is to the engine, without a disk: clone it when a transaction begins and put the clone back if the
//! transaction is lost, or let it take a [`Memory::snapshot`] of everything as a backup does.

mod damage;

use crate::{
    Backlog, Damage, DeletionRecord, Held, HistoryEntry, Lane, Leaf, Ledger, LedgerError, Mark,
    Order, ReplicaState, Tombstone, Tree, Unreadable,
};
use domain::{BodyRef, Digest, Kind, Object, ObjectId, ServerId, Timestamp, User};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

/// A ledger in memory. Nothing in it can fail, but for a [`Ledger::switch`] while something is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The objects.
    pub objects: BTreeMap<ObjectId, Object>,
    /// Their marks.
    pub marks: BTreeMap<ObjectId, Mark>,
    /// The tombstones.
    pub tombstones: BTreeMap<ObjectId, Tombstone>,
    /// The deletion records.
    pub deletion_records: BTreeMap<ObjectId, DeletionRecord>,
    /// What is held back.
    pub held: BTreeMap<ObjectId, Held>,
    /// What is staged for a rebuild.
    pub staged: BTreeMap<ObjectId, Object>,
    /// What tasks have removed.
    pub kept: BTreeMap<ObjectId, Object>,
    /// The bodies that are here.
    pub bodies: BTreeSet<BodyRef>,
    /// Objects that cannot be read.
    pub unreadable: BTreeMap<ObjectId, Unreadable>,
    /// Objects of which nobody has noticed yet that they cannot be read.
    pub spoilt: BTreeSet<ObjectId>,
    /// Of bodies that are not whole yet, how many bytes are here.
    pub body_parts: BTreeMap<BodyRef, u32>,
    /// The incarnations of this server.
    pub history: Vec<HistoryEntry>,
    /// The engine's small state.
    pub state: ReplicaState,
    queue: BTreeSet<(Lane, Timestamp, ObjectId)>,
    owned: BTreeSet<(ObjectId, ObjectId)>,
    leaves: BTreeSet<(Leaf, ObjectId)>,
    sums: Sums,
    staged_sums: Sums,
    numbers: BTreeSet<(String, ObjectId)>,
    undo: Option<Vec<Undo>>,
    perhaps_missing: Suspects,
}

/// Bodies that may be missing, and all that are: so that a ledger in which none is need not look through its objects. Two ledgers that hold
/// the same are equal whatever they suspect.
#[derive(Clone, Debug, Default)]
struct Suspects(BTreeSet<BodyRef>);

impl PartialEq for Suspects {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Suspects {}

/// Sums of digests by leaf; what is empty is not there.
type Sums = BTreeMap<Leaf, Digest>;

/// What a change replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Undo {
    Object(ObjectId, Option<Object>),
    Mark(ObjectId, Option<Mark>),
    Tombstone(ObjectId, Option<Tombstone>),
    DeletionRecord(ObjectId, Option<DeletionRecord>),
    Held(ObjectId, Option<Held>),
    Staged(ObjectId, Option<Object>),
    Kept(ObjectId, Option<Object>),
    Switch,
    Body(BodyRef),
    BodyLost(BodyRef),
    Unreadable(ObjectId, Option<Unreadable>),
    Spoilt(ObjectId),
    Sound(ObjectId),
    Part(BodyRef, Option<u32>),
    Lineage,
    Incarnations(Vec<HistoryEntry>),
    State(Box<ReplicaState>),
}

impl Memory {
    /// Opens a transaction, so that it can be rolled back.
    pub fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    /// Ends the transaction; what it wrote stays.
    pub fn commit(&mut self) {
        let switched = self.undo.take().unwrap_or_default();
        if switched.iter().any(|step| matches!(step, Undo::Switch)) {
            self.staged_sums.clear();
        }
    }

    /// Ends the transaction; what it wrote is gone, as after a crash before the commit.
    pub fn roll_back(&mut self) {
        let undo = self.undo.take().unwrap_or_default();
        self.take_back(undo);
    }

    /// The present moment of the open transaction, for [`Self::roll_back_to`].
    pub fn savepoint(&self) -> usize {
        self.undo.as_ref().map_or(0, Vec::len)
    }

    /// What the open transaction has written since then has not happened; the transaction goes on.
    pub fn roll_back_to(&mut self, savepoint: usize) {
        let Some(mut undo) = self.undo.take() else {
            return;
        };
        let since = undo.split_off(savepoint.min(undo.len()));
        self.take_back(since);
        self.undo = Some(undo);
    }

    fn take_back(&mut self, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            match step {
                Undo::Object(id, old) => self.replace_object(&id, old),
                Undo::Mark(id, old) => self.replace_mark(&id, old),
                Undo::Tombstone(id, old) => restore(&mut self.tombstones, id, old),
                Undo::DeletionRecord(id, old) => restore(&mut self.deletion_records, id, old),
                Undo::Held(id, old) => restore(&mut self.held, id, old),
                Undo::Staged(id, old) => self.replace_staged(&id, old),
                Undo::Kept(id, old) => restore(&mut self.kept, id, old),
                Undo::Switch => {
                    std::mem::swap(&mut self.staged, &mut self.objects);
                    std::mem::swap(&mut self.objects, &mut self.kept);
                    std::mem::swap(&mut self.sums, &mut self.staged_sums);
                    self.index();
                }
                Undo::Body(body) => {
                    self.bodies.remove(&body);
                    self.perhaps_missing.0.insert(body);
                }
                Undo::BodyLost(body) => {
                    self.bodies.insert(body);
                }
                Undo::Unreadable(id, old) => restore(&mut self.unreadable, id, old),
                Undo::Spoilt(id) => {
                    self.spoilt.remove(&id);
                }
                Undo::Sound(id) => {
                    self.spoilt.insert(id);
                }
                Undo::Part(body, old) => {
                    match old {
                        Some(old) => self.body_parts.insert(body, old),
                        None => self.body_parts.remove(&body),
                    };
                }
                Undo::Lineage => {
                    self.history.pop();
                }
                Undo::Incarnations(old) => self.history = old,
                Undo::State(old) => self.state = *old,
            }
        }
    }

    /// Everything that is durable, as a backup takes it.
    pub fn snapshot(&self) -> Self {
        self.clone()
    }

    fn remember(&mut self, step: Undo) {
        if let Some(undo) = &mut self.undo {
            undo.push(step);
        }
    }

    /// An object is written whose body may not be here.
    fn suspect(&mut self, object: Option<&Object>) {
        if let Some(body) = object.and_then(|object| object.body)
            && !self.bodies.contains(&body)
        {
            self.perhaps_missing.0.insert(body);
        }
    }

    fn replace_object(&mut self, id: &ObjectId, new: Option<Object>) {
        self.suspect(new.as_ref());
        let owner = new.as_ref().and_then(|o| o.owner);
        let old = match new {
            Some(new) => self.objects.insert(*id, new),
            None => self.objects.remove(id),
        };
        let was = old.as_ref().and_then(|o| o.owner);
        if was != owner {
            was.map(|was| self.owned.remove(&(was, *id)));
            owner.map(|owner| self.owned.insert((owner, *id)));
        }
        let new = self.objects.get(id);
        let stays = matches!((&old, new), (Some(old), Some(new)) if old.owner == new.owner);
        let at = new.or(old.as_ref()).map(|object| Leaf::of(id, object));
        if let (Some(old), Some(at)) = (&old, at) {
            let leaf = if stays { at } else { Leaf::of(id, old) };
            if !stays {
                self.leaves.remove(&(leaf, *id));
            }
            take(&mut self.sums, leaf, old.digest(id));
        }
        if let (Some(new), Some(leaf)) = (new, at) {
            if !stays {
                self.leaves.insert((leaf, *id));
            }
            give(&mut self.sums, leaf, new.digest(id));
        }
        let (was, is) = (old.as_ref().and_then(number), new.and_then(number));
        if was != is {
            was.map(|number| self.numbers.remove(&(number, *id)));
            is.map(|number| self.numbers.insert((number, *id)));
        }
        self.remember(Undo::Object(*id, old));
    }

    fn replace_staged(&mut self, id: &ObjectId, new: Option<Object>) {
        self.suspect(new.as_ref());
        if let Some(new) = &new {
            give(&mut self.staged_sums, Leaf::of(id, new), new.digest(id));
        }
        let old = match new {
            Some(new) => self.staged.insert(*id, new),
            None => self.staged.remove(id),
        };
        if let Some(old) = &old {
            take(&mut self.staged_sums, Leaf::of(id, old), old.digest(id));
        }
        self.remember(Undo::Staged(*id, old));
    }

    /// Makes the indexes of the live objects anew.
    fn index(&mut self) {
        let all = || self.objects.iter();
        self.owned = all().filter_map(|(id, o)| Some((o.owner?, *id))).collect();
        self.leaves = all().map(|(id, o)| (Leaf::of(id, o), *id)).collect();
        self.numbers = all()
            .filter_map(|(id, o)| Some((number(o)?, *id)))
            .collect();
    }

    fn replace_mark(&mut self, id: &ObjectId, new: Option<Mark>) {
        let old = match new {
            Some(new) => self.marks.insert(*id, new),
            None => self.marks.remove(id),
        };
        if let Some(old) = old {
            self.queue.remove(&(old.lane, old.since, *id));
        }
        if let Some(new) = new {
            self.queue.insert((new.lane, new.since, *id));
        }
        self.remember(Undo::Mark(*id, old));
    }
}

fn give(sums: &mut Sums, leaf: Leaf, digest: Digest) {
    let sum = sums.entry(leaf).or_default();
    *sum = sum.plus(digest);
}

fn take(sums: &mut Sums, leaf: Leaf, digest: Digest) {
    let sum = sums.entry(leaf).or_default();
    *sum = sum.minus(digest);
    if *sum == Digest::default() {
        sums.remove(&leaf);
    }
}

fn from(after: Option<&ObjectId>) -> Bound<ObjectId> {
    after.map_or(Unbounded, |id| Excluded(*id))
}

/// The mailbox number of a user.
fn number(object: &Object) -> Option<String> {
    User::of(object).map(|user| user.number().to_owned())
}

fn restore<T>(map: &mut BTreeMap<ObjectId, T>, id: ObjectId, old: Option<T>) {
    match old {
        Some(old) => map.insert(id, old),
        None => map.remove(&id),
    };
}

impl Ledger for Memory {
    fn object(&mut self, id: &ObjectId) -> Result<Option<Object>, LedgerError> {
        self.set_aside(id);
        Ok(self.objects.get(id).cloned())
    }

    fn put(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
        self.mend(id);
        self.replace_object(id, Some(object.clone()));
        Ok(())
    }

    fn remove(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        self.mend(id);
        self.replace_object(id, None);
        Ok(())
    }

    fn owned_by(&mut self, owner: &ObjectId) -> Result<Vec<ObjectId>, LedgerError> {
        let first = (*owner, ObjectId::from_bytes([0; 16]));
        let last = (*owner, ObjectId::from_bytes([255; 16]));
        Ok(self.owned.range(first..=last).map(|(_, id)| *id).collect())
    }

    fn ids_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerError> {
        Ok(self
            .objects
            .range((from(after), Unbounded))
            .map(|(id, _)| *id)
            .take(limit)
            .collect())
    }

    fn has_body(&mut self, body: &BodyRef) -> Result<bool, LedgerError> {
        Ok(self.bodies.contains(body))
    }

    fn damage(&mut self) -> Result<Damage, LedgerError> {
        let bodies = self.missing_after(None, usize::MAX)?.len() as u64;
        let lost = self.unreadable.values().filter(|row| row.lost);
        Ok(Damage {
            bodies,
            rows: self.unreadable.len() as u64,
            lost_rows: lost.count() as u64,
        })
    }

    fn missing_after(
        &mut self,
        after: Option<&BodyRef>,
        limit: usize,
    ) -> Result<Vec<BodyRef>, LedgerError> {
        if self.perhaps_missing.0.is_empty() {
            return Ok(Vec::new());
        }
        let referred = self.referred();
        let suspects = self.perhaps_missing.0.iter().copied();
        let missing =
            suspects.filter(|body| !self.bodies.contains(body) && referred.contains(body));
        let missing = missing.filter(|body| after.is_none_or(|after| body > after));
        Ok(missing.take(limit).collect())
    }

    fn unreadable(&mut self, id: &ObjectId) -> Result<Option<Unreadable>, LedgerError> {
        Ok(self.unreadable.get(id).copied())
    }

    fn unreadable_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Unreadable)>, LedgerError> {
        let all = self.unreadable.range((from(after), Unbounded));
        Ok(all.map(|(id, row)| (*id, *row)).take(limit).collect())
    }

    fn set_lost(&mut self, id: &ObjectId, lost: bool) -> Result<(), LedgerError> {
        if let Some(old) = self.unreadable.get(id).copied() {
            self.unreadable.insert(*id, Unreadable { lost, ..old });
            self.remember(Undo::Unreadable(*id, Some(old)));
        }
        Ok(())
    }

    fn body_part(&mut self, body: &BodyRef) -> Result<u32, LedgerError> {
        Ok(self.body_parts.get(body).copied().unwrap_or(0))
    }

    fn mark(&mut self, id: &ObjectId) -> Result<Option<Mark>, LedgerError> {
        Ok(self.marks.get(id).copied())
    }

    fn set_mark(&mut self, id: &ObjectId, mark: &Mark) -> Result<(), LedgerError> {
        self.replace_mark(id, Some(*mark));
        Ok(())
    }

    fn clear_mark(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        if self.marks.contains_key(id) {
            self.replace_mark(id, None);
        }
        Ok(())
    }

    fn marks(
        &mut self,
        lane: Lane,
        order: Order,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Mark)>, LedgerError> {
        let lowest = (lane, from, ObjectId::from_bytes([0; 16]));
        let highest = (lane, Timestamp(i64::MAX), ObjectId::from_bytes([255; 16]));
        let range = self.queue.range(lowest..=highest);
        let found = |key: &(Lane, Timestamp, ObjectId)| (key.2, self.marks[&key.2]);
        if order == Order::Oldest {
            return Ok(range.take(limit).map(found).collect());
        }
        // Read backwards to the end of a tie: within it the lowest ids come first.
        let mut newest: Vec<(Lane, Timestamp, ObjectId)> = Vec::new();
        for key in range.rev() {
            if newest.len() >= limit && newest.last().is_none_or(|last| key.1 != last.1) {
                break;
            }
            newest.push(*key);
        }
        newest.sort_by_key(|key| (Reverse(key.1), key.2));
        Ok(newest.iter().take(limit).map(found).collect())
    }

    fn backlog(&mut self, lane: Lane) -> Result<Backlog, LedgerError> {
        let lowest = (lane, Timestamp(i64::MIN), ObjectId::from_bytes([0; 16]));
        let highest = (lane, Timestamp(i64::MAX), ObjectId::from_bytes([255; 16]));
        let mut range = self.queue.range(lowest..=highest);
        let oldest = range.next().map(|key| key.1);
        let count = u64::from(oldest.is_some()) + range.count() as u64;
        Ok(Backlog { count, oldest })
    }

    fn tombstone(&mut self, id: &ObjectId) -> Result<Option<Tombstone>, LedgerError> {
        Ok(self.tombstones.get(id).copied())
    }

    fn set_tombstone(&mut self, id: &ObjectId, tombstone: &Tombstone) -> Result<(), LedgerError> {
        let old = self.tombstones.insert(*id, *tombstone);
        self.remember(Undo::Tombstone(*id, old));
        Ok(())
    }

    fn clear_tombstone(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        if let Some(old) = self.tombstones.remove(id) {
            self.remember(Undo::Tombstone(*id, Some(old)));
        }
        Ok(())
    }

    fn deletion_record(&mut self, id: &ObjectId) -> Result<Option<DeletionRecord>, LedgerError> {
        Ok(self.deletion_records.get(id).copied())
    }

    fn record_deletion(
        &mut self,
        id: &ObjectId,
        deletion_record: &DeletionRecord,
    ) -> Result<(), LedgerError> {
        let old = self.deletion_records.insert(*id, *deletion_record);
        self.remember(Undo::DeletionRecord(*id, old));
        Ok(())
    }

    fn forget_deletion_records(
        &mut self,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, LedgerError> {
        let old = |deletion_record: &DeletionRecord| {
            deletion_record.at < before && deletion_record.kind != Kind::USER
        };
        let old = self
            .deletion_records
            .iter()
            .filter(|(_, deletion_record)| old(deletion_record));
        let ids: Vec<_> = old.map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            let deletion_record = self.deletion_records.remove(id);
            self.remember(Undo::DeletionRecord(*id, deletion_record));
        }
        Ok(ids.len())
    }

    fn held(&mut self, id: &ObjectId) -> Result<Option<Held>, LedgerError> {
        Ok(self.held.get(id).copied())
    }

    fn set_held(&mut self, id: &ObjectId, held: &Held) -> Result<(), LedgerError> {
        let old = self.held.insert(*id, *held);
        self.remember(Undo::Held(*id, old));
        Ok(())
    }

    fn clear_held(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        if let Some(old) = self.held.remove(id) {
            self.remember(Undo::Held(*id, Some(old)));
        }
        Ok(())
    }

    fn held_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Held)>, LedgerError> {
        let all = self.held.range((from(after), Unbounded));
        Ok(all.map(|(id, held)| (*id, *held)).take(limit).collect())
    }

    fn sums(&mut self, tree: Tree, part: Option<u8>) -> Result<Vec<Digest>, LedgerError> {
        let mut sums = vec![Digest::default(); 256];
        let at = |no| Leaf { tree, no };
        let range = match part {
            None => at(0)..=at(u16::MAX),
            Some(part) => at(u16::from(part) << 8)..=at(u16::from(part) << 8 | 0xff),
        };
        for (leaf, digest) in self.sums.range(range) {
            let slot = match part {
                None => leaf.no >> 8,
                Some(_) => leaf.no & 0xff,
            };
            let sum = &mut sums[usize::from(slot)];
            *sum = sum.plus(*digest);
        }
        Ok(sums)
    }

    fn in_leaf(
        &mut self,
        tree: Tree,
        leaf: u16,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerError> {
        let leaf = Leaf { tree, no: leaf };
        let first = match after {
            Some(after) => Excluded((leaf, *after)),
            None => Included((leaf, ObjectId::from_bytes([0; 16]))),
        };
        let last = Included((leaf, ObjectId::from_bytes([255; 16])));
        let all = self.leaves.range((first, last));
        Ok(all.map(|(_, id)| *id).take(limit).collect())
    }

    fn users_with_number(&mut self, number: &str) -> Result<Vec<ObjectId>, LedgerError> {
        let first = (number.to_owned(), ObjectId::from_bytes([0; 16]));
        let all = self.numbers.range(first..);
        let same = all.take_while(|(other, _)| other == number);
        Ok(same.map(|(_, id)| *id).collect())
    }

    fn user_count(&mut self) -> Result<u64, LedgerError> {
        Ok(self.numbers.len() as u64)
    }

    fn users_of(&mut self, home: ServerId) -> Result<u64, LedgerError> {
        let users = self.numbers.iter().map(|(_, id)| &self.objects[id]);
        let of = |user: &&Object| User::of(user).is_some_and(|user| user.home() == Some(home));
        Ok(users.filter(of).count() as u64)
    }

    fn staged_owned_by(&mut self, owner: &ObjectId) -> Result<Vec<ObjectId>, LedgerError> {
        let of = |object: &Object| object.owner.as_ref() == Some(owner);
        let all = self.staged.iter().filter(|(_, object)| of(object));
        Ok(all.map(|(id, _)| *id).collect())
    }

    fn staged(&mut self, id: &ObjectId) -> Result<Option<Object>, LedgerError> {
        Ok(self.staged.get(id).cloned())
    }

    fn stage(&mut self, id: &ObjectId, object: Option<&Object>) -> Result<(), LedgerError> {
        self.replace_staged(id, object.cloned());
        Ok(())
    }

    fn unstage(&mut self, limit: usize) -> Result<usize, LedgerError> {
        let ids: Vec<_> = self.staged.keys().copied().take(limit).collect();
        for id in &ids {
            self.replace_staged(id, None);
        }
        Ok(ids.len())
    }

    fn switch(&mut self) -> Result<(), LedgerError> {
        if !self.kept.is_empty() {
            return Err(LedgerError("something is still kept".into()));
        }
        // What was damaged of the old live objects is nothing to the new ones.
        for id in std::mem::take(&mut self.spoilt) {
            self.remember(Undo::Sound(id));
        }
        let mended = |id: &&ObjectId| self.staged.contains_key(id);
        let mended: Vec<_> = self.unreadable.keys().filter(mended).copied().collect();
        mended.iter().for_each(|id| self.mend(id));
        std::mem::swap(&mut self.objects, &mut self.kept);
        std::mem::swap(&mut self.staged, &mut self.objects);
        std::mem::swap(&mut self.sums, &mut self.staged_sums);
        // Whoever rolls back finds the old sums among the staged ones.
        if self.undo.is_none() {
            self.staged_sums.clear();
        }
        self.index();
        self.remember(Undo::Switch);
        Ok(())
    }

    fn keep(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
        self.suspect(Some(object));
        let old = self.kept.insert(*id, object.clone());
        self.remember(Undo::Kept(*id, old));
        Ok(())
    }

    fn kept_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Object)>, LedgerError> {
        let all = self.kept.range((from(after), Unbounded)).take(limit);
        Ok(all.map(|(id, object)| (*id, object.clone())).collect())
    }

    fn kept_count(&mut self) -> Result<u64, LedgerError> {
        Ok(self.kept.len() as u64)
    }

    fn forget_kept(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        if let Some(old) = self.kept.remove(id) {
            self.remember(Undo::Kept(*id, Some(old)));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<ReplicaState, LedgerError> {
        Ok(self.state.clone())
    }

    fn set_state(&mut self, state: &ReplicaState) -> Result<(), LedgerError> {
        let old = std::mem::replace(&mut self.state, state.clone());
        self.remember(Undo::State(Box::new(old)));
        Ok(())
    }

    fn history(&mut self) -> Result<Vec<HistoryEntry>, LedgerError> {
        Ok(self.history.clone())
    }

    fn add_incarnation(&mut self, entry: &HistoryEntry) -> Result<(), LedgerError> {
        self.history.push(*entry);
        self.remember(Undo::Lineage);
        Ok(())
    }

    fn forget_incarnations(&mut self, before: Timestamp) -> Result<usize, LedgerError> {
        let old = self.history.iter();
        let old = old.take_while(|entry| entry.began < before).count();
        if old > 0 {
            let whole = self.history.clone();
            self.history.drain(..old);
            self.remember(Undo::Incarnations(whole));
        }
        Ok(old)
    }
}
