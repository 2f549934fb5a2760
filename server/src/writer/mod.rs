//! The one writer: group commit, the replication engine, and who waits for the partner.
//!
//! ```text
//! jobs -> [ begin | bodies, changes, GR mail through the engine | commit: segments, then rows ] -> replies, GR mail, notices
//! ```
//! Nothing leaves before the commit (E3, E16): replies, notices and the engine's outputs are collected while the transaction is open
//! and let go when it is durable. If the store cannot commit, the group is undone, its callers are told, and the engine begins a new
//! incarnation; if the disk cannot sync, the process ends, for nothing that it said since the last sync can be trusted.

mod backoff;
pub mod change_event;
pub mod error;
mod job;
mod post_commit;
mod room;
mod transaction;
mod waiting;
pub mod write;

pub(crate) use job::{Job, Needs, Reply};

use crate::clock::{self, Clock};
use crate::config::Config;
use crate::gr::pairing::Pairing;
use crate::gr::view::PairView;
use crate::rarely::Rarely;
use backoff::Rest;
use change_event::Notice;
use domain::{Conditions, Incarnation, ServerId};
use error::SiteError;
use gr_proto::{Engine, Event, How, Input, Output, PartnerState, TaskView};
use post_commit::Aftermath;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use transaction::{OpenTransaction, undone};
use waiting::Waiting;
use write::{Copies, Wait};

/// Jobs in one group: larger groups wait longer for the disk than they save.
const GROUP_JOBS_MAX: usize = 32;
/// Bytes of bodies in one group.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// GR messages on their way to the link; beyond that they are dropped, and the engine sends them again.
const LINK_QUEUE_MAX: usize = 256;
/// Groups that are undone are logged so often at most.
static UNDONE: Rarely = Rarely::new(Duration::from_secs(5));
/// The longest sleep of the writer when nothing is due.
const SLEEP_MS_MAX: u64 = 60_000;

/// A new partner for the link: what it carries comes from `messages`. `None`: GR is off.
pub struct LinkStart {
    /// Who the partner is, and the key.
    pub pairing: Option<Pairing>,
    /// What the engine sends.
    pub messages: mpsc::Receiver<gr_proto::Message>,
}

/// The writer, not yet running.
pub struct Committer {
    clock: Clock,
    home: ServerId,
    accept_wait_ms: u64,
    timers: gr_proto::Timers,
    writer: store::Writer,
    inbox: Receiver<Job>,
    notices: broadcast::Sender<Notice>,
    engine: Engine,
    pairing: Option<Pairing>,
    conditions: Conditions,
    link: mpsc::Sender<gr_proto::Message>,
    links: mpsc::UnboundedSender<LinkStart>,
    /// Taken by whoever runs the link.
    pub link_starts: Option<mpsc::UnboundedReceiver<LinkStart>>,
    pair: watch::Sender<PairView>,
    tasks: watch::Sender<TaskView>,
    waiting: Waiting,
    rest: Rest,
    disk: room::DiskRoom,
    /// A job that was taken from the queue and did not go with the group.
    next: Option<Job>,
    _open: Open,
}

/// The queue of jobs, open for as long as somebody works it off: whoever waits for room in it is told when the writer has ended.
struct Open(Arc<Semaphore>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Why the writer ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// The disk cannot sync: the process has to end.
    DiskFailed,
}

impl Committer {
    /// Opens the engine on what the store holds. Also returns where the pair's state is seen.
    pub(crate) fn new(
        config: &Config,
        clock: Clock,
        writer: store::Writer,
        (inbox, open): (Receiver<Job>, Arc<Semaphore>),
        notices: broadcast::Sender<Notice>,
        pairing: Option<Pairing>,
        conditions: Conditions,
    ) -> (Self, watch::Receiver<PairView>) {
        let home = ServerId::of(&config.fqdn);
        let timers = crate::gr::timers(&config.gr);
        let engine = new_incarnation(home, pairing.as_ref(), timers, &conditions);
        let (pair, view) = watch::channel(PairView {
            partner: pairing.as_ref().map(|p| p.partner.clone()),
            status: engine.view().status(),
            in_service: true,
            caught_up: pairing.is_none(),
        });
        let (links, link_starts) = mpsc::unbounded_channel();
        let mut committer = Self {
            clock,
            home,
            accept_wait_ms: config.gr.accept_wait_ms,
            timers,
            writer,
            inbox,
            notices,
            engine,
            pairing: None,
            conditions,
            link: mpsc::channel(1).0,
            links,
            link_starts: Some(link_starts),
            pair,
            tasks: watch::Sender::default(),
            waiting: Waiting::default(),
            rest: Rest::default(),
            disk: room::DiskRoom::default(),
            next: None,
            _open: Open(open),
        };
        committer.start_link(pairing);
        (committer, view)
    }

    /// Where the state of tasks is seen.
    pub(crate) fn tasks(&self) -> watch::Receiver<TaskView> {
        self.tasks.subscribe()
    }

