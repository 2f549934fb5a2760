//! Questions and answers of a session: which one is open, which is next, and for whom.
//!
//! One question of the task that is driven here is open at a time, and one for somebody who has just logged in. A question without an
//! answer is asked again, under a new number, after twice the time; an answer to an older one is ignored.

use crate::objects::transaction::Tx;
use crate::reconcile::diff::Compare;
use crate::reconcile::open_request::OpenRequest;
use crate::reconcile::task::finish;
use crate::reconcile::task_run::{TaskRun, TaskStep, ask};
use crate::{Event, Mono, Report, Request, RequestBody, Response, ResponseBody, Timers, limits};
use domain::ObjectId;
use ledger::{LedgerError, Outcome, TaskCounts, TaskId};
use std::collections::{BTreeMap, VecDeque};

/// What a session knows of questions and answers: volatile, like everything in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    /// The task that is driven here.
    work: Option<TaskRun>,
    /// The mailbox of somebody who has just logged in.
    login: Option<(Compare, Option<OpenRequest>)>,
    /// Mailboxes that wait for the same.
    logins: VecDeque<ObjectId>,
    /// When mailboxes were last asked for.
    asked_lately: BTreeMap<ObjectId, Mono>,
    /// Questions of the partner, answered at the end of the transaction: the message's number, and how the task ended if it did.
    pub(crate) due: Vec<(u64, Request, Option<Outcome>)>,
    /// The partner is told once that a task has ended.
    pub(crate) end_notice: Option<Request>,
    /// What belongs in the log.
    pub(crate) events: Vec<Event>,
}

/// What is to be done next.
#[derive(Clone, Debug)]
pub(crate) enum NextRequest {
    /// Nothing for now.
    Nothing,
    /// This is to be asked; then [`Requests::asked`].
    Request(Request),
    /// Live and staged objects have changed places: a new incarnation is due.
    Switched,
}

impl Requests {
    /// The next question of the task, or of a log-in.
    pub(crate) fn next(
        &mut self,
        tx: &mut Tx<'_>,
        report: Option<(u64, Report)>,
        retransmit_ms: u64,
    ) -> Result<NextRequest, LedgerError> {
        // What an earlier task has found is nothing to this one.
        let present = tx.state.task.as_ref().map(|task| task.id);
        self.work.take_if(|work| Some(work.id) != present);
        let waits = |open: &Option<OpenRequest>| {
            let open = open.as_ref();
            open.is_some_and(|open| tx.now.mono < open.retry_at(retransmit_ms, &tx.config.timers))
        };
        let (work_waits, login_waits) = (
            self.work.as_ref().is_some_and(|work| waits(&work.open)),
            self.login.as_ref().is_some_and(|(_, open)| waits(open)),
        );
        if tx.state.partner_rolled_back || tx.state.rolled_back {
            return Ok(NextRequest::Nothing);
        }
        if !login_waits && let Some(ask) = self.next_login(tx)? {
            return Ok(NextRequest::Request(ask));
        }
        if work_waits {
            return Ok(NextRequest::Nothing);
        }
        let Some(mut task) = tx.state.task.take() else {
            self.work = None;
            return Ok(NextRequest::Nothing);
        };
        let work = self.work.get_or_insert_with(|| TaskRun::new(task.id));
        let step = work.step(tx, &mut task, report, &mut self.events)?;
        Ok(match step {
            TaskStep::Wait => {
                work.open = None;
                tx.state.task = Some(task);
                NextRequest::Nothing
            }
            TaskStep::Request(question) => {
                let before = work.open.take();
                work.open = Some(OpenRequest::new(question.clone(), before, tx.now.mono));
                let ask = ask(tx, &task, question)?;
                tx.state.task = Some(task);
                NextRequest::Request(ask)
            }
            TaskStep::Finished | TaskStep::Switched => {
                self.end_notice = Some(ask(tx, &task, RequestBody::End(Outcome::Done))?);
                tx.state.task = Some(task);
                self.events.extend(finish(tx, Outcome::Done));
                self.work = None;
                match step {
                    TaskStep::Switched => NextRequest::Switched,
                    _ => NextRequest::Nothing,
                }
            }
        })
    }

    fn next_login(&mut self, tx: &mut Tx<'_>) -> Result<Option<Request>, LedgerError> {
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
        *open = Some(OpenRequest::new(question.clone(), open.take(), tx.now.mono));
        Ok(Some(Request::of_no_task(question)))
    }

    /// What the task has found so far is worth nothing any more.
    pub(crate) fn forget_run(&mut self) {
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
            if open.first == 0 {
                open.first = no;
            }
        }
    }

    /// When a question without an answer is asked again, or one that waits can be asked.
    pub(crate) fn retry_at(&self, retransmit_ms: u64, timers: &Timers) -> Option<Mono> {
        let login = self.login.as_ref().and_then(|(_, open)| open.as_ref());
        let work = self.work.as_ref().and_then(|work| work.open.as_ref());
        let open = [login, work].into_iter().flatten();
        let waiting = (login.is_none() && !self.logins.is_empty()).then_some(Mono(0));
        open.map(|open| open.retry_at(retransmit_ms, timers))
            .chain(waiting)
            .min()
    }

    /// Somebody has logged in.
    pub(crate) fn logged_in(&mut self, mailbox: ObjectId, now: Mono, most: usize) {
        self.asked_lately
            .retain(|_, at| now.since(*at) < limits::LOGIN_PAUSE_MS);
        let lately = self.asked_lately.contains_key(&mailbox);
        if !lately && self.logins.len() < most {
            self.asked_lately.insert(mailbox, now);
            self.logins.push_back(mailbox);
        }
    }

    /// An answer has come, in a message with this number.
    pub(crate) fn answered(
        &mut self,
        tx: &mut Tx<'_>,
        no: u64,
        answer: &Response,
    ) -> Result<(), LedgerError> {
        if answer.task == TaskId(0) {
            return self.login_answered(tx, answer);
        }
        let Some(mut task) = tx.state.task.take_if(|task| task.id == answer.task) else {
            return Ok(());
        };
        if let ResponseBody::Closed(outcome) = answer.reply {
            tx.state.task = Some(task);
            self.events.extend(finish(tx, outcome));
            self.work = None;
            return Ok(());
        }
        let work = self.work.as_mut();
        let fits = |work: &&mut TaskRun| {
            let open = work.open.as_ref();
            open.is_some_and(|open| open.is_answered_by(answer))
        };
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

    fn login_answered(&mut self, tx: &mut Tx<'_>, answer: &Response) -> Result<(), LedgerError> {
        let Some((compare, open)) = &mut self.login else {
            return Ok(());
        };
        let Some(open) = open.take_if(|open| open.is_answered_by(answer)) else {
            return Ok(());
        };
        if matches!(answer.reply, ResponseBody::Closed(_)) {
            self.login = None;
            return Ok(());
        }
        let counts = &mut TaskCounts::default();
        compare.answered(tx, &open.question, &answer.reply, counts)
    }
}
