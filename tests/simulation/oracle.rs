//! What must be true: facts of the history that the servers cannot forget, and the checks by name.

use domain::{Key, Object, ObjectId, Version};
use gr_proto::memory::Memory;
use std::collections::{BTreeMap, BTreeSet};

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the check.
    pub check: &'static str,
    /// What it found.
    pub found: String,
}

/// A failure of a check.
pub fn failed<T>(check: &'static str, found: impl Into<String>) -> Result<T, Failure> {
    Err(Failure {
        check,
        found: found.into(),
    })
}

/// The registers of an object, with their versions.
pub type Versions = Vec<(Key, Version)>;

/// What has happened for certain: committed on some server.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Objects, with the user that each belongs to.
    pub born: BTreeMap<ObjectId, Option<ObjectId>>,
    /// Objects that were deleted by somebody.
    pub deleted: BTreeSet<ObjectId>,
    /// Objects that only their maker can hold.
    pub bad: BTreeSet<ObjectId>,
    /// Servers that were restored from a backup.
    pub restored: [bool; 2],
    /// Objects whose last change may be gone with the disk of a restored server: nothing is demanded of them.
    pub doubtful: BTreeSet<ObjectId>,
    /// The same if the other server is honest: only what had never reached it.
    pub only_here: BTreeSet<ObjectId>,
    /// Objects that were lost from a store, and nothing said so.
    pub damaged: BTreeSet<ObjectId>,
    /// Servers that were rebuilt: their local users are the GR users of their partner.
    pub rebuilt: [bool; 2],
    /// Users whose original was lost: their copies may be deleted.
    pub doomed: BTreeSet<ObjectId>,
    /// The newest version of each register.
    pub newest: BTreeMap<(ObjectId, Key), Version>,
    /// What an object held when it was changed as number n on a side.
    pub as_of: [BTreeMap<(ObjectId, u64), Versions>; 2],
}

impl Oracle {
    /// Whether an object has to be there when all is quiet.
    pub fn is_wanted(&self, id: &ObjectId) -> bool {
        let owner = self.born.get(id).copied().flatten();
        !self.deleted.contains(id) && !owner.is_some_and(|o| self.deleted.contains(&o))
    }

    /// Whether at least one server was restored from a backup.
    pub fn any_restored(&self) -> bool {
        self.restored.contains(&true)
    }

    /// A server goes back to a backup. What happened on it since, or in the backup's own branch, may be gone.
    pub fn goes_back(
        &mut self,
        side: usize,
        history: &[(u64, ObjectId)],
        backup: &[(u64, ObjectId)],
        partner: &Memory,
    ) {
        self.restored[side] = true;
        let same = history
            .iter()
            .zip(backup)
            .take_while(|(a, b)| a == b)
            .count();
        let window: BTreeSet<_> = history[same..]
            .iter()
            .chain(&backup[same..])
            .map(|(_, id)| *id)
            .collect();
        for id in &window {
            let there = partner.objects.contains_key(id);
            let never_reached = !there && !partner.graves.contains_key(id);
            // Or its deletion had not reached the partner.
            if never_reached || (there && self.deleted.contains(id)) {
                self.only_here.insert(*id);
            }
            self.newest.retain(|(changed, _), _| changed != id);
        }
        self.doubtful.extend(window);
    }

    /// Whether nothing can be demanded of an object: it, or the user it belongs to, may be gone with a disk.
    fn is_doubtful(&self, id: &ObjectId) -> bool {
        let doubtful = match self.restored {
            [true, true] => &self.doubtful,
            _ => &self.only_here,
        };
        let owner = self.born.get(id).copied().flatten();
        doubtful.contains(id)
            || owner.is_some_and(|owner| doubtful.contains(&owner))
            || self.is_doomed(id)
    }

    /// Whether it, or the user it belongs to, has lost its original or never had one.
    pub fn is_doomed(&self, id: &ObjectId) -> bool {
        let owner = self.born.get(id).copied().flatten();
        let lost = |id: &ObjectId| self.doomed.contains(id) || self.bad.contains(id);
        lost(id) || owner.is_some_and(|owner| lost(&owner))
    }

    /// A local change was committed.
    pub fn committed(
        &mut self,
        side: usize,
        id: ObjectId,
        n: Option<u64>,
        object: Option<&Object>,
    ) {
        let versions: Vec<_> = object
            .iter()
            .flat_map(|o| o.registers.iter().map(|(key, r)| (*key, r.version)))
            .collect();
        for (key, version) in &versions {
            let newest = self.newest.entry((id, *key)).or_default();
            *newest = (*newest).max(*version);
        }
        if let Some(n) = n {
            self.as_of[side].insert((id, n), versions);
        }
    }