    /// The writer's loop; runs on a thread of its own until it is told to stop or the disk fails.
    pub fn run(mut self) -> Ended {
        while let Some(group) = self.gather() {
            let mut after = Aftermath::default();
            let now = self.clock.now().mono.0;
            let grows = group.iter().any(Job::grows);
            let mut jobs = self.judge(group, now);
            let done = self.transact(&mut jobs, &mut after);
            self.learn(&done, grows, now);
            let done = done.and_then(|()| {
                self.let_go(&mut after);
                self.give_back(&after, now)
            });
            match done {
                Ok(()) => self.rest.end(self.clock.now().mono.0),
                Err(SiteError::Store(e @ store::StoreError::Fatal { .. })) => {
                    tracing::error!(error = %e, "the disk cannot sync: ending");
                    return Ended::DiskFailed;
                }
                Err(e) => {
                    // On a full disk it happens with every heartbeat, and the log may lie on that disk.
                    if let Some(times) = UNDONE.now() {
                        tracing::error!(error = %e, times, "a group of writes was undone");
                    }
                    for (reply, _) in after.replies.drain(..) {
                        (reply.send)(Err(e.of_the_group()));
                    }
                    for (job, _) in jobs {
                        job.refuse(e.of_the_group());
                    }
                    self.rest.begin(self.clock.now().mono.0);
                    self.begin_new_incarnation();
                }
            }
            if !after.stopped.is_empty() {
                for done in after.stopped {
                    // Whoever asked may have gone away.
                    let _ = done.send(());
                }
                break;
            }
        }
        Ended::Stopped
    }

