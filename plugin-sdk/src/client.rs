//! The client of a mailbox: every call goes to whichever server of the pair answers.
//!
//! A call in flight when the server fails is sent again to the partner: the caller only sees a slower answer. All calls may be
//! repeated safely: reading changes nothing, changes name the message and the state it shall have, and deleting is the change
//! `deleted: true` (a second HTTP `DELETE` would remove the message for good).

use crate::{Endpoint, Error, Pair, Status, Timing, Transport};
use contract::{
    Discovery, Event, Folder, MessageDetail, MessageList, MessageRow, ObjectId, Session,
};
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

/// What a client tells its subscribers.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// The connection has changed.
    Status(Status),
    /// The server in use says that something happened. `Resync` and `Ended` are not among them: they come as
    /// [`ClientEvent::ListStale`] and [`ClientEvent::SessionEnded`].
    Server(Event),
    /// Events may have been missed (another server, a gap in the stream): read the list again.
    ListStale,
    /// The session is over: ask for the log-in. Said once.
    SessionEnded,
}

/// How far a long answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that have arrived.
    pub bytes: u64,
    /// Bytes there will be, if the server says so.
    pub of: Option<u64>,
}

/// Keeps a subscription alive; dropping it ends it.
#[must_use = "dropping it ends the subscription; call `forever` to keep it"]
pub struct Subscription {
    end: Option<Box<dyn FnOnce()>>,
}

impl Subscription {
    /// Keeps it as long as the client lives.
    pub fn forever(mut self) {
        self.end = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

/// The client. Cheap to clone; all clones are one. Not `Send`: it lives on the thread that made it.
#[derive(Clone)]
pub struct Client {
    inner: Rc<()>,
}

impl Client {
    /// A client over any transport. It begins to look for its servers at once.
    pub fn new(transport: Rc<dyn Transport>, config: Config) -> Result<Self, Error> {
        todo!()
    }

    /// Logs in at whichever server answers. From here on calls carry the session, and events arrive.
    pub async fn login(&self, mailbox: &str, password: &str) -> Result<Session, Error> {
        todo!()
    }

    /// Takes up a session from an earlier run of the program and renews it. With [`Error::NoServer`] the token is kept and
    /// used as soon as a server answers; with [`Error::SessionEnded`] it is forgotten.
    pub async fn restore(&self, token: &str) -> Result<Session, Error> {
        todo!()
    }

    /// Ends the session. It is forgotten here in any case, also when no server answers.
    pub async fn logout(&self) -> Result<(), Error> {
        todo!()
    }

    /// One page of a folder, newest first. `before` is [`MessageList::next`] of the page before it; `limit` defaults to 500.
    pub async fn messages(
        &self,
        folder: Folder,
        before: Option<&str>,
        limit: Option<u32>,
    ) -> Result<MessageList, Error> {
        todo!()
    }

    /// One message with its recipients and parts.
    pub async fn message(&self, id: ObjectId) -> Result<MessageDetail, Error> {
        todo!()
    }

    /// Marks a message as unread or read.
    pub async fn set_unread(&self, id: ObjectId, unread: bool) -> Result<MessageRow, Error> {
        todo!()
    }

    /// Moves a message to Deleted.
    pub async fn delete(&self, id: ObjectId) -> Result<MessageRow, Error> {
        todo!()
    }

    /// Takes a message out of Deleted.
    pub async fn undelete(&self, id: ObjectId) -> Result<MessageRow, Error> {
        todo!()
    }

    /// Removes a message for good, wherever it lies.
    pub async fn expunge(&self, id: ObjectId) -> Result<(), Error> {
        todo!()
    }

    /// The sound of a message as a WAV file: of one part, or of the message itself.
    pub async fn audio(&self, id: ObjectId, part: Option<u32>) -> Result<Vec<u8>, Error> {
        self.audio_with_progress(id, part, |_| {}).await
    }

    /// As [`Client::audio`], telling how far it has come. After a change of server it starts again from 0.
    pub async fn audio_with_progress(
        &self,
        id: ObjectId,
        part: Option<u32>,
        progress: impl Fn(Progress) + 'static,
    ) -> Result<Vec<u8>, Error> {
        todo!()
    }

    /// What the server in use says of itself and its partner.
    pub async fn discovery(&self) -> Result<Discovery, Error> {
        todo!()
    }

    /// The connection as it is now.
    pub fn status(&self) -> Status {
        todo!()
    }

    /// The pair as it is known and remembered.
    pub fn pair(&self) -> Pair {
        todo!()
    }

    /// Where requests go now; `None` while no server is known to answer.
    pub fn server(&self) -> Option<Endpoint> {
        todo!()
    }

    /// Whether a session is held.
    pub fn logged_in(&self) -> bool {
        todo!()
    }

    /// Calls back with every [`ClientEvent`] from now on. Callbacks may call the client.
    pub fn subscribe(&self, on_event: impl Fn(&ClientEvent) + 'static) -> Subscription {
        todo!()
    }

    /// A message starts or stops playing: the client does not go back to the primary in the middle of it.
    pub fn playback(&self, started: bool) {
        todo!()
    }

    /// A recording starts or stops: as with playback.
    pub fn recording(&self, started: bool) {
        todo!()
    }

    /// The page is visible or hidden: a hidden one asks less often.
    pub fn set_visible(&self, visible: bool) {
        todo!()
    }

    /// The computer says that it has a network or none. A hint: the servers are tried all the same.
    pub fn set_online(&self, online: bool) {
        todo!()
    }

    /// "Try now": asks both servers at once.
    pub fn retry_now(&self) {
        todo!()
    }
}
