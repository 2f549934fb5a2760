//! How a user is reached when a message comes: notification, delivery to telephone, forwarding.

use super::users::no_user;
use super::{OpError, OpResult};
use crate::server::{Abort, Server, Wait};
use domain::{
    Change, Forwarding, Key, Notification, Object, ObjectId, PhoneDelivery, User, user_fields,
};
use ledger::Ledger;

/// All of it, as it is set at once.
#[derive(Clone, Debug)]
pub struct ContactSettings {
    /// Who is told, and when.
    pub notification: Notification,
    /// Where messages are read out.
    pub delivery: PhoneDelivery,
    /// Where they are sent on to.
    pub forwarding: Forwarding,
}

/// The user whose settings are asked for; [`User::of`] reads them.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn of(server: &Server, id: ObjectId) -> OpResult<Object> {
    let found = server.read(move |readers| readers.object(&id)).await?;
    found
        .filter(|object| User::of(object).is_some())
        .ok_or_else(no_user)
}

/// Sets how a user is reached. Returns the user as it is then.
///
/// # Errors
/// [`OpError::Invalid`], [`OpError::NotFound`].
pub async fn set(
    server: &Server,
    id: ObjectId,
    contact_settings: ContactSettings,
) -> OpResult<Object> {
    contact_settings.notification.check()?;
    contact_settings.delivery.check()?;
    contact_settings.forwarding.check()?;
    // Each is one register: what belongs together is never put together from two servers.
    let registers = vec![
        (
            Key::field(user_fields::NOTIFICATION),
            contact_settings.notification.value(),
        ),
        (
            Key::field(user_fields::DELIVERY),
            contact_settings.delivery.value(),
        ),
        (
            Key::field(user_fields::FORWARDING),
            contact_settings.forwarding.value(),
        ),
    ];
    let written = server.write(Wait::Partner, move |scope| {
        let object = scope.tx().object(&id)?;
        if object.as_ref().and_then(User::of).is_none() {
            return Err(Abort::Refused(no_user()));
        }
        scope.change(&Change::Set { id, registers })?;
        Ok::<_, Abort<OpError>>(scope.tx().object(&id)?)
    });
    written.await?.value.ok_or_else(no_user)
}
