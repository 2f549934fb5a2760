//! Recovery: what a server that went back in time has lost comes back, and what was deleted meanwhile stays deleted (E11, E12, E24).
//!
//! The server that did not go back *gives*: it lists what it holds, range of ids by range of ids, each object with a digest of its
//! versions. The other *takes*: it judges each list in the transaction that processes it, against its marks of that moment, and
//! answers with what it lacks. The objects themselves travel as marked items, as always.
//!
//! | object is here, absent in the list | meaning | what the taker does |
//! |---|---|---|
//! | marked here | the giver never confirmed it | leaves it: it is sent anyway |
//! | a user at its home | only a tombstone deletes it | marks it |
//! | not marked, the giver did not go back | it was with the giver once and is gone there | deletes it |
//! | not marked, both went back | cannot be known | marks it |
//!
//! Nobody deletes many by absence: beyond the fuse an object is kept and sent, and if it was deleted it is in its grave at the giver,
//! which answers with a tombstone (E19). So a partner that was emptied wipes nothing.
//!
//! An object that is in the list and absent here is asked for. One that differs is marked here; if the giver has more of it, its
//! answer follows (E24). All that is volatile: a session that ends takes the run with it, and the next one begins anew, because
//! the flags are durable until the last list has been judged.

use crate::tx::{Marking, Tx};
use crate::{Header, How, Judged, List, Mono, Rule};
use domain::{LedgerError, Object, ObjectId};
use std::collections::{BTreeMap, BTreeSet};

/// The part of a session that is about recovery.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery {
    giving: Option<Giving>,
    taking: Option<Taking>,
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
    /// Deleted so far: users, and contents of each mailbox.
    gone: Gone,
    /// Judged up to here; `None`: all of it. A list may come again, because its answer was lost.
    to: Option<ObjectId>,
}

/// What a run has deleted, for the fuse (E19).
#[derive(Clone, Debug, Default)]
struct Gone {
    users: u64,
    contents: BTreeMap<ObjectId, u64>,
}

impl Gone {
    /// Whether one more may go. What may not is kept and sent: if the partner deleted it, it is in its grave there.
    fn allows(&mut self, tx: &mut Tx<'_>, object: &Object) -> Result<bool, LedgerError> {
        let fuse = tx.config.fuse;
        let Some(owner) = &object.owner else {
            let all = tx.ledger.user_count()? + self.users;
            let allowed = fuse.allows_users(self.users + 1, all);
            self.users += u64::from(allowed);
            return Ok(allowed);
        };
        let gone = self.contents.get(owner).copied().unwrap_or(0);
        let allowed = gone < fuse.contents_min || {
            let all = tx.ledger.owned_by(owner)?.len() as u64 + gone;
            fuse.allows_contents(gone + 1, all)
        };
        if allowed {
            self.contents.insert(*owner, gone + 1);
        }
        Ok(allowed)
    }
}

/// What judging a list did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Objects deleted here, because they are gone at the partner.
    pub deleted: u32,
    /// Objects kept and sent, because nobody can know.
    pub kept: u32,
    /// Objects kept and sent, because too many would have been deleted (E19).
    pub spared: u32,
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
        patience_ms: u64,
        run: u64,
    ) -> Result<Option<List>, LedgerError> {
        let giving = self.giving.get_or_insert(Giving {
            run,
            after: None,
            asked: None,
        });
        if giving
            .asked
            .is_some_and(|(_, at)| tx.now.mono.since(at) < patience_ms)
        {
            return Ok(None);
        }
        let ids = tx
            .ledger
            .ids_after(giving.after.as_ref(), tx.config.limits.list_objects)?;
        let to = ids
            .last()
            .copied()
            .filter(|_| ids.len() == tx.config.limits.list_objects);
        let mut objects = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(object) = tx.ledger.object(&id)? {
                objects.push((id, object.digest(&id).short()));
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
    pub(crate) fn retry_at(&self, patience_ms: u64) -> Option<Mono> {
        let (_, at) = self.giving.as_ref()?.asked?;
        Some(at.plus(patience_ms))
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

    /// Judges a list. `None` if it does not follow the one that was judged before.
    pub(crate) fn judge(
        &mut self,
        tx: &mut Tx<'_>,
        header: &Header,
        list: &List,
    ) -> Result<Option<Verdicts>, LedgerError> {
        let begun = self.taking.as_ref().filter(|taking| taking.run == list.run);
        let mut gone = begun.map(|taking| taking.gone.clone()).unwrap_or_default();
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
        let gone_there = !header.went_back && !tx.state.owes_recovery;
        let here: BTreeSet<ObjectId> = mine.iter().copied().filter(within).collect();
        for id in &here {
            // A user that was judged before it may have taken it along.
            if let Some(object) = tx.ledger.object(id)? {
                judge(
                    tx,
                    id,
                    &object,
                    theirs.get(id),
                    gone_there,
                    &mut gone,
                    &mut verdicts,
                )?;
            }
        }
        let mut wanted = Vec::new();
        for id in theirs.keys().filter(|id| within(id) && !here.contains(id)) {
            if tx.ledger.tomb(id)?.is_none() {
                wanted.push(*id);
            }
        }
        verdicts.wanted = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
        self.taking = Some(Taking {
            run: list.run,
            gone,
            to,
        });
        if to.is_none() {
            tx.state.went_back = false;
        }
        self.answers.push(Judged {
            run: list.run,
            no: header.no,
            to,
            wanted,
        });
        Ok(Some(verdicts))
    }
}

/// Judges one object of this server by the partner's list. Only a mark here leaves it out (E24).
fn judge(
    tx: &mut Tx<'_>,
    id: &ObjectId,
    object: &Object,
    there: Option<&u64>,
    gone_there: bool,
    gone: &mut Gone,
    verdicts: &mut Verdicts,
) -> Result<(), LedgerError> {
    // What is held was never with the partner, or not as it is now.
    if (tx.ledger.mark(id)?.is_some() && tx.config.rules.hold(Rule::MarkedIsNotAbsent))
        || (tx.ledger.held(id)?.is_some() && tx.config.rules.hold(Rule::HeldIsNotAbsent))
    {
        return Ok(());
    }
    if let Some(theirs) = there {
        if *theirs != object.digest(id).short() {
            verdicts.differing += 1;
            tx.mark(id, object, Marking::Altered)?;
        }
        return Ok(());
    }
    let at_home = tx.is_local(object);
    let deletes = gone_there || !tx.config.rules.hold(Rule::BothBackKeeps);
    let deletes = deletes && (!at_home || !tx.config.rules.hold(Rule::HomeKeeps));
    let spared = deletes && tx.config.rules.hold(Rule::Fuse) && !gone.allows(tx, object)?;
    if deletes && !spared {
        verdicts.deleted += 1;
        tx.note(*id, object, How::Gone);
        tx.erase(id)?;
        tx.ledger.clear_mark(id)?;
        tx.bury(id, object.kind)?;
        return tx.remove_owned(id);
    }
    if spared {
        verdicts.spared += 1;
    } else {
        verdicts.kept += 1;
    }
    tx.mark(id, object, Marking::Recovery)?;
    Ok(())
}
