//! `GET /api/v1/events`: what happens to a mailbox and its servers, as server-sent events (WHATWG HTML section 9.2).

use super::auth::LoggedIn;
use super::error::HttpResult;
use super::{Api, convert};
use crate::operations::{OpError, OpResult, messages};
use crate::server::{ChangeEvent, PairView, WriterError};
use crate::token::Claims;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use contract::{ApiError, Discovery, Event, ObjectId};
use domain::Kind;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

/// Of so many messages at most one stream remembers that they were on one server only.
const ONE_SIDED_MAX: usize = 1_000;

/// The event streams that are open: bounded in total and for each user.
pub struct Streams {
    total: Arc<Semaphore>,
    per_user_max: usize,
    users: Arc<Mutex<HashMap<ObjectId, usize>>>,
}

/// A place among the streams, given back when it is dropped.
struct StreamPermit {
    user: ObjectId,
    users: Arc<Mutex<HashMap<ObjectId, usize>>>,
    _total: OwnedSemaphorePermit,
}

impl Streams {
    /// Bounds.
    pub fn new(total_max: usize, per_user_max: usize) -> Self {
        Self {
            total: Arc::new(Semaphore::new(total_max)),
            per_user_max,
            users: Arc::default(),
        }
    }

    fn seat(&self, user: ObjectId) -> OpResult<StreamPermit> {
        let wait = Duration::from_secs(10);
        let total = Arc::clone(&self.total).try_acquire_owned();
        let what = "This server has as many open pages as it takes.";
        let total = total.map_err(|_| OpError::TooMany { what, wait })?;
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let open = users.entry(user).or_default();
        if *open >= self.per_user_max {
            return Err(OpError::TooMany {
                what: "Too many pages of this mailbox are open. Close some.",
                wait,
            });
        }
        *open += 1;
        metrics::gauge!("callpilot_event_streams").increment(1);
        Ok(StreamPermit {
            user,
            users: Arc::clone(&self.users),
            _total: total,
        })
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        metrics::gauge!("callpilot_event_streams").decrement(1);
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = users.get_mut(&self.user) {
            *open -= 1;
            if *open == 0 {
                users.remove(&self.user);
            }
        }
    }
}

/// Everything that happens to the user's mailbox and to the two servers, as it happens.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", security(("session" = [])), responses(
    (status = 200, content_type = "text/event-stream", body = Event,
        description = "Each `data` line is one event; a comment line is sent when nothing else is"),
    (status = 401, body = ApiError),
    (status = 429, description = "Too many streams are open", body = ApiError),
))]
pub async fn events(State(api): State<Api>, who: LoggedIn) -> HttpResult<Response> {
    let seat = api.0.streams.seat(who.id)?;
    let pause = Duration::from_secs(api.server().config().http.events_comment_s);
    let stream =
        futures_util::stream::unfold(Listener::new(api, who, seat), |mut listener| async {
            let event = listener.next().await?;
            let line = serde_json::to_string(&event).unwrap_or_default();
            Some((
                Ok::<_, Infallible>(sse::Event::default().data(line)),
                listener,
            ))
        });
    let response = Sse::new(stream).keep_alive(KeepAlive::new().interval(pause));
    // A proxy that collects the stream before it passes it on would make it useless.
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((headers, response).into_response())
}

/// One open stream.
struct Listener {
    api: Api,
    user: ObjectId,
    claims: Claims,
    notices: broadcast::Receiver<ChangeEvent>,
    pair: watch::Receiver<PairView>,
    told: Option<Discovery>,
    /// Messages of which was told that they are on this server only so far.
    one_sided: HashSet<ObjectId>,
    ended: bool,
    _seat: StreamPermit,
}

/// What to do after waiting.
enum Woken {
    Tell(Event),
    /// The pair is to be looked at.
    Pair,
    Happened(ChangeEvent),
    /// The stream ends; the client asks again, with a fresh token or at the partner.
    End,
}

