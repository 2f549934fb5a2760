//! The client of a pair, by resource: every call goes to whichever server of the pair answers.
//!
//! ```text
//! client.session()        logging in and out, whose name is used        session
//! client.messages()       lists, one message, sound, marking, deleting  user
//! client.drafts()         composing, recordings, sending, addresses     user
//! client.greetings()      greetings and the recorded name               user
//! client.lists()          distribution lists                            user
//! client.notification()   how one is reached                            user
//! client.own_administration()  an administrator signs in, and its own account
//! client.administrators() accounts of administrators                    administrator
//! client.users()          users of the pair                             administrator
//! client.settings()       system settings that both servers share       administrator
//! client.classes()        mailbox classes of the server in use          administrator
//! client.shortcuts()      VPIM shortcuts of the server in use           administrator
//! client.remote_users()   Temporary Remote Users of the server in use   administrator
//! client.queue()          messages on their way to other systems        administrator
//! client.gr()             state of the pair, tasks                      administrator
//! client.audit_trail()    who did what on the server in use             administrator
//! ```
//!
//! A call in flight when the server fails is sent again to the partner, as far as its [`Replay`] class allows, and the caller only sees
//! a slower answer. Each method says its class. What makes something gets its id here, so a repetition is known as one: nothing that a
//! caller does once happens twice. Dropping the future of a call stops it.
//!
//! In the folder: a file for each resource, with `natural_key` for what several have in common; `call` what is asked, `send` until it is answered, `answer` what an answer means, `elsewhere` one thing that only the partner has; `driver`
//! between connector and transport, `session` the token that it holds, `events` and `sse` its own conversations.
//!
//! [`Replay`]: crate::Replay

mod administrators;
mod answer;
mod audit_trail;
mod call;
mod classes;
mod drafts;
mod driver;
mod elsewhere;
mod events;
mod gr;
mod greetings;
mod lists;
mod messages;
mod natural_key;
mod notification;
mod own_administration;
mod own_session;
mod queue;
mod remote_users;
mod send;
mod session;
mod settings;
mod shortcuts;
mod sse;
mod subscription;
mod users;

pub use administrators::Administrators;
pub use audit_trail::{AuditTrail, AuditTrailQuery};
pub use call::Progress;
pub use classes::MailboxClasses;
pub use drafts::{Drafts, PiecePlace};
pub use gr::Gr;
pub use greetings::Greetings;
pub use lists::Lists;
pub use messages::{MessageQuery, Messages};
pub use notification::OwnNotification;
pub use own_administration::OwnAdministration;
pub use own_session::OwnSession;
pub use queue::OutgoingQueue;
pub use remote_users::TemporaryRemoteUsers;
pub use settings::SharedSettings;
pub use shortcuts::VpimShortcuts;
pub use subscription::{ClientEvent, Subscription};
pub use users::{UserFilter, Users};

use crate::connector::{Input, Route};
use crate::transport::Method;
use crate::{Endpoint, Error, Pair, Status, Timing, Transport};
use call::Call;
use contract::{Discovery, ObjectId, WELL_KNOWN};
use driver::Driver;
use std::rc::Rc;

/// How a client is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Base URL of the server to begin with, for example `https://cp-north.example.net`; in a browser the page's origin.
    pub server: String,
    /// Durations; the default is right for users.
    pub timing: Timing,
}

impl Config {
    /// The usual durations.
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            timing: Timing::default(),
        }
    }
}

/// The client. Cheap to clone; all clones are one. Not `Send`: it lives on the thread that made it, and ends with its last clone. For
/// programs with threads there is `Handle` (feature `native`).
#[derive(Clone)]
pub struct Client {
    driver: Rc<Driver>,
}

