//! `/api/v1/admin/remote-users`: Temporary Remote Users, stubs for users of other servers of the network.
//!
//! A user of the partner whose number one of them has is not taken here (R9 b), and comes when the stub goes.

use super::Administrator;
use crate::act;
use crate::http::Api;
use crate::http::error::HttpResult;
use crate::http::extract::{Body, Segment};
use crate::operations::remote_users;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, RemoteUser};

/// The Temporary Remote Users of this server, in order of their mailbox numbers.
#[utoipa::path(get, path = "/api/v1/admin/remote-users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = Vec<RemoteUser>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> HttpResult<Json<Vec<RemoteUser>>> {
    let all = remote_users::all(api.server()).await?.into_iter();
    let shown = all.map(|(mailbox, user)| RemoteUser {
        mailbox,
        name: user.name,
        address: user.address,
    });
    Ok(Json(shown.collect()))
}

/// Adds a Temporary Remote User. A number that a user here has, local or GR, is refused.
#[utoipa::path(post, path = "/api/v1/admin/remote-users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = RemoteUser,
    responses((status = 201, body = RemoteUser), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "The mailbox number is taken", body = ApiError)))]
pub async fn add(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<RemoteUser>,
) -> HttpResult<(StatusCode, Json<RemoteUser>)> {
    act::about(&new.mailbox);
    let new = RemoteUser {
        mailbox: new.mailbox.trim().to_owned(),
        name: new.name.trim().to_owned(),
        address: new.address.trim().to_owned(),
    };
    let user = remote_users::RemoteUser {
        name: new.name.clone(),
        address: new.address.clone(),
    };
    remote_users::add(api.server(), new.mailbox.clone(), user).await?;
    Ok((StatusCode::CREATED, Json(new)))
}

/// Removes a Temporary Remote User. If the partner has a user with its number, that one comes now.
#[utoipa::path(delete, path = "/api/v1/admin/remote-users/{mailbox}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("mailbox" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segment(mailbox): Segment,
) -> HttpResult<StatusCode> {
    remote_users::remove(api.server(), mailbox).await?;
    Ok(StatusCode::NO_CONTENT)
}
