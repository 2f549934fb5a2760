//! `/api/v1/notification`: how a user is reached when a message comes.

use super::admin::Administrator;
use super::auth::LoggedIn;
use super::error::{Answer, Problem};
use super::extract::{Body, Id};
use super::{Api, convert};
use crate::site::{Abort, Wait};
use axum::Json;
use axum::extract::State;
use contract::{ApiError, ObjectId, Reach};
use domain::{Change, Forwarding, Key, Ledger, Notification, PhoneDelivery, User, user_fields};

/// How one is reached when a message comes: notification, delivery to telephone, forwarding.
#[utoipa::path(get, path = "/api/v1/notification", tag = "mailbox", security(("session" = [])),
    responses((status = 200, body = Reach), (status = 401, body = ApiError)))]
pub async fn own(State(_): State<Api>, who: LoggedIn) -> Answer<Json<Reach>> {
    let user = User::of(&who.object).ok_or_else(no_user)?;
    Ok(Json(convert::reach(&user)))
}

/// Sets how one is reached when a message comes.
#[utoipa::path(put, path = "/api/v1/notification", tag = "mailbox", security(("session" = [])), request_body = Reach,
    responses((status = 200, body = Reach), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn set_own(
    State(api): State<Api>,
    who: LoggedIn,
    Body(reach): Body<Reach>,
) -> Answer<Json<Reach>> {
    set(&api, who.id, &reach).await.map(Json)
}

/// How a user is reached when a message comes.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}/notification", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = Reach), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn of_user(State(api): State<Api>, _: Administrator, Id(id): Id) -> Answer<Json<Reach>> {
    let read = api.site().read(move |readers| readers.object(&id));
    let object = read.await?.ok_or_else(no_user)?;
    let user = User::of(&object).ok_or_else(no_user)?;
    Ok(Json(convert::reach(&user)))
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
    Body(reach): Body<Reach>,
) -> Answer<Json<Reach>> {
    set(&api, id, &reach).await.map(Json)
}

async fn set(api: &Api, id: ObjectId, reach: &Reach) -> Answer<Reach> {
    let (notification, delivery, forwarding): (Notification, PhoneDelivery, Forwarding) =
        convert::registers_of_reach(reach);
    notification.check()?;
    delivery.check()?;
    forwarding.check()?;
    // Each is one register: what belongs together is never put together from two servers.
    let registers = vec![
        (Key::field(user_fields::NOTIFICATION), notification.value()),
        (Key::field(user_fields::DELIVERY), delivery.value()),
        (Key::field(user_fields::FORWARDING), forwarding.value()),
    ];
    let written = api.site().write(Wait::Partner, move |scope| {
        let object = scope.tx().object(&id)?;
        if object.as_ref().and_then(User::of).is_none() {
            return Err(Abort::Refused(no_user()));
        }
        scope.change(&Change::Set { id, registers })?;
        Ok(scope.tx().object(&id)?)
    });
    let object = written.await?.value.ok_or_else(no_user)?;
    let user = User::of(&object).ok_or_else(no_user)?;
    Ok(convert::reach(&user))
}

fn no_user() -> Problem {
    Problem::NotFound("There is no such user.".into())
}
