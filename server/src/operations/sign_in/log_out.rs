//! Logging out: a user's session ends before its time.
//!
//! A session is not kept while it goes on; its end is, with the user, so that it reaches the partner like any other change. Every token that a
//! session was renewed to has its number, and is refused from then on.

use super::{SignIn, SignedIn, expires_at};
use crate::audit_trail::Attempt;
use crate::operations::principal::Origin;
use crate::operations::{OpError, OpResult};
use crate::server::{Abort, Wait};
use domain::{Change, Timestamp, User};
use ledger::Ledger;

/// An ended session is remembered for so long beyond the time of its tokens: a partner that has not heard of its end goes on renewing it.
const APART_MS: i64 = 7 * 86_400_000;

impl SignIn {
    /// Logs a user out who comes from `from`: ends the session, on both servers, so that neither its token nor any that it was renewed to is
    /// good any more. Others of the user go on.
    ///
    /// # Errors
    /// What the writer cannot do.
    pub async fn log_out(&self, who: &SignedIn, from: Origin) -> OpResult<()> {
        let server = &self.0.server;
        let (id, session, now) = (who.id, who.claims.session, server.now());
        let longest = expires_at(server, now).0;
        let until = Timestamp(longest.saturating_add(APART_MS));
        let written = server.write_anyway(Wait::Partner, move |scope| {
            let object = scope.tx().object(&id)?;
            let Some(user) = object.as_ref().and_then(User::of) else {
                return Ok(());
            };
            let registers = vec![user.ended_session(scope.home(), session, until, now)];
            Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
        });
        written.await?;
        self.enter_log_out(who, from, "done");
        Ok(())
    }

    /// Logs a user out who comes from `from`, and ends all other sessions, too, on both servers.
    ///
    /// # Errors
    /// What the writer cannot do.
    pub async fn log_out_everywhere(&self, who: &SignedIn, from: Origin) -> OpResult<()> {
        self.end_sessions(who.id).await?;
        self.enter_log_out(who, from, "everywhere");
        Ok(())
    }

    fn enter_log_out(&self, who: &SignedIn, from: Origin, result: &'static str) {
        self.0.trail.attempt(&Attempt {
            action: "sign-out",
            who: User::of(&who.object).map_or("(unknown)", |user| user.number()),
            from,
            result,
            is_right: true,
        });
    }
}
