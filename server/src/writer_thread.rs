//! The thread of the writer: its queue, its clock, and where that goes which leaves.
//!
//! What is written, when, and who is told what, [`writer::Writer`] decides.

use crate::change_event::ChangeEvent;
use crate::clock::{self, Clock};
use crate::gr::pairing::{self, Pairing, Partner};
use crate::gr::view::PairView;
use crate::upkeep_faults::UpkeepFaults;
use domain::{Incarnation, ReplicationConstraints, ServerId, Timestamp};
use gr_proto::{
    Changed, Event, Now, ObjectChange, Output, PartnerState, PartnerStatus, TaskView, View,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, watch};
use writer::{GroupOutcome, Host, Writer, WriterError};

/// GR messages on their way to the link; beyond that they are dropped, and the engine sends them again.
const LINK_QUEUE_MAX: usize = 256;
/// The longest sleep of the writer when nothing is due.
const SLEEP_MS_MAX: u64 = 60_000;

/// What is asked of the writer. Each job holds its place in the bounded queue until it is done.
pub(crate) type Job = writer::Job<ThreadHost>;

/// A new partner for the link: what it carries comes from `messages`. `None`: GR is off.
pub struct LinkStart {
    /// Who the partner is, and the key.
    pub pairing: Option<Pairing>,
    /// What the engine sends.
    pub messages: mpsc::Receiver<gr_proto::Message>,
}

/// The writer with its thread's belongings, not yet running.
pub struct WriterThread {
    writer: Writer<ThreadHost>,
    host: ThreadHost,
    store: store::Writer,
    queue: Receiver<Job>,
    /// Taken by whoever runs the link.
    pub link_starts: Option<mpsc::UnboundedReceiver<LinkStart>>,
    _open: Open,
}

/// The queue of jobs, open for as long as somebody works it off: whoever waits for room in it is told when the writer has ended.
struct Open(Arc<Semaphore>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// How the writer's thread ended.
#[derive(Debug, PartialEq, Eq)]
pub enum ThreadEnded {
    /// It was asked to.
    Stopped,
    /// The disk cannot sync: the process has to end.
    DiskFailed,
}

/// The channels between the handles of a server and its writer.
pub(crate) struct Channels {
    /// What changes.
    pub(crate) changes: broadcast::Sender<ChangeEvent>,
    /// The queue, and the room in it.
    pub(crate) queue: (Receiver<Job>, Arc<Semaphore>),
}

/// What can be watched of a writer.
pub(crate) struct Watches {
    /// The pair's state.
    pub(crate) pair: watch::Receiver<PairView>,
    /// The state of tasks.
    pub(crate) tasks: watch::Receiver<TaskView>,
    /// What of the house-keeping fails.
    pub(crate) upkeep_faults: UpkeepFaults,
}

/// The process around the writer.
pub(crate) struct ThreadHost {
    clock: Clock,
    changes: broadcast::Sender<ChangeEvent>,
    link: mpsc::Sender<gr_proto::Message>,
    links: mpsc::UnboundedSender<LinkStart>,
    partner: Option<Partner>,
    pair: watch::Sender<PairView>,
    tasks: watch::Sender<TaskView>,
    upkeep_faults: UpkeepFaults,
}

impl WriterThread {
    /// Opens the engine on what the store holds.
    pub(crate) fn new(
        config: &crate::config::Config,
        clock: Clock,
        store: store::Writer,
        channels: Channels,
        pairing: Option<Pairing>,
        constraints: ReplicationConstraints,
    ) -> (Self, Watches) {
        let home = ServerId::of(&config.fqdn);
        let partner = pairing.as_ref().map(ThreadHost::partner_of);
        let mut engine = gr_proto::Config::new(home, partner);
        engine.timers = crate::gr::timers(&config.gr);
        engine.constraints = constraints;
        let (links, link_starts) = mpsc::unbounded_channel();
        let writer = Writer::new(new_incarnation(), engine, config.gr.accept_wait_ms);
        let mut host = ThreadHost {
            clock,
            changes: channels.changes,
            link: mpsc::channel(1).0,
            links,
            partner: pairing.as_ref().map(|p| p.partner.clone()),
            pair: watch::Sender::new(PairView {
                partner: pairing.as_ref().map(|p| p.partner.clone()),
                status: writer.view().status(),
                heard: None,
                in_service: true,
                caught_up: pairing.is_none(),
            }),
            tasks: watch::Sender::default(),
            upkeep_faults: UpkeepFaults::default(),
        };
        host.pair_changed(pairing);
        let watches = Watches {
            pair: host.pair.subscribe(),
            tasks: host.tasks.subscribe(),
            upkeep_faults: host.upkeep_faults.clone(),
        };
        let (queue, open) = channels.queue;
        let thread = Self {
            writer,
            host,
            store,
            queue,
            link_starts: Some(link_starts),
            _open: Open(open),
        };
        (thread, watches)
    }

    /// The writer's loop; runs on a thread of its own until it is told to stop or the disk fails.
    pub fn run(mut self) -> ThreadEnded {
        while let Some(group) = self.next_group() {
            match (self.writer).write_group(&mut self.host, &mut self.store, group) {
                GroupOutcome::Written | GroupOutcome::Undone => {}
                GroupOutcome::Stopped => break,
                GroupOutcome::DiskFailed => return ThreadEnded::DiskFailed,
            }
            self.host.measured(self.writer.view().status());
        }
        ThreadEnded::Stopped
    }

    /// Sleeps until there is something to do, then takes what is there, up to the size of a group. `None`: nobody is left to ask.
    fn next_group(&mut self) -> Option<Vec<Job>> {
        let now = self.host.now().mono.0;
        let due = self.writer.due();
        let sleep = due.map_or(SLEEP_MS_MAX, |at| at.saturating_sub(now).min(SLEEP_MS_MAX));
        let first = match self.writer.left_over() {
            Some(job) => job,
            None => match self.queue.recv_timeout(Duration::from_millis(sleep)) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => return None,
            },
        };
        Some(self.writer.gather(first, || self.queue.try_recv().ok()))
    }
}

