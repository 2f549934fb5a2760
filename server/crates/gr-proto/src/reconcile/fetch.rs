//! Fetching for a rebuild (R10, E18): everything the partner holds is staged beside the live objects, page after page, while this
//! server goes on; what happens live happens in what is staged too ([`Tx::stage`]). At the end both change places in one transaction.
//!
//! The partner keeps no state of it. A page that comes late does no harm: it is joined, and what was deleted meanwhile is in its
//! deletion record.

use crate::objects::transaction::{Marking, Tx};
use crate::{Item, RequestBody, Rule};
use domain::{Object, ObjectId, Timestamp};
use ledger::{Lane, LedgerError, Order, Task};
use std::collections::VecDeque;

/// What is known of the page at hand; volatile, because the cursor moves on only when its bodies are here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fetch {
    /// Staged objects of this page whose bodies are missing.
    missing: VecDeque<ObjectId>,
    /// Where to go on when they are here.
    next: Option<Option<ObjectId>>,
}

impl Fetch {
    /// The next question; `None`: everything is here.
    pub(crate) fn question(&mut self, tx: &Tx<'_>, task: &mut Task) -> Option<RequestBody> {
        if !self.missing.is_empty() {
            let some = self.missing.iter().take(tx.config.limits.batch_items);
            return Some(RequestBody::Bodies(some.copied().collect()));
        }
        match self.next.take() {
            Some(None) => {
                self.next = Some(None);
                return None;
            }
            Some(Some(next)) => task.after = Some(next),
            None => {}
        }
        Some(RequestBody::Page(task.after))
    }

    /// A page has come.
    pub(crate) fn page(
        &mut self,
        tx: &mut Tx<'_>,
        items: &[Item],
        next: Option<ObjectId>,
        task: &mut Task,
    ) -> Result<(), LedgerError> {
        for item in items {
            let Some(object) = &item.object else { continue };
            tx.stage(&item.id, object)?;
            keep_newer(tx, &item.id, object)?;
            task.counts.done += 1;
            if let Some(body) = &object.body
                && !tx.ledger.has_body(body)?
            {
                self.missing.push_back(item.id);
            }
        }
        self.next = Some(next);
        Ok(())
    }

    /// Bodies have come, or pieces of them, and were appended beside the message. What is not whole, and what was lost on its way, is asked
    /// for again; what the partner lacks as well stays missing.
    pub(crate) fn bodies(&mut self, tx: &mut Tx<'_>, items: &[Item]) -> Result<(), LedgerError> {
        for item in items {
            let body = item.object.as_ref().and_then(|object| object.body);
            let lost = match body.filter(|_| item.with_body || item.piece.is_some()) {
                Some(body) => !tx.ledger.has_body(&body)?,
                None => false,
            };
            if !lost {
                self.missing.retain(|id| *id != item.id);
            }
        }
        Ok(())
    }
}

/// Of which of these bodies a part is here, and how much. They are staged objects.
pub(crate) fn parts(
    tx: &mut Tx<'_>,
    ids: &[ObjectId],
) -> Result<Vec<(ObjectId, u32)>, LedgerError> {
    let mut parts = Vec::new();
    for id in ids {
        let staged = tx.ledger.staged(id)?;
        if let Some(body) = staged.and_then(|object| object.body) {
            let have = tx.ledger.body_part(&body)?;
            parts.extend((have > 0).then_some((*id, have)));
        }
    }
    Ok(parts)
}

/// What is newer here than at the partner stays: it is marked, and so it is staged. That happens when the partner lost it and could
/// not be told, because the object is held.
fn keep_newer(tx: &mut Tx<'_>, id: &ObjectId, theirs: &Object) -> Result<(), LedgerError> {
    let Some(mut mine) = tx.ledger.object(id)? else {
        return Ok(());
    };
    if mine.join(theirs).ahead && !tx.is_owed(id)? {
        tx.mark(id, &mine, Marking::Altered)?;
    }
    Ok(())
}

/// Whether more is marked than can be staged at once. It was not so when the rebuild was started, but that may be long ago.
pub(crate) fn backlog_is_long(tx: &mut Tx<'_>) -> Result<bool, LedgerError> {
    let users = tx.ledger.backlog(Lane::Users)?.count;
    let messages = tx.ledger.backlog(Lane::Messages)?.count;
    Ok(users + messages > tx.config.limits.rebuild_marks)
}

/// Stages what is marked or held here: the partner may not have it as it is now. From here on everything is written twice.
pub(crate) fn begin(tx: &mut Tx<'_>) -> Result<(), LedgerError> {
    tx.state.staging = true;
    if !tx.config.rules.hold(Rule::StageMarked) {
        return Ok(());
    }
    let most = usize::try_from(tx.config.limits.rebuild_marks).unwrap_or(usize::MAX);
    let mut ids = Vec::new();
    for lane in [Lane::Users, Lane::Messages] {
        let marks = tx
            .ledger
            .marks(lane, Order::Oldest, Timestamp(i64::MIN), most)?;
        ids.extend(marks.into_iter().map(|(id, _)| id));
    }
    let mut after = None;
    loop {
        let held = tx
            .ledger
            .held_after(after.as_ref(), tx.config.limits.scan)?;
        let Some((last, _)) = held.last() else { break };
        after = Some(*last);
        ids.extend(held.into_iter().map(|(id, _)| id));
    }
    for id in ids {
        if let Some(object) = tx.ledger.object(&id)? {
            tx.stage(&id, &object)?;
        }
    }
    Ok(())
}
