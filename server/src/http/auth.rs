//! Who asks: the user of a session, by Bearer token.

use super::Api;
use super::error::Problem;
use crate::token::{self, Claims, TokenError};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use contract::{ObjectId, clocks_differ};
use domain::{Object, User};
use std::time::Duration;

/// A request of a user with a session that has not ended.
pub struct LoggedIn {
    /// The user.
    pub id: ObjectId,
    /// The user as stored.
    pub object: Object,
    /// What the token says.
    pub claims: Claims,
}

impl FromRequestParts<Api> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        in_service(api)?;
        let token = credentials(&parts.headers, "Bearer")
            .ok_or(Problem::NotLoggedIn("There is no session."))?;
        let site = api.site();
        let claims = token::read(&site.session_keys(), token, site.now()).map_err(|e| match e {
            TokenError::NotOurs => Problem::NotLoggedIn("The session is not known here."),
            TokenError::Expired => Problem::NotLoggedIn(over(api)),
        })?;
        let read = move |readers: &store::Readers| {
            readers.snapshot(|view| {
                let object = view.object(&claims.user)?;
                // Not gone: the session goes on when the user is back.
                let unreadable = object.is_none() && view.is_in_doubt(&claims.user)?;
                Ok((object, unreadable))
            })
        };
        let object = match site.read(read).await? {
            (Some(object), _) => object,
            (None, true) => return Err(Problem::unreadable()),
            (None, false) => return Err(Problem::NotLoggedIn("This mailbox is gone.")),
        };
        match standing(&object, &claims) {
            Standing::Good => Ok(Self {
                id: claims.user,
                object,
                claims,
            }),
            Standing::Ended => Err(Problem::NotLoggedIn("The session was ended.")),
            Standing::Locked => Err(Problem::LockedByAdministrator),
        }
    }
}

/// Whether a session still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// The password was changed, or all sessions of the user were ended.
    Ended,
    /// An administrator has locked the mailbox.
    Locked,
}

/// A session that the other server gave out seems over early where the clocks differ: then that is what has to be put right.
fn over(api: &Api) -> &'static str {
    let difference = api.pair().borrow().status.clock_difference_ms;
    if difference.is_some_and(clocks_differ) {
        "The session is over by the clock of this server, which differs from its partner's: tell an administrator."
    } else {
        "The session is over."
    }
}

/// How the session of these claims stands with its user.
pub fn standing(object: &Object, claims: &Claims) -> Standing {
    match User::of(object) {
        Some(user) if user.epoch() > claims.epoch => Standing::Ended,
        Some(user) if user.locked() => Standing::Locked,
        Some(_) => Standing::Good,
        None => Standing::Ended,
    }
}

/// Refuses while the server is out of service on purpose.
pub fn in_service(api: &Api) -> Result<(), Problem> {
    if api.pair().borrow().in_service {
        Ok(())
    } else {
        let why = "This server is out of service. Your mailbox is on the partner.";
        Err(Problem::Unavailable {
            why,
            wait: Duration::from_secs(30),
        })
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
    use contract::Timestamp;
    use domain::{Hlc, Key, Kind, Life, Value, Version, user_fields};

    #[test]
    fn a_session_of_an_earlier_epoch_has_ended() {
        let claims = |epoch| Claims {
            user: ObjectId::from_bytes([1; 16]),
            epoch,
            issued_at: Timestamp(0),
            expires_at: Timestamp(1),
        };
        let mut user = Object::new(Kind::USER, None, None);
        assert_eq!(standing(&user, &claims(0)), Standing::Good);
        let version = Version {
            hlc: Hlc(1),
            life: Life(1),
        };
        user.set(Key::field(user_fields::EPOCH), version, Value::Int(2));
        assert_eq!(standing(&user, &claims(1)), Standing::Ended);
        assert_eq!(standing(&user, &claims(2)), Standing::Good);
        user.set(Key::field(user_fields::LOCKED), version, Value::Bool(true));
        assert_eq!(standing(&user, &claims(2)), Standing::Locked);
        assert_eq!(
            standing(&Object::new(Kind::MESSAGE, None, None), &claims(0)),
            Standing::Ended
        );
    }

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
