//! What disks damage while nobody looks, in widened histories: bodies are lost or rot, rows become unreadable.
//!
//! A body that is lost is noticed at once, as at a start. One that rots is noticed when it is read for the partner; a row, when anybody
//! reads it. When the faults have ended, everything has been read through once.

use crate::node::NAMES;
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::world::World;
use domain::{BodyRef, ObjectId};
use ledger::Ledger;
use ledger::memory::Memory;
use std::collections::BTreeSet;

/// What nobody has noticed yet, or the writer has not.
#[derive(Clone, Debug, Default)]
pub(crate) struct AtRest {
    /// Bodies that are not what they were.
    rotten: [BTreeSet<BodyRef>; 2],
    /// Those of them that a reader has stumbled over.
    noted: [BTreeSet<BodyRef>; 2],
}

impl World {
    /// Something is damaged on a disk.
    pub(crate) fn damage_at_rest(&mut self) {
        let side = self.dice.below(2) as usize;
        let wide = self.dials.wide.clone();
        let times = if self.dice.chance(150) { 8 } else { 1 };
        for _ in 0..times {
            if self.dice.chance(wide.bodies_lost) {
                self.lose_body(side, true);
            }
            if self.dice.chance(wide.bodies_rot) {
                self.lose_body(side, false);
            }
            if self.dice.chance(wide.rows_spoilt) {
                self.spoil(side);
            }
        }
    }

    /// A body is lost, or rots.
    fn lose_body(&mut self, side: usize, noticed: bool) {
        let all: Vec<_> = self.nodes[side].ledger.bodies.iter().copied().collect();
        let Some(body) = self.dice.pick(&all).copied() else {
            return;
        };
        self.tell(|| format!("{} loses {body:?}, noticed: {noticed}", NAMES[side]));
        if noticed {
            self.counters.hit(Sometimes::BodyGone);
            self.nodes[side].ledger.lose_body(&body);
        } else {
            self.counters.hit(Sometimes::BodyRots);
            self.at_rest.rotten[side].insert(body);
        }
    }

    /// A server has the database of a backup and bodies of another moment: those of its disk, or those of an older backup.
    pub(crate) fn restored_apart(&mut self, side: usize, on_disk: BTreeSet<BodyRef>) {
        let node = &mut self.nodes[side];
        let ledger = &mut node.ledger;
        if self.own.chance(400) {
            self.counters.hit(Sometimes::NewerBodies);
            ledger.bodies.extend(on_disk);
        } else {
            let lost: Vec<_> = ledger.bodies.difference(&node.segments).copied().collect();
            if !lost.is_empty() {
                self.counters.hit(Sometimes::OlderBodies);
            }
            lost.iter().for_each(|body| ledger.lose_body(body));
        }
        self.tell(|| format!("the bodies of {} are of another moment", NAMES[side]));
    }

    /// A row cannot be read any more.
    fn spoil(&mut self, side: usize) {
        let ledger = &self.nodes[side].ledger;
        let owed = self.dice.chance(300);
        let fits = |id: &ObjectId| {
            let is_owed = ledger.marks.contains_key(id) || ledger.held.contains_key(id);
            is_owed == owed && !ledger.spoilt.contains(id)
        };
        let all: Vec<_> = ledger.objects.keys().copied().filter(fits).collect();
        let Some(id) = self.dice.pick(&all).copied() else {
            return;
        };
        self.counters.hit(if owed {
            Sometimes::RowSpoiltMarked
        } else {
            Sometimes::RowSpoilt
        });
        self.tell(|| format!("a row of {} rots: {id}", NAMES[side]));
        self.nodes[side].ledger.spoil(id);
        // What only this row had of it is gone, and so is what was called safe of it if the partner loses it, too.
        self.checks.forget(side);
        self.oracle.damaged.insert(id);
        self.oracle.newest.retain(|(changed, _), _| *changed != id);
        let partner = &self.nodes[1 - side].ledger;
        if !partner.objects.contains_key(&id) || partner.spoilt.contains(&id) {
            self.oracle.doomed.insert(id);
        }
    }

