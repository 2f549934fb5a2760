//! The session: logging in and out, taking up an earlier one, and in whose name the pair is administered.

use super::call::Call;
use super::driver::Driver;
use super::session::SESSION;
use crate::Error;
use crate::transport::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use contract::{Login, PasswordChange, Session};
use std::rc::Rc;

/// The session of a client. See [`crate::Client::session`].
pub struct OwnSession(pub(super) Rc<Driver>);

impl OwnSession {
    /// Logs in at whichever server answers. From here on calls carry the session, and events arrive.
    ///
    /// Safe: a repetition makes a second token that nobody holds. Where a server dies after it has counted a wrong password, the
    /// try is counted twice.
    ///
    /// # Errors
    /// [`Error::Refused`] for a wrong password, a locked mailbox, too many tries; what every call may fail with.
    pub async fn login(&self, mailbox: &str, password: &str) -> Result<Session, Error> {
        let login = Login {
            mailbox: mailbox.to_owned(),
            password: password.to_owned(),
        };
        let call = Call::safe(Method::Post, SESSION.to_owned()).with_json(&login)?;
        let session: Session = self.0.call_json(&call).await?;
        self.0.forget_session();
        self.0.begin_session(&session);
        Ok(session)
    }

    /// Takes up a session from an earlier run of the program and renews it: keep the new token. Safe.
    ///
    /// # Errors
    /// With [`Error::NoServer`] the token is held and used as soon as a server answers; with [`Error::SessionEnded`] it is
    /// forgotten.
    pub async fn restore(&self, token: &str) -> Result<Session, Error> {
        self.0.hold_session(token);
        let call = Call::safe(Method::Get, SESSION.to_owned()).by(self.0.user()?);
        let session: Session = self.0.call_json(&call).await?;
        self.0.begin_session(&session);
        Ok(session)
    }

    /// Ends the session, on both servers: no token of it is good any more. Other sessions of the user go on. Safe: what repeats it is refused,
    /// since the session has ended.
    ///
    /// # Errors
    /// [`Error::NoServer`] and [`Error::Timeout`]: it is forgotten here all the same.
    pub async fn logout(&self) -> Result<(), Error> {
        self.end(SESSION.to_owned()).await
    }

    /// Ends all sessions of the user, on both servers. Safe: what repeats it is refused, since its own session has ended, too.
    ///
    /// # Errors
    /// As [`OwnSession::logout`].
    pub async fn logout_everywhere(&self) -> Result<(), Error> {
        self.end(format!("{SESSION}?everywhere=true")).await
    }

    async fn end(&self, path: String) -> Result<(), Error> {
        let Ok(user) = self.0.user() else {
            return Ok(());
        };
        let call = Call::safe(Method::Delete, path).by(user);
        self.0.forget_session();
        match self.0.call_empty(&call).await {
            Err(Error::SessionEnded) => Ok(()),
            ended => ended,
        }
    }

    /// Whether a session is held.
    pub fn is_held(&self) -> bool {
        self.0.token().is_some()
    }

    /// Changes one's own password. All other sessions of the user end, this one goes on. Never repeated: after a try whose outcome is
    /// unknown log in with the new password, or else the old one.
    ///
    /// # Errors
    /// [`Error::Refused`] with `wrong_password` for the old one, and with `bad_request` for a new one that cannot be taken.
    pub async fn change_password(&self, old: &str, new: &str) -> Result<Session, Error> {
        let change = PasswordChange {
            old: old.to_owned(),
            new: new.to_owned(),
        };
        let call = Call::never(Method::Put, format!("{SESSION}/password"));
        let call = call.by(self.0.user()?).with_json(&change)?;
        let change = async {
            let session: Session = self.0.call_json(&call).await?;
            self.0.begin_session(&session);
            Ok(session)
        };
        self.0.changing_token(change).await
    }

    /// From now on everything that is an administrator's ([`crate::Client::users`], [`crate::Client::gr`] and what stands between them) is
    /// asked with the name and password of the server's configuration, which open the administration while there is no administrator's
    /// account ([`crate::Client::own_administration`]). It is not checked here: the first call is.
    pub fn administer(&self, name: &str, password: &str) {
        // RFC 7617, section 2.
        let encoded = BASE64_STANDARD.encode(format!("{name}:{password}"));
        self.0
            .administrator
            .replace(Some(format!("Basic {encoded}")));
    }
}
