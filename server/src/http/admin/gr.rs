//! `/api/v1/admin/gr`: the pair that this server is half of.

use super::{Administrator, tasks};
use crate::act;
use crate::http::error::HttpResult;
use crate::http::extract::Body;
use crate::http::{Api, convert};
use crate::operations::pair;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, GrPair, GrStatus, NewGrPassword, PartnerState};
use std::time::Instant;

/// The partner's state, and what waits for it.
#[utoipa::path(get, path = "/api/v1/admin/gr", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = GrStatus), (status = 401, body = ApiError)))]
pub async fn status(State(api): State<Api>, _: Administrator) -> HttpResult<Json<GrStatus>> {
    current(&api).await.map(Json)
}

async fn current(api: &Api) -> HttpResult<GrStatus> {
    let backlogs = pair::backlogs(api.server()).await?;
    let concerns = tasks::concerns(api).await?;
    let damaged = pair::damaged(api.server()).await?;
    let pair = api.pair().borrow().clone();
    let shown = api.tls().certificates.as_ref().map(|c| c.fingerprint());
    let tls = convert::gr_tls(shown, &api.tls().link.borrow(), &pair);
    let mut status = convert::gr_status(
        &api.server().config().fqdn,
        &pair,
        &backlogs,
        concerns,
        &damaged,
        api.server().now(),
        tls,
    );
    let keys = api.server().gr_keys();
    status.password_changing = keys.is_changing();
    // A partner that is heard has the same password, whatever strangers send; but while it is being changed, perhaps another new one.
    let may_differ = status.password_changing || status.state != PartnerState::Running;
    let other_key = keys.other_key(Instant::now()).filter(|_| may_differ);
    status.other_key_from = other_key.map(|from| from.to_string());
    if matches!(status.state, PartnerState::Unknown | PartnerState::Down) {
        status.link_fault = api.tls().link.borrow().unreachable.clone();
    }
    Ok(status)
}

/// Makes this server half of a pair, or enters the GR password anew. The same is done on the partner, with the same password.
#[utoipa::path(put, path = "/api/v1/admin/gr", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = GrPair,
    responses((status = 200, body = GrStatus), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "This server is paired with another one, or a task is open", body = ApiError)))]
pub async fn pair(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<GrPair>,
) -> HttpResult<Json<GrStatus>> {
    act::about(&new.fqdn);
    let new = pair::NewPair {
        fqdn: new.fqdn,
        smtp: new.smtp,
        http: new.http,
        password: new.password,
        tls: new.tls,
        at_once: new.at_once,
    };
    pair::make(api.server(), new).await?;
    current(&api).await.map(Json)
}

/// Changes the GR password. The same is done on the partner; until then the old one goes on holding, and nothing pauses.
#[utoipa::path(put, path = "/api/v1/admin/gr/password", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = NewGrPassword,
    responses((status = 200, body = GrStatus), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "There is no pair", body = ApiError)))]
pub async fn password(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<NewGrPassword>,
) -> HttpResult<Json<GrStatus>> {
    pair::change_password(api.server(), new.password, new.at_once).await?;
    current(&api).await.map(Json)
}

/// Turns GR off on this server. Nothing that its own users have is lost.
#[utoipa::path(delete, path = "/api/v1/admin/gr", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 204, description = "GR is off"), (status = 401, body = ApiError),
        (status = 409, description = "A task is open", body = ApiError)))]
pub async fn unpair(State(api): State<Api>, _: Administrator) -> HttpResult<StatusCode> {
    pair::end(api.server()).await?;
    Ok(StatusCode::NO_CONTENT)
}
