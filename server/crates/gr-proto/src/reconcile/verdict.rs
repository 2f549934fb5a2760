//! Judging a list of the partner: what is only here, what is only there, what differs (E12, E24). The table is in [`crate::reconcile::diff`].

use crate::objects::transaction::{Marking, Tx};
use crate::reconcile::diff::{Compare, on_scope};
use crate::reconcile::removal;
use crate::{ListScope, Listed, ListedObject, Owed, Rule};
use domain::{Kind, Object, ObjectId};
use ledger::{DeletionRecord, LedgerError, Reason, TaskCounts, TaskId, TaskKind, Tombstone};
use std::collections::{BTreeMap, BTreeSet};

impl Compare {
    pub(crate) fn lists(
        &mut self,
        tx: &mut Tx<'_>,
        lists: &[Listed],
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        for list in lists {
            if let Some(to) = self.judge(tx, list, counts)? {
                self.scopes.push_front((list.scope, Some(to)));
            }
        }
        Ok(())
    }

    /// Judges a list. Returns after which object to go on, if there is more on the scope.
    fn judge(
        &mut self,
        tx: &mut Tx<'_>,
        list: &Listed,
        counts: &mut TaskCounts,
    ) -> Result<Option<ObjectId>, LedgerError> {
        // Here may be much more on this scope than there, so what is judged at once has its own bound.
        let mine = on_scope(
            tx,
            list.scope,
            list.after.as_ref(),
            tx.config.limits.judged_objects,
        )?;
        let cut = mine.len() == tx.config.limits.judged_objects;
        let last = mine.last().copied().filter(|_| cut);
        let to = [last, list.to].into_iter().flatten().min();
        let within = |id: &ObjectId| to.is_none_or(|to| *id <= to);
        let theirs: BTreeMap<ObjectId, &ListedObject> =
            list.objects.iter().map(|there| (there.id, there)).collect();
        let here: BTreeSet<ObjectId> = mine.into_iter().filter(within).collect();
        for id in &here {
            if let Some(object) = tx.ledger.object(id)? {
                match theirs.get(id) {
                    Some(there) => self.on_both(tx, &object, there, counts)?,
                    None => self.only_here(tx, id, &object, counts)?,
                }
            }
        }
        for (id, there) in theirs {
            if within(&id) && !here.contains(&id) {
                self.only_there(tx, there, list.scope, counts)?;
            }
        }
        Ok(to)
    }

    fn on_both(
        &mut self,
        tx: &mut Tx<'_>,
        object: &Object,
        there: &ListedObject,
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        let id = &there.id;
        let same = object.digest(id).short() == there.digest;
        if same || tx.ledger.held(id)?.is_some() || there.owed == Owed::Held {
            return Ok(());
        }
        if tx.ledger.mark(id)?.is_some() || there.owed == Owed::Marked {
            self.left_out += 1;
            return Ok(());
        }
        match object.owner {
            None => counts.updated += 1,
            Some(_) => counts.contents_updated += 1,
        }
        if !self.dry && self.kind != TaskKind::Audit {
            tx.mark(id, object, Marking::Altered)?;
        }
        Ok(())
    }

    fn only_here(
        &mut self,
        tx: &mut Tx<'_>,
        id: &ObjectId,
        object: &Object,
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        if tx.ledger.mark(id)?.is_some() {
            self.left_out += 1;
            return Ok(());
        }
        let held = tx.ledger.held(id)?.map(|held| held.reason);
        if tx.is_partners(object) {
            // A change of it may have been refused, because it has no original: that is just what makes it a candidate.
            if held.is_none_or(|reason| reason == Reason::NO_SUCH_USER)
                && self.candidates.len() < tx.config.limits.candidates
                && self.candidates.insert(*id)
            {
                counts.deleted_here += 1;
                if !tx.config.rules.hold(Rule::DeleteLast) && !self.dry {
                    removal::forget(tx, TaskId::default(), id)?;
                }
            }
            return Ok(());
        }
        if held.is_some() {
            return Ok(());
        }
        match &object.owner {
            None if tx.is_local(object) => counts.created_there += 1,
            None if object.kind != Kind::USER => counts.updated += 1,
            None => return Ok(()), // a user of a third server
            // What belongs to a user that goes, goes with it. What belongs to nobody here is sent all the same: the partner has its user,
            // or has a deletion record of it and answers.
            Some(owner)
                if self.candidates.contains(owner)
                    || (!tx.is_here(owner)?
                        && !tx.config.rules.hold(Rule::DeletionRecordOfOwner)) =>
            {
                return Ok(());
            }
            Some(_) => counts.contents_there += 1,
        }
        if self.dry {
            return Ok(());
        }
        tx.mark_whole(id, object, Marking::Whole)
    }

