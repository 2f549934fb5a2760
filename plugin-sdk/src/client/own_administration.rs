//! In whose name the pair is administered: the session of an administrator, its password, its second factor.

use super::call::{Call, Caller};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{
    AdministratorLogin, AdministratorSession, PasswordChange, SecondFactor, SecondFactorCode,
};
use std::rc::Rc;

const SESSION: &str = "/api/v1/admin/session";

/// The session of an administrator. See [`crate::Client::own_administration`].
pub struct OwnAdministration(pub(super) Rc<Driver>);

impl OwnAdministration {
    /// Signs in at whichever server answers. From here on everything that is an administrator's is asked in this session, which is renewed
    /// while the client lives. Safe, but for a code: one that was used by a try whose answer was lost is no code any more.
    ///
    /// # Errors
    /// [`Error::Refused`] with `wrong_password`, and with `code_needed` where `code` is wanted besides; with `forbidden` for an account that is
    /// locked; with `too_many_requests`; what every call may fail with.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<AdministratorSession, Error> {
        let login = AdministratorLogin {
            name: name.to_owned(),
            password: password.to_owned(),
            code: code.map(str::to_owned),
        };
        let call = Call::safe(Method::Post, SESSION.to_owned()).with_json(&login)?;
        self.held(&call).await
    }

    /// Takes up a session from an earlier run of the program and renews it: keep the new token. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for one that is over.
    pub async fn restore(&self, token: &str) -> Result<AdministratorSession, Error> {
        self.0.hold_administrator(token);
        let call = Call::safe(Method::Get, SESSION.to_owned()).by(self.0.administrator()?);
        self.held(&call).await
    }

    /// Ends the session, on both servers. Safe.
    ///
    /// # Errors
    /// [`Error::NoServer`] and [`Error::Timeout`]: it is forgotten here all the same.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let Ok(caller) = self.0.administrator() else {
            return Ok(());
        };
        self.0.forget_administrator();
        let call = Call::safe(Method::Delete, SESSION.to_owned()).by(caller);
        self.0.call_empty(&call).await
    }

    /// Changes one's own password. All other sessions end, this one goes on. Never repeated: after a try whose outcome is unknown sign in
    /// with the new password, or else the old one.
    ///
    /// # Errors
    /// [`Error::Refused`] with `wrong_password` for the old one, and with `bad_request` for a new one that cannot be taken.
    pub async fn change_password(
        &self,
        old: &str,
        new: &str,
    ) -> Result<AdministratorSession, Error> {
        let change = PasswordChange {
            old: old.to_owned(),
            new: new.to_owned(),
        };
        let call = Call::never(Method::Put, format!("{SESSION}/password"));
        let call = call.by(self.0.administrator()?).with_json(&change)?;
        self.held(&call).await
    }

    /// Begins to set up a second factor. Safe: each secret takes the place of the one before.
    ///
    /// # Errors
    /// [`Error::Refused`] with `conflict` if there is one already.
    pub async fn begin_second_factor(&self) -> Result<SecondFactor, Error> {
        let call = Call::safe(Method::Post, format!("{SESSION}/second-factor"));
        self.0.call_json(&call.by(self.0.administrator()?)).await
    }

    /// Ends setting up a second factor with its first code. Never repeated: a code counts once.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for a wrong code.
    pub async fn confirm_second_factor(&self, code: &str) -> Result<AdministratorSession, Error> {
        let code = SecondFactorCode {
            code: code.to_owned(),
        };
        let call = Call::never(Method::Put, format!("{SESSION}/second-factor"));
        let call = call.by(self.0.administrator()?).with_json(&code)?;
        self.held(&call).await
    }

    async fn held(&self, call: &Call) -> Result<AdministratorSession, Error> {
        let session: AdministratorSession = self.0.call_json(call).await?;
        self.0.begin_administrator(&session);
        Ok(session)
    }
}

impl Driver {
    fn hold_administrator(&self, token: &str) {
        self.administrator.replace(Some(format!("Bearer {token}")));
        self.administrator_renewal.set(None);
    }

    fn forget_administrator(&self) {
        self.administrator.replace(None);
        self.administrator_renewal.set(None);
    }

    fn begin_administrator(&self, session: &AdministratorSession) {
        self.hold_administrator(&session.token);
        let wall = self.transport().wall().0;
        let left_ms = session.expires_at.0.saturating_sub(wall);
        let left_ms = u64::try_from(left_ms).unwrap_or(0);
        // One that cannot last longer is not renewed.
        if session.expires_at < session.ends_at {
            self.renew_administrator_in(left_ms / 2);
        }
    }

    fn renew_administrator_in(&self, ms: u64) {
        let pause = ms.max(self.timing().renew_pause_ms);
        let at = self.now().plus(pause);
        self.administrator_renewal
            .set(Some((at, Self::begin_to_renew_administrator)));
        self.wake_task();
    }

    /// A program that goes on for hours keeps its session as long as the server allows.
    fn begin_to_renew_administrator(&self) {
        let Ok(caller) = self.administrator() else {
            return;
        };
        // Should the try fail, there is time for more.
        self.renew_administrator_in(0);
        let me = self.me();
        self.transport().spawn(Box::pin(async move {
            if let Some(driver) = me.upgrade() {
                let _ = driver.renew_administrator(caller).await;
            }
        }));
    }

    async fn renew_administrator(&self, caller: Caller) -> Result<(), Error> {
        let call = Call::safe(Method::Get, SESSION.to_owned()).by(caller.clone());
        let renewed: Result<AdministratorSession, Error> = self.call_json(&call).await;
        // Meanwhile another may have signed in.
        if self.administrator() != Ok(caller) {
            return Ok(());
        }
        match renewed {
            Ok(session) => self.begin_administrator(&session),
            // It is over: the next call says so.
            Err(Error::Refused(_)) => self.administrator_renewal.set(None),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
