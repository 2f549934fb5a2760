//! GR users without an original go: last, not too many of them by themselves, and not for good (E17, E19, R11).

use crate::objects::transaction::Tx;
use crate::reconcile::diff::Compare;
use crate::{Event, ObjectChange, Rule};
use domain::{Kind, ObjectId};
use ledger::{Kept, LedgerError, Reason, Removed, Task, TaskId, TaskKind};
use std::collections::VecDeque;

/// Deletes the candidates here, in this transaction, if the deletion guard or an administrator lets it (E17, E19). Returns those that the
/// partner is to delete; `None`: an administrator has to agree first.
pub(crate) fn delete(
    tx: &mut Tx<'_>,
    task: &mut Task,
    compare: &Compare,
    events: &mut Vec<Event>,
) -> Result<Option<VecDeque<ObjectId>>, LedgerError> {
    let mut gone = Vec::new();
    for id in &compare.candidates {
        if is_forgettable(tx, id)? {
            gone.push(*id);
        }
    }
    let before = removed_by(tx, task.id).users;
    let (here, there) = (before + gone.len() as u64, compare.orphans.len() as u64);
    (task.counts.deleted_here, task.counts.deleted_there) = (here, there);
    let allowed = match task.agreed {
        Some(agreed) => here <= agreed.here && there <= agreed.there,
        None => {
            let all = tx.ledger.user_count()?;
            let emptied = gone.iter().chain(&compare.orphans);
            tx.config.deletion_guard.allows_users(there, all)
                && is_allowed(tx, task.id, gone.len() as u64, emptied)?
        }
    };
    if !allowed && tx.config.rules.hold(Rule::DeletionGuard) {
        events.push(Event::GuardExceeded(here, there));
        return Ok(None);
    }
    for id in &gone {
        forget(tx, task.id, id)?;
    }
    remember_kept(tx, task.id, task.kind)?;
    task.counts.deleted_there = 0;
    // The partner may have contents of those that went here, too.
    gone.retain(|_| tx.config.rules.hold(Rule::NobodysToo));
    Ok(Some(compare.orphans.iter().copied().chain(gone).collect()))
}

/// What a task has removed from here so far.
fn removed_by(tx: &Tx<'_>, task: TaskId) -> Removed {
    let before = tx.state.removed.filter(|removed| removed.task == task);
    before.unwrap_or(Removed {
        task,
        ..Removed::default()
    })
}

/// Whether the deletion guard lets a task take so many users from here, and what belongs to `emptied`, who may be lost already (E19). What it has
/// taken before counts, too: a task that begins anew after a restart, or asks twice, is the same task. Mailboxes are counted only until it is
/// clear that they are too many.
pub(crate) fn is_allowed<'a>(
    tx: &mut Tx<'_>,
    task: TaskId,
    users: u64,
    emptied: impl IntoIterator<Item = &'a ObjectId>,
) -> Result<bool, LedgerError> {
    let before = removed_by(tx, task);
    let all = before.users + tx.ledger.user_count()?;
    if !tx
        .config
        .deletion_guard
        .allows_users(before.users + users, all)
    {
        return Ok(false);
    }
    let mut contents = before.contents;
    for id in emptied {
        contents += tx.ledger.owned_by(id)?.len() as u64;
        if !tx.config.deletion_guard.allows_contents(contents) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a GR user can be deleted because its original is gone: unless something of it is on its way there.
pub(crate) fn is_forgettable(tx: &mut Tx<'_>, id: &ObjectId) -> Result<bool, LedgerError> {
    let Some(object) = tx.ledger.object(id)? else {
        return Ok(false);
    };
    let held = tx.ledger.held(id)?.map(|held| held.reason);
    Ok(tx.is_partners(&object)
        && tx.ledger.mark(id)?.is_none()
        && held.is_none_or(|reason| reason == Reason::NO_SUCH_USER))
}

/// Removes a GR user and what belongs to it. It is kept for some days, and has neither tombstone nor deletion record: if its original turns
/// up, it is welcome (R11).
pub(crate) fn forget(tx: &mut Tx<'_>, task: TaskId, id: &ObjectId) -> Result<(), LedgerError> {
    let mut removed = removed_by(tx, task);
    let mut ids = tx.ledger.owned_by(id)?;
    ids.push(*id);
    for id in ids {
        if let Some(object) = tx.ledger.object(&id)? {
            match object.kind {
                Kind::USER => removed.users += 1,
                _ => removed.contents += 1,
            }
            tx.ledger.keep(&id, &object)?;
            tx.note(id, &object, ObjectChange::Gone);
            tx.erase(&id)?;
            tx.ledger.clear_mark(&id)?;
        }
    }
    tx.state.removed = Some(removed);
    Ok(())
}

/// Removes what belongs to a user that is on neither server any more: it would lie here unseen for ever, and differ for ever.
pub(crate) fn forget_contents(
    tx: &mut Tx<'_>,
    task: TaskId,
    owner: &ObjectId,
) -> Result<(), LedgerError> {
    if tx.is_here(owner)? || !tx.config.rules.hold(Rule::NobodysToo) {
        return Ok(());
    }
    forget(tx, task, owner)
}

/// Notes since when, and from which task, things are kept.
pub(crate) fn remember_kept(
    tx: &mut Tx<'_>,
    task: TaskId,
    kind: TaskKind,
) -> Result<(), LedgerError> {
    let objects = tx.ledger.kept_count()?;
    if objects > 0 {
        let at = tx.now.wall;
        tx.state.kept = Some(Kept {
            task,
            kind,
            at,
            objects,
        });
    }
    Ok(())
}
