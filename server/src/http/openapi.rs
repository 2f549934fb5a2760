//! `GET /api/openapi.json`: the API's reference, made from the handlers themselves.

mod refusals;

pub use refusals::complete;

use super::audio::AudioEncoding;
use super::monitoring::Monitor;
use axum::Json;
use contract::ApiError;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

/// What the document says before its paths.
pub fn preamble() -> OpenApi {
    let info = InfoBuilder::new()
        .title("CallPilot")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The API of a CallPilot server. Both servers of a GR pair answer it, and accept each other's sessions. \
             Every answer of 400 or above is an ApiError, but for what is no request of HTTP at all: that is answered by 400, 414 or 431 \
             without a body, and the connection ends. An administrative call that changes something, made by name and password, is JSON or \
             carries the header X-CallPilot-Request, which no form of another page can send.",
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
        .description(Some(
            "Name and password of the configuration, while there is no administrator's account",
        ));
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
        .security_scheme(
            "admin_session",
            bearer("The token of an administrator's session; good on both servers of a pair"),
        )
        .security_scheme("admin", SecurityScheme::Http(basic.build()));
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components.build()))
        .build()
}

/// The document with what all administrative operations have in common: that administrators have sessions.
pub fn with_sessions(mut document: OpenApi) -> OpenApi {
    let requirement = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let [configured, session] = ["admin", "admin_session"].map(requirement);
    for item in document.paths.paths.values_mut() {
        let methods = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in methods.into_iter().flatten() {
            let security = operation.security.as_mut();
            if let Some(ways) = security.filter(|ways| ways.contains(&configured))
                && !ways.contains(&session)
            {
                ways.push(session.clone());
            }
        }
    }
    document
}

/// This document: for the networks of `http.monitoring_networks`, and for administrators.
#[utoipa::path(get, path = "/api/openapi.json", tag = "discovery", security((), ("admin" = []), ("admin_token" = [])), responses(
    (status = 200, body = serde_json::Value),
    (status = 401, description = "From this network only administrators may read it", body = ApiError),
))]
pub async fn document(_: Monitor) -> Json<OpenApi> {
    Json(super::documented().1)
}

#[cfg(test)]
mod tests;
