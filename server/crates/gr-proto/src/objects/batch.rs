//! A data message being filled: marked objects, read as they are now.

use crate::objects::transaction::Tx;
use crate::session::pieces::{Part, Pieces};
use crate::{Item, Limits, Rule};
use domain::{Object, ObjectId, User};
use ledger::{LedgerError, Mark, Reason};

/// An item under way: the mark as it was when the item was read, and what of its body goes along.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    pub(crate) id: ObjectId,
    pub(crate) n: u64,
    pub(crate) part: Part,
    /// The partner has the body if it refuses nothing.
    pub(crate) body: bool,
}

/// Why an object may not be sent, though the partner would take it (R9 a): nothing but its deletion.
pub(crate) fn held_back(tx: &mut Tx<'_>, id: &ObjectId) -> Result<Option<Reason>, LedgerError> {
    if tx.ledger.tombstone(id)?.is_some() {
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
        .is_some_and(|user| !tx.config.constraints.overlap_allows(user.number()));
    Ok(kept_here.then_some(Reason::NO_OVERLAP))
}

/// A data message being filled.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    pub(crate) in_flight: Vec<InFlight>,
    pub(crate) bytes: u64,
    /// It carries a piece of a body, and nothing after it.
    piece: bool,
}

/// An object that is about to be added.
pub(crate) struct NextItem {
    pub(crate) id: ObjectId,
    mark: Mark,
    object: Option<Object>,
    part: Part,
}

impl NextItem {
    /// Reads a marked object as it is now, for messages of about `most` bytes. What is neither here nor has a tombstone was not deleted:
    /// its mark tells of nothing, and goes, for the partner would take it for a deletion (test `only_a_tombstone_deletes`); but if its row
    /// cannot be read, it is held until it is back.
    pub(crate) fn read(
        tx: &mut Tx<'_>,
        id: ObjectId,
        mark: Mark,
        pieces: &Pieces,
        most: u64,
    ) -> Result<Option<Self>, LedgerError> {
        let object = tx.ledger.object(&id)?;
        if object.is_none() && tx.is_unreadable(&id)? {
            tx.hold(&id, mark, Reason::UNREADABLE)?;
            return Ok(None);
        }
        if object.is_none() && tx.ledger.tombstone(&id)?.is_none() {
            tx.ledger.clear_mark(&id)?;
            return Ok(None);
        }
        let body = object.as_ref().and_then(|o| o.body).filter(|_| mark.body);
        let part = match body {
            Some(body) if tx.ledger.has_body(&body)? => pieces.part(&id, &body, &mark, most),
            _ => Part::Nothing,
        };
        Ok(Some(Self {
            id,
            mark,
            object,
            part,
        }))
    }

    /// Whether it brings a piece of a long body. That goes by itself: what shares its message would wait for the whole of it.
    pub(crate) fn is_piece(&self) -> bool {
        matches!(self.part, Part::Piece(_))
    }
}

impl Batch {
    pub(crate) fn is_full(&self, most: u64, limits: &Limits) -> bool {
        self.piece || self.items.len() >= limits.batch_items || self.bytes >= most
    }

    /// Adds an object.
    pub(crate) fn add(&mut self, tx: &mut Tx<'_>, next: NextItem) -> Result<(), LedgerError> {
        let NextItem {
            id,
            mark,
            object,
            part,
        } = next;
        if mark.unsent {
            tx.is_heard_of(&id)?;
        }
        if object.is_none() && !tx.config.rules.hold(Rule::TombstoneUntilAck) {
            tx.ledger.clear_tombstone(&id)?;
            tx.ledger.clear_mark(&id)?;
        }
        let body = object.as_ref().and_then(|object| object.body);
        self.in_flight.push(InFlight {
            id,
            n: mark.n,
            part,
            body: part.completes(body.as_ref()),
        });
        let piece = match part {
            Part::Piece(piece) => Some(piece),
            _ => None,
        };
        self.piece |= piece.is_some();
        let item = Item {
            id,
            object,
            with_body: part == Part::Whole,
            piece,
            recovery: mark.recovery,
        };
        self.bytes += item.weight();
        self.items.push(item);
        Ok(())
    }
}
