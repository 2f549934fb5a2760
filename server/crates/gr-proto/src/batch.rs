//! A data message being filled: marked objects, read as they are now.

use crate::tx::Tx;
use crate::{Item, Limits, Rule};
use domain::{LedgerError, Mark, ObjectId, Reason, User};

/// An item under way: the mark as it was when the item was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flying {
    pub(crate) id: ObjectId,
    pub(crate) n: u64,
    pub(crate) body: bool,
}

/// Why an object may not be sent, though the partner would take it (R9 a): nothing but its deletion.
pub(crate) fn held_back(tx: &mut Tx<'_>, id: &ObjectId) -> Result<Option<Reason>, LedgerError> {
    if tx.ledger.tomb(id)?.is_some() {
        return Ok(None);
    }
    let Some(object) = tx.ledger.object(id)? else {
        return Ok(None);
    };
    if let Some(owner) = &object.owner {
        let with_user = tx.ledger.held(owner)?.is_some();
        return Ok(with_user.then_some(Reason::WITH_USER));
    }
    let kept_here = User::of(&object)
        .filter(|_| tx.is_local(&object))
        .is_some_and(|user| !tx.config.conditions.overlap_allows(user.number()));
    Ok(kept_here.then_some(Reason::NO_OVERLAP))
}

/// A data message being filled.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    pub(crate) flying: Vec<Flying>,
    pub(crate) bytes: u64,
}

impl Batch {
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        self.items.len() >= limits.batch_items || self.bytes >= limits.batch_bytes
    }

    /// Adds an object as it is now. `false`: there is nothing to say of it. What is neither here nor has a tombstone was not deleted: its
    /// mark tells of nothing, and goes, for the partner would take it for a deletion (test `only_a_tombstone_deletes`); but if its row
    /// cannot be read, it is held until it is back.
    pub(crate) fn add(
        &mut self,
        tx: &mut Tx<'_>,
        id: ObjectId,
        mark: Mark,
    ) -> Result<bool, LedgerError> {
        let object = tx.ledger.object(&id)?;
        if object.is_none() && tx.is_unreadable(&id)? {
            tx.hold(&id, mark, Reason::UNREADABLE)?;
            return Ok(false);
        }
        if object.is_none() && tx.ledger.tomb(&id)?.is_none() {
            tx.ledger.clear_mark(&id)?;
            return Ok(false);
        }
        let body = object.as_ref().and_then(|o| o.body).filter(|_| mark.body);
        let body = match body {
            Some(body) if tx.ledger.has_body(&body)? => Some(body),
            _ => None,
        };
        if mark.unsent {
            tx.is_heard_of(&id)?;
        }
        if object.is_none() && !tx.config.rules.hold(Rule::TombUntilAck) {
            tx.ledger.clear_tomb(&id)?;
            tx.ledger.clear_mark(&id)?;
        }
        let item = Item {
            id,
            object,
            with_body: body.is_some(),
            recovery: mark.recovery,
        };
        self.bytes += item.weight();
        self.flying.push(Flying {
            id,
            n: mark.n,
            body: item.with_body,
        });
        self.items.push(item);
        Ok(true)
    }
}
