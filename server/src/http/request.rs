//! What surrounds every request: its reference, its time limit, one line in the log, its metrics.

use super::Api;
use super::error::Problem;
use super::reference;
use crate::operations::OpError;
use crate::operations::principal::Origin;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::{Duration, Instant};
use tracing::Instrument;

/// The header that carries the reference back.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub Origin);

/// The outermost layer.
pub async fn around(State(api): State<Api>, request: Request, next: Next) -> Response {
    let reference = reference::new();
    let method = request.method().clone();
    // The pattern, not the path: a path holds ids, and each would be a time series of its own.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)".to_owned(), |m| m.as_str().to_owned());
    let span = tracing::info_span!("request", %reference, %method, %route);
    let limit = Duration::from_secs(api.server().config().http.request_timeout_s);
    let started = Instant::now();
    let answer = reference::within(reference.clone(), async {
        tokio::time::timeout(limit, next.run(request))
            .await
            .unwrap_or_else(|_| {
                let why = "The server took too long to answer. Try again.";
                Problem::from(OpError::Unavailable {
                    why,
                    wait: Duration::from_secs(1),
                })
                .into_response()
            })
    });
    let mut response = answer.instrument(span.clone()).await;
    let status = response.status().as_u16();
    let took = started.elapsed();
    let labels = [
        ("method", method.as_str().to_owned()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::counter!("callpilot_http_requests_total", &labels).increment(1);
    metrics::histogram!("callpilot_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    tracing::debug!(parent: &span, status, took_ms = took.as_millis(), "answered");
    if let Ok(value) = HeaderValue::try_from(reference) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
