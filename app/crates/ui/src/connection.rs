//! The connection to the pair: the SDK's client, where it stands, and its events for whoever wants to hear them.

use crate::clock;
use crate::connection_line::{self, Look};
use crate::context;
use crate::read_only::ReadOnly;
use crate::sdk::{Side, State, Status};
use contract::{Event, Session, Timestamp};
use leptos::prelude::*;
use plugin_sdk::transport::browser::{Browser, page_origin, watch_page};
use plugin_sdk::{Client, ClientEvent, Config};
use std::rc::Rc;

/// The last change of server in this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerChange {
    /// When.
    pub at: Timestamp,
    /// To the partner, or back.
    pub to_partner: bool,
}

/// What the contexts of an application hear of the connection.
#[derive(Clone, Copy, Debug)]
pub enum ConnectionEvent<'a> {
    /// A server answers after none did, or another one than before: what waits can be sent, what is shown may be old.
    Answers,
    /// A server tells of a change.
    Server(&'a Event),
    /// Changes may have been missed: lists are to be read anew.
    ListStale,
    /// The session goes on under a new token.
    SessionRenewed(&'a Session),
    /// The session is over.
    SessionEnded,
}

/// The connection. A handle.
#[derive(Clone, Copy)]
pub struct ConnectionContext {
    client: StoredValue<Client, LocalStorage>,
    status: RwSignal<Status>,
    change: RwSignal<Option<ServerChange>>,
}

impl ConnectionContext {
    /// Starts the client; it looks for its servers at once. `None` if the page was not opened from a server.
    pub fn start() -> Option<Self> {
        let client = Client::new(Rc::new(Browser::new()), Config::new(page_origin()?)).ok()?;
        watch_page(&client);
        Some(Self {
            status: RwSignal::new(client.status()),
            change: RwSignal::new(None),
            client: StoredValue::new_local(client),
        })
    }

    /// The connection of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    /// Tells `hear` of everything that happens, for as long as the page lives.
    pub fn listen(self, hear: impl Fn(ConnectionEvent<'_>) + 'static) {
        let on_event = move |event: &ClientEvent| match event {
            ClientEvent::Status(status) => {
                if self.moved_to(status.clone()) {
                    hear(ConnectionEvent::Answers);
                }
            }
            ClientEvent::Server(event) => hear(ConnectionEvent::Server(event)),
            ClientEvent::ListStale => hear(ConnectionEvent::ListStale),
            ClientEvent::SessionRenewed(session) => hear(ConnectionEvent::SessionRenewed(session)),
            ClientEvent::SessionEnded => hear(ConnectionEvent::SessionEnded),
        };
        self.client().subscribe(on_event).forever();
    }

    /// Takes a new status; true if a server answers that did not before.
    fn moved_to(self, status: Status) -> bool {
        let before = self.status.get_untracked();
        let works = |status: &Status| status.on.is_some() && status.state != State::Switching;
        if let (Some(from), Some(to)) = (before.on, status.on)
            && from != to
        {
            self.change.set(Some(ServerChange {
                at: clock::now(),
                to_partner: to == Side::Partner,
            }));
        }
        let answers = works(&status) && (!works(&before) || before.on != status.on);
        self.status.set(status);
        answers
    }

    /// The SDK's client, for calls.
    pub fn client(self) -> Client {
        self.client.get_value()
    }

    /// Where the connection stands.
    pub fn status(self) -> ReadOnly<Status> {
        self.status.into()
    }

    /// Whether there is a server to ask (tracked).
    pub fn is_on(self) -> bool {
        self.status.with(|status| status.on.is_some())
    }

    /// Whether the partner is asked now, not the server that the user belongs to (not tracked).
    pub fn is_on_partner(self) -> bool {
        self.status
            .with_untracked(|status| status.on == Some(Side::Partner))
    }

    /// How the connection line looks now (tracked).
    pub fn look(self) -> Look {
        self.status.with(connection_line::look)
    }

    /// The last change of server.
    pub fn change(self) -> ReadOnly<Option<ServerChange>> {
        self.change.into()
    }

    /// Tries the servers again now.
    pub fn retry(self) {
        self.client().retry_now();
    }

    /// Sound starts or stops: one does not change back to the primary in the middle of it.
    pub fn playback(self, playing: bool) {
        self.client().playback(playing);
    }
}
