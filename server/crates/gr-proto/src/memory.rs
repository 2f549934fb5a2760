//! A ledger in memory, for tests and simulations.
//!
//! It is what a store is to the engine, without a disk: clone it when a transaction begins and put the clone back if the
//! transaction is lost, or let it take a [`Memory::snapshot`] of everything as a backup does.

use domain::{
    Backlog, BodyRef, Grave, Lane, Ledger, LedgerError, LineageEntry, Mark, Object, ObjectId,
    Order, ReplicaState, Timestamp, Tomb,
};
use std::collections::{BTreeMap, BTreeSet};

/// A ledger in memory. Nothing in it can fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The objects.
    pub objects: BTreeMap<ObjectId, Object>,
    /// Their marks.
    pub marks: BTreeMap<ObjectId, Mark>,
    /// The tombstones.
    pub tombs: BTreeMap<ObjectId, Tomb>,
    /// The graves.
    pub graves: BTreeMap<ObjectId, Grave>,
    /// The bodies that are here.
    pub bodies: BTreeSet<BodyRef>,
    /// The lives of this server.
    pub lineage: Vec<LineageEntry>,
    /// The engine's small state.
    pub state: ReplicaState,
    queue: BTreeSet<(Lane, Timestamp, ObjectId)>,
    owned: BTreeSet<(ObjectId, ObjectId)>,
    undo: Option<Vec<Undo>>,
}

/// What a change replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Undo {
    Object(ObjectId, Option<Object>),
    Mark(ObjectId, Option<Mark>),
    Tomb(ObjectId, Option<Tomb>),
    Grave(ObjectId, Option<Grave>),
    Body(BodyRef),
    Lineage,
    State(ReplicaState),
}

impl Memory {
    /// Makes bytes a body that is here.
    pub fn append_body(&mut self, bytes: &[u8]) -> BodyRef {
        let body = BodyRef::of(bytes);
        self.receive_body(body);
        body
    }

    /// Makes a body be here, whose bytes do not matter.
    pub fn receive_body(&mut self, body: BodyRef) {
        if self.bodies.insert(body) {
            self.remember(Undo::Body(body));
        }
    }

    /// Opens a transaction, so that it can be rolled back.
    pub fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    /// Ends the transaction; what it wrote stays.
    pub fn commit(&mut self) {
        self.undo = None;
    }

    /// Ends the transaction; what it wrote is gone, as after a crash before the commit.
    pub fn roll_back(&mut self) {
        let undo = self.undo.take().unwrap_or_default();
        for step in undo.into_iter().rev() {
            match step {
                Undo::Object(id, old) => self.replace_object(&id, old),
                Undo::Mark(id, old) => self.replace_mark(&id, old),
                Undo::Tomb(id, old) => restore(&mut self.tombs, id, old),
                Undo::Grave(id, old) => restore(&mut self.graves, id, old),
                Undo::Body(body) => {
                    self.bodies.remove(&body);
                }
                Undo::Lineage => {
                    self.lineage.pop();
                }
                Undo::State(old) => self.state = old,
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

    fn replace_object(&mut self, id: &ObjectId, new: Option<Object>) {
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
        self.remember(Undo::Object(*id, old));
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

fn restore<T>(map: &mut BTreeMap<ObjectId, T>, id: ObjectId, old: Option<T>) {
    match old {
        Some(old) => map.insert(id, old),
        None => map.remove(&id),
    };
}

impl Ledger for Memory {
    fn object(&mut self, id: &ObjectId) -> Result<Option<Object>, LedgerError> {
        Ok(self.objects.get(id).cloned())
    }

    fn put(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
        self.replace_object(id, Some(object.clone()));
        Ok(())
    }

    fn remove(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
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
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, |id| Excluded(*id));
        Ok(self
            .objects
            .range((from, Unbounded))
            .map(|(id, _)| *id)
            .take(limit)
            .collect())
    }

    fn has_body(&mut self, body: &BodyRef) -> Result<bool, LedgerError> {
        Ok(self.bodies.contains(body))
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
        Ok(match order {
            Order::Oldest => range.take(limit).map(found).collect(),
            Order::Newest => range.rev().take(limit).map(found).collect(),
        })
    }

    fn backlog(&mut self, lane: Lane) -> Result<Backlog, LedgerError> {
        let lowest = (lane, Timestamp(i64::MIN), ObjectId::from_bytes([0; 16]));
        let highest = (lane, Timestamp(i64::MAX), ObjectId::from_bytes([255; 16]));
        let mut range = self.queue.range(lowest..=highest);
        let oldest = range.next().map(|key| key.1);
        let count = u64::from(oldest.is_some()) + range.count() as u64;
        Ok(Backlog { count, oldest })
    }

    fn tomb(&mut self, id: &ObjectId) -> Result<Option<Tomb>, LedgerError> {
        Ok(self.tombs.get(id).copied())
    }

    fn set_tomb(&mut self, id: &ObjectId, tomb: &Tomb) -> Result<(), LedgerError> {
        let old = self.tombs.insert(*id, *tomb);
        self.remember(Undo::Tomb(*id, old));
        Ok(())
    }

    fn clear_tomb(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        if let Some(old) = self.tombs.remove(id) {
            self.remember(Undo::Tomb(*id, Some(old)));
        }
        Ok(())
    }

    fn grave(&mut self, id: &ObjectId) -> Result<Option<Grave>, LedgerError> {
        Ok(self.graves.get(id).copied())
    }

    fn bury(&mut self, id: &ObjectId, grave: &Grave) -> Result<(), LedgerError> {
        let old = self.graves.insert(*id, *grave);
        self.remember(Undo::Grave(*id, old));
        Ok(())
    }

    fn state(&mut self) -> Result<ReplicaState, LedgerError> {
        Ok(self.state.clone())
    }

    fn set_state(&mut self, state: &ReplicaState) -> Result<(), LedgerError> {
        let old = std::mem::replace(&mut self.state, state.clone());
        self.remember(Undo::State(old));
        Ok(())
    }

    fn lineage(&mut self) -> Result<Vec<LineageEntry>, LedgerError> {
        Ok(self.lineage.clone())
    }

    fn add_life(&mut self, entry: &LineageEntry) -> Result<(), LedgerError> {
        self.lineage.push(*entry);
        self.remember(Undo::Lineage);
        Ok(())
    }
}
