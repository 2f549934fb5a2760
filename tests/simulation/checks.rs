//! Named checks that need a memory of their own: versions, sums, tasks.

use crate::oracle::{Failure, Versions, failed};
use crate::world::World;
use domain::{Digest, Incarnation, Kind, ObjectId, User};
use gr_proto::{Changed, DeletionGuard, ObjectChange};
use ledger::memory::Memory;
use ledger::{Lane, Leaf, Ledger, TaskId, TaskKind, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// What was last seen.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// The versions of objects, in the present incarnation of a side.
    seen: [BTreeMap<ObjectId, Versions>; 2],
    incarnation: [Option<Incarnation>; 2],
    /// Since when both servers drive a task.
    both_since: Option<u64>,
    /// Tasks whose deletions an administrator has agreed to.
    pub(crate) agreed: BTreeSet<TaskId>,
    /// Users and contents that a task has taken from a side, in all its attempts.
    pub(crate) taken: [BTreeMap<TaskId, (u64, u64)>; 2],
}

/// After the faults have ended, one of two tasks gives way within this time: the longest retransmission time, twice.
const GIVES_WAY_WITHIN_MS: u64 = 1_200_000;

impl Checks {
    /// Objects of a side may be older than they were.
    pub(crate) fn forget(&mut self, side: usize) {
        self.seen[side].clear();
    }

    /// A side went back in time: what tasks had taken from it is there again.
    pub(crate) fn goes_back(&mut self, side: usize) {
        self.forget(side);
        self.taken[side].clear();
    }

    /// I8: within an incarnation no register falls back to an older version.
    pub(crate) fn versions_rise(
        &mut self,
        side: usize,
        incarnation: Incarnation,
        changed: &[Changed],
        ledger: &Memory,
    ) -> Result<(), Failure> {
        if self.incarnation[side].replace(incarnation) != Some(incarnation) {
            self.seen[side].clear();
        }
        for Changed { id, how, .. } in changed {
            let now = ledger
                .objects
                .get(id)
                .filter(|_| *how != ObjectChange::Gone);
            let Some(now) = now else {
                self.seen[side].remove(id);
                continue;
            };
            let versions = now.registers.iter().map(|(key, r)| (*key, r.version));
            let before = self.seen[side].insert(*id, versions.collect());
            let fell = before.into_iter().flatten();
            if let Some((key, _)) = fell
                .into_iter()
                .find(|(key, version)| now.version(*key) < *version)
            {
                return failed("versions never fall", format!("{id} {key:?}"));
            }
        }
        Ok(())
    }
}

/// I10, I25: the sums of digests, kept up in every write, equal a recount; so do the numbers of marks.
pub(crate) fn recount(ledger: &mut Memory) -> Result<(), Failure> {
    let mut sums: BTreeMap<Leaf, Digest> = BTreeMap::new();
    for (id, object) in &ledger.objects {
        let sum = sums.entry(Leaf::of(id, object)).or_default();
        *sum = sum.plus(object.digest(id));
    }
    for tree in [Tree::Users, Tree::Contents] {
        let mut parts = vec![Digest::default(); 256];
        for (leaf, digest) in sums.iter().filter(|(leaf, _)| leaf.tree == tree) {
            let part = &mut parts[usize::from(Leaf::part(leaf.no))];
            *part = part.plus(*digest);
        }
        if ledger.sums(tree, None).ok() != Some(parts) {
            return failed("sums equal a recount", format!("{tree:?}"));
        }
    }
    for lane in [Lane::Users, Lane::Messages] {
        let marks = ledger.marks.values().filter(|mark| mark.lane == lane);
        let (count, said) = (marks.count() as u64, ledger.backlog(lane));
        if said.map_or(u64::MAX, |backlog| backlog.count) != count {
            return failed("sums equal a recount", format!("{count} marks in {lane:?}"));
        }
    }
    Ok(())
}

/// I26: without the word of an administrator a task deletes no more users, and no more contents over all mailboxes, than the deletion guard allows.
pub(crate) fn deletion_guard_holds(
    deletion_guard: DeletionGuard,
    ledger: &Memory,
    (users, contents): (u64, u64),
) -> Result<(), Failure> {
    let left = ledger.objects.values().filter(|o| o.kind == Kind::USER);
    let all = left.count() as u64 + users;
    if !deletion_guard.allows_users(users, all) {
        return failed(
            "the deletion guard holds",
            format!("{users} of {all} users went"),
        );
    }
    match deletion_guard.allows_contents(contents) {
        true => Ok(()),
        false => failed(
            "the deletion guard holds",
            format!("{contents} contents went"),
        ),
    }
}

impl World {
    /// I16: two tasks of one pair do not go on side by side.
    pub(crate) fn agree_on_tasks(&mut self) -> Result<(), Failure> {
        let both = self.nodes.iter().all(|node| {
            let task = &node.ledger.state.task;
            task.is_some()
        });
        if !both || !self.net.good {
            self.checks.both_since = None;
            return Ok(());
        }
        let since = *self.checks.both_since.get_or_insert(self.time);
        if self.time - since > GIVES_WAY_WITHIN_MS {
            let tasks = [0, 1].map(|side| self.nodes[side].ledger.state.task.clone());
            return failed("one task gives way", format!("{tasks:?}"));
        }
        Ok(())
    }

    /// I13, I14: GR users are the local users of the partner, and the other way round; but for what nobody can know.
    pub(crate) fn mirror(&self, after: TaskKind) -> Result<(), Failure> {
        for side in [0, 1] {
            let ledger = &self.nodes[side].ledger;
            for (id, object) in &ledger.objects {
                let Some(home) = User::of(object).and_then(|user| user.home()) else {
                    continue;
                };
                let partner = &self.nodes[1 - side].ledger.objects;
                let there = partner.get(id).and_then(User::of);
                if there.and_then(|user| user.home()) != Some(home) && !self.oracle.is_doomed(id) {
                    return failed(
                        "local users are the partner's GR users",
                        format!("{id} after {after:?}"),
                    );
                }
            }
        }
        Ok(())
    }
}
