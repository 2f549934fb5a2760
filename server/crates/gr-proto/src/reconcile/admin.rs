//! What administrators order, and what becomes of open tasks when the pair changes under them.

use crate::engine::Engine;
use crate::reconcile::task::{Serving, TaskView, finish};
use crate::{Command, Event, Now, Rejected, Request, RequestBody, Rule, limits};
use ledger::{
    BackgroundJob, Deletions, Lane, Ledger, LedgerError, Outcome, Phase, Task, TaskCounts, TaskId,
    TaskKind,
};

impl Engine {
    /// Carries out an order of an administrator, or says why not. Like a change it is part of the driver's transaction.
    pub fn command(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        order: Command,
    ) -> Result<Result<(), Rejected>, LedgerError> {
        self.begin(now, ledger)?;
        match order {
            Command::Start {
                id,
                kind,
                dry,
                agreed,
                mailboxes,
            } => {
                if let Some(declined) = self.declines(now, ledger, kind, dry, mailboxes.len())? {
                    return Ok(Err(declined));
                }
                let phase = match kind {
                    TaskKind::Rebuild => Phase::Clearing,
                    TaskKind::Resync | TaskKind::Audit | TaskKind::Mailboxes => Phase::Comparing,
                };
                self.state.task = Some(Task {
                    id,
                    kind,
                    dry,
                    agreed,
                    began: now.wall,
                    phase,
                    after: None,
                    mailboxes,
                    counts: TaskCounts::default(),
                });
                self.event(Event::TaskBegan(id, kind, dry));
            }
            Command::Agree(id) => {
                let waits = |task: &&mut Task| task.id == id && task.phase == Phase::Waiting;
                let Some(task) = self.state.task.as_mut().filter(waits) else {
                    return Ok(Err(Rejected::NoSuchTask));
                };
                task.agreed = Some(Deletions {
                    here: task.counts.deleted_here,
                    there: task.counts.deleted_there,
                });
                task.phase = Phase::Deleting;
            }
            Command::Abort(id) => return Ok(self.abort(now, ledger, id)),
            Command::Undo => {
                if self.state.task.is_some() || !self.state.scans.is_empty() {
                    return Ok(Err(Rejected::Clearing));
                }
                if self.state.kept.is_none() {
                    return Ok(Err(Rejected::NothingKept));
                }
                self.tx(now, ledger).scan(BackgroundJob::Undo);
            }
            Command::RetryHeld => self.tx(now, ledger).scan(BackgroundJob::Retry),
            Command::CourtesyDown { force } => return self.courtesy_down(now, ledger, force),
            Command::CourtesyUp => {
                self.state.courtesy = false;
                self.ready = true;
            }
        }
        Ok(Ok(()))
    }

    /// R18: refused while a task is open; and while something is left to be sent, unless it is forced. The driver has stopped taking
    /// calls and log-ins before.
    fn courtesy_down(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        force: bool,
    ) -> Result<Result<(), Rejected>, LedgerError> {
        let mine = self.state.task.as_ref().map(|task| task.id);
        if let Some(id) = mine.or(self.serving(now).map(|serving| serving.id)) {
            return Ok(Err(Rejected::Busy(id)));
        }
        if !force {
            let marks = ledger.backlog(Lane::Users)?.count + ledger.backlog(Lane::Messages)?.count;
            if marks > 0 {
                return Ok(Err(Rejected::Backlog(marks)));
            }
            if self.config.partner.is_some() && !self.is_running() {
                return Ok(Err(Rejected::NotRunning));
            }
        }
        self.state.courtesy = true;
        Ok(Ok(()))
    }

    fn declines(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        kind: TaskKind,
        dry: bool,
        mailboxes: usize,
    ) -> Result<Option<Rejected>, LedgerError> {
        if self.state.courtesy {
            return Ok(Some(Rejected::CourtesyDown));
        }
        if !self.is_running() {
            return Ok(Some(Rejected::NotRunning));
        }
        if let Some(task) = &self.state.task {
            return Ok(Some(Rejected::Busy(task.id)));
        }
        if let Some(serving) = self.serving(now) {
            return Ok(Some(Rejected::Busy(serving.id)));
        }
        if self.state.partner_rolled_back || self.state.rolled_back || self.state.seeding.is_some()
        {
            return Ok(Some(Rejected::Recovering));
        }
        if mailboxes > limits::MAILBOXES_MAX {
            return Ok(Some(Rejected::TooMany(mailboxes)));
        }
        let clearing = self
            .state
            .scans
            .iter()
            .any(|scan| scan.job != BackgroundJob::Retry);
        if clearing && kind == TaskKind::Rebuild {
            return Ok(Some(Rejected::Clearing));
        }
        let marks = ledger.backlog(Lane::Users)?.count + ledger.backlog(Lane::Messages)?.count;
        let too_many =
            kind == TaskKind::Rebuild && !dry && marks > self.config.limits.rebuild_marks;
        Ok(too_many.then_some(Rejected::Backlog(marks)))
    }

