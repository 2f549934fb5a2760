//! `/api/v1/admin/session`: an administrator signs in and out, and looks after its own password and second factor.

use super::SignedIn;
use crate::http::Api;
use crate::http::error::HttpResult;
use crate::http::extract::Body;
use crate::http::request::Peer;
use crate::one_time_code;
use crate::operations::own_administrator;
use crate::operations::sign_in::administrator::AdministratorIn;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use contract::{
    AdministratorLogin, AdministratorSession, ApiError, PasswordChange, SecondFactor,
    SecondFactorCode,
};

/// Signs in with name, password and, where there is a second factor, a code.
#[utoipa::path(post, path = "/api/v1/admin/session", tag = "administrators", request_body = AdministratorLogin, responses(
    (status = 201, description = "Signed in", body = AdministratorSession),
    (status = 400, body = ApiError),
    (status = 401, description = "Name, password or code is wrong; with code_needed a code is wanted besides", body = ApiError),
    (status = 403, description = "The account is locked, or this server has lost the key of its second factor", body = ApiError),
    (status = 429, description = "Too many tries from this network: Retry-After says how long to wait", body = ApiError),
    (status = 503, body = ApiError),
))]
pub async fn sign_in(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    Body(login): Body<AdministratorLogin>,
) -> HttpResult<(StatusCode, Json<AdministratorSession>)> {
    let AdministratorLogin {
        name,
        password,
        code,
    } = login;
    let begun =
        api.sign_in()
            .sign_in_administrator(peer.address(), &name, password, code.as_deref());
    Ok((StatusCode::CREATED, Json(session(&api, &begun.await?))))
}

fn session(api: &Api, who: &AdministratorIn) -> AdministratorSession {
    let (claims, token) = api.sign_in().renew_administrator(who);
    AdministratorSession {
        token,
        expires_at: claims.expires_at,
        ends_at: claims.ends_at,
        name: who.name.clone(),
        role: who.role,
        second_factor_needed: who.second_factor_needed,
    }
}

/// The present session, with a token that lasts longer.
#[utoipa::path(get, path = "/api/v1/admin/session", tag = "administrators", security(("admin_session" = [])), responses(
    (status = 200, body = AdministratorSession),
    (status = 401, description = "No session, or one that has ended", body = ApiError),
    (status = 403, description = "The account is locked", body = ApiError),
))]
pub async fn renew(
    State(api): State<Api>,
    SignedIn(who): SignedIn,
) -> HttpResult<Json<AdministratorSession>> {
    Ok(Json(session(&api, &who)))
}

/// Signs out: the session ends on both servers, and no token of it is good any more.
#[utoipa::path(delete, path = "/api/v1/admin/session", tag = "administrators", security(("admin_session" = [])), responses(
    (status = 204, description = "Signed out"),
    (status = 401, description = "No session, or one that has ended", body = ApiError),
    (status = 403, description = "The account is locked", body = ApiError),
))]
pub async fn sign_out(State(api): State<Api>, SignedIn(who): SignedIn) -> HttpResult<StatusCode> {
    api.sign_in().end_administrator(&who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password. All other sessions end; this one goes on with the new token.
#[utoipa::path(put, path = "/api/v1/admin/session/password", tag = "administrators", security(("admin_session" = [])),
    request_body = PasswordChange, responses(
    (status = 200, body = AdministratorSession),
    (status = 400, description = "The new password cannot be taken", body = ApiError),
    (status = 401, description = "The old password is wrong, or there is no session", body = ApiError),
    (status = 403, description = "The account is locked", body = ApiError),
    (status = 404, body = ApiError),
    (status = 429, description = "Too many wrong passwords: Retry-After says how long to wait", body = ApiError),
    (status = 503, body = ApiError),
))]
pub async fn password(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    SignedIn(who): SignedIn,
    Body(PasswordChange { old, new }): Body<PasswordChange>,
) -> HttpResult<Json<AdministratorSession>> {
    let changed = own_administrator::change_password(api.sign_in(), &who, peer.address(), old, new);
    Ok(Json(session(&api, &changed.await?)))
}

/// Begins to set up a second factor. The secret is shown once; it counts when a code of it has been sent.
#[utoipa::path(post, path = "/api/v1/admin/session/second-factor", tag = "administrators", security(("admin_session" = [])), responses(
    (status = 201, body = SecondFactor),
    (status = 401, body = ApiError),
    (status = 403, description = "The account is locked", body = ApiError),
    (status = 404, body = ApiError),
    (status = 409, description = "There is one already", body = ApiError),
))]
pub async fn begin_second_factor(
    State(api): State<Api>,
    SignedIn(who): SignedIn,
) -> HttpResult<(StatusCode, Json<SecondFactor>)> {
    let secret = own_administrator::begin_second_factor(api.server(), &who).await?;
    let shown = SecondFactor {
        secret: one_time_code::base32(&secret.bytes),
        uri: one_time_code::uri(&secret.bytes, &api.server().config().fqdn, &who.name),
    };
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Ends setting up a second factor with its first code: from now on signing in takes one.
#[utoipa::path(put, path = "/api/v1/admin/session/second-factor", tag = "administrators", security(("admin_session" = [])),
    request_body = SecondFactorCode, responses(
    (status = 200, body = AdministratorSession),
    (status = 400, description = "The code is wrong", body = ApiError),
    (status = 401, body = ApiError),
    (status = 403, description = "The account is locked", body = ApiError),
    (status = 404, body = ApiError),
    (status = 409, description = "None is being set up", body = ApiError),
))]
pub async fn confirm_second_factor(
    State(api): State<Api>,
    SignedIn(who): SignedIn,
    Body(SecondFactorCode { code }): Body<SecondFactorCode>,
) -> HttpResult<Json<AdministratorSession>> {
    let who = own_administrator::confirm_second_factor(api.server(), &who, code).await?;
    Ok(Json(session(&api, &who)))
}
