//! `/api/v1/notification`: how a user is reached when a message comes.

use super::admin::Administrator;
use super::auth::LoggedIn;
use super::error::{Answer, Problem};
use super::extract::{Body, Id};
use super::{Api, convert};
use crate::operations::reach;
use axum::Json;
use axum::extract::State;
use contract::{ApiError, ObjectId, Reach};
use domain::{Object, User};

/// How one is reached when a message comes: notification, delivery to telephone, forwarding.
#[utoipa::path(get, path = "/api/v1/notification", tag = "mailbox", security(("session" = [])),
    responses((status = 200, body = Reach), (status = 401, body = ApiError)))]
pub async fn own(State(_): State<Api>, who: LoggedIn) -> Answer<Json<Reach>> {
    shown(&who.object).map(Json)
}

/// Sets how one is reached when a message comes.
#[utoipa::path(put, path = "/api/v1/notification", tag = "mailbox", security(("session" = [])), request_body = Reach,
    responses((status = 200, body = Reach), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn set_own(
    State(api): State<Api>,
    who: LoggedIn,
    Body(wanted): Body<Reach>,
) -> Answer<Json<Reach>> {
    set(&api, who.id, &wanted).await.map(Json)
}

/// How a user is reached when a message comes.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}/notification", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = Reach), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn of_user(State(api): State<Api>, _: Administrator, Id(id): Id) -> Answer<Json<Reach>> {
    shown(&reach::of(api.server(), id).await?).map(Json)
}

/// Sets how a user is reached when a message comes.
#[utoipa::path(put, path = "/api/v1/admin/users/{id}/notification", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)), request_body = Reach,
    responses((status = 200, body = Reach), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError)))]
pub async fn set_of_user(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
    Body(wanted): Body<Reach>,
) -> Answer<Json<Reach>> {
    set(&api, id, &wanted).await.map(Json)
}

async fn set(api: &Api, id: ObjectId, wanted: &Reach) -> Answer<Reach> {
    let (notification, delivery, forwarding) = convert::registers_of_reach(wanted);
    let wanted = reach::Reach {
        notification,
        delivery,
        forwarding,
    };
    shown(&reach::set(api.server(), id, wanted).await?)
}

fn shown(object: &Object) -> Answer<Reach> {
    let user = User::of(object).ok_or_else(|| Problem::internal("a user that is none"))?;
    Ok(convert::reach(&user))
}
