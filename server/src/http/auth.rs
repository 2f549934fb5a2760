//! Who asks: the user of a session, by Bearer token.

use super::Api;
use super::error::Problem;
use crate::operations::OpError;
use crate::operations::sign_in::SignedIn;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::ops::Deref;

/// A request of a user with a session that has not ended, and with a password that need not be changed first.
pub struct LoggedIn(SignedIn);

/// A request of a user about the session itself: it is answered also while the password has to be changed.
pub struct SessionHolder(pub SignedIn);

impl Deref for LoggedIn {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl FromRequestParts<Api> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let SessionHolder(who) = SessionHolder::from_request_parts(parts, api).await?;
        api.sign_in().password_stands(&who)?;
        Ok(Self(who))
    }
}

impl FromRequestParts<Api> for SessionHolder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = credentials(&parts.headers, "Bearer")
            .ok_or(OpError::SessionOver("There is no session."));
        Ok(Self(api.sign_in().resume(token?).await?))
    }
}

/// What stands behind the scheme in the Authorization header (RFC 9110 section 11.6.2: schemes have no case).
pub fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (named, rest) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    named.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn credentials_are_found_whatever_the_case_of_their_scheme() {
        let of = |value: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            credentials(&headers, "Bearer").map(str::to_owned)
        };
        assert_eq!(of("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("Bearer"), None);
    }
}
