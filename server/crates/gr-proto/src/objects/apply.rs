//! Applying what the partner sent: a join, so order and repetition do not matter (E4).

use crate::objects::transaction::{Marking, Tx};
use crate::{Item, ObjectChange, Rule};
use domain::{Hlc, Kind, Object, ObjectId, User};
use ledger::{LedgerError, Reason, Tombstone};

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
        None => record_deletion(tx, &item.id).map(|()| Applied::Done),
        Some(theirs) => join(tx, item, theirs),
    }
}

/// It is gone at the partner, so it goes here, whatever was changed here meanwhile: deletion is final (E4).
fn record_deletion(tx: &mut Tx<'_>, id: &ObjectId) -> Result<(), LedgerError> {
    let mine = tx.ledger.object(id)?;
    if let Some(mine) = &mine {
        if !tx.config.rules.hold(Rule::DeletionIsFinal) && tx.ledger.mark(id)?.is_some() {
            return Ok(());
        }
        tx.note(*id, mine, ObjectChange::Gone);
    }
    tx.erase(id)?;
    // The messages of a user may have come before the user, so they are looked for even if the user never came.
    // Of what never came nobody knows what it was; a deletion record too long remembered does no harm.
    let kind = mine.map_or(Kind::USER, |mine| mine.kind);
    if kind == Kind::USER {
        tx.remove_owned(id)?;
    }
    tx.record_deletion(id, kind)?;
    tx.ledger.clear_tombstone(id)?;
    tx.ledger.clear_mark(id)
}

fn join(tx: &mut Tx<'_>, item: &Item, theirs: &Object) -> Result<Applied, LedgerError> {
    let id = &item.id;
    if tx.ledger.tombstone(id)?.is_some() {
        return Ok(Applied::Done); // deleted here, and the partner is about to hear of it
    }
    if theirs.newest().hlc > Hlc::END {
        // Nothing local could ever replace it (E20). No clock of an honest server is there.
        return Ok(Applied::Refused(Reason::FAULT));
    }
    absorb(tx, theirs);
    let Some(mut mine) = tx.ledger.object(id)? else {
        return arrive(tx, item, theirs);
    };
    if (mine.kind, mine.owner, mine.body) != (theirs.kind, theirs.owner, theirs.body) {
        return Ok(Applied::Refused(Reason::FAULT));
    }
    let said = tx.config.rules.hold(Rule::Join);
    let before = said.then(|| identity(&mine)).flatten();
    let joined = if said {
        mine.join(theirs)
    } else {
        mine = theirs.clone();
        domain::Joined {
            changed: true,
            ahead: false,
        }
    };
    if before.is_some_and(|before| Some(before) != identity(&mine))
        && let Some(reason) = obstacle(tx, id, &mine)?
    {
        return Ok(Applied::Refused(reason));
    }
    // More here than what arrived, and not on its way to the partner: the partner has lost it (E24).
    let lost = joined.ahead && tx.config.rules.hold(Rule::AnswerMore) && !tx.is_on_its_way(id)?;
    if joined.changed {
        tx.write(id, &mine)?;
        tx.takes_in(id, &mine)?;
        tx.note(*id, &mine, ObjectChange::Altered);
    }
    if lost {
        tx.mark(id, &mine, Marking::Altered)?;
    }
    // A piece of a body that is missing here: the rest of it is to come.
    if item.piece.is_some()
        && let Some(body) = &mine.body
        && !tx.ledger.has_body(body)?
    {
        return Ok(Applied::Refused(Reason::NEED_BODY));
    }
    Ok(Applied::Done)
}

