//! Tasks: resync, audit, rebuild and mailbox resync (R10 to R14), driven by the server on which they were started.
//!
//! ```text
//! resync, audit    Comparing ─► Settling ─► [ Waiting ] ─► Deleting ─► done
//! mailboxes        Comparing ─► Settling ─► done
//! rebuild          Clearing ─► Fetching ─► the switch
//! ```
//! The phase is durable, what was found is not: a comparison that is interrupted begins anew, because it costs no more than the
//! difference. Nothing is deleted before the last phase, so whoever stops a task before it finds everything there (E17). One task
//! is open per pair; of two that begin at the same moment the one with the smaller id gives way.

use crate::compare::Compare;
use crate::fetch::{self, Fetch};
use crate::tx::Tx;
use crate::{Answer, Ask, Event, How, Mono, Question, Reply, Report, Rule, limits};
use domain::{
    Errand, Kept, Lane, LedgerError, ObjectId, Outcome, Phase, Reason, Task, TaskCounts, TaskId,
    TaskKind, TaskReport, Timestamp,
};
use std::collections::{BTreeMap, VecDeque};

/// Tasks, as they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskView {
    /// The one that this server drives.
    pub open: Option<Task>,
    /// The one that the partner drives.
    pub serving: Option<Serving>,
    /// What the last one of this server came to.
    pub last: Option<TaskReport>,
    /// What can be brought back.
    pub kept: Option<Kept>,
    /// What is still to be cleared away, brought back or tried again.
    pub errand: Option<Errand>,
    /// What of the partner was refused here since this life began, and has not come since.
    pub refused: BTreeMap<ObjectId, Refused>,
}

/// Something of the partner that was refused here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// Users: mailbox number. Empty for what is no user.
    pub number: String,
    /// Users: display name.
    pub name: String,
    /// Since when.
    pub at: Timestamp,
}

/// A task that the partner drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Which.
    pub id: TaskId,
    /// What it is.
    pub kind: TaskKind,
    /// It only counts.
    pub dry: bool,
    /// How far it is, as the partner counts: *here* is there.
    pub counts: TaskCounts,
    /// When it was first heard of.
    pub since: Timestamp,
    /// When it was last heard of.
    pub(crate) heard: Mono,
}

/// What a session knows of questions and answers: volatile, like everything in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asking {
    /// The task that is driven here.
    work: Option<Work>,
    /// The mailbox of somebody who has just logged in.
    login: Option<(Compare, Option<Open>)>,
    /// Mailboxes that wait for the same.
    logins: VecDeque<ObjectId>,
    /// When mailboxes were last asked for.
    asked_lately: BTreeMap<ObjectId, Mono>,
    /// Questions of the partner, answered at the end of the transaction: the message's number, and how the task ended if it did.
    pub(crate) due: Vec<(u64, Ask, Option<Outcome>)>,
    /// The partner is told once that a task has ended.
    pub(crate) farewell: Option<Ask>,
    /// What belongs in the log.
    pub(crate) events: Vec<Event>,
}

/// A task at work.
#[derive(Clone, Debug, Default)]
struct Work {
    compare: Option<Compare>,
    fetch: Fetch,
    /// How often it has compared.
    rounds: u32,
    /// The partner's users have been counted.
    counted: bool,
    /// The number of the last answer: reports after it know of all that was asked for.
    answered: u64,
    /// Here, and there, nothing has been left to send at some moment since then.
    settled: (bool, bool),
    /// GR users that the partner is still to delete.
    deleting: Option<VecDeque<ObjectId>>,
    open: Option<Open>,
}

/// A question without an answer.
#[derive(Clone, Debug)]
struct Open {
    no: u64,
    at: Mono,
    question: Question,
}

/// What is to be done next.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    /// Nothing for now.
    Nothing,
    /// This is to be asked; then [`Asking::asked`].
    Ask(Ask),
    /// Live and staged objects have changed places: a new life is due.
    Switched,
}

