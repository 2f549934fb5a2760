//! What a committed transaction means to the oracle and the counters.

use crate::node::server;
use crate::sometimes::Sometimes;
use crate::world::World;
use domain::{Change, Incarnation, Object, ObjectId, User};
use gr_proto::{Message, Payload};

impl World {
    pub(crate) fn record(
        &mut self,
        side: usize,
        facts: Vec<(Change, Option<u64>, Option<Object>)>,
    ) {
        for (change, n, object) in facts {
            let id = change.id();
            match &change {
                Change::Create { owner, .. } if object.is_some() => {
                    self.oracle.born.insert(id, *owner);
                }
                Change::Create { .. } => continue, // for a user deleted just before
                Change::Delete { .. } => {
                    if self.oracle.deleted.insert(id) && object.is_none() {
                        self.count_deletion(side, id, n);
                    }
                }
                Change::Set { registers, .. } => {
                    let partner = &self.nodes[1 - side].ledger;
                    let theirs = partner.objects.get(&id);
                    if theirs.is_some_and(|o| {
                        partner.marks.contains_key(&id)
                            && registers.iter().any(|(key, value)| {
                                o.version(*key).hlc.0 > 0 && o.get(*key) != Some(value)
                            })
                    }) {
                        self.counters.hit(Sometimes::SameRegister);
                    }
                }
            }
            if !self.nodes[side].paired {
                self.counters.hit(Sometimes::ChangedWhileOff);
            }
            self.nodes[side].history.push((self.steps, id));
            self.oracle.committed(side, id, n, object.as_ref());
        }
    }

    pub(crate) fn count_deletion(&mut self, side: usize, id: ObjectId, n: Option<u64>) {
        if n.is_none() {
            self.counters.hit(Sometimes::Unheard);
        }
        if self.nodes[1 - side].ledger.marks.contains_key(&id) {
            self.counters.hit(Sometimes::DeletedMeanwhile);
        }
        if self.oracle.born.values().any(|owner| *owner == Some(id)) {
            self.counters.hit(Sometimes::UserDeleted);
        }
    }

    /// Tombs and CSN before a transaction with one message of data, to see what it does.
    pub(crate) fn before(&self, side: usize, only: Option<&Only>) -> (usize, u64) {
        let ledger = &self.nodes[side].ledger;
        if only.is_some() {
            (ledger.tombstones.len(), ledger.state.csn)
        } else {
            (0, 0)
        }
    }

    pub(crate) fn compare(&mut self, side: usize, before: (usize, u64), only: Option<&Only>) {
        let Some(only) = only else { return };
        let ledger = &self.nodes[side].ledger;
        if ledger.tombstones.len() > before.0 {
            self.counters.hit(Sometimes::GraveAnswered);
        }
        if only.takes_back {
            self.counters.hit(Sometimes::UserTakenBack);
        }
        let mine = self.nodes[side]
            .incarnations
            .last()
            .map(|(incarnation, _)| *incarnation);
        if ledger.state.csn == before.1 && mine == Some(only.to) {
            self.counters.hit(Sometimes::DroppedOld);
        }
        if only.owners.iter().any(|owner| {
            !ledger.objects.contains_key(owner) && !ledger.deletion_records.contains_key(owner)
        }) {
            self.counters.hit(Sometimes::Orphan);
        }
    }
}

/// The only message of a transaction, if it brings data.
pub(crate) struct Only {
    to: Incarnation,
    /// It brings a user of the receiver's own.
    takes_back: bool,
    owners: Vec<ObjectId>,
}

impl Only {
    pub(crate) fn of(side: usize, message: &Message) -> Option<Self> {
        let Payload::Data(items) = &message.payload else {
            return None;
        };
        let takes_back = items.iter().any(|item| {
            let user = item.object.as_ref().and_then(User::of);
            item.recovery && user.is_some_and(|user| user.home() == Some(server(side)))
        });
        let owners = items.iter().filter_map(|item| item.object.as_ref()?.owner);
        Some(Self {
            to: message.header.to,
            takes_back,
            owners: owners.collect(),
        })
    }
}
