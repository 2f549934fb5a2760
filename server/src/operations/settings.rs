//! The system settings that both servers of a pair share (R4).

use super::{OpError, OpResult};
use crate::server::{Abort, Server, Wait, WriteTx};
use domain::{
    Change, EmailServer, Key, Kind, NameDialing, Object, Setting, SettingName, ValidationError,
    Value, broadcast_value, check_mailbox_number, setting_fields,
};
use ledger::{Ledger, LedgerError};
use store::{StoreError, View};

/// The settings; what was never set is empty.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Servers that mail to other addresses goes through.
    pub email_servers: Vec<EmailServer>,
    /// How names are dialled.
    pub name_dialing: NameDialing,
    /// The mailbox whose messages go to everybody.
    pub broadcast_mailbox: Option<String>,
}

/// What is to be different. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    /// All of them.
    pub email_servers: Option<Vec<EmailServer>>,
    /// How names are dialled.
    pub name_dialing: Option<NameDialing>,
    /// Its number; empty: none.
    pub broadcast_mailbox: Option<String>,
}

/// The settings as they are.
///
/// # Errors
/// What the store cannot do.
pub async fn read(server: &Server) -> OpResult<Settings> {
    let read = server.read(|readers| readers.snapshot(present));
    let [servers, dialing, broadcast] = read.await?;
    let [servers, dialing, broadcast] =
        [&servers, &dialing, &broadcast].map(|object| object.as_ref().and_then(Setting::of));
    Ok(Settings {
        email_servers: servers.map(|s| s.email_servers()).unwrap_or_default(),
        name_dialing: dialing.and_then(|s| s.name_dialing()).unwrap_or_default(),
        broadcast_mailbox: broadcast
            .and_then(|s| s.broadcast_mailbox())
            .map(ToOwned::to_owned),
    })
}

/// Changes settings on both servers. Returns them as they are then.
///
/// # Errors
/// [`OpError::Invalid`]; [`OpError::Conflict`] when a user has the number of the broadcast mailbox.
pub async fn change(server: &Server, patch: SettingsChange) -> OpResult<Settings> {
    let broadcast = patch.broadcast_mailbox.as_deref().map(str::trim);
    let broadcast = broadcast.map(ToOwned::to_owned);
    let values = values(&patch)?;
    let written = server.write(Wait::Partner, move |scope| {
        if let Some(number) = broadcast.filter(|number| !number.is_empty())
            && !scope.tx().view().users_by_number(&number)?.is_empty()
        {
            let taken = format!("{number} is the mailbox of a user. Choose another number.");
            return Err(Abort::Refused(OpError::Conflict(taken)));
        }
        for (name, value) in values {
            set(scope, name, value)?;
        }
        Ok(())
    });
    written.await?;
    read(server).await
}

/// Those that were ever set.
fn present(view: &View<'_>) -> Result<[Option<Object>; 3], StoreError> {
    Ok([
        view.object(&SettingName::EmailServers.id())?,
        view.object(&SettingName::NameDialing.id())?,
        view.object(&SettingName::BroadcastMailbox.id())?,
    ])
}

/// What is to be set, checked.
fn values(patch: &SettingsChange) -> Result<Vec<(SettingName, Value)>, ValidationError> {
    let mut values = Vec::new();
    if let Some(servers) = &patch.email_servers {
        EmailServer::check(servers)?;
        values.push((SettingName::EmailServers, EmailServer::list(servers)));
    }
    if let Some(dialing) = &patch.name_dialing {
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
fn set(scope: &mut WriteTx<'_, '_>, name: SettingName, value: Value) -> Result<(), LedgerError> {
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
