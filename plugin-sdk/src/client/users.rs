//! Users, as an administrator has to do with them.

use super::call::{Call, push_encoded};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{
    ContactSettings, Emptied, ErrorCode, NewPassword, NewUser, ObjectId, UserPatch, UserRow,
};
use std::rc::Rc;

const USERS: &str = "/api/v1/admin/users";

/// The users of the pair. See [`crate::Client::users`]; [`crate::client::OwnSession::administer`] says who asks.
pub struct Users(pub(super) Rc<Driver>);

/// Which users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserFilter<'a> {
    /// All.
    All,
    /// Those with this mailbox number.
    Mailbox(&'a str),
    /// Those with this in their mailbox number or name, whatever the case.
    Text(&'a str),
}

impl Users {
    /// Users in order of their mailbox numbers, after the user `after`; at most `limit`, which defaults to 1,000. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn page(
        &self,
        wanted: UserFilter<'_>,
        after: Option<ObjectId>,
        limit: Option<u32>,
    ) -> Result<Vec<UserRow>, Error> {
        let mut path = format!("{USERS}?");
        match wanted {
            UserFilter::All => {}
            UserFilter::Mailbox(number) => {
                path.push_str("mailbox=");
                push_encoded(&mut path, number);
            }
            UserFilter::Text(text) => {
                path.push_str("search=");
                push_encoded(&mut path, text);
            }
        }
        if let Some(after) = after {
            path.push_str(&format!("&after={after}"));
        }
        if let Some(limit) = limit {
            path.push_str(&format!("&limit={limit}"));
        }
        self.0.call_json(&self.safe(Method::Get, path)?).await
    }

    /// One user. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found`; as [`Users::page`].
    pub async fn read(&self, id: ObjectId) -> Result<UserRow, Error> {
        self.0.call_json(&self.safe(Method::Get, path(id))?).await
    }

    /// Empties Deleted of a user: what lies there goes for good. Safe.
    ///
    /// # Errors
    /// As [`Users::read`].
    pub async fn empty_deleted(&self, id: ObjectId) -> Result<Emptied, Error> {
        let path = format!("{}/empty-deleted", path(id));
        self.0.call_json(&self.safe(Method::Post, path)?).await
    }

    /// Creates a user, which belongs to the server that answers: `UserRow::home` says which that is.
    ///
    /// By key: the user gets its id here, unless `new` has one, so a repetition after a lost answer finds it. Should both servers make
    /// it while they are apart, it is one user when they meet. A caller who keeps the id may ask again after an error, with the same
    /// content.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a number, name, class or password that cannot be, and with `conflict` for a number
    /// that is taken or an id of something else.
    pub async fn create(&self, new: &NewUser) -> Result<UserRow, Error> {
        let id = new.id.unwrap_or_else(|| self.0.new_id());
        let new = NewUser {
            id: Some(id),
            ..new.clone()
        };
        let call = Call::by_key(Method::Post, USERS.to_owned()).by(self.0.administrator()?);
        self.0.call_json(&call.with_json(&new)?).await
    }

    /// Changes what `patch` names. Safe.
    ///
    /// # Errors
    /// As [`Users::read`], and [`Error::Refused`] with `bad_request` or `forbidden`.
    pub async fn change(&self, id: ObjectId, patch: &UserPatch) -> Result<UserRow, Error> {
        let call = self.safe(Method::Patch, path(id))?;
        self.0.call_json(&call.with_json(patch)?).await
    }

    /// Deletes a user with the mailbox, on both servers. By key: an id is never used again, so a user that a repetition does not find
    /// was deleted by the try before.
    ///
    /// # Errors
    /// As [`Users::read`], and [`Error::Refused`] with `forbidden` on the server that it does not belong to.
    pub async fn delete(&self, id: ObjectId) -> Result<(), Error> {
        let call = Call::by_key(Method::Delete, path(id)).by(self.0.administrator()?);
        match self.0.call_empty(&call).await {
            Err(Error::Refused(refusal))
                if refusal.code == ErrorCode::NotFound && call.was_repeated() =>
            {
                Ok(())
            }
            ended => ended,
        }
    }

    /// Sets a password. Ends all sessions of the user and unlocks the mailbox. Safe: a session that began between two tries ends, too.
    ///
    /// # Errors
    /// As [`Users::read`], and [`Error::Refused`] with `bad_request` for one that is too short or too long.
    pub async fn set_password(&self, id: ObjectId, password: &str) -> Result<UserRow, Error> {
        let password = password.to_owned();
        let call = self.safe(Method::Put, format!("{}/password", path(id)))?;
        let call = call.with_json(&NewPassword {
            password,
            must_change: false,
        })?;
        self.0.call_json(&call).await
    }

    /// Unlocks a mailbox. Safe.
    ///
    /// # Errors
    /// As [`Users::read`].
    pub async fn unlock(&self, id: ObjectId) -> Result<UserRow, Error> {
        let call = self.safe(Method::Post, format!("{}/unlock", path(id)))?;
        self.0.call_json(&call).await
    }

    /// Ends all sessions of a user, on both servers. Safe: all that there are when the answer comes.
    ///
    /// # Errors
    /// As [`Users::read`].
    pub async fn log_out(&self, id: ObjectId) -> Result<UserRow, Error> {
        let call = self.safe(Method::Post, format!("{}/logout", path(id)))?;
        self.0.call_json(&call).await
    }

    /// How a user is reached when a message comes. Safe.
    ///
    /// # Errors
    /// As [`Users::read`].
    pub async fn contact_settings(&self, id: ObjectId) -> Result<ContactSettings, Error> {
        let call = self.safe(Method::Get, format!("{}/notification", path(id)))?;
        self.0.call_json(&call).await
    }

    /// Sets how a user is reached when a message comes. Safe.
    ///
    /// # Errors
    /// As [`Users::read`], and [`Error::Refused`] with `bad_request`.
    pub async fn set_contact_settings(
        &self,
        id: ObjectId,
        settings: &ContactSettings,
    ) -> Result<ContactSettings, Error> {
        let call = self.safe(Method::Put, format!("{}/notification", path(id)))?;
        self.0.call_json(&call.with_json(settings)?).await
    }

    fn safe(&self, method: Method, path: String) -> Result<Call, Error> {
        Ok(Call::safe(method, path).by(self.0.administrator()?))
    }
}

fn path(id: ObjectId) -> String {
    format!("{USERS}/{id}")
}
