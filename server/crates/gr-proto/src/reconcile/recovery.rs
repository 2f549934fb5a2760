//! Recovery: what a server that went back in time has lost comes back, and what was deleted meanwhile stays deleted (E11, E12, E24).
//!
//! The server that did not go back *gives*: it lists what it holds, range of ids by range of ids, each object with a digest of its
//! versions. The other *takes*: it judges each list in the transaction that processes it, against its marks of that moment, and
//! answers with what it lacks. The objects themselves travel as marked items, as always.
//!
//! **Absence deletes nothing.** That an object is not in the list may mean that it was deleted, or that the giver lost it, or went back
//! itself, or cannot read it; a list cannot tell. Whoever deleted it knows: it has a deletion record there. So what is only here is marked
//! and sent, at first without its body; if the giver has a deletion record of it, or of its user, the answer is a tombstone. What no deletion record
//! remembers is taken for lost there, and comes back (test `what_the_partner_has_lost_is_not_taken_for_deleted`).
//!
//! | object | what the taker does |
//! |---|---|
//! | here and listed, the same | nothing; it notes that the partner has heard of it |
//! | here and listed, other versions | marks it; if the giver has more of it, its answer follows (E24) |
//! | here, not listed | marks it: a tombstone answers if it was deleted |
//! | listed, not here | asks for it |
//!
//! All that is volatile: a session that ends takes the run with it, and the next one begins anew, because the flags are durable. The
//! taker's stays until the giver has said, after its last list was judged, that nothing is left of what it owes: a giver that goes back
//! in time meanwhile would forget it.

use crate::objects::transaction::{Marking, Tx};
use crate::{Header, Judged, List, Mono, Report, Rule};
use domain::{Object, ObjectId};
use ledger::LedgerError;
use std::collections::{BTreeMap, BTreeSet};

/// The part of a session that is about recovery.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery {
    giving: Option<Giving>,
    taking: Option<Taking>,
    /// The number of the last list, if all of a run has been judged.
    last: Option<u64>,
    /// Answers that go out at the end of the transaction.
    pub(crate) answers: Vec<Judged>,
}

/// The partner went back, and is told what is here.
#[derive(Clone, Debug)]
struct Giving {
    run: u64,
    /// Judged up to here.
    after: Option<ObjectId>,
    /// The list that is under way: its number, and when it was sent.
    asked: Option<(u64, Mono)>,
}

/// This server went back, and is told what is there.
#[derive(Clone, Debug)]
struct Taking {
    run: u64,
    /// Judged up to here; `None`: all of it. A list may come again, because its answer was lost.
    to: Option<ObjectId>,
}

/// What judging a list did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Objects that only this server has: the partner is asked what became of them.
    pub only_here: u32,
    /// Objects that differ.
    pub differing: u32,
    /// Objects asked for.
    pub wanted: u32,
}

