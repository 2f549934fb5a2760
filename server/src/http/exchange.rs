//! How one connection's requests get on, and when the connection has to end: nothing is asked, or an answer is not taken.
//!
//! A limit on silence of the socket is not enough: in HTTP/2 a client can ping for ever without asking anything, or leave no room for an answer. So
//! time is counted for what matters. Between requests a connection has as long as for the head of one; and the next piece of an answer must
//! be asked for within the idle limit. An answer that waits for the server itself, such as an event stream, may wait.

use crate::listen::{Presence, UnderWay};
use axum::body::Body;
use hyper::body::{Bytes, Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Answers leave in pieces of so many octets at most, so that one that is taken slowly is told from one that is not taken.
const PIECE: usize = 64 << 10;

/// Why a connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing was asked for too long.
    Silent,
    /// An answer is not taken.
    NotTaken,
}

/// The requests of one connection. Cheap to clone.
#[derive(Clone)]
pub struct Exchanges(Arc<ExchangesOfConnection>);

struct ExchangesOfConnection {
    presence: Presence,
    silent: Duration,
    not_taken: Duration,
    state: Mutex<ExchangeState>,
    sooner: Notify,
}

struct ExchangeState {
    /// When the last request was over, or the connection began.
    silent_since: Instant,
    /// Requests under way. Of those whose client has the next word: since when.
    under_way: HashMap<u64, Option<Instant>>,
    next: u64,
}

/// One request and its answer, until the last piece of it is on its way.
pub struct Exchange {
    of: Exchanges,
    id: u64,
    _under_way: UnderWay,
}

impl Exchanges {
    /// Those of a connection. Within `silent` the next request must come, and within `not_taken` the next piece of an answer be taken.
    pub fn new(presence: Presence, silent: Duration, not_taken: Duration) -> Self {
        Self(Arc::new(ExchangesOfConnection {
            presence,
            silent,
            not_taken,
            state: Mutex::new(ExchangeState {
                silent_since: Instant::now(),
                under_way: HashMap::new(),
                next: 0,
            }),
            sooner: Notify::new(),
        }))
    }

    /// A request has come.
    pub fn begin(&self) -> Exchange {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.under_way.insert(id, None);
        drop(state);
        Exchange {
            of: self.clone(),
            id,
            _under_way: self.0.presence.begin(),
        }
    }

    /// Whether a request is under way.
    pub fn is_any(&self) -> bool {
        !self.state().under_way.is_empty()
    }

    /// Returns when the connection has to end.
    pub async fn over(&self) -> Over {
        loop {
            // Asked for before looking, so that nothing is missed.
            let sooner = self.0.sooner.notified();
            match self.due() {
                Some((at, over)) if at <= Instant::now() => return over,
                Some((at, _)) => {
                    tokio::select! {
                        () = sleep_until(at) => {}
                        () = sooner => {}
                    }
                }
                None => sooner.await,
            }
        }
    }

    /// When the connection is over, as it looks at present.
    fn due(&self) -> Option<(Instant, Over)> {
        let state = self.state();
        if state.under_way.is_empty() {
            return Some((state.silent_since + self.0.silent, Over::Silent));
        }
        let oldest = state.under_way.values().flatten().min()?;
        Some((*oldest + self.0.not_taken, Over::NotTaken))
    }

    fn state(&self) -> MutexGuard<'_, ExchangeState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// The answer, which keeps the request under way until its end.
    pub fn answered(self, body: Body) -> Body {
        self.is_with_client(true);
        Body::new(PiecewiseBody {
            body,
            rest: Bytes::new(),
            exchange: self,
        })
    }

    /// Whether the client has to do something before the answer goes on.
    fn is_with_client(&self, with_client: bool) {
        let mut state = self.of.state();
        let since = with_client.then(Instant::now);
        let was = state.under_way.insert(self.id, since);
        drop(state);
        if with_client && was.flatten().is_none() {
            self.of.0.sooner.notify_one();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.of.state();
        state.under_way.remove(&self.id);
        if state.under_way.is_empty() {
            state.silent_since = Instant::now();
            drop(state);
            self.of.0.sooner.notify_one();
        }
    }
}

/// The body of an answer, in pieces.
struct PiecewiseBody {
    body: Body,
    rest: Bytes,
    exchange: Exchange,
}

impl hyper::body::Body for PiecewiseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.exchange.is_with_client(false);
        if self.rest.is_empty() {
            let polled = Pin::new(&mut self.body).poll_frame(context);
            match ready!(polled).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.exchange.is_with_client(true);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::{PlaceLimits, Places};
    use http_body_util::BodyExt;
    use hyper::body::Body as _;

    const LONG: Duration = Duration::from_secs(3_600);
    /// As short as it may be: these tests wait until it is over.
    const SHORT: Duration = Duration::from_millis(20);

    fn exchanges(silent: Duration, not_taken: Duration) -> (Exchanges, impl Sized) {
        let limits = PlaceLimits {
            max: 1,
            ..PlaceLimits::default()
        };
        let places = Places::new(limits, "test", "test");
        let place = places.enter(None).unwrap();
        let exchanges = Exchanges::new(place.presence().clone(), silent, not_taken);
        (exchanges, place)
    }

    #[tokio::test]
    async fn a_connection_without_a_request_is_over_and_one_that_is_answered_is_not() {
        let (exchanges, _place) = exchanges(SHORT, LONG);
        let first = exchanges.begin();
        let second = exchanges.begin();
        drop(first);
        assert_eq!(exchanges.due(), None, "the server has the next word");
        drop(second);
        assert_eq!(exchanges.over().await, Over::Silent);
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_ends_the_connection_also_while_another_is() {
        let (exchanges, _place) = exchanges(LONG, SHORT);
        let body = Body::from(vec![b'x'; 5 * PIECE]);
        let mut answer = exchanges.begin().answered(body);
        let events = futures_util::stream::pending::<Result<Bytes, axum::Error>>();
        let mut events = exchanges.begin().answered(Body::from_stream(events));
        let over = tokio::select! {
            biased;
            _ = events.frame() => panic!("there are no events"),
            over = exchanges.over() => over,
        };
        assert_eq!(over, Over::NotTaken);
        // It gets on: the next piece has its own time.
        let before = exchanges.due().unwrap().0;
        let piece = answer.frame().await.unwrap().unwrap();
        assert_eq!(piece.into_data().unwrap().len(), PIECE);
        let (after, over) = exchanges.due().unwrap();
        assert!(after > before && over == Over::NotTaken);
        drop(answer);
        assert_eq!(exchanges.due(), None, "events wait for the server");
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_whole_and_says_how_long_it_is() {
        let (exchanges, _place) = exchanges(LONG, LONG);
        let content = vec![b'x'; 3 * PIECE + 1];
        let mut answer = exchanges.begin().answered(Body::from(content.clone()));
        assert_eq!(answer.size_hint().exact(), Some(content.len() as u64));
        let first = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        let left = (content.len() - first.len()) as u64;
        assert_eq!(answer.size_hint().exact(), Some(left));
        let rest = answer.collect().await.unwrap().to_bytes();
        assert_eq!([first, rest].concat(), content);
    }
}