    /// Whether a body arrives that a side has read for the other.
    pub(crate) fn is_read(&mut self, side: usize, body: &BodyRef) -> bool {
        let rotten = self.at_rest.rotten[side].contains(body);
        if rotten {
            self.at_rest.noted[side].insert(*body);
        }
        !rotten
    }

    /// The writer looks at what readers have stumbled over.
    pub(crate) fn look_into_damage(&mut self, side: usize) {
        for body in std::mem::take(&mut self.at_rest.noted[side]) {
            if self.at_rest.rotten[side].remove(&body) {
                self.nodes[side].ledger.lose_body(&body);
            }
        }
    }

    /// A disk is replaced by a backup of it.
    pub(crate) fn forget_damage(&mut self, side: usize) {
        self.at_rest.rotten[side].clear();
        self.at_rest.noted[side].clear();
    }

    /// Everything is read through once, and what no copy is left of is named: nothing can be demanded of it.
    pub(crate) fn read_through(&mut self) {
        if !self.dials.wide.damages_at_rest() {
            return;
        }
        for side in [0, 1] {
            for body in std::mem::take(&mut self.at_rest.rotten[side]) {
                self.nodes[side].ledger.lose_body(&body);
            }
            self.at_rest.noted[side].clear();
            let ledger = &mut self.nodes[side].ledger;
            for id in ledger.spoilt.clone() {
                let unreadable = ledger.object(&id);
                assert!(matches!(unreadable, Ok(None)), "memory does not fail");
            }
        }
        for side in [0, 1] {
            let [mine, theirs] = [side, 1 - side].map(|side| &self.nodes[side].ledger);
            let lost =
                |body: &BodyRef| !mine.bodies.contains(body) && !theirs.bodies.contains(body);
            let soundless = mine
                .objects
                .iter()
                .filter(|(_, object)| object.body.as_ref().is_some_and(lost));
            self.oracle.doomed.extend(soundless.map(|(id, _)| *id));
            let unknown = |id: &&ObjectId| !theirs.objects.contains_key(id);
            self.oracle
                .doomed
                .extend(mine.unreadable.keys().filter(unknown));
        }
    }

    /// What is damaged on a side, and can be had from the other: a body, or an object.
    fn to_be_mended(&self) -> Option<(&'static str, String)> {
        let sides = [0, 1].map(|side| [side, 1 - side].map(|side| &self.nodes[side].ledger));
        for [mine, theirs] in sides {
            let all = mine.objects.values().chain(mine.kept.values());
            let mut bodies = all.filter_map(|object| object.body);
            if let Some(body) =
                bodies.find(|body| !mine.bodies.contains(body) && theirs.bodies.contains(body))
            {
                return Some((
                    "a lost body comes back while one copy is left",
                    format!("{body:?}"),
                ));
            }
            let known = |id: &&ObjectId| {
                theirs.objects.contains_key(id) || theirs.deletion_records.contains_key(id)
            };
            if let Some(id) = mine
                .unreadable
                .keys()
                .find(|id| known(id) && !self.oracle.bad.contains(id))
            {
                return Some((
                    "what cannot be read comes back while one copy is left",
                    format!("{id}"),
                ));
            }
        }
        None
    }

    /// Whether everything has come back that can.
    pub(crate) fn is_mended(&self) -> bool {
        !self.dials.wide.damages_at_rest() || self.to_be_mended().is_none()
    }

    /// The two named checks, when all is quiet.
    pub(crate) fn comes_back(&self) -> Result<(), Failure> {
        match self.to_be_mended() {
            Some((check, found)) if self.dials.wide.damages_at_rest() => failed(check, found),
            _ => Ok(()),
        }
    }

    /// Whether a server has something to ask for now and then.
    pub(crate) fn asks_now_and_then(&self) -> u64 {
        let asks = |ledger: &Memory| {
            let lacks = |body: BodyRef| !ledger.bodies.contains(&body);
            !ledger.unreadable.is_empty()
                || (ledger.objects.values().chain(ledger.kept.values()))
                    .any(|o| o.body.is_some_and(lacks))
        };
        self.nodes.iter().filter(|node| asks(&node.ledger)).count() as u64
    }
}