impl Recovery {
    /// The next list, if one has to go out now: the first, the one after a judged one, or the same range again, read anew.
    pub(crate) fn next_list(
        &mut self,
        tx: &mut Tx<'_>,
        retransmit_ms: u64,
        run: u64,
    ) -> Result<Option<List>, LedgerError> {
        let giving = self.giving.get_or_insert(Giving {
            run,
            after: None,
            asked: None,
        });
        if giving
            .asked
            .is_some_and(|(_, at)| tx.now.mono.since(at) < retransmit_ms)
        {
            return Ok(None);
        }
        let ids = tx.told_ids_after(giving.after.as_ref(), tx.config.limits.list_objects)?;
        let to = ids
            .last()
            .copied()
            .filter(|_| ids.len() == tx.config.limits.list_objects);
        let mut objects = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(object) = tx.ledger.object(&id)? {
                objects.push((id, object.digest(&id).short()));
            } else if tx.is_unreadable(&id)? {
                objects.push((id, 0)); // not absent: it differs from whatever the taker has
            }
        }
        Ok(Some(List {
            run: giving.run,
            after: giving.after,
            to,
            objects,
        }))
    }

    /// The list was written under this number.
    pub(crate) fn asked(&mut self, no: u64, now: Mono) {
        if let Some(giving) = &mut self.giving {
            giving.asked = Some((no, now));
        }
    }

    /// When a list without an answer is sent again.
    pub(crate) fn retry_at(&self, retransmit_ms: u64) -> Option<Mono> {
        let (_, at) = self.giving.as_ref()?.asked?;
        Some(at.plus(retransmit_ms))
    }

    /// The partner has judged a list. Marks what it lacks; says whether that was the last one.
    pub(crate) fn answered(
        &mut self,
        tx: &mut Tx<'_>,
        judged: &Judged,
    ) -> Result<bool, LedgerError> {
        let Some(giving) = &mut self.giving else {
            return Ok(false);
        };
        if giving.run != judged.run || giving.asked.is_none_or(|(no, _)| no != judged.no) {
            return Ok(false); // the answer to a list that was sent again meanwhile
        }
        for id in &judged.wanted {
            if let Some(object) = tx.ledger.object(id)? {
                tx.mark(id, &object, Marking::Recovery)?;
            }
        }
        giving.asked = None;
        giving.after = judged.to;
        let finished = judged.to.is_none();
        if finished {
            self.giving = None;
        }
        Ok(finished)
    }

    /// Whether all lists have been judged here; what was asked for may still be on its way.
    pub(crate) fn is_judged(&self) -> bool {
        self.taking
            .as_ref()
            .is_some_and(|taking| taking.to.is_none())
    }

    /// Whether a report of the giver says that nothing that was asked for is still on its way: it was said after the last list was
    /// judged, and the giver has heard of that and has no marks left.
    pub(crate) fn is_over(&self, no: u64, report: &Report) -> bool {
        let after = self.last.is_some_and(|last| no > last);
        after && self.is_judged() && !report.owing && report.backlog() == 0
    }

    /// Judges a list. `None` if it does not follow the one that was judged before.
    pub(crate) fn judge(
        &mut self,
        tx: &mut Tx<'_>,
        header: &Header,
        list: &List,
    ) -> Result<Option<Verdicts>, LedgerError> {
        let follows = self.taking.as_ref().is_some_and(|taking| {
            taking.run == list.run && taking.to.is_none_or(|to| Some(to) >= list.after)
        });
        if list.after.is_some() && !follows {
            return Ok(None);
        }
        let mut verdicts = Verdicts::default();
        let theirs: BTreeMap<ObjectId, u64> = list.objects.iter().copied().collect();
        // Here may be much more in this range than there, so what is judged at once has its own bound.
        let mine = tx
            .ledger
            .ids_after(list.after.as_ref(), tx.config.limits.judged_objects)?;
        let last = mine
            .last()
            .copied()
            .filter(|_| mine.len() == tx.config.limits.judged_objects);
        let to = [last, list.to].into_iter().flatten().min();
        let within = |id: &ObjectId| to.is_none_or(|to| *id <= to);
        let here: BTreeSet<ObjectId> = mine.iter().copied().filter(within).collect();
        for id in &here {
            if let Some(object) = tx.ledger.object(id)? {
                judge(tx, id, &object, theirs.get(id), &mut verdicts)?;
            }
        }
        let mut wanted = Vec::new();
        for id in theirs.keys().filter(|id| within(id) && !here.contains(id)) {
            if tx.ledger.tombstone(id)?.is_none() {
                wanted.push(*id);
            }
        }
        verdicts.wanted = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
        self.taking = Some(Taking { run: list.run, to });
        self.last = to.is_none().then_some(header.no);
        self.answers.push(Judged {
            run: list.run,
            no: header.no,
            to,
            wanted,
        });
        Ok(Some(verdicts))
    }
}

/// Judges one object of this server by the partner's list. What is marked or held is about to be told anyway (E24).
fn judge(
    tx: &mut Tx<'_>,
    id: &ObjectId,
    object: &Object,
    there: Option<&u64>,
    verdicts: &mut Verdicts,
) -> Result<(), LedgerError> {
    if there.is_some() && tx.config.rules.hold(Rule::ListedIsHeardOf) {
        // A backup may call it unsent, and the giver has it: it was sent in the time that is lost. If it is deleted now, the giver has
        // to hear of it.
        tx.is_heard_of(id)?;
    }
    if tx.is_owed(id)? {
        return Ok(());
    }
    match there {
        Some(digest) if *digest == object.digest(id).short() => Ok(()),
        Some(_) => {
            verdicts.differing += 1;
            tx.mark(id, object, Marking::Altered).map(drop)
        }
        None => {
            verdicts.only_here += 1;
            tx.mark(id, object, Marking::Doubt).map(drop)
        }
    }
}
