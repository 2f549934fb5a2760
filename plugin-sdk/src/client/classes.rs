//! Mailbox classes, as an administrator has to do with them.

use super::call::Call;
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{ClassName, MailboxClass};
use std::rc::Rc;

const CLASSES: &str = "/api/v1/admin/classes";

/// The mailbox classes of the server in use. See [`crate::Client::classes`]; [`crate::client::OwnSession::administer`] says who asks.
///
/// Each server has its own, and takes a user of its partner only if it has the user's class. What changes something is about the
/// server that was asked: what that server may have done is never asked of its partner. Then the error is [`Error::OutcomeUnknown`].
pub struct MailboxClasses(pub(super) Rc<Driver>);

impl MailboxClasses {
    /// All of them, in order of their numbers; class 1 is always there. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn all(&self) -> Result<Vec<MailboxClass>, Error> {
        self.0.read_all(CLASSES).await
    }

    /// Adds a class with this number, 1 to 999, and this name, 1 to 60 characters. Safe, on this server: one that is there already with
    /// this name is no error.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a number or name that cannot be, with `conflict` when the number has another name, and
    /// with `forbidden` when there are too many; [`Error::OutcomeUnknown`].
    pub async fn add(&self, number: u32, name: &str) -> Result<MailboxClass, Error> {
        let name = name.trim().to_owned();
        self.0.add(CLASSES, &MailboxClass { number, name }).await
    }

    /// Gives a class another name. Safe, on this server.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found`, and with `bad_request` for a name that cannot be; [`Error::OutcomeUnknown`].
    pub async fn rename(&self, number: u32, name: &str) -> Result<MailboxClass, Error> {
        let name = name.to_owned();
        let call = Call::safe(Method::Put, format!("{CLASSES}/{number}")).of_one_server();
        let call = call.by(self.0.administrator()?);
        self.0
            .call_json(&call.with_json(&ClassName { name })?)
            .await
    }

    /// Removes a class that no user has. Safe, on this server: one that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Refused`] with `forbidden` for class 1, and with `conflict` while users have the class; [`Error::OutcomeUnknown`].
    pub async fn remove(&self, number: u32) -> Result<(), Error> {
        self.0.remove(CLASSES, &number.to_string()).await
    }
}
