//! The engine's own conversations with servers: probes, and the event stream.

use super::ClientEvent;
use super::engine::Engine;
use super::sse::Reader;
use crate::Transport;
use crate::connector::{Fault, Input, IoId};
use crate::transport::{FetchError, Method, Request, Response};
use contract::{Discovery, Event, WELL_KNOWN};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::rc::{Rc, Weak};

/// A word larger than this is not a CallPilot server's.
const WORD_BYTES_MAX: usize = 64 << 10;

/// Asks one server for its word.
pub(super) async fn probe(
    engine: Weak<Engine>,
    transport: Rc<dyn Transport>,
    id: IoId,
    http: String,
    timeout_ms: u64,
) {
    let began = transport.now();
    let ask = pin!(ask(&*transport, format!("{http}{WELL_KNOWN}")));
    let answer = match select(ask, transport.sleep(timeout_ms)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Fault::Silent),
    };
    let round_trip_ms = transport.now().since(began);
    if let Some(engine) = engine.upgrade() {
        engine.feed(match answer {
            Ok(word) => Input::Answered {
                id,
                word,
                round_trip_ms,
            },
            Err(fault) => Input::Failed { id, fault },
        });
    }
}

async fn ask(transport: &dyn Transport, url: String) -> Result<Discovery, Fault> {
    let request = Request {
        method: Method::Get,
        url,
        bearer: None,
        json: None,
    };
    let mut response = transport.fetch(request).await.map_err(fault_of)?;
    if let Some(fault) = fault_of_status(&response) {
        return Err(fault);
    }
    let mut body = Vec::new();
    while let Some(piece) = response.body.next().await {
        body.extend_from_slice(&piece.map_err(fault_of)?);
        if body.len() > WORD_BYTES_MAX {
            return Err(Fault::Broken);
        }
    }
    serde_json::from_slice(&body).map_err(|_| Fault::Broken)
}

/// Listens to the server in use until the stream ends.
pub(super) async fn stream(
    engine: Weak<Engine>,
    transport: Rc<dyn Transport>,
    id: IoId,
    http: String,
    token: String,
) {
    let fault = match listen(&engine, &*transport, id, http, &token).await {
        // A stream that the server ends in good order is closed all the same.
        Ok(()) => Fault::Refused,
        Err(fault) => fault,
    };
    if let Some(engine) = engine.upgrade() {
        engine.stream_closed(id);
        engine.feed(Input::StreamClosed { id, fault });
    }
}

async fn listen(
    engine: &Weak<Engine>,
    transport: &dyn Transport,
    id: IoId,
    http: String,
    token: &str,
) -> Result<(), Fault> {
    let request = Request {
        method: Method::Get,
        url: format!("{http}/api/v1/events"),
        bearer: Some(token.to_owned()),
        json: None,
    };
    let mut response = transport.fetch(request).await.map_err(fault_of)?;
    if response.status == 401 {
        if let Some(engine) = engine.upgrade() {
            engine.session_ended(token);
        }
        return Ok(());
    }
    if let Some(fault) = fault_of_status(&response) {
        return Err(fault);
    }
    if let Some(engine) = engine.upgrade() {
        engine.feed(Input::StreamOpened(id));
        engine.stream_opened();
    }
    let mut reader = Reader::default();
    while let Some(piece) = response.body.next().await {
        let events = reader.push(&piece.map_err(fault_of)?);
        let Some(engine) = engine.upgrade() else {
            return Ok(());
        };
        engine.feed(Input::StreamAlive(id));
        for data in events.map_err(|_| Fault::Broken)? {
            // An event that this client does not know comes from a newer server and is for newer clients.
            if let Ok(event) = serde_json::from_slice(&data) {
                engine.take_event(id, token, event);
            }
        }
    }
    Ok(())
}

impl Engine {
    fn take_event(&self, id: IoId, token: &str, event: Event) {
        match event {
            Event::Resync => self.list_stale(),
            Event::Ended => self.session_ended(token),
            Event::Server { discovery } => {
                let word = discovery.clone();
                self.feed(Input::Word { id, word });
                self.emit(ClientEvent::Server(Event::Server { discovery }));
            }
            event => self.emit(ClientEvent::Server(event)),
        }
    }
}

fn fault_of(error: FetchError) -> Fault {
    match error {
        FetchError::Refused | FetchError::Cut => Fault::Refused,
        FetchError::Broken(_) => Fault::Broken,
    }
}

fn fault_of_status(response: &Response) -> Option<Fault> {
    match response.status {
        200 => None,
        502..=504 => Some(Fault::OutOfService),
        _ => Some(Fault::Broken),
    }
}
