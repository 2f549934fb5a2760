//! `/api/v1/admin/queue`: what is on its way to other systems.

use super::Administrator;
use crate::http::error::HttpResult;
use crate::http::extract::Id;
use crate::http::{Api, convert};
use crate::operations::outgoing;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, ObjectId, QueuedMessage};

/// Messages to other systems that are on their way, or have lately been, of both servers of a pair, the oldest first: at most 1,000.
#[utoipa::path(get, path = "/api/v1/admin/queue", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = Vec<QueuedMessage>), (status = 401, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    _: Administrator,
) -> HttpResult<Json<Vec<QueuedMessage>>> {
    let all = outgoing::list(api.server()).await?;
    Ok(Json(all.into_iter().map(convert::queued).collect()))
}

/// Has a message tried at once, for all of its recipients that wait.
#[utoipa::path(post, path = "/api/v1/admin/queue/{id}/retry", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "It is tried"), (status = 400, body = ApiError), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "It has ended, or is held", body = ApiError)))]
pub async fn retry(State(api): State<Api>, _: Administrator, Id(id): Id) -> HttpResult<StatusCode> {
    outgoing::retry(api.server(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Holds a message back until it is released. Meanwhile its time does not run out.
#[utoipa::path(post, path = "/api/v1/admin/queue/{id}/hold", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "It is held"), (status = 400, body = ApiError), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "It has ended", body = ApiError)))]
pub async fn hold(State(api): State<Api>, _: Administrator, Id(id): Id) -> HttpResult<StatusCode> {
    outgoing::hold(api.server(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a message go on that was held back.
#[utoipa::path(post, path = "/api/v1/admin/queue/{id}/release", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "It goes on"), (status = 400, body = ApiError), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "It has ended", body = ApiError)))]
pub async fn release(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<StatusCode> {
    outgoing::release(api.server(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a message out of the queue: it is tried for nobody any more, and its sender is told by a report.
#[utoipa::path(delete, path = "/api/v1/admin/queue/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "It is tried no more"), (status = 400, body = ApiError), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "It has ended", body = ApiError)))]
pub async fn delete(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> HttpResult<StatusCode> {
    outgoing::cancel(api.server(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
