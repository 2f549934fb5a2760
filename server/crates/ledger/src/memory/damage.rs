//! The bodies of a ledger in memory, and what is damaged in it.

use super::{Memory, Undo};
use crate::Unreadable;
use domain::{BodyRef, ObjectId};
use std::collections::{BTreeMap, BTreeSet};

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
            self.perhaps_missing.0.remove(&body);
            self.remember(Undo::Body(body));
            self.set_part(body, None);
        }
    }

    /// Appends a piece to what is here of a body; one that does not begin where that ends changes nothing. With the last one the body is
    /// whole.
    pub fn receive_piece(&mut self, body: BodyRef, at: u32, len: u32) {
        let have = self.body_parts.get(&body).copied().unwrap_or(0);
        if at != have || self.bodies.contains(&body) {
            return;
        }
        match at.checked_add(len) {
            Some(end) if end < body.len => self.set_part(body, Some(end)),
            _ => self.receive_body(body),
        }
    }

    fn set_part(&mut self, body: BodyRef, part: Option<u32>) {
        let old = match part {
            Some(part) => self.body_parts.insert(body, part),
            None => self.body_parts.remove(&body),
        };
        if old != part {
            self.remember(Undo::Part(body, old));
        }
    }

    /// From now on a body is missing.
    pub fn lose_body(&mut self, body: &BodyRef) {
        if self.bodies.remove(body) {
            self.perhaps_missing.0.insert(*body);
            self.remember(Undo::BodyLost(*body));
        }
    }

    /// Damages the row of an object: whoever reads it next finds that it cannot be read.
    pub fn spoil(&mut self, id: ObjectId) {
        if self.objects.contains_key(&id) && self.spoilt.insert(id) {
            self.remember(Undo::Spoilt(id));
        }
    }

    /// Sets aside what cannot be read. Says whether it could not.
    pub(super) fn set_aside(&mut self, id: &ObjectId) -> bool {
        if !self.spoilt.contains(id) {
            return false;
        }
        let Some(object) = self.objects.get(id) else {
            return false;
        };
        let unreadable = Unreadable {
            kind: object.kind,
            owner: object.owner,
            lost: false,
        };
        self.replace_object(id, None);
        self.is_sound(id);
        let old = self.unreadable.insert(*id, unreadable);
        self.remember(Undo::Unreadable(*id, old));
        true
    }

    /// An object is written or removed: what was damaged of it is over.
    pub(super) fn mend(&mut self, id: &ObjectId) {
        self.is_sound(id);
        if let Some(old) = self.unreadable.remove(id) {
            self.remember(Undo::Unreadable(*id, Some(old)));
        }
    }

    fn is_sound(&mut self, id: &ObjectId) {
        if self.spoilt.remove(id) {
            self.remember(Undo::Sound(*id));
        }
    }

    /// Bodies that something refers to.
    pub(super) fn referred(&self) -> BTreeSet<BodyRef> {
        let spaces = [&self.objects, &self.staged, &self.kept];
        let objects = spaces.into_iter().flat_map(BTreeMap::values);
        objects.filter_map(|object| object.body).collect()
    }
}
