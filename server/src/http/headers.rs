//! Headers that every answer carries: what a page may do, and which other pages may use the API.

use super::Api;
use crate::config::BaseUrl;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may keep the answer to its question whether it may ask.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(600);

/// Pages of this server, of its partner and of the configured origins may use the API: a client goes on against the partner
/// from the page that it was loaded with.
pub fn cors(api: Api) -> CorsLayer {
    let exposed = [
        header::ETAG,
        header::CONTENT_RANGE,
        header::ACCEPT_RANGES,
        header::CONTENT_LENGTH,
        header::RETRY_AFTER,
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| api.allows(origin)))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            header::RANGE,
            HeaderName::from_static(contract::REQUEST_HEADER),
        ])
        .expose_headers(
            exposed
                .into_iter()
                .chain([super::request::REQUEST_ID])
                .collect::<Vec<_>>(),
        )
        .max_age(PREFLIGHT_KEPT)
}

impl Api {
    fn allows(&self, origin: &HeaderValue) -> bool {
        let Some(origin) = origin
            .to_str()
            .ok()
            .and_then(|text| text.parse::<BaseUrl>().ok())
        else {
            return false;
        };
        let config = self.server().config();
        origin.as_str() == config.http_url()
            || self
                .partner_origin()
                .is_some_and(|partner| partner == origin)
            || config.http.allowed_origins.contains(&origin)
    }

    /// Where the partner's API is, as an origin.
    fn partner_origin(&self) -> Option<BaseUrl> {
        let pair = self.pair().borrow();
        pair.partner.as_ref()?.http.parse().ok()
    }
}

/// What browsers are told about every answer. The page may also talk to the partner, or it could not go on there.
pub async fn secure(State(api): State<Api>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let partner = api
        .partner_origin()
        .map_or(String::new(), |origin| format!(" {origin}"));
    let policy = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'{partner}; media-src 'self' blob:; \
         img-src 'self' data:; style-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'self'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(self)",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
