//! `/api/v1/session`: logging in, renewing, logging out.

use super::auth::SessionHolder;
use super::error::{HttpResult, Problem};
use super::extract::{Body, Params};
use super::request::Peer;
use super::{Api, convert};
use crate::operations::own_password;
use crate::operations::sign_in::SignedIn;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use contract::{ApiError, Login, PasswordChange, Session};
use domain::{ServerId, User};
use serde::Deserialize;

/// Logs in with mailbox number and password.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Login, responses(
    (status = 201, description = "Logged in", body = Session),
    (status = 401, description = "Mailbox number or password is wrong", body = ApiError),
    (status = 423, description = "An administrator has locked the mailbox", body = ApiError),
    (status = 429, description = "Too many tries from this network: Retry-After says how long to wait", body = ApiError),
    (status = 503, description = "Out of service: ask the partner", body = ApiError),
))]
pub async fn log_in(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    Body(login): Body<Login>,
) -> HttpResult<(StatusCode, Json<Session>)> {
    let who = api
        .sign_in()
        .sign_in(peer.address(), &login.mailbox, login.password)
        .await?;
    Ok((StatusCode::CREATED, Json(session(&api, &who)?)))
}

fn session(api: &Api, who: &SignedIn) -> HttpResult<Session> {
    let user = User::of(&who.object)
        .ok_or_else(|| Problem::internal("the session of something that is no user"))?;
    let (claims, token) = api.sign_in().renew(who)?;
    let partner = api.pair().borrow().partner.as_ref().map(|p| p.fqdn.clone());
    Ok(Session {
        token,
        expires_at: claims.expires_at,
        mailbox: convert::mailbox(who.id, &user),
        primary: primary(user.home(), &api.server().config().fqdn, partner),
        discovery: api.discover(),
        password_change_needed: api.sign_in().password_stands(who).is_err(),
    })
}

/// The server that a user belongs to. A home that is neither server of the pair is a pair that was taken apart: then it is this one.
fn primary(home: Option<ServerId>, here: &str, partner: Option<String>) -> String {
    partner
        .filter(|p| home == Some(ServerId::of(p)))
        .unwrap_or_else(|| here.to_owned())
}

/// The present session, with a token that lasts longer.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", security(("session" = [])), responses(
    (status = 200, body = Session),
    (status = 401, description = "No session, or one that has ended", body = ApiError),
))]
pub async fn renew(
    State(api): State<Api>,
    SessionHolder(who): SessionHolder,
) -> HttpResult<Json<Session>> {
    Ok(Json(session(&api, &who)?))
}

/// Changes one's own password. All other sessions of the user end, on both servers; this one goes on with the new token.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "session", security(("session" = [])),
    request_body = PasswordChange, responses(
    (status = 200, body = Session),
    (status = 400, description = "The new password cannot be taken", body = ApiError),
    (status = 401, description = "The old password is wrong, or there is no session", body = ApiError),
    (status = 404, body = ApiError),
    (status = 409, description = "It was changed at the same time", body = ApiError),
    (status = 423, description = "An administrator has locked the mailbox", body = ApiError),
    (status = 429, description = "Too many wrong passwords: Retry-After says how long to wait", body = ApiError),
    (status = 503, description = "Out of service: ask the partner", body = ApiError),
))]
pub async fn password(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    SessionHolder(who): SessionHolder,
    Body(PasswordChange { old, new }): Body<PasswordChange>,
) -> HttpResult<Json<Session>> {
    let changed = own_password::change(api.sign_in(), &who, peer.address(), old, new);
    Ok(Json(session(&api, &changed.await?)?))
}

/// How far a log-out goes.
#[derive(Deserialize)]
pub struct LogOut {
    #[serde(default)]
    everywhere: bool,
}

/// Logs out: the session ends on both servers, and no token of it is good any more, also none that it was renewed to. Other sessions of the user
/// go on, but with `everywhere` they end, too.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", security(("session" = [])),
    params(("everywhere" = Option<bool>, Query, description = "End all sessions of this user, on both servers")),
    responses(
        (status = 204, description = "Logged out"),
        (status = 401, description = "No session, or one that has ended", body = ApiError),
    ))]
pub async fn log_out(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    SessionHolder(who): SessionHolder,
    Params(how): Params<LogOut>,
) -> HttpResult<StatusCode> {
    match how.everywhere {
        true => api.sign_in().log_out_everywhere(&who, peer).await?,
        false => api.sign_in().log_out(&who, peer).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_is_the_server_a_user_belongs_to() {
        let (north, south) = ("cp-north.example.net", "cp-south.example.net");
        let home = |fqdn: &str| Some(ServerId::of(fqdn));
        assert_eq!(primary(home(north), north, Some(south.into())), north);
        assert_eq!(primary(home(south), north, Some(south.into())), south);
        assert_eq!(primary(home(south), north, None), north);
        assert_eq!(primary(None, north, Some(south.into())), north);
    }
}
