//! The client of a mailbox: every call goes to whichever server of the pair answers.
//!
//! A call in flight when the server fails is sent again to the partner: the caller only sees a slower answer. All calls may be
//! repeated safely: reading changes nothing, changes name the message and the state it shall have, and deleting is the change
//! `deleted: true` (a second HTTP `DELETE` would remove the message for good).

mod answer;
mod call;
mod engine;
mod events;
mod session;
mod sse;

use crate::connector::{Input, Route};
use crate::transport::Method;
use crate::{Endpoint, Error, Pair, Status, Timing, Transport};
use call::Call;
use contract::{
    Discovery, ErrorCode, Event, Folder, Login, MessageDetail, MessageList, MessagePatch,
    MessageRow, ObjectId, Session, WELL_KNOWN,
};
use engine::Engine;
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
    /// The session was renewed by itself: keep the new token for the next start.
    SessionRenewed(Session),
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

/// The client. Cheap to clone; all clones are one. Not `Send`: it lives on the thread that made it, and ends with its last clone.
#[derive(Clone)]
pub struct Client {
    engine: Rc<Engine>,
}

const SESSION: &str = "/api/v1/session";
const MESSAGES: &str = "/api/v1/messages";

impl Client {
    /// A client over any transport. It begins to look for its servers at once.
    pub fn new(transport: Rc<dyn Transport>, config: Config) -> Result<Self, Error> {
        let server = config.server.trim().trim_end_matches('/');
        let host = (server.strip_prefix("https://")).or_else(|| server.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['?', '#', ' '])) {
            let what = format!(
                "The server address {server:?} cannot be used; expected for example https://cp-north.example.net."
            );
            return Err(Error::BadConfig { what });
        }
        let engine = Engine::start(transport, server, config.timing);
        Ok(Self { engine })
    }

    /// Logs in at whichever server answers. From here on calls carry the session, and events arrive.
    pub async fn login(&self, mailbox: &str, password: &str) -> Result<Session, Error> {
        let login = Login {
            mailbox: mailbox.to_owned(),
            password: password.to_owned(),
        };
        let call = Call::new(Method::Post, SESSION.to_owned(), None).with_body(&login)?;
        let session: Session = self.engine.call_json(&call).await?;
        self.engine.forget_session();
        self.engine.begin_session(&session);
        Ok(session)
    }

    /// Takes up a session from an earlier run of the program and renews it: keep the new token. With [`Error::NoServer`] the
    /// token is held and used as soon as a server answers; with [`Error::SessionEnded`] it is forgotten.
    pub async fn restore(&self, token: &str) -> Result<Session, Error> {
        self.engine.hold_session(token);
        let call = self.with_session(Method::Get, SESSION.to_owned())?;
        let session: Session = self.engine.call_json(&call).await?;
        self.engine.begin_session(&session);
        Ok(session)
    }

    /// Ends the session. It is forgotten here in any case, also when no server answers.
    pub async fn logout(&self) -> Result<(), Error> {
        let Ok(call) = self.with_session(Method::Delete, SESSION.to_owned()) else {
            return Ok(());
        };
        self.engine.forget_session();
        match self.engine.call_empty(&call).await {
            Err(Error::SessionEnded) => Ok(()),
            ended => ended,
        }
    }

    /// One page of a folder, newest first. `before` is [`MessageList::next`] of the page before it; `limit` defaults to 500.
    pub async fn messages(
        &self,
        folder: Folder,
        before: Option<&str>,
        limit: Option<u32>,
    ) -> Result<MessageList, Error> {
        let folder = match folder {
            Folder::Inbox => "inbox",
            Folder::Sent => "sent",
            Folder::Deleted => "deleted",
        };
        let mut path = format!("{MESSAGES}?folder={folder}");
        if let Some(before) = before {
            path.push_str("&before=");
            push_encoded(&mut path, before);
        }
        if let Some(limit) = limit {
            path.push_str(&format!("&limit={limit}"));
        }
        let call = self.with_session(Method::Get, path)?;
        self.engine.list_asked();
        self.engine.call_json(&call).await
    }

    /// One message with its recipients and parts.
    pub async fn message(&self, id: ObjectId) -> Result<MessageDetail, Error> {
        let call = self.with_session(Method::Get, format!("{MESSAGES}/{id}"))?;
        self.engine.call_json(&call).await
    }

    /// Marks a message as unread or read.
    pub async fn set_unread(&self, id: ObjectId, unread: bool) -> Result<MessageRow, Error> {
        self.patch(id, Some(unread), None).await
    }

    /// Moves a message to Deleted.
    pub async fn delete(&self, id: ObjectId) -> Result<MessageRow, Error> {
        self.patch(id, None, Some(true)).await
    }

    /// Takes a message out of Deleted.
    pub async fn undelete(&self, id: ObjectId) -> Result<MessageRow, Error> {
        self.patch(id, None, Some(false)).await
    }

    async fn patch(
        &self,
        id: ObjectId,
        unread: Option<bool>,
        deleted: Option<bool>,
    ) -> Result<MessageRow, Error> {
        let call = self.with_session(Method::Patch, format!("{MESSAGES}/{id}"))?;
        let call = call.with_body(&MessagePatch { unread, deleted })?;
        self.engine.call_json(&call).await
    }

    /// Removes a message for good, wherever it lies.
    pub async fn expunge(&self, id: ObjectId) -> Result<(), Error> {
        let call = self.with_session(Method::Delete, format!("{MESSAGES}/{id}"))?;
        // The first `DELETE` only moves it to Deleted on a server where it does not lie there yet.
        for _ in 0..2 {
            match self.engine.call_status(&call).await {
                Ok(200) => {}
                Ok(_) => return Ok(()),
                // Gone is gone: by an earlier try whose answer was lost, or by another client.
                Err(Error::Refused(refusal)) if refusal.code == ErrorCode::NotFound => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        let what = "the message was moved to Deleted twice and is still there".to_owned();
        Err(Error::Malformed { what })
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
        let mut path = format!("{MESSAGES}/{id}/audio");
        if let Some(part) = part {
            path.push_str(&format!("?part={part}"));
        }
        let call = self.with_session(Method::Get, path)?;
        self.engine.call_bytes(&call, &progress).await
    }

    /// What the server in use says of itself and its partner.
    pub async fn discovery(&self) -> Result<Discovery, Error> {
        let call = Call::new(Method::Get, WELL_KNOWN.to_owned(), None);
        self.engine.call_json(&call).await
    }

    /// The connection as it is now.
    pub fn status(&self) -> Status {
        self.engine.status()
    }

    /// The pair as it is known and remembered.
    pub fn pair(&self) -> Pair {
        self.engine.with_connector(|connector| connector.pair())
    }

    /// Where requests go now; `None` while no server is known to answer, and while the one in use is in doubt.
    pub fn server(&self) -> Option<Endpoint> {
        match self.engine.with_connector(|connector| connector.route()) {
            Route::To(_, server) => Some(server),
            Route::Wait | Route::Nowhere => None,
        }
    }

    /// Whether a session is held.
    pub fn logged_in(&self) -> bool {
        self.engine.token().is_some()
    }

    /// Calls back with every [`ClientEvent`] from now on: never from within a call of the client, so callbacks may call it.
    pub fn subscribe(&self, on_event: impl Fn(&ClientEvent) + 'static) -> Subscription {
        let key = self.engine.subscribe(Rc::new(on_event));
        let engine = Rc::downgrade(&self.engine);
        Subscription {
            end: Some(Box::new(move || {
                if let Some(engine) = engine.upgrade() {
                    engine.unsubscribe(key);
                }
            })),
        }
    }

    /// A message starts or stops playing: the client does not go back to the primary in the middle of it.
    pub fn playback(&self, started: bool) {
        self.engine.feed(Input::Playing(started));
    }

    /// A recording starts or stops: as with playback.
    pub fn recording(&self, started: bool) {
        self.engine.feed(Input::Recording(started));
    }

    /// The page is visible or hidden: a hidden one asks less often.
    pub fn set_visible(&self, visible: bool) {
        self.engine.feed(Input::Visible(visible));
    }

    /// The computer says that it has a network or none. A hint: the servers are tried all the same.
    pub fn set_online(&self, online: bool) {
        self.engine.feed(Input::Online(online));
    }

    /// "Try now": asks both servers at once.
    pub fn retry_now(&self) {
        self.engine.feed(Input::RetryNow);
    }

    fn with_session(&self, method: Method, path: String) -> Result<Call, Error> {
        let token = self.engine.token().ok_or(Error::SessionEnded)?;
        Ok(Call::new(method, path, Some(token)))
    }
}

/// Percent-encodes a query value (RFC 3986, section 2.3: all but the unreserved characters).
fn push_encoded(path: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_value_cannot_break_out_of_its_place() {
        let mut path = String::new();
        push_encoded(&mut path, "a&b=c/ü~1");
        assert_eq!(path, "a%26b%3Dc%2F%C3%BC~1");
    }
}
