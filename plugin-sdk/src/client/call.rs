//! One call of the application: what is asked, in whose name, what it carries, and whether it may be sent again.

use crate::Error;
use crate::connector::Replay;
use crate::json;
use crate::pair::Endpoint;
use crate::transport::{Body, Method, Request};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How far a body has come, on its way to the server or from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that have been sent, or have arrived. After a change of server it starts again from 0.
    pub bytes: u64,
    /// Bytes there will be, if that is known.
    pub of: Option<u64>,
}

/// Who is told of progress.
pub(super) type OnProgress = Rc<dyn Fn(Progress)>;

/// Who is told of an answer while it comes: what has come so far, and how much it will be, if that is known.
pub(super) type OnReceived = Rc<dyn Fn(&[u8], Option<u64>)>;

/// In whose name a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Nobody's.
    Anybody,
    /// That of the user with this session.
    User(String),
    /// That of the administrator with this value of the header `Authorization`.
    Administrator(String),
}

/// What is asked of a server.
pub(super) struct Call {
    method: Method,
    path: String,
    pub(super) caller: Caller,
    body: Body,
    replay: Replay,
    one_server: bool,
    /// Base URL of the only server that may be asked.
    only_at: Option<String>,
    answered_by: RefCell<Option<String>>,
    pub(super) on_sent: Option<OnProgress>,
    pub(super) on_received: Option<OnReceived>,
    repeated: Cell<bool>,
}

impl Call {
    fn new(method: Method, path: String, replay: Replay) -> Self {
        Self {
            method,
            path,
            caller: Caller::Anybody,
            body: Body::Empty,
            replay,
            one_server: false,
            only_at: None,
            answered_by: RefCell::default(),
            on_sent: None,
            on_received: None,
            repeated: Cell::new(false),
        }
    }

    /// A call that reads, or names the state that is to be.
    pub(super) fn safe(method: Method, path: String) -> Self {
        Self::new(method, path, Replay::Safe)
    }

    /// A call that names what it makes or ends by an id.
    pub(super) fn by_key(method: Method, path: String) -> Self {
        Self::new(method, path, Replay::ByKey)
    }

    /// A call that is not to be repeated unless it never left here.
    pub(super) fn never(method: Method, path: String) -> Self {
        Self::new(method, path, Replay::Never)
    }

    /// It is about one server and not about the pair: what that server may have done is not asked of the other.
    pub(super) fn of_one_server(mut self) -> Self {
        self.one_server = true;
        self
    }

    /// It looks at what `other` was answered from, so it is asked of that server and of no other.
    pub(super) fn where_answered(mut self, other: &Self) -> Self {
        self.only_at = other.answered_by.borrow().clone();
        self.of_one_server()
    }

    pub(super) fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// # Errors
    /// [`Error::Malformed`] for a value that JSON cannot hold.
    pub(super) fn with_json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let text = json::write(body).ok_or_else(|| Error::Malformed {
            what: "the request cannot be written".to_owned(),
        })?;
        self.body = Body::Json(text.into());
        Ok(self)
    }

    pub(super) fn with_bytes(mut self, media_type: &'static str, bytes: Rc<[u8]>) -> Self {
        self.body = Body::Bytes { media_type, bytes };
        self
    }

    pub(super) fn sending(mut self, on_sent: impl Fn(Progress) + 'static) -> Self {
        self.on_sent = Some(Rc::new(on_sent));
        self
    }

    pub(super) fn receiving(self, progress: impl Fn(Progress) + 'static) -> Self {
        self.receiving_bytes(move |received, of| {
            let bytes = received.len() as u64;
            progress(Progress { bytes, of });
        })
    }

    /// `received` is told of an answer that gives what was asked for, not of a refusal.
    pub(super) fn receiving_bytes(
        mut self,
        received: impl Fn(&[u8], Option<u64>) + 'static,
    ) -> Self {
        self.on_received = Some(Rc::new(received));
        self
    }

    pub(super) fn replay(&self) -> Replay {
        self.replay
    }

    /// Whether it goes over to the other server when the one that has it is left.
    pub(super) fn follows(&self) -> bool {
        self.replay.follows() && !self.one_server
    }

    /// Whether it may still be sent to a server, when `before` may have done it.
    pub(super) fn may_go(&self, before: Option<&Endpoint>, server: &Endpoint) -> bool {
        let before = before.filter(|_| self.one_server);
        let bound = before.map(|before| &before.http).or(self.only_at.as_ref());
        bound.is_none_or(|bound| *bound == server.http)
    }

    /// It was answered by this server.
    pub(super) fn is_answered(&self, server: &Endpoint) {
        self.answered_by.replace(Some(server.http.clone()));
    }

    /// It was sent, and whether it was done is not known: what is answered from now on may be the answer to a repetition.
    pub(super) fn is_repeated(&self) {
        self.repeated.set(true);
    }

    /// Whether the answer was one to a repetition: then what was to be may be so already.
    pub(super) fn was_repeated(&self) -> bool {
        self.repeated.get()
    }

    pub(super) fn body_length(&self) -> u64 {
        self.body.as_bytes().len() as u64
    }

    pub(super) fn to(&self, server: &Endpoint) -> Request {
        let authorization = match &self.caller {
            Caller::Anybody => None,
            Caller::User(token) => Some(format!("Bearer {token}")),
            Caller::Administrator(value) => Some(value.clone()),
        };
        Request {
            method: self.method,
            url: format!("{}{}", server.http, self.path),
            authorization,
            body: self.body.clone(),
            on_sent: None,
        }
    }
}

/// Percent-encodes a query value (RFC 3986, section 2.3: all but the unreserved characters).
pub(super) fn push_encoded(path: &mut String, value: &str) {
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