fn new_incarnation() -> (Incarnation, u64) {
    let incarnation = Incarnation(u64::from_be_bytes(clock::random()));
    (incarnation, u64::from_be_bytes(clock::random()))
}

impl Host for ThreadHost {
    type Store = store::Writer;
    type Pair = Pairing;
    type Permit = OwnedSemaphorePermit;

    fn now(&mut self) -> Now {
        self.clock.now()
    }

    fn new_incarnation(&mut self) -> (Incarnation, u64) {
        new_incarnation()
    }

    fn reseed(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(clock::random()))
    }

    fn partner_of(pair: &Pairing) -> ServerId {
        ServerId::of(&pair.partner.fqdn)
    }

    fn store_pair(tx: &mut store::Tx<'_>, pair: Option<&Pairing>) -> Result<(), StoreError> {
        match pair {
            Some(pair) => {
                let bytes = serde_json::to_vec(&pair.partner).expect("plain data");
                tx.put_setting(pairing::SETTING, &bytes)
            }
            None => tx.remove_setting(pairing::SETTING),
        }
    }

    /// The link ends with the channel that feeds it; the new partner gets a new one.
    fn pair_changed(&mut self, pairing: Option<Pairing>) {
        let (link, messages) = mpsc::channel(LINK_QUEUE_MAX);
        self.link = link;
        self.partner = pairing.as_ref().map(|p| p.partner.clone());
        // Nobody takes it when the server is stopping, or in a process without a link.
        let _ = self.links.send(LinkStart { pairing, messages });
    }

    fn incarnation_began(&mut self, engine: View<'_>) {
        self.tasks.send_modify(|tasks| {
            // What is durable is told anew; what only the old incarnation knew is forgotten.
            tasks.serving = None;
            tasks.refused.clear();
        });
        self.pair
            .send_modify(|view| view.partner.clone_from(&self.partner));
        self.show(engine.status());
    }

    fn upkeep(&mut self, what: &'static str, result: Result<(), &WriterError>) {
        self.upkeep_faults.note(what, result, self.clock.wall());
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Send(message) => {
                if self.link.try_send(*message).is_err() {
                    // The engine sends again by its own timer; its marks remain.
                    metrics::counter!("callpilot_gr_messages_dropped_total").increment(1);
                }
            }
            Output::Safe(ids) => {
                for (id, _) in ids {
                    self.notify(ChangeEvent::Safe { id });
                }
            }
            Output::Changed(all) => {
                for changed in all {
                    self.notify(change_event(changed));
                }
            }
            Output::Status(status) => self.show(status),
            Output::Task(tasks) => {
                self.tasks.send_replace(*tasks);
            }
            Output::Event(event) => {
                crate::gr::log(&event);
                if event == Event::Rebuilt {
                    self.notify(ChangeEvent::Rebuilt);
                }
            }
        }
    }
}

impl ThreadHost {
    /// No listener at the moment means that nobody has to be told.
    fn notify(&self, change: ChangeEvent) {
        let _ = self.changes.send(change);
    }

    /// Keeps what varies with every message for whoever asks; it is no news for those who watch.
    fn measured(&self, status: PartnerStatus) {
        let Now { wall, mono } = self.clock.now();
        let at = |heard| Timestamp(wall.0.saturating_sub_unsigned(mono.since(heard)));
        self.pair.send_if_modified(|view| {
            if view.status.heard != status.heard {
                view.heard = status.heard.map(at);
            }
            view.status.heard = status.heard;
            view.status.round_trip_ms = status.round_trip_ms;
            view.status.bytes_per_s = status.bytes_per_s;
            false
        });
    }

    fn show(&self, status: PartnerStatus) {
        let before = self.pair.borrow().status.state;
        if before != status.state {
            tracing::info!(?before, now = ?status.state, "the GR partner's state changed");
        }
        let running = status.state == PartnerState::Running;
        self.pair.send_modify(|view| {
            // Once caught up, a message that is just on its way does not make this server lag: only a break of the link does.
            let stays = view.caught_up && before == PartnerState::Running && running;
            view.status = PartnerStatus {
                // By `measured`, with the clocks.
                heard: view.status.heard,
                ..status
            };
            view.caught_up = view.partner.is_none() || stays || status.caught_up();
        });
        self.notify(ChangeEvent::Pair);
    }
}

/// What listeners are told of a change.
fn change_event(changed: Changed) -> ChangeEvent {
    let Changed {
        id,
        kind,
        owner,
        how,
    } = changed;
    let arrived = how == ObjectChange::Arrived;
    match how {
        ObjectChange::Gone => ChangeEvent::Gone { id, owner, kind },
        ObjectChange::Arrived | ObjectChange::Altered => ChangeEvent::Object {
            id,
            owner,
            kind,
            arrived,
        },
    }
}

#[cfg(test)]
mod tests;
