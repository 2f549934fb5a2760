//! Sends a call to the server in use, and again when that one fails under it, as far as the call may be repeated.

use super::answer::{RawResponse, Try, malformed};
use super::call::{Call, Progress};
use super::driver::Driver;
use crate::Error;
use crate::connector::{Fate, Input, Millis, Outcome, RequestId, Route, ServerFault};
use crate::json;
use crate::pair::Endpoint;
use crate::transport::{FetchError, Request};
use futures_util::future::{Either, pending, select};
use futures_util::{FutureExt, StreamExt};
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

/// A call is sent at most so often. Between two times the connector has asked the servers how they are.
const TRIES_MAX: u32 = 4;
/// An answer larger than this is refused rather than held in memory: two hours of sound.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// How one try ended.
enum TryOutcome {
    Answer(Result<RawResponse, FetchError>),
    Moved,
    Over,
}

/// A try that failed, and under which choice of server.
struct Failed {
    fault: ServerFault,
    error: Error,
    epoch: u64,
}

/// For how long a call has been waiting, and may.
pub(super) struct Patience {
    began: Millis,
    alive_at: Rc<Cell<Millis>>,
    max_ms: u64,
}

/// Takes a good answer, or says what is wrong with it: then it counts as no answer of a CallPilot server.
pub(super) type Read<'a> = &'a mut dyn FnMut(RawResponse) -> Result<(), String>;

