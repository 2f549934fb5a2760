//! The driver between connector and transport: feeds what happens, does what comes out, and tells the subscribers.
//!
//! One task sleeps until the connector wants to be woken and delivers events. Probes and the event stream are tasks of their own.
//! All hold the driver weakly, but for the moment of a session's renewal: when the last client is dropped, everything ends.

use super::events::{self, StreamEvent};
use super::subscription::ClientEvent;
use crate::connector::{Connector, Input, IoId, Millis, Output, RequestId};
use crate::json;
use crate::pair::Pair;
use crate::{Status, Timing, Transport};
use contract::{Event, ObjectId, Timestamp};
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use futures_util::future::{Either, pending, select};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::{Rc, Weak};

/// Where the pair is remembered.
const MEMORY_KEY: &str = "callpilot.pair";
/// A clock that has gone more wrong than this is set right.
const CLOCK_DRIFT_MS_MAX: u64 = 1_000;

type Callback = Rc<dyn Fn(&ClientEvent)>;

/// The token of a session that is about to get another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldToken {
    /// Nothing was said of it.
    Good,
    /// A server does not accept it any more: it has given the new one, and the answer is on its way.
    Ended,
}

/// When something is to be renewed, and by what.
pub(super) type Renewal = (Millis, fn(&Driver));

pub(super) struct Driver {
    /// For the tasks that work for it.
    me: Weak<Driver>,
    transport: Rc<dyn Transport>,
    timing: Timing,
    configured: String,
    connector: RefCell<Connector>,
    pub(super) token: RefCell<Option<String>>,
    /// While the session changes its token: whether a server has ended the old one meanwhile.
    pub(super) token_change: Cell<Option<OldToken>>,
    /// What opens the administration: the value of the header `Authorization`.
    pub(super) administrator: RefCell<Option<String>>,
    /// When the administrator's session is to be renewed, and by what: its beginning leaves it here, so that a page without administrators
    /// does not carry it.
    pub(super) administrator_renewal: Cell<Option<Renewal>>,
    /// When the session is to be renewed.
    pub(super) renew_at: Cell<Option<Millis>>,
    /// Raised whenever requests under way are no longer expected to be answered.
    epoch: Cell<u64>,
    requests: Cell<u64>,
    draining: Cell<bool>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    callbacks: RefCell<Vec<(u64, Callback)>>,
    callback_keys: Cell<u64>,
    events: RefCell<VecDeque<ClientEvent>>,
    /// Wakes the task that drives, which sleeps until `sleeps_until`.
    wake: mpsc::UnboundedSender<()>,
    sleeps_until: Cell<Option<Millis>>,
    /// Dropping the sender aborts the stream.
    stream: RefCell<Option<(IoId, oneshot::Sender<()>)>>,
    list: Cell<ListState>,
    /// Wall clock minus connector's clock.
    clock_offset: Cell<i64>,
}

/// Whether the application has to read its list again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListState {
    /// Not asked for since the application was last told that it is stale.
    Unread,
    /// Asked for: events that are missed from now on make it stale.
    Read,
    /// Another server is used: to be told when its stream opens or fails.
    Stale,
}

/// What is stored for the next start. It holds only for the server that was configured then.
#[derive(Serialize, Deserialize)]
struct StoredPair {
    configured: String,
    pair: Pair,
}

