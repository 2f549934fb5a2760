//! `/api/v1/admin/administrators`: the accounts of administrators, and their sessions.

use super::Administrator;
use crate::act;
use crate::http::Api;
use crate::http::error::{HttpResult, Problem};
use crate::http::extract::{Body, Patch, Segment};
use crate::operations::administrators::{self, Listed};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use contract::{
    AdministratorPatch, AdministratorRow, AdministratorSessionRow, ApiError, NewAdministrator,
    NewPassword,
};

fn row(listed: Listed) -> AdministratorRow {
    AdministratorRow {
        name: listed.name,
        role: listed.role,
        locked: listed.locked,
        second_factor: listed.second_factor,
        second_factor_unreadable: listed.second_factor_unreadable,
        password_changed_at: listed.password_changed_at,
        sessions: u32::try_from(listed.sessions.len()).unwrap_or(u32::MAX),
    }
}

/// All administrators, in order of their names.
#[utoipa::path(get, path = "/api/v1/admin/administrators", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), responses(
    (status = 200, body = Vec<AdministratorRow>), (status = 401, body = ApiError), (status = 403, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    _: Administrator,
) -> HttpResult<Json<Vec<AdministratorRow>>> {
    let all = administrators::list(api.server()).await?;
    Ok(Json(all.into_iter().map(row).collect()))
}

/// Creates an administrator on both servers. The first one must have the role administrator. A request with the same content may be
/// repeated.
#[utoipa::path(post, path = "/api/v1/admin/administrators", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), request_body = NewAdministrator, responses(
    (status = 201, body = AdministratorRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 409, description = "The name is taken", body = ApiError)))]
pub async fn create(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<NewAdministrator>,
) -> HttpResult<(StatusCode, Json<AdministratorRow>)> {
    act::about(&new.name);
    let new = administrators::NewAccount {
        name: new.name,
        role: new.role,
        password: new.password,
    };
    let created = administrators::create(api.sign_in(), new).await?;
    Ok((StatusCode::CREATED, Json(row(created))))
}

/// One administrator.
#[utoipa::path(get, path = "/api/v1/admin/administrators/{name}", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), params(("name" = String, Path)), responses(
    (status = 200, body = AdministratorRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 404, body = ApiError)))]
pub async fn read(
    State(api): State<Api>,
    _: Administrator,
    Segment(name): Segment,
) -> HttpResult<Json<AdministratorRow>> {
    let read = administrators::read(api.server(), &name).await?;
    Ok(Json(row(read)))
}

/// Changes an administrator. Only what is named changes; locking ends its sessions.
#[utoipa::path(patch, path = "/api/v1/admin/administrators/{name}", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), params(("name" = String, Path)),
    request_body = AdministratorPatch, responses(
    (status = 200, body = AdministratorRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 404, body = ApiError),
    (status = 409, description = "Nobody would be left who may do everything", body = ApiError)))]
pub async fn change(
    State(api): State<Api>,
    _: Administrator,
    Segment(name): Segment,
    Patch(patch): Patch<AdministratorPatch>,
) -> HttpResult<Json<AdministratorRow>> {
    act::about(&changed(&patch));
    let patch = administrators::AccountPatch {
        role: patch.role,
        locked: patch.locked,
        second_factor: patch.second_factor,
    };
    let changed = administrators::change(api.server(), &name, patch).await?;
    Ok(Json(row(changed)))
}

/// Which fields a patch names, and what they are to hold.
fn changed(patch: &AdministratorPatch) -> String {
    use contract::AdministratorRole::{Administrator, Operator, ReadOnly};
    let role = patch.role.map(|role| match role {
        ReadOnly => "role read_only",
        Operator => "role operator",
        Administrator => "role administrator",
    });
    let lock = patch.locked.map(|locked| match locked {
        true => "lock",
        false => "unlock",
    });
    let factor = patch.second_factor.map(|_| "no second factor");
    let names = [role, lock, factor];
    names.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Removes an administrator on both servers, and ends its sessions.
#[utoipa::path(delete, path = "/api/v1/admin/administrators/{name}", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), params(("name" = String, Path)), responses(
    (status = 204, description = "Gone"), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 404, body = ApiError),
    (status = 409, description = "Nobody would be left who may do everything", body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segment(name): Segment,
) -> HttpResult<StatusCode> {
    administrators::remove(api.server(), &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the password of an administrator. Ends its sessions, and forgives wrong passwords until now.
#[utoipa::path(put, path = "/api/v1/admin/administrators/{name}/password", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), params(("name" = String, Path)),
    request_body = NewPassword, responses(
    (status = 200, body = AdministratorRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 404, body = ApiError)))]
pub async fn password(
    State(api): State<Api>,
    _: Administrator,
    Segment(name): Segment,
    Body(new): Body<NewPassword>,
) -> HttpResult<Json<AdministratorRow>> {
    let changed = administrators::set_password(api.sign_in(), &name, new.password).await?;
    Ok(Json(row(changed)))
}

/// The sessions of an administrator that go on, on both servers, the latest first.
#[utoipa::path(get, path = "/api/v1/admin/administrators/{name}/sessions", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), params(("name" = String, Path)), responses(
    (status = 200, body = Vec<AdministratorSessionRow>), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 404, body = ApiError)))]
pub async fn sessions(
    State(api): State<Api>,
    _: Administrator,
    Segment(name): Segment,
) -> HttpResult<Json<Vec<AdministratorSessionRow>>> {
    let read = administrators::read(api.server(), &name).await?;
    let rows = read.sessions.iter().map(|session| AdministratorSessionRow {
        id: administrators::session_name(session),
        began_at: session.began_at,
        ends_at: session.ends_at,
        from: session.from.clone(),
    });
    Ok(Json(rows.collect()))
}

/// Ends all sessions of an administrator, on both servers.
#[utoipa::path(delete, path = "/api/v1/admin/administrators/{name}/sessions", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])), params(("name" = String, Path)), responses(
    (status = 204, description = "Ended"), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 404, body = ApiError)))]
pub async fn end_sessions(
    State(api): State<Api>,
    _: Administrator,
    Segment(name): Segment,
) -> HttpResult<StatusCode> {
    administrators::end_sessions(api.server(), &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session of an administrator, on both servers.
#[utoipa::path(delete, path = "/api/v1/admin/administrators/{name}/sessions/{id}", tag = "administrators",
    security(("admin" = []), ("admin_session" = []), ("admin_token" = [])),
    params(("name" = String, Path), ("id" = String, Path)), responses(
    (status = 204, description = "Ended"), (status = 400, body = ApiError), (status = 401, body = ApiError),
    (status = 403, body = ApiError), (status = 404, body = ApiError)))]
pub async fn end_session(
    State(api): State<Api>,
    _: Administrator,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> HttpResult<StatusCode> {
    let Path((name, id)) = path.map_err(|rejection| Problem::invalid(rejection.body_text()))?;
    administrators::end_session(api.server(), &name, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
