//! `GET /.well-known/callpilot`: what the server says of itself and its partner before anybody has logged in.

use super::{Api, convert};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use contract::Discovery;

impl Api {
    /// The server and its partner as they are now.
    pub(super) fn discover(&self) -> Discovery {
        convert::discovery(self.server().config(), &self.pair().borrow())
    }
}

/// The answering server and its GR partner.
#[utoipa::path(get, path = "/.well-known/callpilot", tag = "discovery", responses((status = 200, body = Discovery)))]
pub async fn discovery(
    State(api): State<Api>,
) -> ([(HeaderName, HeaderValue); 1], Json<Discovery>) {
    (
        [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json(api.discover()),
    )
}
