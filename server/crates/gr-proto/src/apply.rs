//! Applying what the partner sent: a join, so order and repetition do not matter (E4).

use crate::tx::{Marking, Tx};
use crate::{How, Item, Reason, Rule};
use domain::{Kind, LedgerError, Object, ObjectId, Tomb, User};

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// What it says is here, or is known here to be out of date.
    Done,
    /// It was not applied, and its mark has to stay at the sender.
    Refused(Reason),
}

/// Applies one item.
pub(crate) fn apply(tx: &mut Tx<'_>, item: &Item) -> Result<Applied, LedgerError> {
    match &item.object {
        None => bury(tx, &item.id).map(|()| Applied::Done),
        Some(theirs) => join(tx, item, theirs),
    }
}

/// It is gone at the partner, so it goes here, whatever was changed here meanwhile: deletion is final (E4).
fn bury(tx: &mut Tx<'_>, id: &ObjectId) -> Result<(), LedgerError> {
    let mine = tx.ledger.object(id)?;
    if let Some(mine) = &mine {
        if !tx.config.rules.hold(Rule::DeletionIsFinal) && tx.ledger.mark(id)?.is_some() {
            return Ok(());
        }
        tx.note(*id, mine, How::Gone);
        tx.ledger.remove(id)?;
    }
    // The messages of a user may have come before the user, so they are looked for even if the user never came.
    if mine.is_none_or(|mine| mine.kind == Kind::USER) {
        tx.remove_owned(id)?;
    }
    tx.bury(id)?;
    tx.ledger.clear_tomb(id)?;
    tx.ledger.clear_mark(id)
}

fn join(tx: &mut Tx<'_>, item: &Item, theirs: &Object) -> Result<Applied, LedgerError> {
    let id = &item.id;
    if tx.ledger.tomb(id)?.is_some() {
        return Ok(Applied::Done); // deleted here, and the partner is about to hear of it
    }
    absorb(tx, theirs);
    let Some(mut mine) = tx.ledger.object(id)? else {
        return arrive(tx, item, theirs);
    };
    if (mine.kind, mine.owner, mine.body) != (theirs.kind, theirs.owner, theirs.body) {
        return Ok(Applied::Refused(Reason::FAULT));
    }
    let joined = if tx.config.rules.hold(Rule::Join) {
        mine.join(theirs)
    } else {
        mine = theirs.clone();
        domain::Joined {
            changed: true,
            ahead: false,
        }
    };
    if joined.changed {
        tx.ledger.put(id, &mine)?;
        tx.note(*id, &mine, How::Altered);
    }
    // More here than what arrived, and nothing on its way to the partner: the partner has lost it (E24).
    if joined.ahead && tx.ledger.mark(id)?.is_none() && tx.config.rules.hold(Rule::AnswerMore) {
        tx.mark(id, &mine, Marking::Altered)?;
    }
    Ok(Applied::Done)
}

/// It was not here.
fn arrive(tx: &mut Tx<'_>, item: &Item, theirs: &Object) -> Result<Applied, LedgerError> {
    let id = &item.id;
    if buried(tx, id, theirs)? {
        let at = tx.now.wall;
        tx.bury(id)?;
        tx.ledger.set_tomb(id, &Tomb { at })?;
        tx.mark(id, theirs, Marking::Gone)?;
        return Ok(Applied::Done);
    }
    let ours = User::of(theirs).is_some_and(|user| user.home() == Some(tx.config.me));
    if ours && !item.recovery && tx.config.rules.hold(Rule::OnlyHomeCreates) {
        return Ok(Applied::Refused(Reason::NO_SUCH_USER)); // only its home creates a user (E25)
    }
    if let Some(body) = &theirs.body
        && !tx.ledger.has_body(body)?
    {
        return Ok(Applied::Refused(Reason::NEED_BODY));
    }
    tx.ledger.put(id, theirs)?;
    tx.note(*id, theirs, How::Arrived);
    Ok(Applied::Done)
}

/// Whether it, or the user it belongs to, was deleted here once (E9). A user that is merely absent may be on its way.
fn buried(tx: &mut Tx<'_>, id: &ObjectId, theirs: &Object) -> Result<bool, LedgerError> {
    if !tx.config.rules.hold(Rule::Grave) {
        return Ok(false);
    }
    if tx.ledger.grave(id)?.is_some() {
        return Ok(true);
    }
    match &theirs.owner {
        Some(owner) => Ok(tx.ledger.grave(owner)?.is_some()),
        None => Ok(false),
    }
}

/// The clock follows the partner's, unless that is absurdly far ahead (E20).
fn absorb(tx: &mut Tx<'_>, theirs: &Object) {
    let newest = theirs.newest().hlc;
    tx.state.hlc = if tx.config.rules.hold(Rule::ClockBound) {
        tx.state.hlc.absorb(newest, tx.now.wall)
    } else {
        tx.state.hlc.max(newest)
    };
}