impl Driver {
    pub(super) fn start(transport: Rc<dyn Transport>, server: &str, timing: Timing) -> Rc<Self> {
        let memory = (transport.load(MEMORY_KEY))
            .and_then(|text| json::read::<StoredPair>(text.as_bytes()).ok())
            .filter(|memory| memory.configured == server)
            .map(|memory| memory.pair);
        let now = transport.now();
        let connector = Connector::new(now, server, memory, timing, seed(&*transport));
        let (wake, woken) = mpsc::unbounded();
        let driver = Rc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            timing,
            configured: server.to_owned(),
            connector: RefCell::new(connector),
            token: RefCell::new(None),
            token_change: Cell::new(None),
            administrator: RefCell::new(None),
            administrator_renewal: Cell::new(None),
            renew_at: Cell::new(None),
            epoch: Cell::new(0),
            requests: Cell::new(0),
            draining: Cell::new(false),
            waiting: RefCell::default(),
            callbacks: RefCell::default(),
            callback_keys: Cell::new(0),
            events: RefCell::default(),
            wake,
            sleeps_until: Cell::new(Some(now)),
            stream: RefCell::new(None),
            list: Cell::new(ListState::Unread),
            clock_offset: Cell::new(offset(transport.wall(), now)),
            transport: Rc::clone(&transport),
        });
        let task = drive(Rc::downgrade(&driver), Rc::clone(&transport), woken);
        transport.spawn(Box::pin(task));
        driver
    }

    /// Tells the connector what happened, and does what it asks for.
    pub(super) fn feed(&self, input: Input) {
        self.connector.borrow_mut().handle(self.now(), input);
        // What is done here may feed again; the outermost call does everything, in order.
        if self.draining.replace(true) {
            return;
        }
        loop {
            let output = self.connector.borrow_mut().poll();
            let Some(output) = output else { break };
            self.act(output);
        }
        self.draining.set(false);
        for waiter in self.waiting.take() {
            let _ = waiter.send(());
        }
        let wake_at = self.wake_at();
        let sleeps_until = self.sleeps_until.get();
        if wake_at.is_some_and(|at| sleeps_until.is_none_or(|until| at < until)) {
            self.wake_task();
        }
    }

    fn wake_at(&self) -> Option<Millis> {
        let connector = self.connector.borrow().wake_at();
        let administrators = self.administrator_renewal.get().map(|(at, _)| at);
        let renewals = [self.renew_at.get(), administrators];
        connector
            .into_iter()
            .chain(renewals.into_iter().flatten())
            .min()
    }

    fn act(&self, output: Output) {
        match output {
            Output::Probe {
                id,
                http,
                timeout_ms,
                ..
            } => self.probe(id, http, timeout_ms),
            Output::OpenEvents { id, http } => self.listen(id, http),
            Output::CloseEvents { id } => {
                let mut stream = self.stream.borrow_mut();
                if (stream.as_ref()).is_some_and(|(open, _)| *open == id) {
                    *stream = None;
                }
            }
            Output::UseServer { resend, .. } => {
                if resend {
                    self.epoch.set(self.epoch.get() + 1);
                }
                if self.list.get() == ListState::Read {
                    self.list.set(ListState::Stale);
                }
            }
            Output::NoServer => self.epoch.set(self.epoch.get() + 1),
            Output::Remember(pair) => {
                let configured = self.configured.clone();
                let text = json::write(&StoredPair { configured, pair });
                self.transport.store(MEMORY_KEY, text.as_deref());
            }
            Output::StatusChanged => {
                let status = ClientEvent::Status(self.status());
                let mut events = self.events.borrow_mut();
                // Only the latest status matters.
                match events.back_mut() {
                    Some(last @ ClientEvent::Status(_)) => *last = status,
                    _ => events.push_back(status),
                }
                drop(events);
                self.wake_task();
            }
        }
    }

    /// Asks one server what it says of itself.
    fn probe(&self, id: IoId, http: String, timeout_ms: u64) {
        let (me, transport) = (self.me(), Rc::clone(&self.transport));
        self.transport.spawn(Box::pin(async move {
            let began = transport.now();
            let asked = events::probe(&*transport, &http, timeout_ms).await;
            let round_trip_ms = transport.now().since(began);
            if let Some(driver) = me.upgrade() {
                driver.feed(match asked {
                    Ok(discovery) => Input::Answered {
                        id,
                        discovery,
                        round_trip_ms,
                    },
                    Err(fault) => Input::Failed { id, fault },
                });
            }
        }));
    }

    /// Listens to a server until its stream ends or is aborted.
    fn listen(&self, id: IoId, http: String) {
        let (abort, aborted) = oneshot::channel();
        *self.stream.borrow_mut() = Some((id, abort));
        let token = self.token().unwrap_or_default();
        let (me, transport) = (self.me(), Rc::clone(&self.transport));
        let listening = async move {
            let hear = |heard| {
                let driver = me.upgrade();
                driver
                    .map(|driver| driver.hear(id, &token, heard))
                    .is_some()
            };
            let fault = events::listen(&*transport, &http, &token, hear).await;
            if let Some(driver) = me.upgrade() {
                driver.stream_closed(id);
                driver.feed(Input::StreamClosed { id, fault });
            }
        };
        self.transport.spawn(Box::pin(async move {
            select(pin!(listening), aborted).await;
        }));
    }

    fn hear(&self, id: IoId, token: &str, heard: StreamEvent) {
        match heard {
            StreamEvent::Opened => {
                self.feed(Input::StreamOpened(id));
                self.stream_opened();
            }
            StreamEvent::Alive => self.feed(Input::StreamAlive(id)),
            StreamEvent::NotLoggedIn => self.session_ended(token),
            StreamEvent::Event(event) => self.happened(id, token, *event),
        }
    }

    fn happened(&self, id: IoId, token: &str, event: Event) {
        match event {
            Event::Resync => self.list_stale(),
            Event::Ended => self.session_ended(token),
            Event::Server { discovery } => {
                self.feed(Input::Discovery {
                    id,
                    discovery: discovery.clone(),
                });
                self.emit(ClientEvent::Server(Event::Server { discovery }));
            }
            event => self.emit(ClientEvent::Server(event)),
        }
    }

    /// The stream is open: what happened before it opened may have been missed.
    fn stream_opened(&self) {
        if self.list.get() != ListState::Unread {
            self.list_stale();
        }
    }

    /// The stream ended or did not open.
    fn stream_closed(&self, id: IoId) {
        let mut stream = self.stream.borrow_mut();
        if (stream.as_ref()).is_some_and(|(open, _)| *open == id) {
            *stream = None;
        }
        drop(stream);
        if self.list.get() == ListState::Stale {
            self.list_stale();
        }
    }

    fn list_stale(&self) {
        self.list.set(ListState::Unread);
        self.emit(ClientEvent::ListStale);
    }

    /// Another user's list, if any, is none of this one's.
    pub(super) fn list_forgotten(&self) {
        self.list.set(ListState::Unread);
    }

    pub(super) fn list_asked(&self) {
        if self.list.get() == ListState::Unread {
            self.list.set(ListState::Read);
        }
    }

    pub(super) fn emit(&self, event: ClientEvent) {
        self.events.borrow_mut().push_back(event);
        self.wake_task();
    }

    pub(super) fn wake_task(&self) {
        // It fails only when the task has ended, and it ends only with the driver.
        let _ = self.wake.unbounded_send(());
    }

    /// Hands the events that wait to the callbacks.
    fn deliver(&self) {
        for event in self.events.take() {
            // A callback may subscribe or unsubscribe.
            let callbacks = self.callbacks.borrow().clone();
            for (_, callback) in callbacks {
                callback(&event);
            }
        }
    }

    pub(super) fn subscribe(&self, callback: Callback) -> u64 {
        let key = self.callback_keys.get() + 1;
        self.callback_keys.set(key);
        self.callbacks.borrow_mut().push((key, callback));
        key
    }

    pub(super) fn unsubscribe(&self, key: u64) {
        self.callbacks.borrow_mut().retain(|(ours, _)| *ours != key);
    }

    pub(super) fn status(&self) -> Status {
        let now = self.now();
        let present = offset(self.transport.wall(), now);
        if present.abs_diff(self.clock_offset.get()) > CLOCK_DRIFT_MS_MAX {
            self.clock_offset.set(present);
        }
        let offset = self.clock_offset.get();
        let wall = |at: Millis| Timestamp(signed(at).saturating_add(offset));
        self.connector.borrow().status(wall)
    }

    pub(super) fn with_connector<T>(&self, read: impl FnOnce(&Connector) -> T) -> T {
        read(&self.connector.borrow())
    }

    /// A new id, for something that is to be made.
    pub(super) fn new_id(&self) -> ObjectId {
        let random = self.transport.random();
        let ten = std::array::from_fn(|at| random[at]);
        ObjectId::new(self.transport.wall(), ten)
    }

    pub(super) fn new_request(&self) -> RequestId {
        self.requests.set(self.requests.get() + 1);
        RequestId(self.requests.get())
    }

    /// Ends when something was fed; the caller looks whether it matters.
    pub(super) async fn changed(&self) {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push(sender);
        let _ = receiver.await;
    }

    /// Ends when requests that were sent in `epoch` are not expected to be answered any more.
    pub(super) async fn moved_on(&self, epoch: u64) {
        while self.epoch.get() == epoch {
            self.changed().await;
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.get()
    }

    pub(super) fn now(&self) -> Millis {
        self.transport.now()
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.timing
    }

    pub(super) fn me(&self) -> Weak<Self> {
        Weak::clone(&self.me)
    }

    pub(super) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }
}

