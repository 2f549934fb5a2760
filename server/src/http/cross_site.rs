//! What a browser sends without its user's will: requests in the name of another server, and forms of other pages.
//!
//! A page of a stranger can make a browser send a form here, with whatever name and password the browser keeps for this server (HTTP Basic), and
//! the stranger can give his own server's name this server's address, so that his page counts as ours. Neither can set headers of its own
//! without asking first. So an administrative call that changes something carries one that no form has, and every request names
//! this server as it is really called.

use super::Api;
use super::error::Problem;
use super::request::Peer;
use crate::config::Config;
use crate::operations::OpError;
use crate::operations::principal::Origin;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use contract::REQUEST_HEADER;
use std::net::IpAddr;
use std::time::Duration;
use writer::RateLimitedLog;

/// Where administrative calls go.
pub const ADMIN: &str = "/api/v1/admin/";
/// Of a name that is not ours so much is logged.
const NAME_CHARS_MAX: usize = 100;

static MISDIRECTED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// Refuses requests for a server of another name. The command line of this machine names none.
pub async fn addressed(State(api): State<Api>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>();
    if matches!(peer, Some(Peer(Origin::Local { .. }))) {
        return next.run(request).await;
    }
    let named = named(request.uri(), request.headers(), request.version());
    match named {
        Err(why) => Problem::invalid(why.into()).into_response(),
        Ok(names) => match names
            .iter()
            .find(|name| !is_ours(api.server().config(), name))
        {
            None => next.run(request).await,
            Some(other) => misdirected(other),
        },
    }
}

fn misdirected(name: &str) -> Response {
    metrics::counter!("callpilot_http_misdirected_total").increment(1);
    if let Some(times) = MISDIRECTED.now() {
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        tracing::warn!(
            ?name,
            times,
            "requests were refused: they are for a server of another name. If that is a name of this one, add it to http.hosts"
        );
    }
    Problem::Misdirected.into_response()
}

/// The servers that a request names: its target (HTTP/2, proxies) and its header Host.
fn named(uri: &Uri, headers: &HeaderMap, version: Version) -> Result<Vec<String>, &'static str> {
    let mut names: Vec<String> = Vec::new();
    names.extend(uri.authority().map(host));
    let mut hosts = headers.get_all(HOST).iter();
    if let Some(value) = hosts.next() {
        let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
        let authority: Authority = parsed
            .filter(|authority: &Authority| !authority.as_str().contains('@'))
            .ok_or("The header Host does not name a server.")?;
        names.push(host(&authority));
    }
    if hosts.next().is_some() {
        return Err("The header Host stands there twice.");
    }
    // RFC 9112 section 3.2. What speaks HTTP/1.0 is no browser.
    if names.is_empty() && version > Version::HTTP_10 {
        return Err("The header Host is missing.");
    }
    Ok(names)
}

/// The host without port, brackets and the dot at its end.
fn host(authority: &Authority) -> String {
    let host = authority.host().trim_matches(['[', ']']);
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether this server is called so. An address cannot be given to somebody else's name, and neither can `localhost` (RFC 6761).
fn is_ours(config: &Config, name: &str) -> bool {
    let public = config.http.public_url.as_ref();
    let public = public.and_then(|url| url.as_str().split_once("://")?.1.parse().ok());
    name.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || name == config.fqdn
        || public.is_some_and(|url: Authority| host(&url) == name)
        || config
            .http
            .hosts
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
}

/// Refuses administrative calls that a form of another page could have sent.
pub async fn no_form(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let changes =
        !request.method().is_safe() && route.is_some_and(|route| route.as_str().starts_with(ADMIN));
    if changes && may_be_form(request.headers()) {
        let why = format!(
            "A page of somebody else could have sent this. Send the header {REQUEST_HEADER}: 1 with every call that changes something."
        );
        return Problem::from(OpError::Forbidden(why)).into_response();
    }
    next.run(request).await
}

/// Whether a form could carry these headers. A browser adds a name and a password that it keeps to a form, but never a token; and a form is
/// never JSON. Who shows nothing is asked for it first.
fn may_be_form(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(credentials) = headers.get(AUTHORIZATION) else {
        return false;
    };
    let scheme = credentials.to_str().unwrap_or_default().split(' ').next();
    let kept_by_browsers = !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer"));
    let media_type = text(CONTENT_TYPE).and_then(|value| value.split(';').next());
    let is_json =
        media_type.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"));
    kept_by_browsers && !is_json && !headers.contains_key(REQUEST_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn config() -> Config {
        let text = "fqdn = \"cp-a.example.net\"\nhttp.public_url = \"https://voice.example.net:8443\"\nhttp.hosts = [\"CP-A\"]";
        Config::parse(text, "cp.toml", &|_| None).unwrap()
    }

    #[test]
    fn a_server_answers_to_its_own_names_and_to_addresses() {
        let config = config();
        let is_ours = |target: &'static str, hosts: &[(&'static str, &'static str)]| {
            let uri = Uri::from_static(target);
            let names = named(&uri, &headers(hosts), Version::HTTP_11);
            names.map(|names| names.iter().all(|name| is_ours(&config, name)))
        };
        for own in [
            "cp-a.example.net",
            "CP-A.example.net.:8080",
            "voice.example.net:8443",
            "cp-a",
            "192.0.2.1",
            "[2001:db8::1]:80",
            "localhost:8080",
        ] {
            assert_eq!(is_ours("/", &[("host", own)]), Ok(true), "{own}");
        }
        for other in [
            "evil.example",
            "cp-a.example.net.evil.example",
            "192.0.2.1.evil.example",
        ] {
            assert_eq!(is_ours("/", &[("host", other)]), Ok(false), "{other}");
        }
        let own = ("host", "cp-a");
        assert_eq!(is_ours("http://evil.example/", &[own]), Ok(false));
        assert_eq!(
            is_ours("http://cp-a/", &[("host", "evil.example")]),
            Ok(false)
        );
        assert!(is_ours("/", &[own, own]).is_err());
        assert!(is_ours("/", &[("host", "a@cp-a")]).is_err());
        assert!(is_ours("/", &[]).is_err());
        let old = named(&Uri::from_static("/"), &headers(&[]), Version::HTTP_10);
        assert_eq!(old, Ok(Vec::new()));
    }

    #[test]
    fn what_a_form_can_carry_is_told_from_what_it_cannot() {
        let basic = ("authorization", "Basic YQ==");
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert!(may_be_form(&headers(&[basic])));
        assert!(may_be_form(&headers(&[basic, form])));
        assert!(may_be_form(&headers(&[
            basic,
            ("content-type", "text/plain; application/json")
        ])));
        assert!(may_be_form(&headers(&[("authorization", "Digest x")])));
        let json = ("content-type", "Application/JSON; charset=utf-8");
        assert!(!may_be_form(&headers(&[basic, json])));
        assert!(!may_be_form(&headers(&[basic, (REQUEST_HEADER, "1")])));
        assert!(!may_be_form(&headers(&[("authorization", "bearer x")])));
        assert!(!may_be_form(&headers(&[form])), "is asked who it is");
    }
}
