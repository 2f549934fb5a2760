//! System settings, as an administrator has to do with them.

use super::call::Call;
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{SettingsPatch, SystemSettings};
use std::rc::Rc;

const SETTINGS: &str = "/api/v1/admin/settings";

/// The system settings that both servers share: e-mail servers, name dialing, the broadcast mailbox. See [`crate::Client::settings`];
/// [`crate::client::OwnSession::administer`] says who asks.
pub struct SharedSettings(pub(super) Rc<Driver>);

impl SharedSettings {
    /// As they are. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn read(&self) -> Result<SystemSettings, Error> {
        let call = Call::safe(Method::Get, SETTINGS.to_owned()).by(self.0.administrator()?);
        self.0.call_json(&call).await
    }

    /// Changes what `patch` names, on both servers. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a server, order or number that cannot be, and with `conflict` when a user has the number
    /// of the broadcast mailbox.
    pub async fn change(&self, patch: &SettingsPatch) -> Result<SystemSettings, Error> {
        let call = Call::safe(Method::Patch, SETTINGS.to_owned()).by(self.0.administrator()?);
        self.0.call_json(&call.with_json(patch)?).await
    }
}
