//! `/api/v1/admin/shortcuts`: the VPIM shortcuts of this server. With an overlap they decide which mailboxes are replicated (R9 a).

use super::Administrator;
use crate::act;
use crate::http::Api;
use crate::http::error::HttpResult;
use crate::http::extract::{Body, Segment};
use crate::operations::shortcuts;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, VpimShortcut};
use domain::Shortcut;

/// The VPIM shortcuts of this server, in order of their prefixes.
#[utoipa::path(get, path = "/api/v1/admin/shortcuts", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = Vec<VpimShortcut>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> HttpResult<Json<Vec<VpimShortcut>>> {
    let shown = |Shortcut { prefix, overlap }| VpimShortcut { prefix, overlap };
    let all = shortcuts::all(api.server()).await?;
    Ok(Json(all.into_iter().map(shown).collect()))
}

/// Adds a VPIM shortcut. Users who may no longer, or may again, be replicated are held or sent by themselves.
#[utoipa::path(post, path = "/api/v1/admin/shortcuts", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = VpimShortcut,
    responses((status = 201, body = VpimShortcut), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "There is a shortcut with this prefix", body = ApiError)))]
pub async fn add(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<VpimShortcut>,
) -> HttpResult<(StatusCode, Json<VpimShortcut>)> {
    act::about(&new.prefix);
    let shortcut = Shortcut {
        prefix: new.prefix.clone(),
        overlap: new.overlap,
    };
    shortcuts::add(api.server(), shortcut).await?;
    Ok((StatusCode::CREATED, Json(new)))
}

/// Removes a VPIM shortcut.
#[utoipa::path(delete, path = "/api/v1/admin/shortcuts/{prefix}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("prefix" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segment(prefix): Segment,
) -> HttpResult<StatusCode> {
    shortcuts::remove(api.server(), prefix).await?;
    Ok(StatusCode::NO_CONTENT)
}
