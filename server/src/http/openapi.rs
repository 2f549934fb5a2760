//! `GET /api/openapi.json`: the API's reference, made from the handlers themselves.

use super::audio::AudioEncoding;
use super::cross_site::ADMIN;
use super::monitoring::Monitor;
use axum::Json;
use contract::ApiError;
use utoipa::ToSchema as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    ResponseBuilder,
};

/// What the document says before its paths.
pub fn preamble() -> OpenApi {
    let info = InfoBuilder::new()
        .title("CallPilot")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The API of a CallPilot server. Both servers of a GR pair answer it, and accept each other's sessions. \
             Every answer of 400 or above is an ApiError. An administrative call that changes something, made by name and password, is JSON or \
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

/// Adds what any request may be answered, and any administrative call that changes something.
pub fn say_everywhere(document: &mut OpenApi) {
    let refused = |why: &str| {
        let error = Ref::from_schema_name(ApiError::name());
        let content = ContentBuilder::new().schema(Some(error)).build();
        let response = ResponseBuilder::new().description(why);
        RefOr::T(response.content("application/json", content).build())
    };
    for (path, item) in &mut document.paths.paths {
        let reads = item.get.iter_mut().map(|operation| (operation, false));
        let changes = [
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        let changes = changes
            .into_iter()
            .flatten()
            .map(|operation| (operation, true));
        for (operation, changes) in reads.chain(changes) {
            let responses = &mut operation.responses.responses;
            let misdirected = "The request is for a server of another name than this one has";
            responses
                .entry("421".into())
                .or_insert_with(|| refused(misdirected));
            if changes && path.starts_with(ADMIN.trim_end_matches('/')) {
                let form =
                    "Sent by name and password, and without the header that no form can send";
                responses
                    .entry("403".into())
                    .or_insert_with(|| refused(form));
            }
        }
    }
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
