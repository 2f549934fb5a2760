//! The open transaction, as the parts of the engine see it, and the three things that all of them do in it: mark, bury, note.

use crate::{Changed, Config, How, Now};
use domain::{Grave, Kind, Lane, Ledger, LedgerError, Life, Mark, Object, ObjectId, ReplicaState};

/// One open transaction.
pub(crate) struct Tx<'a> {
    pub(crate) now: Now,
    pub(crate) config: &'a Config,
    /// The life that stamps and marks.
    pub(crate) life: Life,
    pub(crate) ledger: &'a mut dyn Ledger,
    /// The engine's durable state; written back by the pump.
    pub(crate) state: &'a mut ReplicaState,
    /// What has become different.
    pub(crate) changed: &'a mut Vec<Changed>,
    /// Something may be ready to be sent.
    pub(crate) ready: &'a mut bool,
}

/// What a mark says besides its number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marking {
    /// The object is new: its body goes along, and nobody has heard of it.
    New,
    /// It has changed.
    Altered,
    /// The partner may lack all of it.
    Whole,
    /// The partner went back in time and may have lost all of it.
    Recovery,
    /// It is gone.
    Gone,
}

impl Tx<'_> {
    /// Marks an object (E1). Returns the number of the change; `None` without a partner.
    pub(crate) fn mark(
        &mut self,
        id: &ObjectId,
        object: &Object,
        marking: Marking,
    ) -> Result<Option<u64>, LedgerError> {
        self.state.tick += 1;
        if self.config.partner.is_none() {
            return Ok(None);
        }
        let old = self.ledger.mark(id)?;
        let was = |bit: fn(&Mark) -> bool| old.as_ref().is_some_and(bit);
        let mark = Mark {
            lane: lane(object.kind),
            n: self.state.tick,
            since: old.map_or(self.now.wall, |m| m.since),
            body: match marking {
                Marking::New | Marking::Whole | Marking::Recovery => object.body.is_some(),
                Marking::Altered => was(|m| m.body),
                Marking::Gone => false,
            },
            unsent: match marking {
                Marking::New => true,
                Marking::Altered => was(|m| m.unsent),
                Marking::Whole | Marking::Recovery | Marking::Gone => false,
            },
            recovery: marking == Marking::Recovery || was(|m| m.recovery),
        };
        self.ledger.set_mark(id, &mark)?;
        *self.ready = true;
        Ok(Some(mark.n))
    }

    /// Remembers that an object is gone.
    pub(crate) fn bury(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        let at = self.now.wall;
        self.ledger.bury(id, &Grave { at })
    }

    /// Notes that an object has become different.
    pub(crate) fn note(&mut self, id: ObjectId, object: &Object, how: How) {
        let (kind, owner) = (object.kind, object.owner);
        self.changed.push(Changed {
            id,
            kind,
            owner,
            how,
        });
    }

    /// Removes what belongs to a user that is gone. These objects need no tombstones of their own: the user's tells it all.
    pub(crate) fn remove_owned(&mut self, owner: &ObjectId) -> Result<(), LedgerError> {
        for id in self.ledger.owned_by(owner)? {
            if let Some(object) = self.ledger.object(&id)? {
                self.note(id, &object, How::Gone);
            }
            self.ledger.remove(&id)?;
            self.ledger.clear_mark(&id)?;
        }
        Ok(())
    }
}

/// The lane in which objects of a kind travel.
fn lane(kind: Kind) -> Lane {
    match kind {
        Kind::MESSAGE | Kind::GREETING => Lane::Messages,
        _ => Lane::Users,
    }
}
