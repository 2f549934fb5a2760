//! `GET /api/openapi.json`: the API's reference, made from the handlers themselves.

mod refusals;

pub use refusals::complete;

use super::audio::AudioEncoding;
use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, RefOr};

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

/// What no handler says for itself, because whoever asks in somebody's name may be told so.
const OF_ADMINISTRATORS: [(&str, &str); 3] = [
    (
        "403",
        "The role of this administrator is too little for it, or a second factor has to be set up first",
    ),
    (
        "429",
        "Too many tries from this network: Retry-After says how long to wait",
    ),
    ("503", "Not at present: Retry-After says when to ask again"),
];
const OF_USERS: [(&str, &str); 3] = [
    (
        "403",
        "Not allowed, or a new password has to be chosen first",
    ),
    ("423", "An administrator has locked the mailbox"),
    (
        "503",
        "Not at present: Retry-After says when to ask again, or the partner can help",
    ),
];

/// The document with what all operations have in common that ask for a session: what refuses it, and that administrators have sessions.
pub fn with_sessions(mut document: OpenApi) -> OpenApi {
    let requirement = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let [configured, session, users] = ["admin", "admin_session", "session"].map(requirement);
    for item in document.paths.paths.values_mut() {
        let methods = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in methods.into_iter().flatten() {
            let Some(security) = operation.security.as_mut() else {
                continue;
            };
            if security.contains(&configured) && !security.contains(&session) {
                security.push(session.clone());
            }
            let refusals = match security.contains(&users) {
                true => OF_USERS,
                false => OF_ADMINISTRATORS,
            };
            let responses = &mut operation.responses.responses;
            let Some(RefOr::T(refusal)) = responses.get("401").cloned() else {
                continue;
            };
            for (status, description) in refusals {
                let mut refusal = refusal.clone();
                refusal.description = description.into();
                let told = responses.entry(status.to_owned());
                told.or_insert(RefOr::T(refusal));
            }
        }
    }
    document
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "discovery", responses((status = 200, body = serde_json::Value)))]
pub async fn document() -> Json<OpenApi> {
    Json(super::documented().1)
}

#[cfg(test)]
mod tests;
