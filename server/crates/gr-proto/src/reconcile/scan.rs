//! Walks: background jobs that go over many objects, a few in each transaction, beside everything else, and survive a restart.

use crate::ObjectChange;
use crate::objects::transaction::{Marking, Tx};
use domain::{Kind, Object, ObjectId};
use ledger::{BackgroundJob, Held, LedgerError, Reason};

/// One step of the scan that is first in line. Returns users that were held and are tried again.
pub(crate) fn step(tx: &mut Tx<'_>) -> Result<Vec<ObjectId>, LedgerError> {
    let Some(scan) = tx.state.scans.first().copied() else {
        return Ok(Vec::new());
    };
    let mut retried = Vec::new();
    let last = match scan.job {
        BackgroundJob::Unstage => {
            let some = tx.ledger.unstage(tx.config.limits.scan)?;
            (some > 0).then(|| ObjectId::from_bytes([0; 16]))
        }
        BackgroundJob::Retry => {
            let some = tx
                .ledger
                .held_after(scan.after.as_ref(), tx.config.limits.scan)?;
            for (id, held) in &some {
                retry(tx, id, held, &mut retried)?;
            }
            some.last().map(|(id, _)| *id)
        }
        BackgroundJob::Salvage | BackgroundJob::Undo | BackgroundJob::Purge => {
            let some = tx
                .ledger
                .kept_after(scan.after.as_ref(), tx.config.limits.scan)?;
            for (id, object) in &some {
                match scan.job {
                    BackgroundJob::Salvage => salvage(tx, id, object)?,
                    BackgroundJob::Undo => bring_back(tx, id, object)?,
                    _ => {}
                }
                if scan.job != BackgroundJob::Salvage {
                    tx.ledger.forget_kept(id)?;
                }
            }
            some.last().map(|(id, _)| *id)
        }
    };
    match last {
        Some(last) => tx.state.scans[0].after = Some(last),
        None => {
            tx.state.scans.remove(0);
            if matches!(scan.job, BackgroundJob::Undo | BackgroundJob::Purge) {
                tx.state.kept = None;
            }
        }
    }
    Ok(retried)
}

/// What was held is tried again; the contents of a mailbox only when their user is no longer held.
fn retry(
    tx: &mut Tx<'_>,
    id: &ObjectId,
    held: &Held,
    retried: &mut Vec<ObjectId>,
) -> Result<(), LedgerError> {
    let Some(object) = tx.ledger.object(id)? else {
        return match tx.is_unreadable(id)? {
            true => Ok(()),
            false => tx.ledger.clear_held(id),
        };
    };
    if held.reason == Reason::BODY_LOST
        && let Some(body) = &object.body
        && !tx.ledger.has_body(body)?
    {
        return Ok(()); // nothing has changed
    }
    if held.reason == Reason::WITH_USER
        && let Some(owner) = &object.owner
        && (tx.ledger.held(owner)?.is_some() || retried.contains(owner))
    {
        return Ok(());
    }
    if object.kind == Kind::USER {
        retried.push(*id);
    }
    tx.retry(id, held)
}

/// A message that only the replaced objects had, of a user that is still there, comes back.
fn salvage(tx: &mut Tx<'_>, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
    let Some(owner) = &object.owner else {
        return Ok(());
    };
    let gone = !tx.is_here(owner)?
        || tx.ledger.object(id)?.is_some()
        || tx.ledger.tombstone(id)?.is_some()
        || tx.was_deleted(id, object)?;
    let whole = match &object.body {
        Some(body) => tx.ledger.has_body(body)?,
        None => true,
    };
    if gone || !whole {
        return Ok(());
    }
    tx.write(id, object)?;
    tx.note(*id, object, ObjectChange::Arrived);
    tx.mark(id, object, Marking::Whole).map(drop)
}

/// What a task removed comes back and is joined with what happened since. This is not going back in time: what was deleted meanwhile
/// stays deleted.
fn bring_back(tx: &mut Tx<'_>, id: &ObjectId, object: &Object) -> Result<(), LedgerError> {
    if tx.ledger.tombstone(id)?.is_some() || tx.was_deleted(id, object)? {
        return Ok(());
    }
    if let Some(mut mine) = tx.ledger.object(id)? {
        if mine.join(object).changed {
            tx.write(id, &mine)?;
            tx.note(*id, &mine, ObjectChange::Altered);
            tx.mark(id, &mine, Marking::Altered)?;
        }
        return Ok(());
    }
    let mends = tx.is_unreadable(id)?;
    tx.write(id, object)?;
    tx.note(*id, object, ObjectChange::Arrived);
    if mends {
        // It was not removed, its row could not be read; and if its home has gone back in time, that asked for it when it could not be had.
        return tx.mark_whole(id, object, Marking::Recovery).map(drop);
    }
    // A GR user that has no original stays here alone, as it was before; and so does what belongs to it.
    let here = match &object.owner {
        None => !tx.is_partners(object),
        Some(owner) => match tx.ledger.object(owner)? {
            Some(owner) => tx.is_local(&owner),
            None => false,
        },
    };
    if here {
        tx.mark_whole(id, object, Marking::Whole)?;
    }
    Ok(())
}