    /// Stops a task, at once and whether or not the partner can be reached.
    fn abort(&mut self, now: Now, ledger: &mut dyn Ledger, id: TaskId) -> Result<(), Rejected> {
        if let Some(task) = self.state.task.clone().filter(|task| task.id == id) {
            let ended = finish(&mut self.tx(now, ledger), Outcome::Aborted);
            self.outputs.extend(ended.map(crate::Output::Event));
            if let Some(session) = &mut self.session {
                session.requests.end_notice = Some(Request {
                    task: id,
                    kind: task.kind,
                    dry: task.dry,
                    agreed: false,
                    counts: task.counts,
                    have: None,
                    question: RequestBody::End(Outcome::Aborted),
                });
            }
            return Ok(());
        }
        let Some(serving) = self.serving.take_if(|serving| serving.id == id) else {
            return Err(Rejected::NoSuchTask);
        };
        self.stop_serving(serving.id);
        if let Some(session) = &mut self.session {
            // It hears of it at once, and again at its next question.
            let end_notice = Request {
                task: id,
                kind: serving.kind,
                dry: serving.dry,
                agreed: false,
                counts: serving.counts,
                have: None,
                question: RequestBody::Census,
            };
            session
                .requests
                .due
                .push((0, end_notice, Some(Outcome::AbortedThere)));
        }
        Ok(())
    }

    fn stop_serving(&mut self, id: TaskId) {
        self.state.stopped.push(id);
        let surplus = self
            .state
            .stopped
            .len()
            .saturating_sub(self.config.limits.stopped);
        self.state.stopped.drain(..surplus);
    }

    /// The partner's task, if it has been heard of lately.
    fn serving(&mut self, now: Now) -> Option<Serving> {
        self.mind_serving(now);
        self.serving
    }

    /// A task of the partner that is not heard of any more is over: its end was lost on the way.
    pub(crate) fn mind_serving(&mut self, now: Now) {
        self.serving
            .take_if(|serving| now.mono >= serving.silent_at());
    }

    /// A question of the partner: it is answered at the end of the transaction.
    pub(crate) fn asked(&mut self, now: Now, ledger: &mut dyn Ledger, no: u64, ask: Request) {
        let mut ended = None;
        if ask.task != TaskId(0) {
            ended = self.refuses(now, ledger, &ask);
            self.serve(now, &ask, ended);
        } else if self.state.partner_rolled_back || self.state.rolled_back {
            ended = Some(Outcome::RolledBack);
        }
        if let Some(session) = &mut self.session {
            if matches!(ask.question, RequestBody::Forget(_)) {
                // What the partner said before it had no such user is dropped from now on (E7).
                session.inbox.acknowledged(no);
            }
            // Whoever asks more than it waits for asks again.
            if session.requests.due.len() < self.config.limits.due {
                session.requests.due.push((no, ask, ended));
            }
        }
    }

    /// Why a task of the partner has no business here.
    fn refuses(&mut self, now: Now, ledger: &mut dyn Ledger, ask: &Request) -> Option<Outcome> {
        if matches!(ask.question, RequestBody::End(_)) {
            return None;
        }
        if self.state.stopped.contains(&ask.task) {
            return Some(Outcome::AbortedThere);
        }
        if self.state.partner_rolled_back || self.state.rolled_back {
            return Some(Outcome::RolledBack);
        }
        let mine = self.state.task.as_ref().map(|task| task.id);
        if mine.is_some_and(|mine| mine > ask.task) {
            return Some(Outcome::GaveWay);
        }
        if mine.is_some() {
            let ended = finish(&mut self.tx(now, ledger), Outcome::GaveWay);
            self.outputs.extend(ended.map(crate::Output::Event));
        }
        None
    }

    fn serve(&mut self, now: Now, ask: &Request, ended: Option<Outcome>) {
        let known = self.serving.filter(|serving| serving.id == ask.task);
        if ended.is_some() || matches!(ask.question, RequestBody::End(_)) {
            if known.is_some() {
                self.serving = None;
            }
            return;
        }
        self.serving = Some(Serving {
            id: ask.task,
            kind: ask.kind,
            dry: ask.dry,
            counts: ask.counts,
            since: known.map_or(now.wall, |known| known.since),
            heard: now.mono,
        });
    }

    /// What becomes of the open task when a server went back in time, or when it has been open for too long.
    pub(crate) fn mind_task(&mut self, now: Now, ledger: &mut dyn Ledger) {
        let Some(task) = &mut self.state.task else {
            return;
        };
        let back = self.state.partner_rolled_back || self.state.rolled_back;
        let outcome = if now.wall.0.saturating_sub(task.began.0) > limits::TASK_MS_MAX {
            Outcome::Expired
        } else if back && task.kind != TaskKind::Rebuild {
            Outcome::RolledBack
        } else {
            if back && self.state.staging && self.config.rules.hold(Rule::StageAnew) {
                // What was fetched may be lost there, or deleted: it is fetched anew after the recovery.
                (task.phase, task.after) = (Phase::Clearing, None);
                task.counts = TaskCounts::default();
                self.state.staging = false;
                self.tx(now, ledger).scan(BackgroundJob::Unstage);
                if let Some(session) = &mut self.session {
                    session.requests.forget_run();
                }
            }
            return;
        };
        let ended = finish(&mut self.tx(now, ledger), outcome);
        self.outputs.extend(ended.map(crate::Output::Event));
    }

    /// Tasks, as they are now.
    pub(crate) fn tasks(&self) -> TaskView {
        TaskView {
            open: self.state.task.clone(),
            serving: self.serving,
            last: self.state.last_task.clone(),
            kept: self.state.kept,
            job: self.state.scans.first().map(|scan| scan.job),
            refused: self.refused.clone(),
        }
    }
}