impl Listener {
    fn new(api: Api, who: LoggedIn, seat: StreamPermit) -> Self {
        // Subscribed before the client reads its list, so that nothing falls in between.
        let (notices, pair) = (api.server().notices(), api.pair().clone());
        Self {
            api,
            user: who.id,
            claims: who.claims,
            notices,
            pair,
            told: None,
            one_sided: HashSet::new(),
            ended: false,
            _seat: seat,
        }
    }

    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        if let Some(event) = self.server() {
            return Some(event);
        }
        loop {
            let event = match self.wait().await {
                Woken::End => return None,
                Woken::Tell(event) => Some(event),
                Woken::Pair => self.server(),
                Woken::Happened(notice) => self.tell(notice).await,
            };
            if event.is_some() {
                self.ended = matches!(event, Some(Event::Ended));
                return event;
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        let left_ms = self
            .claims
            .expires_at
            .0
            .saturating_sub(self.api.server().now().0);
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        tokio::select! {
            () = self.api.0.stop.cancelled() => Woken::End,
            () = tokio::time::sleep(left) => Woken::End,
            changed = self.pair.changed() => if changed.is_ok() { Woken::Pair } else { Woken::End },
            notice = self.notices.recv() => match notice {
                Ok(notice) => Woken::Happened(notice),
                Err(broadcast::error::RecvError::Lagged(_)) => Woken::Tell(Event::Resync),
                Err(broadcast::error::RecvError::Closed) => Woken::End,
            },
        }
    }

    /// The server's word on itself, if it is another than the last one told.
    fn server(&mut self) -> Option<Event> {
        let discovery =
            convert::discovery(self.api.server().config(), &self.pair.borrow_and_update());
        if self.told.as_ref() == Some(&discovery) {
            return None;
        }
        self.told = Some(discovery.clone());
        Some(Event::Server { discovery })
    }

    async fn tell(&mut self, notice: ChangeEvent) -> Option<Event> {
        let read = match notice {
            ChangeEvent::Pair => return self.server(),
            ChangeEvent::Object {
                id,
                kind: Kind::USER,
                ..
            } if id == self.user => self.look_at_user().await,
            ChangeEvent::Gone {
                id,
                kind: Kind::USER,
                ..
            } if id == self.user => return Some(Event::Ended),
            ChangeEvent::Safe { id } if self.one_sided.contains(&id) => {
                self.message(id, false).await
            }
            ChangeEvent::Rebuilt => self.look_anew().await,
            ChangeEvent::Object {
                id,
                owner,
                kind: Kind::MESSAGE,
                arrived,
            } if owner == Some(self.user) => self.message(id, arrived).await,
            ChangeEvent::Gone {
                id,
                owner,
                kind: Kind::MESSAGE,
            } if owner == Some(self.user) => self.gone(id).await,
            ChangeEvent::Object { owner, kind, .. } | ChangeEvent::Gone { owner, kind, .. }
                if owner == Some(self.user) && [Kind::DRAFT, Kind::DRAFT_PIECE].contains(&kind) =>
            {
                return Some(Event::Drafts);
            }
            _ => return None,
        };
        read.unwrap_or_else(|error| {
            tracing::warn!(error = %super::error::chain(&error), "an event could not be read");
            Some(Event::Resync)
        })
    }

    async fn look_at_user(&self) -> Result<Option<Event>, WriterError> {
        let good = self.api.sign_in().holds(&self.claims).await?;
        Ok((!good).then_some(Event::Ended))
    }

    /// Everything was replaced: the list has to be read again, if the user is still there.
    async fn look_anew(&self) -> Result<Option<Event>, WriterError> {
        let ended = self.look_at_user().await?;
        Ok(ended.or(Some(Event::Resync)))
    }

    async fn message(&mut self, id: ObjectId, arrived: bool) -> Result<Option<Event>, WriterError> {
        let user = self.user;
        let (shown, counts) = messages::present(self.api.server(), user, id).await?;
        let one_sided = shown.as_ref().is_some_and(|shown| shown.one_server_only);
        if one_sided && self.one_sided.len() < ONE_SIDED_MAX {
            self.one_sided.insert(id);
        } else {
            self.one_sided.remove(&id);
        }
        let row = shown.and_then(|s| convert::row(s.id, &s.object, s.one_server_only));
        // Gone in between: its own notice follows.
        Ok(row.map(|row| Event::Message {
            row,
            arrived,
            counts: convert::counts(&counts),
        }))
    }

    async fn gone(&self, id: ObjectId) -> Result<Option<Event>, WriterError> {
        let user = self.user;
        let counts = messages::counts(self.api.server(), user).await?;
        Ok(Some(Event::Gone {
            id,
            counts: convert::counts(&counts),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_in_total_and_for_each_user_and_given_back() {
        let streams = Streams::new(3, 2);
        let user = |n: u8| ObjectId::from_bytes([n; 16]);
        let first = streams.seat(user(1)).unwrap();
        let _second = streams.seat(user(1)).unwrap();
        assert!(streams.seat(user(1)).is_err(), "two for one user");
        let _third = streams.seat(user(2)).unwrap();
        assert!(streams.seat(user(3)).is_err(), "three in total");
        drop(first);
        assert!(streams.seat(user(1)).is_ok());
    }
}
