//! `/api/v1/admin/classes`: the mailbox classes of this server.

use super::Administrator;
use crate::act;
use crate::http::Api;
use crate::http::error::{HttpResult, Problem};
use crate::http::extract::{Body, Segment};
use crate::operations::classes;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, ClassName, MailboxClass};

/// The mailbox classes of this server, in order of their numbers.
#[utoipa::path(get, path = "/api/v1/admin/classes", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = Vec<MailboxClass>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> HttpResult<Json<Vec<MailboxClass>>> {
    let all = classes::all(api.server()).await?.into_iter();
    Ok(Json(
        all.map(|(number, name)| shown(number, name)).collect(),
    ))
}

fn shown(number: i64, name: String) -> MailboxClass {
    MailboxClass {
        number: u32::try_from(number).unwrap_or(0),
        name,
    }
}

/// Adds a mailbox class.
#[utoipa::path(post, path = "/api/v1/admin/classes", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = MailboxClass,
    responses((status = 201, body = MailboxClass), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "There is such a class", body = ApiError)))]
pub async fn add(
    State(api): State<Api>,
    _: Administrator,
    Body(class): Body<MailboxClass>,
) -> HttpResult<(StatusCode, Json<MailboxClass>)> {
    act::about(&class.number.to_string());
    let number = i64::from(class.number);
    let name = classes::add(api.server(), number, &class.name).await?;
    Ok((StatusCode::CREATED, Json(shown(number, name))))
}

/// Gives a mailbox class another name.
#[utoipa::path(put, path = "/api/v1/admin/classes/{number}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("number" = u32, Path)), request_body = ClassName,
    responses((status = 200, body = MailboxClass), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError)))]
pub async fn rename(
    State(api): State<Api>,
    _: Administrator,
    Segment(number): Segment,
    Body(class): Body<ClassName>,
) -> HttpResult<Json<MailboxClass>> {
    let number = parsed(&number)?;
    let name = classes::rename(api.server(), number, &class.name).await?;
    Ok(Json(shown(number, name)))
}

/// Removes a mailbox class that no user has. Class 1 stays.
#[utoipa::path(delete, path = "/api/v1/admin/classes/{number}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("number" = u32, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 403, description = "It is class 1", body = ApiError),
        (status = 409, description = "Users have this class", body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segment(number): Segment,
) -> HttpResult<StatusCode> {
    let number = parsed(&number)?;
    classes::remove(api.server(), number).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(number: &str) -> HttpResult<i64> {
    number
        .parse()
        .map_err(|_| Problem::invalid(format!("\"{number}\" is not the number of a class.")))
}