    fn only_there(
        &mut self,
        tx: &mut Tx<'_>,
        there: &ListedObject,
        scope: ListScope,
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        let ListedObject { id, home, owed, .. } = *there;
        if matches!(scope, ListScope::Users(_)) {
            self.is_only_there(id, tx.config.limits.candidates);
        }
        // A change of it may be held there because it has no original: that is just what makes it a candidate; the partner looks once more.
        let held = owed == Owed::Held && home != Some(tx.config.me);
        if tx.ledger.tombstone(&id)?.is_some() || held || tx.is_unreadable(&id)? {
            return Ok(());
        }
        if let Some(record) = tx.ledger.deletion_record(&id)? {
            if !self.dry {
                tell_of_deletion(tx, &id, &record)?;
            }
            return Ok(());
        }
        if let Some(home) = home {
            if home == tx.config.me {
                if self.orphans.len() < tx.config.limits.candidates && self.orphans.insert(id) {
                    counts.deleted_there += 1;
                }
                return Ok(());
            }
            if Some(home) != tx.config.partner {
                return Ok(());
            }
        }
        // What belongs to somebody who is not here comes with its user, if that one comes. What is nobody's any more comes by itself: it
        // would differ for ever (test `what_is_nobodys_comes_to_be_the_same`).
        let owner = match scope {
            ListScope::Users(_) => None,
            ListScope::Contents(_) => there.owner,
            ListScope::Mailbox(owner) => Some(owner),
        };
        if let Some(owner) = &owner
            && !tx.is_here(owner)?
        {
            self.tell_of_deleted_owner(tx, owner)?;
            if tx.ledger.deletion_record(owner)?.is_some() || !self.is_on_neither(owner) {
                return Ok(());
            }
        }
        if owed == Owed::Marked {
            self.left_out += 1;
            return Ok(());
        }
        match scope {
            ListScope::Users(_) if home.is_some() => counts.created_here += 1,
            ListScope::Users(_) => counts.updated += 1,
            ListScope::Contents(_) | ListScope::Mailbox(_) => counts.contents_here += 1,
        }
        if !self.dry {
            self.wanted.push_back(id);
        }
        Ok(())
    }

    /// The partner has a content of a user who is not here. If the user was deleted here, and the partner has not heard of that, it hears
    /// of it now, and takes all of the mailbox away.
    fn tell_of_deleted_owner(&self, tx: &mut Tx<'_>, owner: &ObjectId) -> Result<(), LedgerError> {
        if let Some(record) = tx.ledger.deletion_record(owner)?
            && tx.ledger.tombstone(owner)?.is_none()
            && !self.dry
            && tx.config.rules.hold(Rule::DeletionRecordOfOwner)
        {
            tell_of_deletion(tx, owner, &record)?;
        }
        Ok(())
    }
}

/// What was deleted here, and is on the partner still or again, gets a new tombstone: the partner hears of it once more.
fn tell_of_deletion(
    tx: &mut Tx<'_>,
    id: &ObjectId,
    record: &DeletionRecord,
) -> Result<(), LedgerError> {
    let at = tx.now.wall;
    tx.ledger.set_tombstone(id, &Tombstone { at })?;
    let gone = Object::new(record.kind, None, None);
    tx.mark(id, &gone, Marking::Gone).map(drop)
}