impl Driver {
    /// A call whose answer is JSON.
    pub(super) async fn call_json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let mut value = None;
        let mut read = |answer: RawResponse| {
            value = Some(json::read(&answer.body)?);
            Ok(())
        };
        self.send(call, &mut read).await?;
        value.ok_or_else(|| malformed("no answer"))
    }

    /// A call of which only success matters.
    pub(super) async fn call_empty(&self, call: &Call) -> Result<(), Error> {
        self.send(call, &mut |_| Ok(())).await
    }

    /// A call of which only the HTTP status matters.
    pub(super) async fn call_status(&self, call: &Call) -> Result<u16, Error> {
        let mut status = 0;
        let mut read = |answer: RawResponse| {
            status = answer.status;
            Ok(())
        };
        self.send(call, &mut read).await?;
        Ok(status)
    }

    /// A call whose answer is taken as it is.
    pub(super) async fn call_bytes(&self, call: &Call) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let mut read = |answer: RawResponse| {
            bytes = answer.body;
            Ok(())
        };
        self.send(call, &mut read).await?;
        Ok(bytes)
    }

    /// Sends a call until a server answers it, none does, it has taken too long, or it may not be repeated.
    async fn send(&self, call: &Call, read: Read<'_>) -> Result<(), Error> {
        let patience = Patience::of(self.now(), self.timing().call_max_ms);
        let mut failed: Option<Failed> = None;
        let mut perhaps_done_by: Option<Endpoint> = None;
        let mut tries = 0;
        loop {
            let (server, epoch) = self.server_for(&patience, tries > 0).await?;
            if let Some(failed) = failed.take()
                && (tries >= TRIES_MAX || failed.would_repeat(epoch))
            {
                return Err(failed.error);
            }
            if !call.may_go(perhaps_done_by.as_ref(), &server) {
                return Err(Error::OutcomeUnknown);
            }
            tries += 1;
            let fate = match self.try_once(call, &server, epoch, &patience, read).await {
                Try::Done(Err(Error::Refused(refusal))) if call.may_be_elsewhere(&refusal) => {
                    call.is_answered(&server);
                    return match self.partner_answers(call, &server, read).await {
                        true => Ok(()),
                        false => Err(Error::Refused(refusal)),
                    };
                }
                Try::Done(result) => {
                    call.is_answered(&server);
                    return result;
                }
                Try::Moved => {
                    tries -= 1;
                    Fate::Unknown
                }
                Try::Failed(fate, _, error) if !call.replay().repeats_after(fate) => {
                    return Err(told_or_unknown(error));
                }
                Try::Failed(fate, fault, error) => {
                    failed = Some(Failed {
                        fault,
                        error,
                        epoch,
                    });
                    fate
                }
            };
            if fate == Fate::Unknown {
                call.is_repeated();
                perhaps_done_by = Some(server);
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
        read: Read<'_>,
    ) -> Try {
        let mut flight = OpenTry::start(self);
        let request = self.reporting(call, call.to(server), flight.id, patience);
        let mut fetch = pin!(
            self.fetch_all(call, request, flight.id, patience)
                .map(TryOutcome::Answer)
        );
        let left = async {
            if !call.follows() {
                pending::<()>().await;
            }
            self.moved_on(epoch).await;
        };
        let mut moved = pin!(left.map(|()| TryOutcome::Moved));
        let mut over = pin!(self.over(patience).map(|()| TryOutcome::Over));
        let end = select(&mut moved, &mut over).map(|end| end.factor_first().0);
        let verdict = match select(&mut fetch, end).await.factor_first().0 {
            TryOutcome::Moved => return Try::Moved,
            TryOutcome::Over => {
                flight.end(Outcome::Failed(ServerFault::Silent));
                let error = match call.replay().repeats_after(Fate::Unknown) {
                    true => self.timeout(patience),
                    false => Error::OutcomeUnknown,
                };
                return Try::Done(Err(error));
            }
            TryOutcome::Answer(Ok(answer)) => self.judge(&call.caller, answer, read),
            TryOutcome::Answer(Err(FetchError::Broken(what))) => {
                Try::Failed(Fate::Unknown, ServerFault::Broken, malformed(what))
            }
            TryOutcome::Answer(Err(error)) => {
                let fate = match error {
                    FetchError::Refused => Fate::NotSent,
                    _ => Fate::Unknown,
                };
                Try::Failed(fate, ServerFault::Refused, self.no_server())
            }
        };
        flight.end(match verdict {
            Try::Failed(_, fault, _) => Outcome::Failed(fault),
            _ => Outcome::Answered,
        });
        verdict
    }

    /// The request, with what it tells while its body is sent: a long upload is a sign of life, too.
    fn reporting(
        &self,
        call: &Call,
        mut request: Request,
        id: RequestId,
        patience: &Patience,
    ) -> Request {
        let of = call.body_length();
        if of == 0 {
            return request;
        }
        let (me, alive_at) = (self.me(), Rc::clone(&patience.alive_at));
        let (on_sent, sent) = (call.on_sent.clone(), Cell::new(0));
        request.on_sent = Some(Rc::new(move |bytes| {
            // What is told again while nothing moves is no sign of life.
            if bytes <= sent.get() {
                return;
            }
            sent.set(bytes);
            if let Some(driver) = me.upgrade() {
                alive_at.set(driver.now());
                driver.feed(Input::RequestProgress(id));
            }
            if let Some(told) = &on_sent {
                let of = Some(of);
                told(Progress { bytes, of });
            }
        }));
        request
    }

    pub(super) async fn fetch_all(
        &self,
        call: &Call,
        request: Request,
        id: RequestId,
        patience: &Patience,
    ) -> Result<RawResponse, FetchError> {
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
            if let Some(told) = &call.on_received
                && response.status < 300
            {
                told(&body, response.length);
            }
        }
        let status = response.status;
        Ok(RawResponse { status, body })
    }

    /// Ends when nothing has arrived for as long as it may.
    pub(super) async fn over(&self, patience: &Patience) {
        let max = patience.max_ms;
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

/// What a caller is told of a call that may have been done and is not repeated: the server's own sentence, if it said one.
fn told_or_unknown(error: Error) -> Error {
    match error {
        told @ (Error::Refused(_) | Error::Malformed { .. }) => told,
        _ => Error::OutcomeUnknown,
    }
}

impl Failed {
    /// What cannot be understood would be said again by the same server.
    fn would_repeat(&self, epoch: u64) -> bool {
        self.fault == ServerFault::Broken && self.epoch == epoch
    }
}

impl Patience {
    pub(super) fn of(now: Millis, max_ms: u64) -> Self {
        let alive_at = Rc::new(Cell::new(now));
        Self {
            began: now,
            alive_at,
            max_ms,
        }
    }
}

/// A try, told to the connector from its start to its end; one that is dropped in the middle was abandoned.
struct OpenTry<'a> {
    driver: &'a Driver,
    id: RequestId,
    outcome: Outcome,
}

impl<'a> OpenTry<'a> {
    fn start(driver: &'a Driver) -> Self {
        let id = driver.new_request();
        driver.feed(Input::RequestStarted(id));
        let outcome = Outcome::Abandoned;
        Self {
            driver,
            id,
            outcome,
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for OpenTry<'_> {
    fn drop(&mut self) {
        let (id, outcome) = (self.id, self.outcome);
        self.driver.feed(Input::RequestEnded { id, outcome });
    }
}
