//! The session: held, renewed in good time, ended.

use super::call::{Call, Caller};
use super::driver::{Driver, OldToken};
use super::subscription::ClientEvent;
use crate::Error;
use crate::connector::Input;
use crate::transport::Method;
use contract::Session;

/// Where sessions begin and end.
pub(super) const SESSION: &str = "/api/v1/session";

impl Driver {
    pub(super) fn token(&self) -> Option<String> {
        self.token.borrow().clone()
    }

    /// In the name of the user with the session that is held.
    ///
    /// # Errors
    /// [`Error::SessionEnded`] without one.
    pub(super) fn user(&self) -> Result<Caller, Error> {
        self.token().map(Caller::User).ok_or(Error::SessionEnded)
    }

    /// In the name of the administrator who was named.
    ///
    /// # Errors
    /// [`Error::BadConfig`] if none was.
    pub(super) fn administrator(&self) -> Result<Caller, Error> {
        let header = self.administrator.borrow().clone();
        header.map(Caller::Administrator).ok_or_else(|| Error::BadConfig {
            what: "This needs an administrator: call `client.own_administration().sign_in(…)` first.".to_owned(),
        })
    }

    /// A session of earlier is used before a server has confirmed it.
    pub(super) fn hold_session(&self, token: &str) {
        self.token.replace(Some(token.to_owned()));
        self.feed(Input::SessionHeld);
    }

    /// A server has accepted the user.
    pub(super) fn begin_session(&self, session: &Session) {
        self.token.replace(Some(session.token.clone()));
        let left_ms = session
            .expires_at
            .0
            .saturating_sub(self.transport().wall().0);
        let left_ms = u64::try_from(left_ms).unwrap_or(0);
        self.renew_in(left_ms / 2);
        let primary = session.primary.clone();
        let discovery = session.discovery.clone();
        self.feed(Input::LoggedIn { primary, discovery });
    }

    pub(super) fn forget_session(&self) {
        self.token.replace(None);
        self.renew_at.set(None);
        self.list_forgotten();
        self.feed(Input::LoggedOut);
    }

    /// A call that gives the session another token. A server ends the old one with it, and the event stream may say so before the call is
    /// answered: that is not the session's end unless the call fails.
    pub(super) async fn changing_token<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let old = self.token();
        let change = TokenChange::begin(self);
        let answer = call.await;
        if change.end() == Some(OldToken::Ended)
            && answer.is_err()
            && let Some(old) = old
        {
            self.session_ended(&old);
        }
        answer
    }

    /// A server does not accept the token any more. Said once; a newer session is left alone.
    pub(super) fn session_ended(&self, token: &str) {
        let ours = self.token.borrow().as_deref() == Some(token);
        if ours && self.token_change.get().is_some() {
            self.token_change.set(Some(OldToken::Ended));
        } else if ours {
            self.forget_session();
            self.emit(ClientEvent::SessionEnded);
        }
    }

    fn renew_in(&self, ms: u64) {
        let pause = ms.max(self.timing().renew_pause_ms);
        self.renew_at.set(Some(self.now().plus(pause)));
    }

    /// A page that stays open for days keeps its session.
    pub(super) fn renew_session_if_due(&self) {
        let due = self.renew_at.get().is_some_and(|at| at <= self.now());
        let (true, Some(token)) = (due, self.token()) else {
            return;
        };
        // Should the try fail, there is time for more.
        self.renew_in(0);
        let me = self.me();
        self.transport().spawn(Box::pin(async move {
            if let Some(driver) = me.upgrade() {
                let _ = driver.renew_session(token).await;
            }
        }));
    }

    async fn renew_session(&self, token: String) -> Result<(), Error> {
        let call = Call::safe(Method::Get, SESSION.to_owned()).by(Caller::User(token.clone()));
        let session: Session = self.call_json(&call).await?;
        // Meanwhile the user may have logged out, or in anew.
        if self.token() == Some(token) {
            self.begin_session(&session);
            self.emit(ClientEvent::SessionRenewed(session));
        }
        Ok(())
    }
}

/// A change of the token that is under way; it ends also where the call is dropped in the middle.
struct TokenChange<'a>(&'a Driver);

impl<'a> TokenChange<'a> {
    fn begin(driver: &'a Driver) -> Self {
        driver.token_change.set(Some(OldToken::Good));
        Self(driver)
    }

    /// What became of the old token meanwhile.
    fn end(self) -> Option<OldToken> {
        self.0.token_change.get()
    }
}

impl Drop for TokenChange<'_> {
    fn drop(&mut self) {
        self.0.token_change.set(None);
    }
}
