//! `GET /api/openapi.json`: the API's reference, made from the handlers themselves.

mod refusals;

pub use refusals::complete;

use super::audio::AudioEncoding;
use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

/// What the document says before its paths.
pub fn preamble() -> OpenApi {
    let info = InfoBuilder::new()
        .title("CallPilot")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The API of a CallPilot server. Both servers of a GR pair answer it, and accept each other's sessions. \
             Every answer of 400 or above is an ApiError, but for what is no request of HTTP at all: that is answered by 400, 414 or 431 \
             without a body, and the connection ends.",
        ))
        .build();
    let bearer = |text: &str| {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(text));
        SecurityScheme::Http(scheme.build())
    };
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("Name and password of an administrator"));
    let components = ComponentsBuilder::new()
        // Named in queries alone, where handlers do not bring it along.
        .schema_from::<AudioEncoding>()
        .security_scheme(
            "session",
            bearer("The token of a session; good on both servers of a pair"),
        )
        .security_scheme(
            "admin_token",
            bearer("The token in the file admin.token of the data folder"),
        )
        .security_scheme("admin", SecurityScheme::Http(basic.build()));
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components.build()))
        .build()
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "discovery", responses((status = 200, body = serde_json::Value)))]
pub async fn document() -> Json<OpenApi> {
    Json(super::documented().1)
}

#[cfg(test)]
mod tests;