impl Client {
    /// A client over any transport. It begins to look for its servers at once.
    ///
    /// # Errors
    /// [`Error::BadConfig`] for a server that is no `http` or `https` URL.
    pub fn new(transport: Rc<dyn Transport>, config: Config) -> Result<Self, Error> {
        let server = config.server.trim().trim_end_matches('/');
        let host = (server.strip_prefix("https://")).or_else(|| server.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['?', '#', ' '])) {
            let what = format!(
                "The server address `{server}` cannot be used; expected for example https://cp-north.example.net."
            );
            return Err(Error::BadConfig { what });
        }
        let driver = Driver::start(transport, server, config.timing);
        Ok(Self { driver })
    }

    /// Logging in and out.
    pub fn session(&self) -> OwnSession {
        OwnSession(Rc::clone(&self.driver))
    }

    /// The user's messages.
    pub fn messages(&self) -> Messages {
        Messages(Rc::clone(&self.driver))
    }

    /// The messages that the user is composing.
    pub fn drafts(&self) -> Drafts {
        Drafts(Rc::clone(&self.driver))
    }

    /// The user's greetings and recorded name.
    pub fn greetings(&self) -> Greetings {
        Greetings(Rc::clone(&self.driver))
    }

    /// The user's distribution lists.
    pub fn lists(&self) -> Lists {
        Lists(Rc::clone(&self.driver))
    }

    /// How the user is reached when a message comes.
    pub fn notification(&self) -> OwnNotification {
        OwnNotification(Rc::clone(&self.driver))
    }

    /// An administrator signs in and out, and looks after its own account.
    pub fn own_administration(&self) -> OwnAdministration {
        OwnAdministration(Rc::clone(&self.driver))
    }

    /// The accounts of administrators, for an administrator.
    pub fn administrators(&self) -> Administrators {
        Administrators(Rc::clone(&self.driver))
    }

    /// The users of the pair, for an administrator.
    pub fn users(&self) -> Users {
        Users(Rc::clone(&self.driver))
    }

    /// The system settings that both servers share, for an administrator.
    pub fn settings(&self) -> SharedSettings {
        SharedSettings(Rc::clone(&self.driver))
    }

    /// The mailbox classes of the server in use, for an administrator.
    pub fn classes(&self) -> MailboxClasses {
        MailboxClasses(Rc::clone(&self.driver))
    }

    /// The audit trail of the server in use, for an administrator.
    pub fn audit_trail(&self) -> AuditTrail {
        AuditTrail(Rc::clone(&self.driver))
    }

    /// The VPIM shortcuts of the server in use, for an administrator.
    pub fn shortcuts(&self) -> VpimShortcuts {
        VpimShortcuts(Rc::clone(&self.driver))
    }

    /// The Temporary Remote Users of the server in use, for an administrator.
    pub fn remote_users(&self) -> TemporaryRemoteUsers {
        TemporaryRemoteUsers(Rc::clone(&self.driver))
    }

    /// Messages on their way to other systems, for an administrator.
    pub fn queue(&self) -> OutgoingQueue {
        OutgoingQueue(Rc::clone(&self.driver))
    }

    /// The pair itself, for an administrator.
    pub fn gr(&self) -> Gr {
        Gr(Rc::clone(&self.driver))
    }

    /// An id for something that is to be made, never drawn again: who keeps it may repeat the making after an error.
    pub fn new_id(&self) -> ObjectId {
        self.driver.new_id()
    }

    /// What the server in use says of itself and its partner. Safe.
    ///
    /// # Errors
    /// [`Error::NoServer`], [`Error::Timeout`], [`Error::Malformed`].
    pub async fn discovery(&self) -> Result<Discovery, Error> {
        let call = Call::safe(Method::Get, WELL_KNOWN.to_owned());
        self.driver.call_json(&call).await
    }

    /// The connection as it is now.
    pub fn status(&self) -> Status {
        self.driver.status()
    }

    /// The pair as it is known and remembered.
    pub fn pair(&self) -> Pair {
        self.driver.with_connector(|connector| connector.pair())
    }

    /// Where requests go now; `None` while no server is known to answer, and while the one in use is suspected to have failed.
    pub fn server(&self) -> Option<Endpoint> {
        match self.driver.with_connector(|connector| connector.route()) {
            Route::To(_, server) => Some(server),
            Route::Wait | Route::Nowhere => None,
        }
    }

    /// Calls back with every [`ClientEvent`] from now on: never from within a call of the client, so callbacks may call it.
    pub fn subscribe(&self, on_event: impl Fn(&ClientEvent) + 'static) -> Subscription {
        let key = self.driver.subscribe(Rc::new(on_event));
        let driver = Rc::downgrade(&self.driver);
        Subscription::ending_with(move || {
            if let Some(driver) = driver.upgrade() {
                driver.unsubscribe(key);
            }
        })
    }

    /// A message starts or stops playing: the client does not go back to the primary in the middle of it.
    pub fn playback(&self, started: bool) {
        self.driver.feed(Input::Playing(started));
    }

    /// A recording starts or stops: as with playback.
    pub fn recording(&self, started: bool) {
        self.driver.feed(Input::Recording(started));
    }

    /// The page is visible or hidden: a hidden one asks less often.
    pub fn set_visible(&self, visible: bool) {
        self.driver.feed(Input::Visible(visible));
    }

    /// The computer says that it has a network or none. A hint: the servers are tried all the same.
    pub fn set_online(&self, online: bool) {
        self.driver.feed(Input::Online(online));
    }

    /// "Try now": asks both servers at once.
    pub fn retry_now(&self) {
        self.driver.feed(Input::RetryNow);
    }
}