    /// I2: what is called safe is with the partner.
    pub fn safe(&self, side: usize, id: ObjectId, n: u64, partner: &Memory) -> Result<(), Failure> {
        let Some(versions) = self.as_of[side].get(&(id, n)) else {
            return Ok(());
        };
        let user = self.born.get(&id).copied().flatten();
        let damaged = |id: &ObjectId| self.damaged.contains(id);
        if self.is_doomed(&id) || damaged(&id) || user.is_some_and(|user| damaged(&user)) {
            return Ok(());
        }
        if partner.graves.contains_key(&id) {
            return Ok(());
        }
        let owner = self.born.get(&id).copied().flatten();
        if owner.is_some_and(|owner| partner.graves.contains_key(&owner)) {
            return Ok(());
        }
        let Some(object) = partner.objects.get(&id) else {
            return failed(
                "safe is safe",
                format!("{id} of change {n} is not with the partner"),
            );
        };
        match versions
            .iter()
            .find(|(key, version)| object.version(*key) < *version)
        {
            Some((key, _)) => failed(
                "safe is safe",
                format!("{id} {key:?} is older at the partner"),
            ),
            None => Ok(()),
        }
    }

    /// I1: whatever the partner lacks is marked here.
    pub fn marked(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        for [mine, theirs] in [ledgers, [ledgers[1], ledgers[0]]] {
            for (id, object) in &mine.objects {
                let owed = mine.marks.contains_key(id) || mine.held.contains_key(id);
                if owed || self.is_doomed(id) {
                    continue;
                }
                let gone = theirs.graves.contains_key(id)
                    || object
                        .owner
                        .is_some_and(|owner| theirs.graves.contains_key(&owner));
                let Some(there) = theirs.objects.get(id) else {
                    if gone {
                        continue;
                    }
                    return failed("what the partner lacks is marked", format!("{id}"));
                };
                let newer = object
                    .registers
                    .iter()
                    .find(|(key, r)| there.version(**key) < r.version);
                if let Some((key, _)) = newer {
                    return failed("what the partner lacks is marked", format!("{id} {key:?}"));
                }
            }
            for id in mine.tombs.keys() {
                if !mine.marks.contains_key(id) {
                    return failed(
                        "what the partner lacks is marked",
                        format!("the tombstone of {id}"),
                    );
                }
            }
        }
        Ok(())
    }

    /// The state of both servers when all is quiet.
    pub fn quiet(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        self.drained(ledgers)?;
        self.converged(ledgers)?;
        for id in self
            .born
            .keys()
            .filter(|id| self.is_wanted(id) && !self.bad.contains(id))
        {
            if !ledgers[0].objects.contains_key(id) && !self.is_doubtful(id) {
                return failed("nothing accepted is lost", format!("{id}"));
            }
        }
        for (id, object) in &ledgers[0].objects {
            if !self.is_wanted(id) && !self.is_doubtful(id) {
                return failed("deleted is deleted", format!("{id} is back"));
            }
            for (key, register) in &object.registers {
                let newest = self.newest.get(&(*id, *key));
                if newest.is_some_and(|newest| *newest > register.version) && !self.is_doomed(id) {
                    return failed("the newest value wins", format!("{id} {key:?}"));
                }
            }
        }
        self.homes(ledgers)?;
        self.bodies(ledgers)
    }

    fn converged(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        let rows = |ledger: &Memory| {
            let good = ledger.objects.iter().filter(|(id, _)| !self.is_doomed(id));
            good.map(|(id, object)| (*id, object.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let (north, south) = (rows(ledgers[0]), rows(ledgers[1]));
        let ids = north.keys().chain(south.keys());
        match ids.into_iter().find(|id| north.get(id) != south.get(id)) {
            Some(id) => failed(
                "both hold the same",
                format!("{id}: north {:?}, south {:?}", north.get(id), south.get(id)),
            ),
            None => Ok(()),
        }
    }

    fn drained(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        for ledger in ledgers {
            let mut held = ledger.held.keys();
            if let Some(id) = held.find(|id| !self.is_doomed(id)) {
                return failed("what is held is filled in", format!("{id} is still held"));
            }
            if let Some(id) = ledger.marks.keys().find(|id| !self.bad.contains(id)) {
                return failed("marks drain", format!("{id} is still marked"));
            }
            if let Some(id) = ledger.tombs.keys().next() {
                return failed("tombstones drain", format!("{id} still has one"));
            }
            if ledger.state.owes_recovery || ledger.state.went_back {
                return failed(
                    "recoveries end",
                    "a server believes that one of them went back",
                );
            }
        }
        Ok(())
    }

    /// I12: only its home creates a user. (A server that was restored takes back what it may have lost.)
    fn homes(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        for id in self.bad.iter().filter(|_| !self.any_restored()) {
            let maker = usize::from(id.as_bytes()[15]);
            if ledgers[1 - maker].objects.contains_key(id) && !self.rebuilt[1 - maker] {
                return failed("only its home creates a user", format!("{id}"));
            }
        }
        Ok(())
    }

    fn bodies(&self, ledgers: [&Memory; 2]) -> Result<(), Failure> {
        for ledger in ledgers {
            for (id, object) in &ledger.objects {
                if object
                    .body
                    .is_some_and(|body| !ledger.bodies.contains(&body))
                {
                    return failed("every message has its body", format!("{id} has none"));
                }
            }
        }
        Ok(())
    }
}
