//! What readers find damaged: they cannot write, so they note it for the writer.

use crate::segments::Location;
use domain::{BodyRef, ObjectId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// So much is noted until the writer has looked at it. What is beyond is found again when it is read again.
const NOTED_MAX: usize = 4_096;

/// Shared by the writer of a store and its readers.
#[derive(Default)]
pub(crate) struct Noted {
    found: Mutex<NotedDamage>,
    alarm: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// Its bytes are others, or not there.
    Gone,
    /// The disk did not give them. It may do so another time.
    Unread,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotedDamage {
    /// Objects whose rows cannot be read.
    pub rows: BTreeSet<ObjectId>,
    /// Bodies that could not be read twice, where they lie, and what was wrong.
    pub bodies: BTreeMap<BodyRef, (Location, BodyFault)>,
    /// Bodies that were missing and can be read again, and where.
    pub back: BTreeMap<BodyRef, Location>,
}

impl NotedDamage {
    fn len(&self) -> usize {
        self.rows.len() + self.bodies.len() + self.back.len()
    }
}

impl Noted {
    /// Calls this whenever something is noted.
    pub(crate) fn set_alarm(&self, alarm: Box<dyn Fn() + Send + Sync>) {
        // A second one would hear nothing; there is one server to a store.
        let _ = self.alarm.set(alarm);
    }

    /// A row cannot be read.
    pub(crate) fn row(&self, id: ObjectId) {
        self.note(|found| found.rows.insert(id));
    }

    /// A body cannot be read.
    pub(crate) fn body(&self, body: BodyRef, at: Location, fault: BodyFault) {
        self.note(|found| found.bodies.insert(body, (at, fault)).is_none());
    }

    /// A missing body can be read after all.
    pub(crate) fn back(&self, body: BodyRef, at: Location) {
        self.note(|found| found.back.insert(body, at).is_none());
    }

    /// Takes what was noted.
    pub(crate) fn take(&self) -> NotedDamage {
        std::mem::take(&mut self.lock())
    }

    /// Notes again what the writer could not keep after all; nobody is told anew.
    pub(crate) fn put_back(&self, taken: NotedDamage) {
        let mut found = self.lock();
        // What was noted since is newer.
        found.rows.extend(taken.rows);
        for (body, at) in taken.bodies {
            found.bodies.entry(body).or_insert(at);
        }
        for (body, at) in taken.back {
            found.back.entry(body).or_insert(at);
        }
    }

    fn note(&self, add: impl FnOnce(&mut NotedDamage) -> bool) {
        let mut found = self.lock();
        let new = found.len() < NOTED_MAX && add(&mut found);
        drop(found);
        if let Some(alarm) = self.alarm.get().filter(|_| new) {
            alarm();
        }
    }

    /// The lists are whole whatever a panicking thread did.
    fn lock(&self) -> std::sync::MutexGuard<'_, NotedDamage> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted")
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

/// How it is handed around.
pub(crate) type SharedNoted = Arc<Noted>;
