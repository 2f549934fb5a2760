//! The one writer: group commit, the replication engine, and who waits for the partner.
//!
//! ```text
//! jobs -> [ begin | bodies, changes, GR mail through the engine | commit: segments, then rows ] -> replies, GR mail, notices
//! ```
//! Nothing leaves before the commit (E3, E16): replies, notices and the engine's outputs are collected while the transaction is open
//! and let go when it is durable. If the store cannot commit, the group is undone, its callers are told, and the engine begins a new
//! life; if the disk cannot sync, the process ends, for nothing that it said since the last sync can be trusted.

mod room;
mod waiting;

use crate::clock::{self, Clock};
use crate::config::Config;
use crate::gr::bodies;
use crate::gr::pairing::{self, Pairing};
use crate::rarely::Rarely;
use crate::site::{Copies, Notice, PairView, Scope, SiteError, Wait};
use bytes::Bytes;
use domain::{Conditions, Incarnation, ObjectId, ServerId};
use gr_proto::{Command, Engine, Event, How, Input, Now, Output, PartnerState, Rejected, TaskView};
use ledger::LedgerError;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch};
use waiting::Waiting;

/// Jobs in one group: larger groups wait longer for the disk than they save.
const GROUP_JOBS_MAX: usize = 32;
/// Bytes of bodies in one group.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// GR messages on their way to the link; beyond that they are dropped, and the engine sends them again.
const LINK_QUEUE_MAX: usize = 256;
/// After a group was undone the engine rests so long at first, then twice as long, up to the second figure: where every group fails, on a
/// full disk, lives would otherwise change faster than they can meet.
const REST_MS: (u64, u64) = (1_000, 30_000);
/// Groups that are undone are logged so often at most.
static UNDONE: Rarely = Rarely::new(Duration::from_secs(5));
/// The longest sleep of the writer when nothing is due.
const SLEEP_MS_MAX: u64 = 60_000;

/// What [`crate::site::Site`] asks of the writer. Each holds its place in the bounded queue until it is done.
pub(crate) enum Job {
    Write {
        run: Run,
        needs: Needs,
        room: OwnedSemaphorePermit,
    },
    GrMail {
        message: Box<gr_proto::Message>,
        bodies: Vec<Bytes>,
        room: OwnedSemaphorePermit,
    },
    Link {
        up: bool,
        room: OwnedSemaphorePermit,
    },
    Pair {
        pairing: Option<Pairing>,
        done: oneshot::Sender<()>,
        room: OwnedSemaphorePermit,
    },
    Command {
        order: Box<Command>,
        done: oneshot::Sender<Said>,
        room: OwnedSemaphorePermit,
    },
    LoggedIn {
        user: ObjectId,
        room: OwnedSemaphorePermit,
    },
    Damage {
        room: OwnedSemaphorePermit,
    },
    Compact {
        bytes_max: u64,
        room: OwnedSemaphorePermit,
    },
    Stop {
        done: oneshot::Sender<()>,
        room: OwnedSemaphorePermit,
    },
}

/// What a write needs of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// It adds about so many bytes of bodies, and rows: put off while the disk is nearly full.
    Room(usize),
    /// It frees room or hardly needs any: done on a full disk, too.
    Nothing,
}

/// A write, run inside the group's transaction; or told why it is not run, and then it replies by itself.
pub(crate) type Run = Box<
    dyn FnOnce(Result<&mut Scope<'_, '_>, SiteError>) -> Result<Option<Reply>, LedgerError> + Send,
>;

/// What the engine says to an order.
pub(crate) type Said = Result<(), Rejected>;

/// What is said to the caller of a write when it is durable, or when its group was undone.
pub(crate) struct Reply {
    pub(crate) wait: Wait,
    pub(crate) send: Box<dyn FnOnce(Result<Copies, SiteError>) + Send>,
}

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

/// The engine's rest after a group was undone. Writes of clients are tried all the same; GR mail is dropped, and comes again.
#[derive(Debug, Default)]
struct Rest {
    until: u64,
    last_ms: u64,
}

impl Rest {
    /// A group was undone.
    fn begin(&mut self, now: u64) {
        self.last_ms = (self.last_ms * 2).clamp(REST_MS.0, REST_MS.1);
        self.until = now + self.last_ms;
    }

