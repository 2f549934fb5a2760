//! `/api/v1/admin/settings`: the system settings that both servers of a pair share (R4).

use super::Administrator;
use crate::act;
use crate::http::error::HttpResult;
use crate::http::extract::Patch;
use crate::http::{Api, convert};
use crate::operations::settings::{self, Settings};
use axum::Json;
use axum::extract::State;
use contract::{ApiError, SettingsPatch, SystemSettings};

/// The system settings that both servers share.
#[utoipa::path(get, path = "/api/v1/admin/settings", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = SystemSettings), (status = 401, body = ApiError)))]
pub async fn show(State(api): State<Api>, _: Administrator) -> HttpResult<Json<SystemSettings>> {
    Ok(Json(shown(&settings::read(api.server()).await?)))
}

fn shown(settings: &Settings) -> SystemSettings {
    convert::settings(
        &settings.email_servers,
        &settings.name_dialing,
        settings.broadcast_mailbox.as_deref(),
    )
}

/// Which settings a patch names.
fn changed(patch: &SettingsPatch) -> String {
    let names = [
        patch.email_servers.as_ref().map(|_| "e-mail servers"),
        patch.name_dialing.as_ref().map(|_| "name dialing"),
        patch
            .broadcast_mailbox
            .as_ref()
            .map(|_| "broadcast mailbox"),
    ];
    names.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Changes system settings on both servers. What is left out stays as it is.
#[utoipa::path(patch, path = "/api/v1/admin/settings", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = SettingsPatch,
    responses((status = 200, body = SystemSettings), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "A user has the number of the broadcast mailbox", body = ApiError)))]
pub async fn change(
    State(api): State<Api>,
    _: Administrator,
    Patch(patch): Patch<SettingsPatch>,
) -> HttpResult<Json<SystemSettings>> {
    act::about(&changed(&patch));
    let servers = patch.email_servers.as_ref();
    let wanted = settings::SettingsChange {
        email_servers: servers.map(|all| all.iter().map(convert::email_server).collect()),
        name_dialing: patch.name_dialing.as_ref().map(convert::name_dialing),
        broadcast_mailbox: patch.broadcast_mailbox,
    };
    let settings = settings::change(api.server(), wanted).await?;
    Ok(Json(shown(&settings)))
}