    /// Sleeps until there is something to do, then takes what is there, up to the size of a group. `None`: nobody is left to ask.
    fn gather(&mut self) -> Option<Vec<Job>> {
        let now = self.clock.now().mono.0;
        let due = [
            self.engine
                .view()
                .wake_at()
                .map(|at| at.0.max(self.rest.until)),
            self.waiting.deadline(),
            self.disk.due(),
        ]
        .into_iter()
        .flatten()
        .min();
        let sleep = due.map_or(SLEEP_MS_MAX, |at| at.saturating_sub(now).min(SLEEP_MS_MAX));
        let mut group = Vec::new();
        match self.next.take() {
            Some(job) => group.push(job),
            None => match self.inbox.recv_timeout(Duration::from_millis(sleep)) {
                Ok(job) => group.push(job),
                Err(RecvTimeoutError::Timeout) => return Some(group),
                Err(RecvTimeoutError::Disconnected) => return None,
            },
        }
        let mut bytes = group[0].bytes();
        while group.len() < GROUP_JOBS_MAX && bytes < GROUP_BYTES_MAX {
            match self.inbox.try_recv() {
                Ok(job) if !self.goes_with(&group, &job) => {
                    self.next = Some(job);
                    break;
                }
                Ok(job) => {
                    bytes += job.bytes();
                    group.push(job);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        Some(group)
    }

    /// What grows and what people do to make room go apart, so that the one cannot fail for want of room and take the other with it; while
    /// room is tight, the partner's signs of life and its bodies, too.
    fn goes_with(&self, group: &[Job], job: &Job) -> bool {
        let tight = self.disk.is_tight();
        let apart = |one: &Job, other: &Job| {
            one.grows() && (other.frees() || tight && !other.grows() && !other.is_neutral())
        };
        !group.iter().any(|one| apart(one, job) || apart(job, one))
    }

    /// One group in one transaction, durable when this returns `Ok`.
    fn transact(
        &mut self,
        jobs: &mut VecDeque<room::Judged>,
        after: &mut Aftermath,
    ) -> Result<(), SiteError> {
        let now = self.clock.now();
        // A machine that is resumed from a snapshot of its memory must not draw again what it drew (E13).
        self.engine.reseed(u64::from_be_bytes(clock::random()));
        if let Some(no_room) = self.news_of_room(now.mono.0) {
            self.conditions.no_room = no_room;
            after.conditions = Some(self.conditions.clone());
        }
        // Mail that is not taken is dropped, and comes again.
        jobs.retain(|(job, _)| match job {
            Job::GrMail { message, .. } => now.mono.0 >= self.rest.until && self.may_take(message),
            _ => true,
        });
        let no_room = self.conditions.no_room;
        let mut tx = self.writer.begin()?;
        if let Some(conditions) = &after.conditions {
            let input = Input::Conditions(Box::new(conditions.clone()));
            self.engine.handle(now, &mut tx, input).map_err(undone)?;
        }
        let mut open = OpenTransaction {
            engine: &mut self.engine,
            tx: &mut tx,
            now,
            home: self.home,
            no_room,
            after: &mut *after,
        };
        while let Some((job, fits)) = jobs.pop_front() {
            open.run(job, fits)?;
        }
        after.outputs = self
            .engine
            .finish_transaction(now, &mut tx)
            .map_err(undone)?;
        after.unreadable_rows = tx.rows_set_aside();
        tx.commit()?;
        after.tell_damage();
        if let Some(conditions) = after.conditions.take() {
            self.conditions = conditions;
        }
        if !after.replies.is_empty() {
            // Their ratio is the size of a group: what the disk's syncs are shared by.
            metrics::counter!("callpilot_write_groups_total").increment(1);
            metrics::counter!("callpilot_writes_total").increment(after.replies.len() as u64);
        }
        Ok(())
    }

    /// After the commit: answers, GR mail and notices leave.
    fn let_go(&mut self, after: &mut Aftermath) {
        let now = self.clock.now().mono.0;
        let running = self.engine.view().status().state == PartnerState::Running;
        for (reply, touched) in after.replies.drain(..) {
            if reply.wait == Wait::Partner && running && !touched.is_empty() {
                let send = Box::new(|copies| (reply.send)(Ok(copies)));
                self.waiting.add(now + self.accept_wait_ms, touched, send);
            } else {
                (reply.send)(Ok(Copies::One));
            }
        }
        for output in std::mem::take(&mut after.outputs) {
            self.route(output);
        }
        for (said, done) in after.ordered.drain(..) {
            // After the outputs: whoever ordered a task finds it. If he has gone away, the order stands all the same.
            let _ = done.send(said);
        }
        let running = self.engine.view().status().state == PartnerState::Running;
        self.waiting.expire(now, running);
        for (pairing, done) in after.paired.drain(..) {
            self.start_link(pairing);
            self.begin_new_incarnation();
            // Whoever asked may have gone away; the pair stands all the same.
            let _ = done.send(());
        }
    }

    fn route(&mut self, output: Output) {
        match output {
            Output::Send(message) => {
                if self.link.try_send(*message).is_err() {
                    // The engine sends again by its own timer; its marks remain.
                    metrics::counter!("callpilot_gr_messages_dropped_total").increment(1);
                }
            }
            Output::Safe(ids) => {
                self.waiting.safe(&ids);
                for (id, _) in ids {
                    self.notify(Notice::Safe { id });
                }
            }
            Output::Changed(all) => {
                for changed in all {
                    let gr_proto::Changed {
                        id,
                        kind,
                        owner,
                        how,
                    } = changed;
                    let arrived = how == How::Arrived;
                    self.notify(match how {
                        How::Gone => Notice::Gone { id, owner, kind },
                        How::Arrived | How::Altered => Notice::Object {
                            id,
                            owner,
                            kind,
                            arrived,
                        },
                    });
                }
            }
            Output::Status(status) => self.show(status),
            Output::Task(tasks) => {
                self.tasks.send_replace(*tasks);
            }
            Output::Event(event) => {
                crate::gr::log(&event);
                if event == Event::Rebuilt {
                    self.notify(Notice::Rebuilt);
                }
            }
        }
    }

    /// No listener at the moment means that nobody has to be told.
    fn notify(&self, notice: Notice) {
        let _ = self.notices.send(notice);
    }

    fn show(&self, status: gr_proto::PartnerStatus) {
        let before = self.pair.borrow().status.state;
        if before != status.state {
            tracing::info!(?before, now = ?status.state, "the GR partner's state changed");
        }
        let running = status.state == PartnerState::Running;
        self.pair.send_modify(|view| {
            // Once caught up, a message that is just on its way does not make this server lag: only a break of the link does.
            let stays = view.caught_up && before == PartnerState::Running && running;
            view.status = status;
            view.caught_up = view.partner.is_none() || stays || status.caught_up();
        });
        self.notify(Notice::Pair);
    }

    /// A new incarnation with the present partner: after a change of the pair, and when a group was undone.
    fn begin_new_incarnation(&mut self) {
        self.engine = new_incarnation(
            self.home,
            self.pairing.as_ref(),
            self.timers,
            &self.conditions,
        );
        self.waiting.expire(u64::MAX, false);
        self.tasks.send_modify(|tasks| {
            // What is durable is told anew; what only the old incarnation knew is forgotten.
            tasks.serving = None;
            tasks.refused.clear();
        });
        self.pair.send_modify(|view| {
            view.partner = self.pairing.as_ref().map(|p| p.partner.clone());
        });
        self.show(self.engine.view().status());
    }

    /// The link ends with the channel that feeds it; the new partner gets a new one.
    fn start_link(&mut self, pairing: Option<Pairing>) {
        let (link, messages) = mpsc::channel(LINK_QUEUE_MAX);
        self.link = link;
        self.pairing.clone_from(&pairing);
        // Nobody takes it when the server is stopping, or in a process without a link.
        let _ = self.links.send(LinkStart { pairing, messages });
    }
}

fn new_incarnation(
    home: ServerId,
    pairing: Option<&Pairing>,
    timers: gr_proto::Timers,
    conditions: &Conditions,
) -> Engine {
    let partner = pairing.map(|p| ServerId::of(&p.partner.fqdn));
    let mut config = gr_proto::Config::new(home, partner);
    config.timers = timers;
    config.conditions = conditions.clone();
    let incarnation = Incarnation(u64::from_be_bytes(clock::random()));
    Engine::new(config, incarnation, u64::from_be_bytes(clock::random()))
}

#[cfg(test)]
mod tests;
