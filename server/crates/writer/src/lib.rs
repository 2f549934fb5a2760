//! The one writer of a server: group commit, the replication engine, and who waits for the partner.
//!
//! ```text
//! jobs -> [ begin | bodies, changes, GR mail through the engine | commit: segments, then rows ] -> replies, GR mail, notices
//! ```
//! Nothing leaves before the commit (E3, E16): replies and the engine's outputs are collected while the transaction is open and released
//! when it is durable. If the store cannot commit, the group is undone, its callers are told, and the engine begins a new incarnation; if
//! the disk cannot sync, the process ends, for nothing that it said since the last sync can be trusted. A write that refuses or
//! fails is taken back by itself; the others of its group go on. House-keeping has groups of its own: if one fails, the store and the engine
//! are as they were before, no incarnation ends, and nobody's waiting is cut short.
//!
//! [`Writer`] is all of that but the thread: it is given a group of jobs, a [`Store`] and a [`Host`], and comes back when the group is
//! durable or undone. A server runs it on a thread over SQLite; the simulator runs the same over a ledger in memory and over SQLite on a
//! disk that fails.

mod backoff;
mod error;
mod host;
mod job;
mod post_commit;
mod rate_limited_log;
mod room;
mod store;
mod transaction;
mod waiting;
mod write;

pub use error::WriterError;
pub use host::Host;
pub use job::{Done, Job, Needs, Work, WriteFn, WriteReply};
pub use rate_limited_log::RateLimitedLog;
pub use store::{Store, Transaction};
pub use write::{Abort, Durability, Wait, WriteError, WriteTx, Written};

use ::store::StoreError;
use backoff::Backoff;
use domain::Incarnation;
use gr_proto::{Config, Engine, Input, Output, PartnerState, View};
use post_commit::PostCommit;
use std::collections::VecDeque;
use std::time::Duration;
use transaction::{OpenTransaction, undone};
use waiting::Waiting;

/// Jobs in one group: larger groups wait longer for the disk than they save.
const GROUP_JOBS_MAX: usize = 32;
/// Bytes of bodies in one group.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Groups that are undone are logged so often at most.
static UNDONE: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(5));

/// The writer. Its caller works off groups of jobs with [`Self::gather`] and [`Self::write_group`], and calls the latter with none
/// when [`Self::due`] has come.
pub struct Writer<H: Host> {
    /// What each incarnation of the engine is told. Its partner and its conditions are the present ones.
    config: Config,
    /// How long a write waits for the partner's acknowledgement at most. Milliseconds.
    accept_wait_ms: u64,
    engine: Engine,
    waiting: Waiting,
    backoff: Backoff,
    disk: room::DiskRoom,
    /// A job that was taken from the queue and did not go with the group.
    next: Option<Job<H>>,
}

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupOutcome {
    /// It is durable, and what it had to say has left.
    Written,
    /// It was undone: nothing of it has happened, and its callers were told.
    Undone,
    /// One of its jobs asked the writer to end. What else is in it is durable, or undone.
    Stopped,
    /// The disk cannot sync: the process has to end. Nobody was told anything.
    DiskFailed,
}

impl<H: Host> Writer<H> {
    /// A writer with the first incarnation of its engine, named and seeded as by [`Host::new_incarnation`]. A write that waits for the
    /// partner's acknowledgement waits for at most so many milliseconds.
    pub fn new(
        (incarnation, seed): (Incarnation, u64),
        config: Config,
        accept_wait_ms: u64,
    ) -> Self {
        room::show_low(false, false);
        Self {
            engine: Engine::new(config.clone(), incarnation, seed),
            config,
            accept_wait_ms,
            waiting: Waiting::default(),
            backoff: Backoff::default(),
            disk: room::DiskRoom::default(),
            next: None,
        }
    }

