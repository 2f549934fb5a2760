//! Local changes: data, version and mark in one transaction (E1, E5).

use crate::objects::transaction::{Marking, Tx};
use crate::{ObjectChange, Rule};
use domain::{BodyRef, Change, Hlc, Key, Kind, Object, ObjectId, Value, Version, user_fields};
use ledger::{LedgerError, Tombstone};

/// Makes a change. Returns its number if it left a mark.
pub(crate) fn change(tx: &mut Tx<'_>, change: &Change) -> Result<Option<u64>, LedgerError> {
    match change {
        Change::Create {
            id,
            kind,
            owner,
            body,
            registers,
        } => create(tx, id, *kind, *owner, *body, registers),
        Change::Set { id, registers } => set(tx, id, registers),
        Change::Delete { id } => delete(tx, id),
    }
}

fn create(
    tx: &mut Tx<'_>,
    id: &ObjectId,
    kind: Kind,
    owner: Option<ObjectId>,
    body: Option<BodyRef>,
    registers: &[(Key, Value)],
) -> Result<Option<u64>, LedgerError> {
    // A retry of a creation whose answer was lost must not bring back what has been deleted in between. And nothing outlives its
    // user: the partner has removed, or will remove, everything that belongs to it.
    let owner_gone = match &owner {
        Some(owner) => tx.ledger.deletion_record(owner)?.is_some(),
        None => false,
    };
    if owner_gone || tx.ledger.object(id)?.is_some() || tx.ledger.deletion_record(id)?.is_some() {
        return Ok(None);
    }
    let mut object = Object::new(kind, owner, body);
    write(tx, &mut object, registers);
    tx.write(id, &object)?;
    tx.note(*id, &object, ObjectChange::Arrived);
    tx.mark(id, &object, Marking::New)
}

fn set(
    tx: &mut Tx<'_>,
    id: &ObjectId,
    registers: &[(Key, Value)],
) -> Result<Option<u64>, LedgerError> {
    let Some(mut object) = tx.ledger.object(id)? else {
        return Ok(None);
    };
    if registers
        .iter()
        .any(|(key, _)| key.0 == user_fields::NUMBERS)
        && object.kind == Kind::USER
    {
        *tx.causes += 1;
    }
    if !write(tx, &mut object, registers) {
        return Ok(None);
    }
    tx.write(id, &object)?;
    tx.note(*id, &object, ObjectChange::Altered);
    if !tx.config.rules.hold(Rule::MarkWithChange) {
        return Ok(None);
    }
    tx.mark(id, &object, Marking::Altered)
}

fn delete(tx: &mut Tx<'_>, id: &ObjectId) -> Result<Option<u64>, LedgerError> {
    let Some(object) = tx.ledger.object(id)? else {
        return Ok(None);
    };
    tx.note(*id, &object, ObjectChange::Gone);
    // A mark that was held shows what the partner may have heard.
    let mark = match tx.ledger.mark(id)? {
        Some(mark) => Some(mark),
        None => tx.ledger.held(id)?.map(|held| held.mark),
    };
    tx.erase(id)?;
    tx.record_deletion(id, object.kind)?;
    if object.kind == Kind::USER {
        tx.remove_owned(id)?;
        *tx.causes += 1; // its number may be what the partner's user waits for
    }
    // Nobody has heard of it, so nobody has to forget it. Not so for a user: its messages may have gone ahead.
    let unheard = mark.is_some_and(|m| m.unsent) && object.kind != Kind::USER;
    if unheard {
        tx.state.csn += 1;
        tx.ledger.clear_mark(id)?;
        return Ok(None);
    }
    if tx.config.partner.is_some() {
        let at = tx.now.wall;
        tx.ledger.set_tombstone(id, &Tombstone { at })?;
    }
    tx.mark(id, &object, Marking::Gone)
}

/// Writes values that differ from the present ones, each with a version above what it replaces (E20). Says whether any did.
fn write(tx: &mut Tx<'_>, object: &mut Object, registers: &[(Key, Value)]) -> bool {
    let clock = tx.state.hlc.next(tx.now.wall, Hlc(0));
    let mut written = false;
    for (key, value) in registers {
        if object.get(*key) == Some(value) {
            continue;
        }
        let replaced = object.version(*key).hlc;
        // The partner's clock may be far ahead and not absorbed; a local write must take effect all the same.
        let hlc = if replaced >= clock && tx.config.rules.hold(Rule::WriteWins) {
            Hlc(replaced.0.saturating_add(1))
        } else {
            clock
        };
        let incarnation = tx.incarnation;
        written |= object.set(*key, Version { hlc, incarnation }, value.clone());
    }
    if written {
        tx.state.hlc = clock;
    }
    written
}
