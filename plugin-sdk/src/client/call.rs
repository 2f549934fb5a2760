//! One call of the application: sent to the server in use, and sent again to the other when that one fails under it.

use super::Progress;
use super::engine::Engine;
use crate::Error;
use crate::connector::{Fault, Input, Outcome, RequestId, Route};
use crate::pair::Endpoint;
use crate::transport::{FetchError, Method, Request};
use contract::{ApiError, ErrorCode};
use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::pin::pin;

/// A call is sent at most so often. Between two times the connector has asked the servers how they are.
const TRIES_MAX: u32 = 4;
/// An answer larger than this is refused rather than held in memory: two hours of sound.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// What is asked of a server. Safe to be sent twice.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    path: String,
    token: Option<String>,
    body: Option<String>,
}

/// A complete answer.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// How one try ended.
enum Try {
    Answered(Result<Answer, FetchError>),
    /// Its server was left.
    Moved,
    /// The call has waited long enough.
    Expired,
}

impl Call {
    pub(super) fn new(method: Method, path: String, token: Option<String>) -> Self {
        Self {
            method,
            path,
            token,
            body: None,
        }
    }

    pub(super) fn with_body(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_string(body).map_err(|error| Error::Malformed {
            what: format!("the request cannot be written: {error}"),
        })?;
        self.body = Some(text);
        Ok(self)
    }

    fn to(&self, server: &Endpoint) -> Request {
        Request {
            method: self.method,
            url: format!("{}{}", server.http, self.path),
            bearer: self.token.clone(),
            json: self.body.clone(),
        }
    }
}

