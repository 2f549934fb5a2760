//! VPIM shortcuts, as an administrator has to do with them.

use super::driver::Driver;
use crate::Error;
use contract::VpimShortcut;
use std::rc::Rc;

const SHORTCUTS: &str = "/api/v1/admin/shortcuts";

/// The VPIM shortcuts of the server in use. See [`crate::Client::shortcuts`]; [`crate::client::OwnSession::administer`] says who asks.
///
/// Each server has its own. With an overlap they decide which mailboxes are on both servers: users who may no longer, or may again, be
/// replicated are held or sent by themselves. What that server may have done is never asked of its partner. Then the error is
/// [`Error::OutcomeUnknown`].
pub struct VpimShortcuts(pub(super) Rc<Driver>);

impl VpimShortcuts {
    /// All of them, in order of their prefixes. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn all(&self) -> Result<Vec<VpimShortcut>, Error> {
        self.0.read_all(SHORTCUTS).await
    }

    /// Adds one. Safe, on this server: one that is there already with the same overlap is no error.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a prefix or overlap that cannot be, with `conflict` when the prefix has another overlap,
    /// and with `forbidden` when there are too many; [`Error::OutcomeUnknown`].
    pub async fn add(&self, new: &VpimShortcut) -> Result<VpimShortcut, Error> {
        self.0.add(SHORTCUTS, new).await
    }

    /// Removes the one with this prefix. Safe, on this server: one that is not there is no error.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`]; what every call may fail with.
    pub async fn remove(&self, prefix: &str) -> Result<(), Error> {
        self.0.remove(SHORTCUTS, prefix).await
    }
}
