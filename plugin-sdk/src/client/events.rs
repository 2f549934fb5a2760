//! The client's own conversations with servers: probes, and the event stream. They tell what they hear and decide nothing.

use super::sse::Reader;
use crate::Transport;
use crate::connector::ServerFault;
use crate::json;
use crate::transport::{FetchError, Request, Response};
use contract::{ApiError, Discovery, ErrorCode, Event, WELL_KNOWN};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use std::pin::pin;

/// A discovery larger than this is not a CallPilot server's.
const DISCOVERY_BYTES_MAX: usize = 64 << 10;
/// A refusal larger than this is not a CallPilot server's.
const REFUSAL_BYTES_MAX: usize = 16 << 10;

/// What is heard on an event stream.
pub(super) enum StreamEvent {
    /// It is open.
    Opened,
    /// Bytes have come, if only a comment.
    Alive,
    /// The server does not accept the session.
    NotLoggedIn,
    /// An event.
    Event(Box<Event>),
}

/// Asks one server what it says of itself; it has `timeout_ms` for its answer.
pub(super) async fn probe(
    transport: &dyn Transport,
    http: &str,
    timeout_ms: u64,
) -> Result<Discovery, ServerFault> {
    let ask = pin!(ask(transport, format!("{http}{WELL_KNOWN}")));
    match select(ask, transport.sleep(timeout_ms)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(ServerFault::Silent),
    }
}

async fn ask(transport: &dyn Transport, url: String) -> Result<Discovery, ServerFault> {
    let response = transport.fetch(Request::get(url)).await.map_err(fault_of)?;
    if let Some(fault) = fault_of_status(&response) {
        return Err(fault);
    }
    read_json(response, DISCOVERY_BYTES_MAX).await
}

/// Reads a body of at most `bytes_max`.
async fn read_json<T: DeserializeOwned>(
    mut response: Response,
    bytes_max: usize,
) -> Result<T, ServerFault> {
    let mut body = Vec::new();
    while let Some(piece) = response.body.next().await {
        body.extend_from_slice(&piece.map_err(fault_of)?);
        if body.len() > bytes_max {
            return Err(ServerFault::Broken);
        }
    }
    json::read(&body).map_err(|_| ServerFault::Broken)
}

/// Listens to a server until the stream ends, and returns how it did. `hear` is told what comes, and false from it ends the listening.
pub(super) async fn listen(
    transport: &dyn Transport,
    http: &str,
    token: &str,
    hear: impl Fn(StreamEvent) -> bool,
) -> ServerFault {
    match follow(transport, http, token, hear).await {
        // A stream that the server ends in good order is closed all the same.
        Ok(()) => ServerFault::Refused,
        Err(fault) => fault,
    }
}

async fn follow(
    transport: &dyn Transport,
    http: &str,
    token: &str,
    hear: impl Fn(StreamEvent) -> bool,
) -> Result<(), ServerFault> {
    let mut request = Request::get(format!("{http}/api/v1/events"));
    request.authorization = Some(format!("Bearer {token}"));
    let mut response = transport.fetch(request).await.map_err(fault_of)?;
    if response.status == 401 {
        // Only a CallPilot server can say it: what a proxy or a captive portal answers decides nothing about the session.
        let refusal: ApiError = read_json(response, REFUSAL_BYTES_MAX).await?;
        if refusal.code != ErrorCode::NotLoggedIn {
            return Err(ServerFault::Broken);
        }
        hear(StreamEvent::NotLoggedIn);
        return Ok(());
    }
    if let Some(fault) = fault_of_status(&response) {
        return Err(fault);
    }
    hear(StreamEvent::Opened);
    let mut reader = Reader::default();
    while let Some(piece) = response.body.next().await {
        let events = reader.push(&piece.map_err(fault_of)?);
        if !hear(StreamEvent::Alive) {
            return Ok(());
        }
        for data in events.map_err(|_| ServerFault::Broken)? {
            // An event that this client does not know comes from a newer server and is for newer clients.
            if let Ok(event) = json::read(&data) {
                hear(StreamEvent::Event(Box::new(event)));
            }
        }
    }
    Ok(())
}

fn fault_of(error: FetchError) -> ServerFault {
    match error {
        FetchError::Refused | FetchError::Cut => ServerFault::Refused,
        FetchError::Broken(_) => ServerFault::Broken,
    }
}

fn fault_of_status(response: &Response) -> Option<ServerFault> {
    match response.status {
        200 => None,
        502..=504 => Some(ServerFault::OutOfService),
        _ => Some(ServerFault::Broken),
    }
}
