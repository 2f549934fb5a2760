//! The accounts of administrators, as an administrator has to do with them.

use super::call::{Call, push_encoded};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{
    AdministratorPatch, AdministratorRow, AdministratorSessionRow, ErrorCode, NewAdministrator,
    NewPassword,
};
use std::rc::Rc;

const ADMINISTRATORS: &str = "/api/v1/admin/administrators";

/// The administrators of the pair. See [`crate::Client::administrators`]; [`crate::Client::own_administration`] says who asks.
pub struct Administrators(pub(super) Rc<Driver>);

impl Administrators {
    /// All of them, in order of their names. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know, and with `forbidden` where its role is
    /// too little; what every call may fail with.
    pub async fn all(&self) -> Result<Vec<AdministratorRow>, Error> {
        let call = self.safe(Method::Get, ADMINISTRATORS.to_owned())?;
        self.0.call_json(&call).await
    }

    /// One of them. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found`; as [`Administrators::all`].
    pub async fn read(&self, name: &str) -> Result<AdministratorRow, Error> {
        self.0.call_json(&self.safe(Method::Get, path(name))?).await
    }

    /// Creates one on both servers; the first must have the role administrator. Safe: one that is there with this password and role
    /// already is no error.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a name, role or password that cannot be, and with `conflict` for a name that is taken.
    pub async fn create(&self, new: &NewAdministrator) -> Result<AdministratorRow, Error> {
        let call = self.safe(Method::Post, ADMINISTRATORS.to_owned())?;
        self.0.call_json(&call.with_json(new)?).await
    }

    /// Changes what `patch` names. Safe.
    ///
    /// # Errors
    /// As [`Administrators::read`], and [`Error::Refused`] with `conflict` if nobody were left who may do everything.
    pub async fn change(
        &self,
        name: &str,
        patch: &AdministratorPatch,
    ) -> Result<AdministratorRow, Error> {
        let call = self.safe(Method::Patch, path(name))?;
        self.0.call_json(&call.with_json(patch)?).await
    }

    /// Removes one on both servers; its sessions end. Safe: one that is gone already is no error.
    ///
    /// # Errors
    /// As [`Administrators::change`].
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let ended = self
            .0
            .call_empty(&self.safe(Method::Delete, path(name))?)
            .await;
        is_gone(ended)
    }

    /// Sets a password; the administrator's sessions end. Safe.
    ///
    /// # Errors
    /// As [`Administrators::read`], and [`Error::Refused`] with `bad_request` for one that cannot be taken.
    pub async fn set_password(
        &self,
        name: &str,
        password: &str,
    ) -> Result<AdministratorRow, Error> {
        let new = NewPassword {
            password: password.to_owned(),
            must_change: false,
        };
        let call = self.safe(Method::Put, format!("{}/password", path(name)))?;
        self.0.call_json(&call.with_json(&new)?).await
    }

    /// The sessions of one that go on, on both servers, the latest first. Safe.
    ///
    /// # Errors
    /// As [`Administrators::read`].
    pub async fn sessions(&self, name: &str) -> Result<Vec<AdministratorSessionRow>, Error> {
        let call = self.safe(Method::Get, format!("{}/sessions", path(name)))?;
        self.0.call_json(&call).await
    }

    /// Ends all sessions of one, on both servers. Safe.
    ///
    /// # Errors
    /// As [`Administrators::read`].
    pub async fn end_sessions(&self, name: &str) -> Result<(), Error> {
        let call = self.safe(Method::Delete, format!("{}/sessions", path(name)))?;
        self.0.call_empty(&call).await
    }

    /// Ends one session, on both servers. Safe: one that is gone already is no error.
    ///
    /// # Errors
    /// As [`Administrators::all`].
    pub async fn end_session(&self, name: &str, id: &str) -> Result<(), Error> {
        let mut path = format!("{}/sessions/", path(name));
        push_encoded(&mut path, id);
        is_gone(self.0.call_empty(&self.safe(Method::Delete, path)?).await)
    }

    fn safe(&self, method: Method, path: String) -> Result<Call, Error> {
        Ok(Call::safe(method, path).by(self.0.administrator()?))
    }
}

fn path(name: &str) -> String {
    let mut path = format!("{ADMINISTRATORS}/");
    push_encoded(&mut path, name);
    path
}

fn is_gone(ended: Result<(), Error>) -> Result<(), Error> {
    match ended {
        Err(Error::Refused(refusal)) if refusal.code == ErrorCode::NotFound => Ok(()),
        ended => ended,
    }
}