    /// What the engine shows of itself.
    pub fn view(&self) -> View<'_> {
        self.engine.view()
    }

    /// When [`Self::write_group`] has to be called even if nobody asks for anything, in milliseconds of the monotonic clock.
    pub fn due(&self) -> Option<u64> {
        let engine = self.engine.view().wake_at();
        [
            engine.map(|at| at.0.max(self.backoff.until)),
            self.waiting.deadline(),
            self.disk.due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The job with which the next group begins, if one was left over from the last.
    pub fn left_over(&mut self) -> Option<Job<H>> {
        self.next.take()
    }

    /// Whether a job was left over from the last group.
    pub fn has_left_over(&self) -> bool {
        self.next.is_some()
    }

    /// A group that begins with this job: as many of the jobs that wait in the queue as belong in one transaction with it.
    pub fn gather(
        &mut self,
        first: Job<H>,
        mut queue: impl FnMut() -> Option<Job<H>>,
    ) -> Vec<Job<H>> {
        let mut bytes = first.bytes();
        let mut group = vec![first];
        while group.len() < GROUP_JOBS_MAX && bytes < GROUP_BYTES_MAX {
            match queue() {
                Some(job) if !self.goes_with(&group, &job) => {
                    self.next = Some(job);
                    break;
                }
                Some(job) => {
                    bytes += job.bytes();
                    group.push(job);
                }
                None => break,
            }
        }
        group
    }

    /// House-keeping goes by itself, so that its failure is nobody else's. What grows and what people do to make room go apart, so that the
    /// one cannot fail for want of room and take the other with it; while room is tight, the partner's signs of life and its bodies, too.
    fn goes_with(&self, group: &[Job<H>], job: &Job<H>) -> bool {
        let tight = self.disk.is_tight();
        let apart = |one: &Job<H>, other: &Job<H>| {
            one.is_upkeep() && !other.is_upkeep()
                || one.grows() && (other.frees() || tight && !other.grows() && !other.is_neutral())
        };
        !group.iter().any(|one| apart(one, job) || apart(job, one))
    }

    /// Writes one group in one transaction, and releases what it had to say when it is durable.
    pub fn write_group(
        &mut self,
        host: &mut H,
        store: &mut H::Store,
        mut group: Vec<Job<H>>,
    ) -> GroupOutcome {
        let mut after = PostCommit::default();
        let now = host.now().mono.0;
        let grows = group.iter().any(Job::grows);
        self.judge(store, &mut group, now);
        // What fails in a group of house-keeping has not happened, to the engine neither.
        let upkeep = !group.is_empty() && group.iter().all(Job::is_upkeep);
        let before = upkeep.then(|| self.engine.clone());
        let mut jobs = VecDeque::from(group);
        let done = self.transact(host, store, &mut jobs, &mut after);
        self.learn(store, &done, grows, now);
        let written = done.and_then(|()| {
            self.release(host, &mut after);
            let now = host.now();
            self.give_back(host, store, &after, now)
        });
        let ended = match written {
            Ok(()) => {
                self.backoff.end(host.now().mono.0);
                GroupOutcome::Written
            }
            Err(WriterError::Store(error @ StoreError::Fatal { .. })) => {
                tracing::error!(%error, "the disk cannot sync: ending");
                return GroupOutcome::DiskFailed;
            }
            Err(error) => {
                match before {
                    Some(engine) => self.put_off_upkeep(host, engine, &error, &mut after, jobs),
                    None => self.undo(host, &error, &mut after, jobs),
                }
                GroupOutcome::Undone
            }
        };
        if upkeep && ended == GroupOutcome::Written {
            host.upkeep("a write of house-keeping", Ok(()));
        }
        // Whoever asks for the end gets it, whatever becomes of the group: on a full disk a server has to be stopped, too.
        match after.stopped.is_empty() {
            true => ended,
            false => {
                after.stopped.into_iter().for_each(|done| done());
                GroupOutcome::Stopped
            }
        }
    }

    /// The group's transaction, durable when this returns `Ok`.
    fn transact(
        &mut self,
        host: &mut H,
        store: &mut H::Store,
        jobs: &mut VecDeque<Job<H>>,
        after: &mut PostCommit<H>,
    ) -> Result<(), WriterError> {
        let now = host.now();
        if let Some(seed) = host.reseed() {
            self.engine.reseed(seed);
        }
        if let Some(no_room) = self.news_of_room(now.mono.0) {
            self.config.constraints.no_room = no_room;
            after.constraints = Some(self.config.constraints.clone());
        }
        let no_room = self.config.constraints.no_room;
        let mut tx = store.begin()?;
        if let Some(constraints) = &after.constraints {
            let input = Input::Constraints(Box::new(constraints.clone()));
            self.engine.handle(now, &mut tx, input).map_err(undone)?;
        }
        let rests = now.mono.0 < self.backoff.until;
        let disk = &self.disk;
        let mut open = OpenTransaction::<H> {
            engine: &mut self.engine,
            tx: &mut tx,
            now,
            home: self.config.me,
            no_room,
            constraints: &self.config.constraints,
            after: &mut *after,
        };
        while let Some(job) = jobs.pop_front() {
            if let Work::GrMail { message, .. } = &job.work
                && (rests || !disk.may_take(message))
            {
                continue; // it is dropped, and comes again
            }
            open.run(job)?;
        }
        after.outputs = self
            .engine
            .finish_transaction(now, &mut tx)
            .map_err(undone)?;
        after.unreadable_rows = tx.rows_set_aside();
        tx.commit()?;
        after.tell_damage();
        if let Some(constraints) = after.constraints.take() {
            self.config.constraints = constraints;
        }
        if !after.replies.is_empty() {
            // Their ratio is the size of a group: what the disk's syncs are shared by.
            metrics::counter!("callpilot_write_groups_total").increment(1);
            metrics::counter!("callpilot_writes_total").increment(after.replies.len() as u64);
        }
        Ok(())
    }

    /// After the commit: answers, GR mail and notices leave.
    fn release(&mut self, host: &mut H, after: &mut PostCommit<H>) {
        let now = host.now().mono.0;
        let running = self.is_partner_running();
        for (reply, marked) in after.replies.drain(..) {
            if reply.wait == Wait::Partner && running && !marked.is_empty() {
                let send = Box::new(|durability| (reply.send)(Ok(durability)));
                let deadline = now + self.accept_wait_ms;
                self.waiting.add(deadline, marked, send);
            } else {
                (reply.send)(Ok(Durability::Local));
            }
        }
        for output in std::mem::take(&mut after.outputs) {
            if let Output::Safe(held) = &output {
                self.waiting.safe(held);
            }
            host.output(output);
        }
        for answer in after.commanded.drain(..) {
            // After the outputs: whoever commanded a task finds it.
            answer();
        }
        self.waiting.expire(now, self.is_partner_running());
        for (pair, done) in after.paired.drain(..) {
            self.config.partner = pair.as_ref().map(H::partner_of);
            host.pair_changed(pair);
            self.begin_new_incarnation(host);
            done();
        }
    }

    fn is_partner_running(&self) -> bool {
        self.engine.view().partner_state() == PartnerState::Running
    }

    /// A group was undone: its callers are told, and the engine, of which nobody knows what it believes now, begins anew.
    fn undo(
        &mut self,
        host: &mut H,
        error: &WriterError,
        after: &mut PostCommit<H>,
        jobs: VecDeque<Job<H>>,
    ) {
        // On a full disk it happens with every heartbeat, and the log may lie on that disk.
        if let Some(times) = UNDONE.now() {
            tracing::error!(%error, times, "a group of writes was undone");
        }
        for (reply, _) in after.replies.drain(..) {
            (reply.send)(Err(error.of_the_group()));
        }
        for job in jobs {
            match job.work {
                Work::Stop { done } => after.stopped.push(done),
                // Whoever refuses does not fail.
                Work::Write { run, .. } => drop(run(Err(error.of_the_group()))),
                _ => {}
            }
        }
        self.backoff.begin(host.now().mono.0);
        self.begin_new_incarnation(host);
    }

    /// A group of house-keeping failed: everything is as it was before, and it is tried again by whoever asked for it.
    fn put_off_upkeep(
        &mut self,
        host: &mut H,
        engine: Engine,
        error: &WriterError,
        after: &mut PostCommit<H>,
        jobs: VecDeque<Job<H>>,
    ) {
        self.engine = engine;
        if after.constraints.take().is_some() {
            // That there is room, or none, was said in the transaction that failed.
            self.config.constraints.no_room = self.disk.take_news_back();
        }
        host.upkeep("a write of house-keeping", Err(error));
        for (reply, _) in after.replies.drain(..) {
            (reply.send)(Err(error.of_the_group()));
        }
        for job in jobs {
            if let Work::Write { run, .. } = job.work {
                // Whoever refuses does not fail.
                drop(run(Err(error.of_the_group())));
            }
        }
    }

    /// A new incarnation with the present partner: after a change of the pair, and when a group was undone. Nobody waits for the partner any
    /// longer: what it acknowledges to the old one, the new one does not hear.
    fn begin_new_incarnation(&mut self, host: &mut H) {
        let (incarnation, seed) = host.new_incarnation();
        self.engine = Engine::new(self.config.clone(), incarnation, seed);
        self.waiting.expire(u64::MAX, false);
        host.incarnation_began(self.engine.view());
    }

    /// The writer of a copy of this machine, as of a virtual one that is resumed from a snapshot: the same engine, and no callers, for
    /// they hear from the original. For simulations.
    #[must_use]
    pub fn copy_of_machine(&self) -> Self {
        Self {
            config: self.config.clone(),
            accept_wait_ms: self.accept_wait_ms,
            engine: self.engine.clone(),
            waiting: Waiting::default(),
            backoff: self.backoff,
            disk: self.disk.clone(),
            next: None,
        }
    }

    /// Adds to the randomness of the engine, outside of a transaction. For simulations of machines that are copied.
    pub fn reseed(&mut self, seed: u64) {
        self.engine.reseed(seed);
    }
}
