//! `/api/v1/admin/settings`: the system settings that both servers of a pair share (R4).

use super::Administrator;
use crate::http::error::{Answer, Problem};
use crate::http::extract::Body;
use crate::http::{Api, convert};
use crate::site::{Abort, Scope, Wait};
use axum::Json;
use axum::extract::State;
use contract::{ApiError, SettingsPatch, SystemSettings};
use domain::{
    Change, EmailServer, Key, Kind, Ledger, LedgerError, NameDialing, Object, Setting, SettingName,
    Unfit, Value, broadcast_value, check_mailbox_number, setting_fields,
};
use store::{StoreError, View};

/// The system settings that both servers share.
#[utoipa::path(get, path = "/api/v1/admin/settings", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = SystemSettings), (status = 401, body = ApiError)))]
pub async fn show(State(api): State<Api>, _: Administrator) -> Answer<Json<SystemSettings>> {
    current(&api).await.map(Json)
}

async fn current(api: &Api) -> Answer<SystemSettings> {
    let read = api.site().read(|readers| readers.snapshot(present));
    let [servers, dialing, broadcast] = read.await?;
    let servers = servers.as_ref().and_then(Setting::of);
    let dialing = dialing.as_ref().and_then(Setting::of);
    let broadcast = broadcast.as_ref().and_then(Setting::of);
    Ok(convert::settings(
        &servers.map(|s| s.email_servers()).unwrap_or_default(),
        &dialing.and_then(|s| s.name_dialing()).unwrap_or_default(),
        broadcast.and_then(|s| s.broadcast_mailbox()),
    ))
}

/// Those that were ever set.
fn present(view: &View<'_>) -> Result<[Option<Object>; 3], StoreError> {
    Ok([
        view.object(&SettingName::EmailServers.id())?,
        view.object(&SettingName::NameDialing.id())?,
        view.object(&SettingName::BroadcastMailbox.id())?,
    ])
}

/// Changes system settings on both servers. What is left out stays as it is.
#[utoipa::path(patch, path = "/api/v1/admin/settings", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = SettingsPatch,
    responses((status = 200, body = SystemSettings), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "A user has the number of the broadcast mailbox", body = ApiError)))]
pub async fn change(
    State(api): State<Api>,
    _: Administrator,
    Body(patch): Body<SettingsPatch>,
) -> Answer<Json<SystemSettings>> {
    let broadcast = patch
        .broadcast_mailbox
        .as_deref()
        .map(|n| n.trim().to_owned());
    let values = values(&patch)?;
    let written = api.site().write(Wait::Partner, move |scope| {
        if let Some(number) = broadcast.filter(|number| !number.is_empty())
            && !scope.tx().view().users_by_number(&number)?.is_empty()
        {
            let taken = format!("{number} is the mailbox of a user. Choose another number.");
            return Err(Abort::Refused(Problem::Conflict(taken)));
        }
        for (name, value) in values {
            set(scope, name, value)?;
        }
        Ok(())
    });
    written.await?;
    current(&api).await.map(Json)
}

/// What is to be set, checked.
fn values(patch: &SettingsPatch) -> Result<Vec<(SettingName, Value)>, Unfit> {
    let mut values = Vec::new();
    if let Some(servers) = &patch.email_servers {
        let servers: Vec<_> = servers.iter().map(convert::email_server).collect();
        EmailServer::check(&servers)?;
        values.push((SettingName::EmailServers, EmailServer::list(&servers)));
    }
    if let Some(dialing) = &patch.name_dialing {
        let dialing: NameDialing = convert::name_dialing(dialing);
        dialing.check()?;
        values.push((SettingName::NameDialing, dialing.value()));
    }
    if let Some(number) = patch.broadcast_mailbox.as_deref().map(str::trim) {
        let number = Some(number).filter(|number| !number.is_empty());
        number.map_or(Ok(()), check_mailbox_number)?;
        values.push((SettingName::BroadcastMailbox, broadcast_value(number)));
    }
    Ok(values)
}

/// A setting is made when it is first set.
fn set(scope: &mut Scope<'_, '_>, name: SettingName, value: Value) -> Result<(), LedgerError> {
    let id = name.id();
    let change = if scope.tx().object(&id)?.is_some() {
        let registers = vec![(Key::field(setting_fields::VALUE), value)];
        Change::Set { id, registers }
    } else {
        Change::Create {
            id,
            kind: Kind::SETTING,
            owner: None,
            body: None,
            registers: name.registers(value),
        }
    };
    scope.change(&change)
}
