//! The open transaction, as the parts of the engine see it, and what all of them do in it: write, erase, mark, hold, bury, note.

use crate::{Changed, Config, Now, ObjectChange, Rule, limits};
use domain::{Incarnation, Kind, Object, ObjectId, User};
use ledger::{
    BackgroundJob, DeletionRecord, Held, Lane, Ledger, LedgerError, Mark, Reason, ReplicaState,
    Scan,
};
use std::collections::BTreeMap;

/// The open transaction, borrowed from the engine's fields while its session is borrowed too.
macro_rules! tx {
    ($engine:ident, $now:expr, $ledger:expr) => {
        Tx {
            now: $now,
            config: &$engine.config,
            incarnation: $engine.incarnation,
            ledger: $ledger,
            state: &mut $engine.state,
            changed: &mut $engine.changed,
            ready: &mut $engine.ready,
            causes: &mut $engine.causes,
            taken_in: &mut $engine.taken_in,
            dated_ahead_ms: &mut $engine.dated_ahead_ms,
        }
    };
}
pub(crate) use tx;

/// One open transaction.
pub(crate) struct Tx<'a> {
    pub(crate) now: Now,
    pub(crate) config: &'a Config,
    /// The incarnation that stamps and marks.
    pub(crate) incarnation: Incarnation,
    pub(crate) ledger: &'a mut dyn Ledger,
    /// The engine's durable state; written back by the pump.
    pub(crate) state: &'a mut ReplicaState,
    /// What has become different.
    pub(crate) changed: &'a mut Vec<Changed>,
    /// Something may be ready to be sent.
    pub(crate) ready: &'a mut bool,
    /// Raised when something goes that may have made this server refuse items.
    pub(crate) causes: &'a mut u64,
    /// Marked objects that have taken in something of the partner's since, with the numbers of their marks: what was sent for such a mark may
    /// lack it. At most [`limits::TAKEN_IN_MAX`].
    pub(crate) taken_in: &'a mut BTreeMap<ObjectId, u64>,
    /// By how many milliseconds what came in this session is dated ahead of this server's clock, at most; 0 below an hour (E20).
    pub(crate) dated_ahead_ms: &'a mut i64,
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
    /// The partner may have lost it by going back in time, or may have deleted it: its body follows if it is asked for.
    Doubt,
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
        self.state.csn += 1;
        if self.config.partner.is_none() {
            return Ok(None);
        }
        let old = match self.ledger.mark(id)? {
            Some(mark) => Some(mark),
            // It was held: as it is now it is worth another try.
            None => self.release(id)?,
        };
        let was = |bit: fn(&Mark) -> bool| old.as_ref().is_some_and(bit);
        let mark = Mark {
            lane: lane(object.kind),
            n: self.state.csn,
            since: old.map_or(self.now.wall, |m| m.since),
            body: match marking {
                Marking::New | Marking::Whole | Marking::Recovery => object.body.is_some(),
                Marking::Altered | Marking::Doubt => was(|m| m.body),
                Marking::Gone => false,
            },
            unsent: match marking {
                Marking::New => true,
                Marking::Altered => was(|m| m.unsent),
                Marking::Whole | Marking::Recovery | Marking::Doubt | Marking::Gone => false,
            },
            recovery: matches!(marking, Marking::Recovery | Marking::Doubt) || was(|m| m.recovery),
        };
        self.ledger.set_mark(id, &mark)?;
        *self.ready = true;
        if marking != Marking::Gone {
            self.stage(id, object)?;
        }
        Ok(Some(mark.n))
    }

    /// From here on the partner may know of an object: if it is deleted, the partner has to hear of it (test
    /// `what_a_page_told_of_is_deleted_with_a_tombstone`). The CSN says so to a later incarnation: one that was restored to before this would
    /// take the object for unsent, and delete it without a tombstone (E11).
    pub(crate) fn is_heard_of(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        let mark = self.ledger.mark(id)?;
        if let Some(mark) = mark.filter(|mark| mark.unsent) {
            self.state.csn += 1;
            let unsent = false;
            self.ledger.set_mark(id, &Mark { unsent, ..mark })?;
        }
        if let Some(held) = self.ledger.held(id)?.filter(|held| held.mark.unsent) {
            self.state.csn += 1;
            let mark = Mark {
                unsent: false,
                ..held.mark
            };
            self.ledger.set_held(id, &Held { mark, ..held })?;
        }
        Ok(())
    }

    /// Whether the partner lacks it, or lacks something of it: it is marked, or held.
    pub(crate) fn is_owed(&mut self, id: &ObjectId) -> Result<bool, LedgerError> {
        Ok(self.ledger.mark(id)?.is_some() || self.ledger.held(id)?.is_some())
    }

    /// Whether all that is here of an object is on its way to the partner, or will be: it is owed, and has taken in nothing of the partner's
    /// since it was marked. The partner has what came from it, unless it has lost it since; and then what was sent before that came does
    /// not bring it back (test `what_came_after_a_message_left_is_not_on_its_way`).
    pub(crate) fn is_on_its_way(&mut self, id: &ObjectId) -> Result<bool, LedgerError> {
        let Some(mark) = self.ledger.mark(id)? else {
            return Ok(self.ledger.held(id)?.is_some());
        };
        Ok(self.taken_in.get(id) != Some(&mark.n))
    }

    /// An object has taken in something of the partner's.
    pub(crate) fn takes_in(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
        let Some(mark) = self.ledger.mark(id)? else {
            return Ok(());
        };
        if self.taken_in.len() >= limits::TAKEN_IN_MAX && !self.taken_in.contains_key(id) {
            // Nobody would know of it: so it is sent as it is now.
            return self.mark(id, object, Marking::Altered).map(drop);
        }
        self.taken_in.insert(*id, mark.n);
        Ok(())
    }

    /// Takes an object out of what is to be sent: the partner refuses it, or it may not be sent (R9).
    pub(crate) fn hold(
        &mut self,
        id: &ObjectId,
        mark: Mark,
        reason: Reason,
    ) -> Result<(), LedgerError> {
        let at = self.now.wall;
        self.ledger.clear_mark(id)?;
        self.ledger.set_held(id, &Held { reason, at, mark })
    }

    /// Holds an object no longer. Returns the mark that it had.
    fn release(&mut self, id: &ObjectId) -> Result<Option<Mark>, LedgerError> {
        let Some(held) = self.ledger.held(id)? else {
            return Ok(None);
        };
        self.ledger.clear_held(id)?;
        Ok(Some(held.mark))
    }

    /// Tries again what was held.
    pub(crate) fn retry(&mut self, id: &ObjectId, held: &Held) -> Result<(), LedgerError> {
        self.ledger.clear_held(id)?;
        self.state.csn += 1;
        let (n, since) = (self.state.csn, self.now.wall);
        let mark = Mark {
            n,
            since,
            ..held.mark
        };
        self.ledger.set_mark(id, &mark)?;
        *self.ready = true;
        Ok(())
    }

    /// Writes an object; beside the live one also the staged one, while a rebuild is under way (E18).
    pub(crate) fn write(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
        self.ledger.put(id, object)?;
        self.stage(id, object)
    }

    /// Removes an object, and what was to be said of it.
    pub(crate) fn erase(&mut self, id: &ObjectId) -> Result<(), LedgerError> {
        self.ledger.remove(id)?;
        if self.state.staging {
            self.ledger.stage(id, None)?;
        }
        self.ledger.clear_held(id)
    }

    /// Joins an object with what is staged, while a rebuild is under way (E18). What was deleted, or whose user was, is not staged.
    pub(crate) fn stage(&mut self, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
        if !self.state.staging
            || !self.config.rules.hold(Rule::StageToo)
            || self.was_deleted(id, object)?
        {
            return Ok(());
        }
        let Some(mut staged) = self.ledger.staged(id)? else {
            return self.ledger.stage(id, Some(object));
        };
        if staged.join(object).changed {
            self.ledger.stage(id, Some(&staged))?;
        }
        Ok(())
    }

    /// Whether it, or the user it belongs to, was deleted here once.
    pub(crate) fn was_deleted(
        &mut self,
        id: &ObjectId,
        object: &Object,
    ) -> Result<bool, LedgerError> {
        if self.ledger.deletion_record(id)?.is_some() {
            return Ok(true);
        }
        match &object.owner {
            Some(owner) => Ok(self.ledger.deletion_record(owner)?.is_some()),
            None => Ok(false),
        }
    }

    /// Whether an object is here, readable or not: what cannot be read is not absent.
    pub(crate) fn is_here(&mut self, id: &ObjectId) -> Result<bool, LedgerError> {
        Ok(self.ledger.object(id)?.is_some() || self.is_unreadable(id)?)
    }

    /// Whether the row of an object cannot be read: nothing may be concluded from its absence.
    pub(crate) fn is_unreadable(&mut self, id: &ObjectId) -> Result<bool, LedgerError> {
        Ok(self.ledger.unreadable(id)?.is_some())
    }

    /// At most `limit` ids of all objects, ascending, strictly after `after`, unreadable ones among them: for whoever is told what is here.
    pub(crate) fn told_ids_after(
        &mut self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerError> {
        let mut ids = self.ledger.ids_after(after, limit)?;
        let unreadable = self.ledger.unreadable_after(after, limit)?;
        if !unreadable.is_empty() {
            ids.extend(unreadable.into_iter().map(|(id, _)| id));
            ids.sort_unstable();
            ids.truncate(limit);
        }
        Ok(ids)
    }

    /// Marks an object that the partner may lack altogether; a user with everything that belongs to it.
    pub(crate) fn mark_whole(
        &mut self,
        id: &ObjectId,
        object: &Object,
        marking: Marking,
    ) -> Result<(), LedgerError> {
        self.mark(id, object, marking)?;
        if object.kind == Kind::USER {
            for content in self.ledger.owned_by(id)? {
                if !self.is_owed(&content)?
                    && let Some(object) = self.ledger.object(&content)?
                {
                    self.mark(&content, &object, marking)?;
                }
            }
        }
        Ok(())
    }

    /// Sets out on a scan, unless one with this background job is under way or in line. A retry is walked once more: what was held behind
    /// the present one has to be tried, too. A second purge, though, would take what is kept after the first (test
    /// `one_purge_is_enough`).
    pub(crate) fn scan(&mut self, job: BackgroundJob) {
        let again = |scan: &Scan| job == BackgroundJob::Retry && scan.after.is_some();
        let mut same = self.state.scans.iter().filter(|w| w.job == job);
        if same.all(again) {
            self.state.scans.push(Scan { job, after: None });
        }
    }

    /// Whether a user is local to this server; `false` for all other objects.
    pub(crate) fn is_local(&self, object: &Object) -> bool {
        User::of(object).is_some_and(|user| user.home() == Some(self.config.me))
    }

    /// Whether a user is local to the partner; `false` for all other objects.
    pub(crate) fn is_partners(&self, object: &Object) -> bool {
        let partner = self.config.partner;
        User::of(object).is_some_and(|user| user.home() == partner && partner.is_some())
    }

    /// Remembers that an object is gone.
    pub(crate) fn record_deletion(&mut self, id: &ObjectId, kind: Kind) -> Result<(), LedgerError> {
        // By the clock that never goes back: a deletion record that seems old because the wall clock was wrong would be forgotten.
        let at = self.now.wall.max(self.state.hlc.wall());
        self.ledger
            .record_deletion(id, &DeletionRecord { at, kind })
    }

    /// Notes that an object has become different.
    pub(crate) fn note(&mut self, id: ObjectId, object: &Object, how: ObjectChange) {
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
                self.note(id, &object, ObjectChange::Gone);
            }
            self.erase(&id)?;
            self.ledger.clear_mark(&id)?;
        }
        crate::reconcile::repair::remove_unreadable_of(self, owner)?;
        if self.state.staging {
            for id in self.ledger.staged_owned_by(owner)? {
                self.ledger.stage(&id, None)?;
            }
        }
        Ok(())
    }
}

/// The lane in which objects of a kind travel.
fn lane(kind: Kind) -> Lane {
    match kind {
        Kind::MESSAGE | Kind::GREETING | Kind::DRAFT_PIECE | Kind::OUTGOING => Lane::Messages,
        _ => Lane::Users,
    }
}
