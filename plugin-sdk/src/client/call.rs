//! One call of the application: sent to the server in use, and sent again to the other when that one fails under it.

use super::Progress;
use super::answer::{Answer, Try, malformed};
use super::engine::Engine;
use crate::Error;
use crate::connector::{Fault, Input, Millis, Outcome, RequestId, Route};
use crate::pair::Endpoint;
use crate::transport::{FetchError, Method, Request};
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

/// How one try ended.
enum End {
    Answer(Result<Answer, FetchError>),
    Moved,
    Over,
}

/// A try that failed, and under which choice of server.
struct Failed {
    fault: Fault,
    error: Error,
    epoch: u64,
}

/// For how long a call has been waiting.
struct Patience {
    began: Millis,
    alive_at: Cell<Millis>,
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
        let patience = Patience::new(self.now());
        let mut failed: Option<Failed> = None;
        let mut tries = 0;
        loop {
            let (server, epoch) = self.server_for(&patience, tries > 0).await?;
            if let Some(failed) = failed.take()
                && (tries >= TRIES_MAX || failed.would_repeat(epoch))
            {
                return Err(failed.error);
            }
            tries += 1;
            match self
                .try_once(call, &server, epoch, &patience, progress, read)
                .await
            {
                Try::Done(result) => return result,
                Try::Failed(fault, error) => {
                    failed = Some(Failed {
                        fault,
                        error,
                        epoch,
                    })
                }
                Try::Moved => tries -= 1,
            }
        }
    }

    /// Waits until it is known where requests go. Where neither server answers, a call causes one more look, but only its first
    /// time.
    async fn server_for(&self, patience: &Patience, tried: bool) -> Result<(Endpoint, u64), Error> {
        let mut looked = tried;
        loop {
            match self.with_connector(|connector| connector.route()) {
                Route::To(_, server) => return Ok((server, self.epoch())),
                Route::Nowhere if looked => return Err(self.no_server()),
                Route::Nowhere => {
                    looked = true;
                    self.feed(Input::RequestWanted);
                }
                Route::Wait => {
                    let (changed, over) = (pin!(self.changed()), pin!(self.over(patience)));
                    if let Either::Right(_) = select(changed, over).await {
                        return Err(self.timeout(patience));
                    }
                }
            }
        }
    }

    /// One try at one server, until it is answered or the server is left.
    async fn try_once(
        &self,
        call: &Call,
        server: &Endpoint,
        epoch: u64,
        patience: &Patience,
        progress: &dyn Fn(Progress),
        read: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Try {
        let mut flight = Flight::start(self);
        let id = flight.id;
        let mut fetch = pin!(
            self.fetch_all(call.to(server), id, patience, progress)
                .map(End::Answer)
        );
        let mut moved = pin!(self.moved_on(epoch).map(|()| End::Moved));
        let mut over = pin!(self.over(patience).map(|()| End::Over));
        let end = select(&mut moved, &mut over).map(|end| end.factor_first().0);
        let verdict = match select(&mut fetch, end).await.factor_first().0 {
            End::Moved => return Try::Moved,
            End::Over => {
                flight.end(Outcome::Failed(Fault::Silent));
                return Try::Done(Err(self.timeout(patience)));
            }
            End::Answer(Ok(answer)) => self.judge(call.token.as_deref(), answer, read),
            End::Answer(Err(FetchError::Broken(what))) => {
                Try::Failed(Fault::Broken, malformed(what))
            }
            End::Answer(Err(_)) => Try::Failed(Fault::Refused, self.no_server()),
        };
        flight.end(match verdict {
            Try::Failed(fault, _) => Outcome::Failed(fault),
            _ => Outcome::Answered,
        });
        verdict
    }

    async fn fetch_all(
        &self,
        request: Request,
        id: RequestId,
        patience: &Patience,
        progress: &dyn Fn(Progress),
    ) -> Result<Answer, FetchError> {
        let alive = || {
            patience.alive_at.set(self.now());
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

    /// Ends when nothing has arrived for as long as a call may take.
    async fn over(&self, patience: &Patience) {
        let max = self.timing().call_max_ms;
        loop {
            let quiet = self.now().since(patience.alive_at.get());
            if quiet >= max {
                return;
            }
            self.transport().sleep(max - quiet).await;
        }
    }

    fn timeout(&self, patience: &Patience) -> Error {
        let after_ms = self.now().since(patience.began);
        Error::Timeout { after_ms }
    }
}

impl Failed {
    /// What cannot be understood would be said again by the same server.
    fn would_repeat(&self, epoch: u64) -> bool {
        self.fault == Fault::Broken && self.epoch == epoch
    }
}

impl Patience {
    fn new(now: Millis) -> Self {
        let alive_at = Cell::new(now);
        Self {
            began: now,
            alive_at,
        }
    }
}

/// A try, told to the connector from its start to its end; one that is dropped in the middle was abandoned.
struct Flight<'a> {
    engine: &'a Engine,
    id: RequestId,
    outcome: Outcome,
}

impl<'a> Flight<'a> {
    fn start(engine: &'a Engine) -> Self {
        let id = engine.new_request();
        engine.feed(Input::RequestStarted(id));
        let outcome = Outcome::Abandoned;
        Self {
            engine,
            id,
            outcome,
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let (id, outcome) = (self.id, self.outcome);
        self.engine.feed(Input::RequestEnded { id, outcome });
    }
}