    /// A group was written: if that was after the rest, all is well again.
    fn end(&mut self, now: u64) {
        if now >= self.until {
            self.last_ms = 0;
        }
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
        let engine = new_life(home, pairing.as_ref(), timers, &conditions);
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
                    self.begin_new_life();
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
            self.begin_new_life();
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

    /// A new life with the present partner: after a change of the pair, and when a group was undone.
    fn begin_new_life(&mut self) {
        self.engine = new_life(
            self.home,
            self.pairing.as_ref(),
            self.timers,
            &self.conditions,
        );
        self.waiting.expire(u64::MAX, false);
        self.tasks.send_modify(|tasks| {
            // What is durable is told anew; what only the old life knew is forgotten.
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

impl Job {
    /// How much it adds to a group.
    fn bytes(&self) -> usize {
        match self {
            Self::Write { needs, .. } => match needs {
                Needs::Room(bytes) => *bytes,
                Needs::Nothing => 0,
            },
            Self::GrMail { bodies, .. } => bodies.iter().map(Bytes::len).sum(),
            Self::Link { .. }
            | Self::Pair { .. }
            | Self::Command { .. }
            | Self::LoggedIn { .. }
            | Self::Damage { .. }
            | Self::Compact { .. }
            | Self::Stop { .. } => 0,
        }
    }
}

fn new_life(
    home: ServerId,
    pairing: Option<&Pairing>,
    timers: gr_proto::Timers,
    conditions: &Conditions,
) -> Engine {
    let partner = pairing.map(|p| ServerId::of(&p.partner.fqdn));
    let mut config = gr_proto::Config::new(home, partner);
    config.timers = timers;
    config.conditions = conditions.clone();
    let life = Incarnation(u64::from_be_bytes(clock::random()));
    Engine::new(config, life, u64::from_be_bytes(clock::random()))
}

/// The store's own error, as it was before it went through the engine.
fn undone(e: LedgerError) -> SiteError {
    match e.0.downcast::<store::StoreError>() {
        Ok(e) => SiteError::Store(*e),
        Err(e) => SiteError::Damaged(format!("the engine cannot go on: {e}")),
    }
}

/// A transaction that is open: what each job of the group does in it.
struct OpenTransaction<'a, 'w> {
    engine: &'a mut Engine,
    tx: &'a mut store::Tx<'w>,
    now: Now,
    home: ServerId,
    no_room: bool,
    after: &'a mut Aftermath,
}

impl OpenTransaction<'_, '_> {
    /// `fits`: the disk has room for what it brings.
    fn run(&mut self, job: Job, fits: bool) -> Result<(), SiteError> {
        match job {
            Job::Write { run, .. } if !fits => {
                run(Err(SiteError::Store(store::StoreError::Full))).map_err(undone)?;
            }
            Job::Write {
                run,
                needs: _,
                room: _room,
            } => self.write(run)?,
            Job::GrMail {
                message,
                bodies,
                room: _room,
            } => {
                if fits {
                    bodies::take(self.tx, self.now.wall, &message, &bodies)?;
                }
                self.tell(Input::Received(message))?;
            }
            Job::Link { up, room: _room } => {
                self.tell(if up { Input::LinkUp } else { Input::LinkDown })?;
            }
            Job::Pair {
                pairing,
                done,
                room: _room,
            } => self.pair(pairing, done)?,
            Job::Command {
                order,
                done,
                room: _room,
            } => {
                let said = self.engine.command(self.now, self.tx, *order);
                self.after.ordered.push((said.map_err(undone)?, done));
            }
            Job::LoggedIn { user, room: _room } => self.tell(Input::LoggedIn(user))?,
            Job::Damage { room: _room } => {
                let looked = self.tx.look_into_damage()?;
                self.after.lost_bodies += looked.bodies;
                self.after.found_again += looked.back;
            }
            Job::Compact {
                bytes_max,
                room: _room,
            } => {
                self.after.compact = self.after.compact.max(bytes_max);
            }
            Job::Stop { done, room: _room } => self.after.stopped.push(done),
        }
        Ok(())
    }

    fn tell(&mut self, input: Input) -> Result<(), SiteError> {
        let told = self.engine.handle(self.now, self.tx, input);
        told.map_err(undone)
    }

    fn write(&mut self, run: Run) -> Result<(), SiteError> {
        let mut scope = Scope {
            engine: self.engine,
            tx: self.tx,
            now: self.now,
            home: self.home,
            touched: Vec::new(),
            no_room: self.no_room,
            conditions: None,
        };
        let reply = run(Ok(&mut scope)).map_err(undone)?;
        let Scope {
            touched,
            conditions,
            ..
        } = scope;
        self.after.conditions = conditions.or(self.after.conditions.take());
        self.after
            .replies
            .extend(reply.map(|reply| (reply, touched)));
        Ok(())
    }

    fn pair(
        &mut self,
        pairing: Option<Pairing>,
        done: oneshot::Sender<()>,
    ) -> Result<(), SiteError> {
        match &pairing {
            Some(p) => {
                let bytes = serde_json::to_vec(&p.partner).expect("plain data");
                self.tx.put_setting(pairing::SETTING, &bytes)?;
            }
            None => self.tx.remove_setting(pairing::SETTING)?,
        }
        self.after.paired.push((pairing, done));
        Ok(())
    }
}

/// What one group leaves to do when it is durable.
#[derive(Default)]
struct Aftermath {
    /// What the engine has to say.
    outputs: Vec<Output>,
    replies: Vec<(Reply, Vec<(ObjectId, u64)>)>,
    paired: Vec<(Option<Pairing>, oneshot::Sender<()>)>,
    ordered: Vec<(Said, oneshot::Sender<Said>)>,
    compact: u64,
    /// Rows that turned out unreadable, bodies that turned out missing, and bodies that the disk gives again.
    unreadable_rows: u64,
    lost_bodies: u64,
    found_again: u64,
    /// What the group made of the server's conditions.
    conditions: Option<Conditions>,
    stopped: Vec<oneshot::Sender<()>>,
}

impl Aftermath {
    /// Says once for a whole group what of the disk was found damaged.
    fn tell_damage(&self) {
        let (rows, bodies) = (self.unreadable_rows, self.lost_bodies);
        if rows + bodies > 0 {
            metrics::counter!("callpilot_damaged_total", "what" => "rows").increment(rows);
            metrics::counter!("callpilot_damaged_total", "what" => "bodies").increment(bodies);
            tracing::warn!(
                rows,
                bodies,
                "the disk has damaged what is stored here; it is asked from the GR partner. Look at `callpilot gr status`, and at \
                 the disk"
            );
        }
        if self.found_again > 0 {
            tracing::info!(
                bodies = self.found_again,
                "content that could not be read can be read again"
            );
        }
    }
}

#[cfg(test)]
mod tests;