impl Asking {
    /// The next question of the task, or of a log-in.
    pub(crate) fn next(
        &mut self,
        tx: &mut Tx<'_>,
        report: Option<(u64, Report)>,
        patience_ms: u64,
    ) -> Result<Next, LedgerError> {
        let waits = |open: &Option<Open>| {
            let since = |open: &Open| tx.now.mono.since(open.at);
            open.as_ref().is_some_and(|open| since(open) < patience_ms)
        };
        let (work_waits, login_waits) = (
            self.work.as_ref().is_some_and(|work| waits(&work.open)),
            self.login.as_ref().is_some_and(|(_, open)| waits(open)),
        );
        if tx.state.owes_recovery || tx.state.went_back {
            return Ok(Next::Nothing);
        }
        if !login_waits && let Some(ask) = self.next_login(tx)? {
            return Ok(Next::Ask(ask));
        }
        if work_waits {
            return Ok(Next::Nothing);
        }
        let Some(mut task) = tx.state.task.take() else {
            self.work = None;
            return Ok(Next::Nothing);
        };
        let work = self.work.get_or_insert_default();
        let step = work.step(tx, &mut task, report, &mut self.events)?;
        Ok(match step {
            Step::Wait => {
                tx.state.task = Some(task);
                Next::Nothing
            }
            Step::Ask(question) => {
                work.open = Some(Open {
                    no: 0,
                    at: tx.now.mono,
                    question: question.clone(),
                });
                let ask = ask(&task, question);
                tx.state.task = Some(task);
                Next::Ask(ask)
            }
            Step::Finished | Step::Switched => {
                self.farewell = Some(ask(&task, Question::End(Outcome::Done)));
                tx.state.task = Some(task);
                self.events.extend(finish(tx, Outcome::Done));
                self.work = None;
                match step {
                    Step::Switched => Next::Switched,
                    _ => Next::Nothing,
                }
            }
        })
    }

    fn next_login(&mut self, tx: &mut Tx<'_>) -> Result<Option<Ask>, LedgerError> {
        if self.login.is_none() {
            let Some(mailbox) = self.logins.pop_front() else {
                return Ok(None);
            };
            self.login = Some((Compare::mailboxes([mailbox], false), None));
        }
        let Some((compare, open)) = &mut self.login else {
            return Ok(None);
        };
        let Some(question) = compare.question(tx)? else {
            self.login = None;
            return Ok(None);
        };
        *open = Some(Open {
            no: 0,
            at: tx.now.mono,
            question: question.clone(),
        });
        Ok(Some(Ask {
            task: TaskId(0),
            kind: TaskKind::Mailboxes,
            dry: false,
            agreed: false,
            counts: TaskCounts::default(),
            question,
        }))
    }

    /// What the task has found so far is worth nothing any more.
    pub(crate) fn forget_work(&mut self) {
        self.work = None;
    }

    /// A question was written under this number.
    pub(crate) fn asked(&mut self, task: TaskId, no: u64, now: Mono) {
        let open = if task == TaskId(0) {
            self.login.as_mut().and_then(|(_, open)| open.as_mut())
        } else {
            self.work.as_mut().and_then(|work| work.open.as_mut())
        };
        if let Some(open) = open {
            (open.no, open.at) = (no, now);
        }
    }

    /// When a question without an answer is asked again, or one that waits can be asked.
    pub(crate) fn retry_at(&self, patience_ms: u64) -> Option<Mono> {
        let login = self.login.as_ref().and_then(|(_, open)| open.as_ref());
        let work = self.work.as_ref().and_then(|work| work.open.as_ref());
        let open = [login, work].into_iter().flatten();
        let waiting = (login.is_none() && !self.logins.is_empty()).then_some(Mono(0));
        open.map(|open| open.at.plus(patience_ms))
            .chain(waiting)
            .min()
    }

    /// Somebody has logged in.
    pub(crate) fn logged_in(&mut self, mailbox: ObjectId, now: Mono) {
        self.asked_lately
            .retain(|_, at| now.since(*at) < limits::LOGIN_PAUSE_MS);
        let lately = self.asked_lately.contains_key(&mailbox);
        if !lately && self.logins.len() < limits::LOGINS_MAX {
            self.asked_lately.insert(mailbox, now);
            self.logins.push_back(mailbox);
        }
    }

    /// An answer has come, in a message with this number.
    pub(crate) fn answered(
        &mut self,
        tx: &mut Tx<'_>,
        no: u64,
        answer: &Answer,
    ) -> Result<(), LedgerError> {
        if answer.task == TaskId(0) {
            return self.login_answered(tx, answer);
        }
        let Some(mut task) = tx.state.task.take_if(|task| task.id == answer.task) else {
            return Ok(());
        };
        if let Reply::Closed(outcome) = answer.reply {
            tx.state.task = Some(task);
            self.events.extend(finish(tx, outcome));
            self.work = None;
            return Ok(());
        }
        let work = self.work.as_mut();
        let fits = |work: &&mut Work| work.open.as_ref().is_some_and(|open| open.no == answer.to);
        if let Some(work) = work.filter(fits)
            && let Some(open) = work.open.take()
        {
            work.answered = no;
            work.take(
                tx,
                &mut task,
                &open.question,
                &answer.reply,
                &mut self.events,
            )?;
        }
        tx.state.task = Some(task);
        Ok(())
    }