impl Engine {
    /// A call whose answer is JSON.
    pub(super) async fn call_json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let mut value = None;
        let mut read = |answer: Answer| {
            value = Some(serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?);
            Ok(())
        };
        self.send(call, &|_| {}, &mut read).await?;
        value.ok_or_else(|| malformed("no answer"))
    }

    /// A call of which only success matters.
    pub(super) async fn call_empty(&self, call: &Call) -> Result<(), Error> {
        self.send(call, &|_| {}, &mut |_| Ok(())).await
    }

    /// A call of which only the HTTP status matters.
    pub(super) async fn call_status(&self, call: &Call) -> Result<u16, Error> {
        let mut status = 0;
        let mut read = |answer: Answer| {
            status = answer.status;
            Ok(())
        };
        self.send(call, &|_| {}, &mut read).await?;
        Ok(status)
    }

    /// A call whose answer is taken as it is.
    pub(super) async fn call_bytes(
        &self,
        call: &Call,
        progress: &dyn Fn(Progress),
    ) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let mut read = |answer: Answer| {
            bytes = answer.body;
            Ok(())
        };
        self.send(call, progress, &mut read).await?;
        Ok(bytes)
    }

    /// Sends a call until a server answers it, none does, or it has taken too long. `read` takes a good answer, or says what is
    /// wrong with it: then it counts as no answer of a CallPilot server.
    async fn send(
        &self,
        call: &Call,
        progress: &dyn Fn(Progress),
        read: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), Error> {
        let began = self.now();
        let alive_at = Cell::new(began);
        let mut wanted = false;
        let mut last_error = None;
        let mut tries = 0;
        // The choice of server under which an answer could not be understood: the same again would bring the same.
        let mut broken_under = None;
        loop {
            let epoch = self.epoch();
            let server = match self.with_connector(|connector| connector.route()) {
                Route::To(_, server) => server,
                Route::Nowhere if wanted || tries > 0 => return Err(self.no_server()),
                Route::Nowhere => {
                    wanted = true;
                    self.feed(Input::RequestWanted);
                    continue;
                }
                Route::Wait => {
                    let change = pin!(self.changed());
                    match select(change, pin!(self.expired(&alive_at))).await {
                        Either::Left(_) => continue,
                        Either::Right(_) => return Err(self.timeout(began)),
                    }
                }
            };
            if let Some(error) = last_error.take()
                && (tries >= TRIES_MAX || broken_under == Some(epoch))
            {
                return Err(error);
            }
            tries += 1;
            let id = self.new_request();
            self.feed(Input::RequestStarted(id));
            let ended = |outcome| self.feed(Input::RequestEnded { id, outcome });
            let guard = Abandon {
                engine: self,
                id: Some(id),
            };
            let end = self
                .try_once(call, &server, id, epoch, &alive_at, progress)
                .await;
            guard.disarm();
            let (fault, error) = match end {
                Try::Moved => {
                    ended(Outcome::Abandoned);
                    tries -= 1;
                    continue;
                }
                Try::Expired => {
                    ended(Outcome::Failed(Fault::Silent));
                    return Err(self.timeout(began));
                }
                Try::Answered(Ok(answer)) => match self.judge(call, answer, read) {
                    Verdict::Done(result) => {
                        ended(Outcome::Answered);
                        return result;
                    }
                    Verdict::Failed(fault, error) => (fault, error),
                },
                Try::Answered(Err(FetchError::Broken(what))) => (Fault::Broken, malformed(what)),
                Try::Answered(Err(_)) => (Fault::Refused, self.no_server()),
            };
            if fault == Fault::Broken {
                broken_under = Some(epoch);
            }
            last_error = Some(error);
            ended(Outcome::Failed(fault));
        }
    }

    async fn try_once(
        &self,
        call: &Call,
        server: &Endpoint,
        id: RequestId,
        epoch: u64,
        alive_at: &Cell<crate::Millis>,
        progress: &dyn Fn(Progress),
    ) -> Try {
        let mut fetch = pin!(
            self.fetch_all(call.to(server), id, alive_at, progress)
                .map(Try::Answered)
        );
        let mut moved = pin!(self.moved_on(epoch).map(|()| Try::Moved));
        let mut expired = pin!(self.expired(alive_at).map(|()| Try::Expired));
        let end = select(&mut moved, &mut expired).map(|end| end.factor_first().0);
        select(&mut fetch, end).await.factor_first().0
    }

    async fn fetch_all(
        &self,
        request: Request,
        id: RequestId,
        alive_at: &Cell<crate::Millis>,
        progress: &dyn Fn(Progress),
    ) -> Result<Answer, FetchError> {
        let alive = || {
            alive_at.set(self.now());
            self.feed(Input::RequestProgress(id));
        };
        let mut response = self.transport().fetch(request).await?;
        alive();
        let mut body = Vec::new();
        while let Some(piece) = response.body.next().await {
            body.extend_from_slice(&piece?);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(FetchError::Broken("the answer is too large".to_owned()));
            }
            alive();
            progress(Progress {
                bytes: body.len() as u64,
                of: response.length,
            });
        }
        let status = response.status;
        Ok(Answer { status, body })
    }

    /// What an answer means.
    fn judge(
        &self,
        call: &Call,
        answer: Answer,
        read: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Verdict {
        let status = answer.status;
        if (200..300).contains(&status) {
            return match read(answer) {
                Ok(()) => Verdict::Done(Ok(())),
                Err(what) => Verdict::Failed(Fault::Broken, malformed(what)),
            };
        }
        let refusal: Option<ApiError> = serde_json::from_slice(&answer.body).ok();
        match (status, refusal) {
            (502..=504, refusal) => {
                let error = refusal.map_or_else(|| self.no_server(), Error::Refused);
                Verdict::Failed(Fault::OutOfService, error)
            }
            (401, refusal)
                if (refusal.as_ref()).is_none_or(|r| r.code == ErrorCode::NotLoggedIn) =>
            {
                if let Some(token) = &call.token {
                    self.session_ended(token);
                }
                Verdict::Done(Err(Error::SessionEnded))
            }
            (_, Some(refusal)) => Verdict::Done(Err(Error::Refused(refusal))),
            (_, None) => {
                let what = format!("HTTP {status} without a reason");
                Verdict::Failed(Fault::Broken, malformed(what))
            }
        }
    }

    /// Ends when nothing has arrived for as long as a call may take.
    async fn expired(&self, alive_at: &Cell<crate::Millis>) {
        let max = self.timing().call_max_ms;
        loop {
            let quiet = self.now().since(alive_at.get());
            if quiet >= max {
                return;
            }
            self.transport().sleep(max - quiet).await;
        }
    }

    fn timeout(&self, began: crate::Millis) -> Error {
        let after_ms = self.now().since(began);
        Error::Timeout { after_ms }
    }

    fn no_server(&self) -> Error {
        let status = self.status();
        Error::NoServer {
            network_offline: status.network_offline,
            next_try_at: status.next_try_at,
        }
    }
}

enum Verdict {
    /// The server meant it.
    Done(Result<(), Error>),
    /// It is a failure of the server; the error is what the caller gets if nothing better comes.
    Failed(Fault, Error),
}

/// Tells the connector when the caller drops the call in the middle.
struct Abandon<'a> {
    engine: &'a Engine,
    id: Option<RequestId>,
}

impl Abandon<'_> {
    fn disarm(mut self) {
        self.id = None;
    }
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let outcome = Outcome::Abandoned;
            self.engine.feed(Input::RequestEnded { id, outcome });
        }
    }
}

fn malformed(what: impl Into<String>) -> Error {
    let what = what.into();
    Error::Malformed { what }
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
