//! `/api/v1/admin/audit-trail`: who did what, and who was refused.

use super::Administrator;
use crate::http::Api;
use crate::http::error::HttpResult;
use crate::http::extract::Params;
use crate::operations::trail::{self, TrailFilter};
use axum::Json;
use axum::extract::State;
use contract::{ApiError, AuditTrailEntry, Timestamp};
use serde::Deserialize;

/// Which entries.
#[derive(Deserialize)]
pub struct TrailQuery {
    since: Option<i64>,
    until: Option<i64>,
    who: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

/// The audit trail of this server, the latest first: administrative acts, sign-ins, and who was refused. Each server has its own.
#[utoipa::path(get, path = "/api/v1/admin/audit-trail", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(
        ("since" = Option<i64>, Query, description = "Not before this moment: milliseconds since the Unix epoch"),
        ("until" = Option<i64>, Query, description = "Before this moment"),
        ("who" = Option<String>, Query, description = "Only what this one did, or was refused"),
        ("before" = Option<i64>, Query, description = "Go on after the entry with this id, to older ones"),
        ("limit" = Option<usize>, Query, description = "At most so many, 1,000 unless said"),
    ),
    responses((status = 200, body = Vec<AuditTrailEntry>), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    _: Administrator,
    Params(asked): Params<TrailQuery>,
) -> HttpResult<Json<Vec<AuditTrailEntry>>> {
    let wanted = TrailFilter {
        since: asked.since.map(Timestamp),
        until: asked.until.map(Timestamp),
        who: asked.who,
        before: asked.before,
        limit: asked.limit,
    };
    let found = trail::list(api.server(), wanted).await?;
    let shown = found.into_iter().map(|(id, entry)| AuditTrailEntry {
        id,
        at: entry.at,
        action: entry.action,
        result: entry.result,
        who: entry.who,
        from: entry.origin,
        target: entry.target,
        times: entry.times,
    });
    Ok(Json(shown.collect()))
}
