//! `/api/v1/notification`: how a user is reached when a message comes.

use super::admin::Administrator;
use super::auth::LoggedIn;
use super::error::{HttpResult, Problem};
use super::extract::{Body, Id};
use super::{Api, convert};
use crate::operations::contact_settings;
use axum::Json;
use axum::extract::State;
use contract::{ApiError, ContactSettings, ObjectId};
use domain::{Object, User};

/// How one is reached when a message comes: notification, delivery to telephone, forwarding.
#[utoipa::path(get, path = "/api/v1/notification", tag = "mailbox", security(("session" = [])),
    responses((status = 200, body = ContactSettings), (status = 401, body = ApiError)))]
pub async fn own(State(_): State<Api>, who: LoggedIn) -> HttpResult<Json<ContactSettings>> {
    shown(&who.object).map(Json)
}

/// Sets how one is reached when a message comes.
#[utoipa::path(put, path = "/api/v1/notification", tag = "mailbox", security(("session" = [])), request_body = ContactSettings,
    responses((status = 200, body = ContactSettings), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn set_own(
    State(api): State<Api>,
    who: LoggedIn,
    Body(wanted): Body<ContactSettings>,
) -> HttpResult<Json<ContactSettings>> {
    set(&api, who.id, &wanted).await.map(Json)
}

/// How a user is reached when a message comes.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}/notification", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = ContactSettings), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn of_user(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<Json<ContactSettings>> {
    shown(&contact_settings::of(api.server(), id).await?).map(Json)
}

/// Sets how a user is reached when a message comes.
#[utoipa::path(put, path = "/api/v1/admin/users/{id}/notification", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)), request_body = ContactSettings,
    responses((status = 200, body = ContactSettings), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError)))]
pub async fn set_of_user(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
    Body(wanted): Body<ContactSettings>,
) -> HttpResult<Json<ContactSettings>> {
    set(&api, id, &wanted).await.map(Json)
}

async fn set(api: &Api, id: ObjectId, wanted: &ContactSettings) -> HttpResult<ContactSettings> {
    let (notification, delivery, forwarding) = convert::registers_of_contact_settings(wanted);
    let wanted = contact_settings::ContactSettings {
        notification,
        delivery,
        forwarding,
    };
    shown(&contact_settings::set(api.server(), id, wanted).await?)
}

fn shown(object: &Object) -> HttpResult<ContactSettings> {
    let user = User::of(object).ok_or_else(|| Problem::internal("a user that is none"))?;
    Ok(convert::contact_settings(&user))
}