/// It was not here.
fn arrive(tx: &mut Tx<'_>, item: &Item, theirs: &Object) -> Result<Applied, LedgerError> {
    let id = &item.id;
    if was_deleted_here(tx, id, theirs)? {
        let at = tx.now.wall;
        tx.record_deletion(id, theirs.kind)?;
        tx.ledger.set_tombstone(id, &Tombstone { at })?;
        tx.mark(id, theirs, Marking::Gone)?;
        return Ok(Applied::Done);
    }
    // It was here, and its row cannot be read any more: what the partner has of it is welcome.
    let mends = tx.is_unreadable(id)?;
    let ours = tx.is_local(theirs);
    if ours && !item.recovery && !mends && tx.config.rules.hold(Rule::OnlyHomeCreates) {
        return Ok(Applied::Refused(Reason::NO_SUCH_USER)); // only its home creates a user (E25)
    }
    if let Some(reason) = obstacle(tx, id, theirs)? {
        return Ok(Applied::Refused(reason));
    }
    if theirs.kind == Kind::USER
        && !ours
        && !mends
        && let Some(most) = tx.config.constraints.users_max
        && tx.ledger.user_count()? >= most
    {
        return Ok(Applied::Refused(Reason::CAPACITY));
    }
    // Of a long body this may be but one piece; the refusal tells how much is here (E23).
    if let Some(body) = &theirs.body
        && !mends // a body that is missing, too, is asked for by itself
        && !tx.ledger.has_body(body)?
    {
        let no_room = tx.config.constraints.no_room;
        return Ok(Applied::Refused(match no_room {
            true => Reason::NO_ROOM,
            false => Reason::NEED_BODY,
        }));
    }
    tx.write(id, theirs)?;
    if mends {
        // What was newer here is gone with the row, but it may have reached the partner meanwhile: who hears what is here now answers with
        // what is newer there (test `what_reached_the_partner_meanwhile_comes_back_with_a_row`).
        tx.ledger.clear_held(id)?;
        tx.mark(id, theirs, Marking::Altered)?;
        tx.note(*id, theirs, ObjectChange::Altered);
        return Ok(Applied::Done);
    }
    tx.note(*id, theirs, ObjectChange::Arrived);
    Ok(Applied::Done)
}

/// What an obstacle can depend on: mailbox number and class of a user.
fn identity(object: &Object) -> Option<(String, i64)> {
    User::of(object).map(|user| (user.number().to_owned(), user.class()))
}

/// Why a user of the partner cannot be a GR user here (R9).
fn obstacle(
    tx: &mut Tx<'_>,
    id: &ObjectId,
    object: &Object,
) -> Result<Option<Reason>, LedgerError> {
    let Some(user) = User::of(object).filter(|user| user.home() != Some(tx.config.me)) else {
        return Ok(None);
    };
    let constraints = &tx.config.constraints;
    if constraints.remote_users.contains(user.number()) {
        return Ok(Some(Reason::TEMPORARY_REMOTE_USER));
    }
    if constraints
        .classes
        .as_ref()
        .is_some_and(|classes| !classes.contains(&user.class()))
    {
        return Ok(Some(Reason::CLASS_MISSING));
    }
    if user.number().is_empty() {
        return Ok(None);
    }
    for other in tx.ledger.users_with_number(user.number())? {
        if other != *id
            && let Some(other) = tx.ledger.object(&other)?
            && tx.is_local(&other)
        {
            return Ok(Some(Reason::NUMBER_TAKEN));
        }
    }
    Ok(None)
}

/// Whether it, or the user it belongs to, was deleted here once (E9). A user that is merely absent may be on its way.
fn was_deleted_here(tx: &mut Tx<'_>, id: &ObjectId, theirs: &Object) -> Result<bool, LedgerError> {
    if !tx.config.rules.hold(Rule::DeletionRecord) {
        return Ok(false);
    }
    tx.was_deleted(id, theirs)
}

/// The clock follows the partner's, unless that is absurdly far ahead (E20): then that is remembered, to be reported.
fn absorb(tx: &mut Tx<'_>, theirs: &Object) {
    let newest = theirs.newest().hlc;
    let ahead_ms = newest.wall().0.saturating_sub(tx.now.wall.0);
    if ahead_ms > Hlc::ABSORB_MS_MAX {
        *tx.dated_ahead_ms = ahead_ms.max(*tx.dated_ahead_ms);
    }
    tx.state.hlc = if tx.config.rules.hold(Rule::ClockBound) {
        tx.state.hlc.absorb(newest, tx.now.wall)
    } else {
        tx.state.hlc.max(newest)
    };
}
