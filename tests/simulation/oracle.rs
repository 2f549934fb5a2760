//! What must be true: facts of the history that the servers cannot forget, and the checks by name.
//!
//! | invariant | check here, or the test that holds it |
//! |---|---|
//! | I1 what the partner lacks is marked or held | "what the partner lacks is marked", now and then |
//! | I2 a cleared mark is durable at the partner | "safe is safe", at every acknowledgement |
//! | I3 nothing leaves before it is durable | "safe is safe"; the rule `CommitFirst` |
//! | I4 both hold the same | "both hold the same", when quiet |
//! | I5 what was deleted stays deleted | "deleted is deleted", when quiet |
//! | I6 what was accepted is on both | "nothing accepted is lost", when quiet |
//! | I7 bodies are there | "every message has its body", when quiet |
//! | I8 versions rise within an incarnation | "versions never fall", at every change |
//! | I9 the newest value wins | "the newest value wins", when quiet |
//! | I10 twice is once, in any order | "sums equal a recount"; `what_was_doubled_is_applied_once` |
//! | I11 nothing is owed for ever | "marks drain", "tombstones drain", "what is held is filled in", "recoveries end" |
//! | I12 only its home creates a user | "only its home creates a user", "no task deletes a local user" |
//! | I13 after a resync | "a resync leaves local users alone", "local users are the partner's GR users" |
//! | I14 after a rebuild | "local users are the partner's GR users", "a rebuild leaves the partner alone" |
//! | I15 a rebuild that was stopped | "a stopped rebuild changes nothing"; before its last phase no task deletes: "a task deletes last" |
//! | I16 one task for a pair | "one task gives way", "tasks begin", "tasks end" |
//! | I17 data only while running | "data only while running", at every message |
//! | I18 who is called running lives | "running is honest", "a broken link is not running", "status turns unknown on a broken link", after every step; "only the living are adopted" |
//! | I19 courtesy leaves no marks | "courtesy leaves nothing behind", "who is out of service sends no data"; tests of the engine |
//! | I20, I21 envelopes | tests of `gr-mail`; an engine has no envelopes |
//! | I22 everything is bounded | tests of the engine and of its limits |
//! | I23 a log-in waits for nobody | by construction: `LoggedIn` is an input without an answer |
//! | I24 one seed, one trace | "the same seed has the same trace", for each seed |
//! | I25 sums and counts | "sums equal a recount", now and then and when quiet |
//! | I26 the deletion guard | "the deletion guard holds", for the users and for the contents of all mailboxes that a task takes |
//! | I27 no talk without end | "a quiet pair is quiet", "they come to rest" |
//! | I28 what nobody deleted and is gone is kept | "what a machine deletes is kept", at every transaction |
//! | I29 what a machine deleted can be undone for 7 days by anyone's clock | "what a machine deleted can be undone", where days pass |
//! | I30 house-keeping goes on beside what is refused or held | "house-keeping goes on", where a quarter of a year passes |
//! | I31 nobody waits long, whatever the backlog | "nobody starves", "a slow partner is running", on slow links |
//! | I32 what was damaged at rest comes back | "a lost body comes back while one copy is left", "what cannot be read comes back while one copy is left" |
//! | I33 what a caller is told is true | "an answer is true", "everybody is answered once", at every answer |
//! | I34 what was committed survives process and power | "what was committed is there", "a body that is there is whole", on disks that fail |

use domain::{Key, Object, ObjectId, Version};
use ledger::memory::Memory;
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
    /// A server has said that it cannot tell whether it went back: then both act as if it had.
    pub in_doubt: bool,
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

    /// A server went back, or could not say that it did not: then it takes its own users back from the partner.
    pub fn may_have_gone_back(&self) -> bool {
        self.any_restored() || self.in_doubt
    }

    /// A server goes back to a backup. What happened on it since, or in the backup's own branch, may be gone.
    pub fn goes_back(
        &mut self,
        side: usize,
        history: &[(u64, ObjectId)],
        backup: &[(u64, ObjectId)],
        [to, partner]: [&Memory; 2],
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
            let never_reached = !there && !partner.deletion_records.contains_key(id);
            // Or its deletion had not reached the partner.
            if never_reached || (there && self.deleted.contains(id)) {
                self.only_here.insert(*id);
            }
            self.newest.retain(|(changed, _), _| changed != id);
        }
        self.doubtful.extend(window);
        // What the partner has lost too is lost.
        let lost =
            |id: &&ObjectId| !to.objects.contains_key(id) && !partner.objects.contains_key(id);
        let lost: Vec<_> = self.damaged.iter().filter(lost).copied().collect();
        // So is what only the copy knew that the partner has lost, if an older mail has brought the object back there since.
        let held = |id: &ObjectId, key: &Key, newest: &Version| {
            let object = partner.objects.get(id);
            let register = object.and_then(|object| object.registers.get(key));
            register.is_some_and(|register| register.version >= *newest)
        };
        let damaged = &self.damaged;
        self.newest
            .retain(|(id, key), newest| !damaged.contains(id) || held(id, key, newest));
        self.only_here.extend(&lost);
        self.doubtful.extend(lost);
    }

    /// Whether nothing can be demanded of an object: it, or the user it belongs to, may be gone with a disk.
    pub(crate) fn is_doubtful(&self, id: &ObjectId) -> bool {
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
        if partner.deletion_records.contains_key(&id) {
            return Ok(());
        }
        let owner = self.born.get(&id).copied().flatten();
        if owner.is_some_and(|owner| partner.deletion_records.contains_key(&owner)) {
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
                let gone = theirs.deletion_records.contains_key(id)
                    || object
                        .owner
                        .is_some_and(|owner| theirs.deletion_records.contains_key(&owner));
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
            for id in mine.tombstones.keys() {
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
}
