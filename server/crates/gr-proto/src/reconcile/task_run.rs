//! A task at work, phase by phase: what it asks next, and what an answer does.

use crate::objects::transaction::Tx;
use crate::reconcile::diff::Compare;
use crate::reconcile::fetch::{self, Fetch};
use crate::reconcile::open_request::OpenRequest;
use crate::reconcile::removal::{self, delete, remember_kept};
use crate::{Event, Report, Request, RequestBody, ResponseBody};
use domain::ObjectId;
use ledger::{BackgroundJob, Lane, LedgerError, Phase, Task, TaskId, TaskKind};
use std::collections::VecDeque;

/// A task at work.
#[derive(Clone, Debug)]
pub(crate) struct TaskRun {
    /// Which.
    pub(crate) id: TaskId,
    compare: Option<Compare>,
    fetch: Fetch,
    /// How often it has compared.
    rounds: u32,
    /// The partner's users have been counted.
    counted: bool,
    /// The number of the last answer: reports after it know of all that was asked for.
    pub(crate) answered: u64,
    /// Here, and there, nothing has been left to send at some moment since then.
    settled: (bool, bool),
    /// GR users that the partner is still to delete.
    deleting: Option<VecDeque<ObjectId>>,
    pub(crate) open: Option<OpenRequest>,
}

/// What a task does next.
pub(crate) enum TaskStep {
    Wait,
    Request(RequestBody),
    Finished,
    Switched,
}

impl TaskRun {
    pub(crate) fn new(id: TaskId) -> Self {
        Self {
            id,
            compare: None,
            fetch: Fetch::default(),
            rounds: 0,
            counted: false,
            answered: 0,
            settled: (false, false),
            deleting: None,
            open: None,
        }
    }

