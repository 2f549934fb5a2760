//! `/api/v1/admin/users`: creating, listing, deleting, passwords, unlocking.

use super::Administrator;
use crate::act;
use crate::http::error::{HttpResult, Problem};
use crate::http::extract::{Body, Id, Params, Patch};
use crate::http::{Api, convert};
use crate::operations::messages;
use crate::operations::users::{self, FoundUser};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, Emptied, NewPassword, NewUser, ObjectId, UserPatch, UserRow};
use serde::Deserialize;

/// Which users.
#[derive(Deserialize)]
pub struct UsersQuery {
    mailbox: Option<String>,
    search: Option<String>,
    after: Option<ObjectId>,
    limit: Option<usize>,
}

/// Users in order of their mailbox numbers: local users and GR users.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(
        ("mailbox" = Option<String>, Query, description = "Only the users with this mailbox number"),
        ("search" = Option<String>, Query, description = "Only users with this in their mailbox number or name, whatever the case"),
        ("after" = Option<ObjectId>, Query, description = "Go on after this user"),
        ("limit" = Option<usize>, Query, description = "At most so many, 1,000 unless said"),
    ),
    responses((status = 200, body = Vec<UserRow>), (status = 401, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    _: Administrator,
    Params(wanted): Params<UsersQuery>,
) -> HttpResult<Json<Vec<UserRow>>> {
    let which = match (wanted.mailbox, wanted.search) {
        (Some(number), _) => users::UserFilter::Number(number),
        (None, Some(text)) if !text.trim().is_empty() => {
            users::UserFilter::Text(text.trim().to_owned())
        }
        _ => users::UserFilter::All,
    };
    let limit = wanted.limit.unwrap_or(users::LIST_LIMIT);
    let found = users::list(api.server(), which, wanted.after, limit).await?;
    let rows = found.iter().map(|found| row(&api, found));
    rows.collect::<HttpResult<_>>().map(Json)
}

fn row(api: &Api, found: &FoundUser) -> HttpResult<UserRow> {
    let config = api.server().config();
    let pair = api.pair().borrow();
    let place = convert::Neighbourhood {
        home: api.server().home(),
        fqdn: &config.fqdn,
        partner: pair.partner.as_ref().map(|p| p.fqdn.as_str()),
    };
    convert::user(found, &place).ok_or_else(|| Problem::internal("a user that is none"))
}

/// One user.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 200, body = UserRow), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn read(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<Json<UserRow>> {
    row(&api, &users::read(api.server(), id).await?).map(Json)
}

/// Creates a user. It belongs to the answering server. A request with an `id` may be repeated: it finds the user that the first made.
#[utoipa::path(post, path = "/api/v1/admin/users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = NewUser,
    responses((status = 201, body = UserRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "The mailbox number is taken, or the id is that of something else", body = ApiError)))]
pub async fn create(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<NewUser>,
) -> HttpResult<(StatusCode, Json<UserRow>)> {
    act::about(&new.mailbox);
    let new = users::NewUser {
        id: new.id,
        number: new.mailbox,
        name: new.name,
        class: new.class.map(i64::from),
        password: new.password,
        must_change: new.must_change,
    };
    let found = users::create(api.sign_in(), new).await?;
    Ok((StatusCode::CREATED, Json(row(&api, &found)?)))
}

/// Changes a user. Only what is named changes; both servers may do it, but for the notification device class.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)), request_body = UserPatch,
    responses((status = 200, body = UserRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError),
        (status = 403, description = "The notification device class is set on the user's own server", body = ApiError)))]
pub async fn change(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
    Patch(patch): Patch<UserPatch>,
) -> HttpResult<Json<UserRow>> {
    act::about(&changed(&patch));
    let patch = users::UserChange {
        name: patch.name,
        dns: patch.dns,
        class: patch.class.map(i64::from),
        device_class: patch.device_class,
        locked: patch.locked,
    };
    row(&api, &users::change(api.server(), id, patch).await?).map(Json)
}

/// Which fields a patch names; what they are to hold shows in the user, but for the lock.
fn changed(patch: &UserPatch) -> String {
    let lock = match patch.locked {
        Some(true) => Some("lock"),
        Some(false) => Some("unlock"),
        None => None,
    };
    let names = [
        patch.name.as_ref().map(|_| "name"),
        patch.dns.as_ref().map(|_| "dns"),
        patch.class.map(|_| "class"),
        patch.device_class.as_ref().map(|_| "device class"),
        lock,
    ];
    names.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Deletes a user with the mailbox, here and on the partner. Only the server that the user belongs to does this.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 403, description = "The user belongs to the partner", body = ApiError)))]
pub async fn delete(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<StatusCode> {
    users::delete(api.server(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a password. Ends all sessions of the user and forgives wrong passwords until now.
#[utoipa::path(put, path = "/api/v1/admin/users/{id}/password", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)), request_body = NewPassword,
    responses((status = 200, body = UserRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError)))]
pub async fn password(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
    Body(new): Body<NewPassword>,
) -> HttpResult<Json<UserRow>> {
    let found = users::set_password(api.sign_in(), id, new.password, new.must_change).await?;
    row(&api, &found).map(Json)
}

/// Unlocks a mailbox that an administrator has locked, and forgives wrong passwords until now: nobody has to wait for it.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/unlock", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = UserRow), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn unlock(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<Json<UserRow>> {
    row(&api, &users::unlock(api.sign_in(), id).await?).map(Json)
}

/// Ends all sessions of a user, on both servers.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/logout", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = UserRow), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn log_out(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<Json<UserRow>> {
    row(&api, &users::end_sessions(api.sign_in(), id).await?).map(Json)
}

/// Empties a user's Deleted: what lies there goes for good, on both servers. Safe to repeat.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/empty-deleted", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = Emptied), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 503, body = ApiError)))]
pub async fn empty_deleted(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<Json<Emptied>> {
    users::read(api.server(), id).await?;
    let messages = messages::empty_deleted(api.server(), id).await?;
    Ok(Json(Emptied { messages }))
}
