//! Temporary Remote Users, as an administrator has to do with them.

use super::driver::Driver;
use crate::Error;
use contract::RemoteUser;
use std::rc::Rc;

const REMOTE_USERS: &str = "/api/v1/admin/remote-users";

/// The Temporary Remote Users of the server in use. See [`crate::Client::remote_users`]; [`crate::client::OwnSession::administer`] says
/// who asks.
///
/// Each server has its own. While one has the number of a user of the partner, that user is not taken. What changes something is about
/// the server that was asked: what that server may have done is never asked of its partner. Then the error is
/// [`Error::OutcomeUnknown`].
pub struct TemporaryRemoteUsers(pub(super) Rc<Driver>);

impl TemporaryRemoteUsers {
    /// All of them, in order of their mailbox numbers. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn all(&self) -> Result<Vec<RemoteUser>, Error> {
        self.0.read_all(REMOTE_USERS).await
    }

    /// Adds one. Safe, on this server: one that is there already with the same name and address is no error.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a number, name or address that cannot be, with `conflict` when the number is taken by a
    /// user or by another Temporary Remote User, and with `forbidden` when there are too many; [`Error::OutcomeUnknown`].
    pub async fn add(&self, new: &RemoteUser) -> Result<RemoteUser, Error> {
        let new = RemoteUser {
            mailbox: new.mailbox.trim().to_owned(),
            name: new.name.trim().to_owned(),
            address: new.address.trim().to_owned(),
        };
        self.0.add(REMOTE_USERS, &new).await
    }

    /// Removes the one with this mailbox number. If the partner has a user with it, that one comes now. Safe, on this server: one that is
    /// not there is no error.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`]; what every call may fail with.
    pub async fn remove(&self, mailbox: &str) -> Result<(), Error> {
        self.0.remove(REMOTE_USERS, mailbox).await
    }
}