    /// What the task does next. A phase that has come to its end sets the one that follows, and gives no step.
    pub(crate) fn step(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        report: Option<(u64, Report)>,
        events: &mut Vec<Event>,
    ) -> Result<TaskStep, LedgerError> {
        loop {
            let step = match task.phase {
                Phase::Comparing => self.compare_on(tx, task)?,
                Phase::Settling => self.await_settled(tx, task, report)?,
                Phase::Waiting => Some(TaskStep::Wait),
                Phase::Deleting => self.delete_on(tx, task, events)?,
                Phase::Clearing => self.await_clear(tx, task, report)?,
                Phase::Fetching => Some(self.fetch_on(tx, task)?),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// [`Phase::Comparing`]: asks until nothing is left to ask.
    fn compare_on(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
    ) -> Result<Option<TaskStep>, LedgerError> {
        let compare = self.compare.get_or_insert_with(|| compare(task));
        if let Some(question) = compare.question(tx)? {
            task.mailboxes = match task.mailboxes.is_empty() {
                true => Vec::new(),
                false => compare.mailboxes_left().collect(),
            };
            return Ok(Some(TaskStep::Request(question)));
        }
        task.counts.left_out = compare.left_out;
        if task.dry {
            return Ok(Some(TaskStep::Finished));
        }
        self.settled = (false, false);
        task.phase = Phase::Settling;
        Ok(None)
    }

    /// [`Phase::Settling`]: waits until both have what was marked, and compares again if something was left out because it was on its way.
    fn await_settled(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        report: Option<(u64, Report)>,
    ) -> Result<Option<TaskStep>, LedgerError> {
        let Some(compare) = &mut self.compare else {
            task.phase = Phase::Comparing;
            return Ok(None);
        };
        if !settled(tx, task.kind, self.answered, report, &mut self.settled)? {
            return Ok(Some(TaskStep::Wait));
        }
        if compare.left_out > 0 && self.rounds < tx.config.limits.comparisons {
            self.rounds += 1;
            self.compare = None;
            task.phase = Phase::Comparing;
        } else if task.kind == TaskKind::Mailboxes {
            return Ok(Some(TaskStep::Finished));
        } else {
            task.phase = Phase::Deleting;
        }
        Ok(None)
    }

    /// [`Phase::Deleting`]: deletes here, once, and then lets the partner delete, some at a time.
    fn delete_on(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        events: &mut Vec<Event>,
    ) -> Result<Option<TaskStep>, LedgerError> {
        let Some(compare) = &self.compare else {
            task.phase = Phase::Comparing;
            return Ok(None);
        };
        if self.deleting.is_none() {
            let Some(orphans) = delete(tx, task, compare, events)? else {
                task.phase = Phase::Waiting;
                return Ok(None);
            };
            self.deleting = Some(orphans);
        }
        let orphans = self.deleting.iter().flatten();
        let some: Vec<_> = orphans.take(tx.config.limits.ids).copied().collect();
        Ok(Some(match some.is_empty() {
            true => TaskStep::Finished,
            false => TaskStep::Request(RequestBody::Forget(some)),
        }))
    }

    /// [`Phase::Clearing`]: counts what a rebuild would fetch, and waits until it may begin.
    fn await_clear(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        report: Option<(u64, Report)>,
    ) -> Result<Option<TaskStep>, LedgerError> {
        if !self.counted {
            return Ok(Some(TaskStep::Request(RequestBody::Census)));
        }
        if task.dry {
            return Ok(Some(TaskStep::Finished));
        }
        // What the partner has marked may be how it learns of something newer here, after a recovery: it has to be asked
        // first. After it, whatever comes is staged (without it a value is lost that a restored partner lacks).
        self.settled.1 |=
            report.is_some_and(|(no, report)| no >= self.answered && report.backlog() == 0);
        if !is_clear(tx) || !self.settled.1 || fetch::backlog_is_long(tx)? {
            return Ok(Some(TaskStep::Wait));
        }
        fetch::begin(tx)?;
        task.phase = Phase::Fetching;
        Ok(None)
    }

    /// [`Phase::Fetching`]: asks for the partner's objects until all are here, and then takes them into use.
    fn fetch_on(&mut self, tx: &mut Tx<'_>, task: &mut Task) -> Result<TaskStep, LedgerError> {
        if let Some(question) = self.fetch.question(tx, task) {
            return Ok(TaskStep::Request(question));
        }
        switch(tx, task)?;
        Ok(TaskStep::Switched)
    }

    pub(crate) fn take(
        &mut self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        question: &RequestBody,
        reply: &ResponseBody,
        events: &mut Vec<Event>,
    ) -> Result<(), LedgerError> {
        match (question, reply) {
            (RequestBody::Census, ResponseBody::Census(local, others)) => {
                self.counted = true;
                task.counts.created_here = local.saturating_add(*others);
                task.counts.deleted_here = tx.ledger.user_count()?;
            }
            (RequestBody::Page(after), ResponseBody::Page(items, next))
                if *after == task.after && tx.state.staging =>
            {
                self.fetch.page(tx, items, *next, task)?;
            }
            (RequestBody::Bodies(_), ResponseBody::Bodies(items)) => {
                self.fetch.bodies(tx, items)?
            }
            (RequestBody::Forget(ids), ResponseBody::Done(count)) => {
                task.counts.deleted_there += count;
                if let Some(orphans) = &mut self.deleting {
                    orphans.drain(..ids.len().min(orphans.len()));
                }
                // More may have come since it was counted: then it is left to the next comparison.
                if task.agreed.is_some() || removal::is_allowed(tx, task.id, 0, ids)? {
                    for id in ids {
                        removal::forget_contents(tx, task.id, id)?;
                    }
                    remember_kept(tx, task.id, task.kind)?;
                }
            }
            (RequestBody::Forget(_), ResponseBody::TooMany(count)) => {
                events.push(Event::GuardExceeded(task.counts.deleted_here, *count));
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

/// Whether nothing of earlier tasks is in the way of a rebuild. What they kept gives way to what this one will keep.
fn is_clear(tx: &mut Tx<'_>) -> bool {
    if tx.state.kept.is_some() {
        tx.scan(BackgroundJob::Purge);
    }
    let in_the_way = |job| job != BackgroundJob::Retry;
    !tx.state.scans.iter().any(|scan| in_the_way(scan.job))
}

/// What was fetched becomes what is live, in one transaction (E18).
fn switch(tx: &mut Tx<'_>, task: &Task) -> Result<(), LedgerError> {
    tx.ledger.switch()?;
    tx.state.staging = false;
    tx.state.csn += 1;
    remember_kept(tx, task.id, task.kind)?;
    tx.scan(BackgroundJob::Salvage);
    Ok(())
}

pub(crate) fn ask(
    tx: &mut Tx<'_>,
    task: &Task,
    question: RequestBody,
) -> Result<Request, LedgerError> {
    let have = match &question {
        RequestBody::Bodies(ids) => Some(fetch::parts(tx, ids)?),
        _ => None,
    };
    Ok(Request {
        task: task.id,
        kind: task.kind,
        dry: task.dry,
        agreed: task.agreed.is_some(),
        counts: task.counts,
        have,
        question,
    })
}