    fn login_answered(&mut self, tx: &mut Tx<'_>, answer: &Answer) -> Result<(), LedgerError> {
        let Some((compare, open)) = &mut self.login else {
            return Ok(());
        };
        let Some(open) = open.take_if(|open| open.no == answer.to) else {
            return Ok(());
        };
        if matches!(answer.reply, Reply::Closed(_)) {
            self.login = None;
            return Ok(());
        }
        let counts = &mut TaskCounts::default();
        compare.answered(tx, &open.question, &answer.reply, counts)
    }
}

/// What a task does next.
enum Step {
    Wait,
    Ask(Question),
    Finished,
    Switched,
}

impl Work {
    fn step(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        report: Option<(u64, Report)>,
        events: &mut Vec<Event>,
    ) -> Result<Step, LedgerError> {
        loop {
            match task.phase {
                Phase::Comparing => {
                    let compare = self.compare.get_or_insert_with(|| compare(task));
                    if let Some(question) = compare.question(tx)? {
                        task.mailboxes = match task.mailboxes.is_empty() {
                            true => Vec::new(),
                            false => compare.mailboxes_left().collect(),
                        };
                        return Ok(Step::Ask(question));
                    }
                    task.counts.left_out = compare.left_out;
                    if task.dry {
                        return Ok(Step::Finished);
                    }
                    self.settled = (false, false);
                    task.phase = Phase::Settling;
                }
                Phase::Settling => {
                    let Some(compare) = &mut self.compare else {
                        task.phase = Phase::Comparing;
                        continue;
                    };
                    if !settled(tx, task.kind, self.answered, report, &mut self.settled)? {
                        return Ok(Step::Wait);
                    }
                    if compare.left_out > 0 && self.rounds < limits::COMPARISONS_MAX {
                        self.rounds += 1;
                        self.compare = None;
                        task.phase = Phase::Comparing;
                    } else if task.kind == TaskKind::Mailboxes {
                        return Ok(Step::Finished);
                    } else {
                        task.phase = Phase::Deleting;
                    }
                }
                Phase::Waiting => return Ok(Step::Wait),
                Phase::Deleting => {
                    let Some(compare) = &self.compare else {
                        task.phase = Phase::Comparing;
                        continue;
                    };
                    if self.deleting.is_none() {
                        let Some(orphans) = delete(tx, task, compare, events)? else {
                            task.phase = Phase::Waiting;
                            continue;
                        };
                        self.deleting = Some(orphans);
                    }
                    let orphans = self.deleting.iter().flatten();
                    let some: Vec<_> = orphans.take(limits::IDS_MAX).copied().collect();
                    if some.is_empty() {
                        return Ok(Step::Finished);
                    }
                    return Ok(Step::Ask(Question::Forget(some)));
                }
                Phase::Clearing => {
                    if !self.counted {
                        return Ok(Step::Ask(Question::Census));
                    }
                    if task.dry {
                        return Ok(Step::Finished);
                    }
                    // What the partner has marked may be how it learns of something newer here, after a recovery: it has to be asked
                    // first. After it, whatever comes is staged (without it a value is lost that a restored partner lacks).
                    self.settled.1 |= report
                        .is_some_and(|(no, report)| no >= self.answered && report.backlog() == 0);
                    if !is_clear(tx) || !self.settled.1 {
                        return Ok(Step::Wait);
                    }
                    fetch::begin(tx)?;
                    task.phase = Phase::Fetching;
                }
                Phase::Fetching => {
                    if let Some(question) = self.fetch.question(task) {
                        return Ok(Step::Ask(question));
                    }
                    switch(tx, task)?;
                    return Ok(Step::Switched);
                }
            }
        }
    }

    fn take(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        question: &Question,
        reply: &Reply,
        events: &mut Vec<Event>,
    ) -> Result<(), LedgerError> {
        match (question, reply) {
            (Question::Census, Reply::Census(local, others)) => {
                self.counted = true;
                task.counts.created_here = local.saturating_add(*others);
                task.counts.deleted_here = tx.ledger.user_count()?;
            }
            (Question::Page(after), Reply::Page(items, next))
                if *after == task.after && tx.state.staging =>
            {
                self.fetch.page(tx, items, *next, task)?;
            }
            (Question::Bodies(_), Reply::Bodies(items)) => self.fetch.bodies(items),
            (Question::Forget(ids), Reply::Done(count)) => {
                task.counts.deleted_there += count;
                if let Some(orphans) = &mut self.deleting {
                    orphans.drain(..ids.len().min(orphans.len()));
                }
            }
            (Question::Forget(_), Reply::TooMany(count)) => {
                events.push(Event::FuseBlown(task.counts.deleted_here, *count));
                task.counts.deleted_there = *count;
                task.phase = Phase::Waiting;
                self.deleting = None;
            }
            _ => {
                if let Some(compare) = &mut self.compare {
                    compare.answered(tx, question, reply, &mut task.counts)?;
                }
            }
        }
        Ok(())
    }
}

