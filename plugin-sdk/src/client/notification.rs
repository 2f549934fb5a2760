//! How the user is reached when a message comes.

use super::call::Call;
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::ContactSettings;
use std::rc::Rc;

const NOTIFICATION: &str = "/api/v1/notification";

/// Notification, delivery to telephone and forwarding of the user who is logged in. See [`crate::Client::notification`].
pub struct OwnNotification(pub(super) Rc<Driver>);

impl OwnNotification {
    /// As it is set. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn read(&self) -> Result<ContactSettings, Error> {
        let call = Call::safe(Method::Get, NOTIFICATION.to_owned()).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// Sets all of it. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a number, address or schedule that cannot be.
    pub async fn set(&self, settings: &ContactSettings) -> Result<ContactSettings, Error> {
        let call = Call::safe(Method::Put, NOTIFICATION.to_owned()).by(self.0.user()?);
        self.0.call_json(&call.with_json(settings)?).await
    }
}