/// Sleeps until the connector wants to be woken, or something is to be delivered.
async fn drive(
    driver: Weak<Driver>,
    transport: Rc<dyn Transport>,
    mut woken: mpsc::UnboundedReceiver<()>,
) {
    loop {
        let wake_at = {
            let Some(driver) = driver.upgrade() else {
                return;
            };
            driver.feed(Input::Tick);
            driver.renew_session_if_due();
            if let Some((at, renew)) = driver.administrator_renewal.get()
                && at <= driver.now()
            {
                renew(&driver);
            }
            driver.deliver();
            let wake_at = driver.wake_at();
            driver.sleeps_until.set(wake_at);
            wake_at
        };
        let sleep = match wake_at {
            Some(at) => transport.sleep(at.since(transport.now())),
            None => Box::pin(pending()),
        };
        if let Either::Left((None, _)) = select(woken.next(), sleep).await {
            return;
        }
        while woken.try_recv().is_ok() {}
    }
}

/// Spreads the pauses of clients.
fn seed(transport: &dyn Transport) -> u64 {
    let random = transport.random();
    u64::from_le_bytes(std::array::from_fn(|at| random[at]))
}

fn offset(wall: Timestamp, now: Millis) -> i64 {
    wall.0.saturating_sub(signed(now))
}

fn signed(at: Millis) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