/// A comparison for a task, which may have compared before.
fn compare(task: &mut Task) -> Compare {
    (task.counts.deleted_here, task.counts.deleted_there) = (0, 0);
    if task.mailboxes.is_empty() {
        return Compare::all(task.kind, task.dry);
    }
    task.counts.total = task.counts.done + task.mailboxes.len() as u64;
    Compare::mailboxes(task.mailboxes.iter().copied(), task.dry)
}

/// Whether all that was marked since the last question is on both servers, or held.
fn settled(
    tx: &mut Tx<'_>,
    kind: TaskKind,
    answered: u64,
    report: Option<(u64, Report)>,
    settled: &mut (bool, bool),
) -> Result<bool, LedgerError> {
    let contents = kind == TaskKind::Mailboxes;
    settled.0 |= tx.ledger.backlog(Lane::Users)?.count == 0
        && (!contents || tx.ledger.backlog(Lane::Messages)?.count == 0);
    settled.1 |= report.is_some_and(|(no, report)| {
        no >= answered && report.users == 0 && (!contents || report.messages == 0)
    });
    Ok(*settled == (true, true))
}

/// Deletes the candidates here, in this transaction, if the fuse or an administrator lets it (E17, E19). Returns those that the
/// partner is to delete; `None`: an administrator has to agree first.
fn delete(
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
    let (here, there) = (gone.len() as u64, compare.orphans.len() as u64);
    (task.counts.deleted_here, task.counts.deleted_there) = (here, there);
    let all = tx.ledger.user_count()?;
    let fuse = tx.config.fuse;
    let allowed = match task.agreed {
        Some(agreed) => here <= agreed.here && there <= agreed.there,
        None => fuse.allows_users(here, all) && fuse.allows_users(there, all),
    };
    if !allowed && tx.config.rules.hold(Rule::Fuse) {
        events.push(Event::FuseBlown(here, there));
        return Ok(None);
    }
    for id in &gone {
        forget(tx, id)?;
    }
    remember_kept(tx, task.id, task.kind)?;
    task.counts.deleted_there = 0;
    Ok(Some(compare.orphans.iter().copied().collect()))
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

/// Removes a GR user and what belongs to it. It is kept for some days, and has neither tombstone nor grave: if its original turns
/// up, it is welcome (R11).
pub(crate) fn forget(tx: &mut Tx<'_>, id: &ObjectId) -> Result<(), LedgerError> {
    let mut ids = tx.ledger.owned_by(id)?;
    ids.push(*id);
    for id in ids {
        if let Some(object) = tx.ledger.object(&id)? {
            tx.ledger.keep(&id, &object)?;
            tx.note(id, &object, How::Gone);
            tx.erase(&id)?;
            tx.ledger.clear_mark(&id)?;
        }
    }
    Ok(())
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

/// Whether nothing of earlier tasks is in the way of a rebuild. What they kept gives way to what this one will keep.
fn is_clear(tx: &mut Tx<'_>) -> bool {
    if tx.state.kept.is_some() {
        tx.walk(Errand::Purge);
    }
    let in_the_way = |errand| errand != Errand::Retry;
    !tx.state.walks.iter().any(|walk| in_the_way(walk.errand))
}

/// What was fetched becomes what is live, in one transaction (E18).
fn switch(tx: &mut Tx<'_>, task: &Task) -> Result<(), LedgerError> {
    tx.ledger.switch()?;
    tx.state.staging = false;
    tx.state.tick += 1;
    remember_kept(tx, task.id, task.kind)?;
    tx.walk(Errand::Salvage);
    Ok(())
}

fn ask(task: &Task, question: Question) -> Ask {
    Ask {
        task: task.id,
        kind: task.kind,
        dry: task.dry,
        agreed: task.agreed.is_some(),
        counts: task.counts,
        question,
    }
}

/// Ends the task that is open here.
pub(crate) fn finish(tx: &mut Tx<'_>, outcome: Outcome) -> Option<Event> {
    let task = tx.state.task.take()?;
    if tx.state.staging {
        tx.state.staging = false;
        tx.walk(Errand::Unstage);
    }
    let (id, kind) = (task.id, task.kind);
    tx.state.last_task = Some(TaskReport {
        id,
        kind,
        dry: task.dry,
        began: task.began,
        ended: tx.now.wall,
        outcome,
        counts: task.counts,
    });
    Some(Event::TaskEnded(id, kind, outcome))
}
