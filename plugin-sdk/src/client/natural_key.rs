//! What goes by a natural key and is each server's own: mailbox classes, VPIM shortcuts, Temporary Remote Users.
//!
//! Whoever adds or removes names the state that is to be, so every call is safe to repeat: what is there already exactly as it is to be,
//! and what is gone already, is no error. All of it is about the server in use: what that one may have done is never asked of its
//! partner.

use super::call::{Call, push_encoded};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::ErrorCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Driver {
    /// All that the server in use has at `path`.
    pub(super) async fn read_all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Error> {
        let call = Call::safe(Method::Get, path.to_owned()).by(self.administrator()?);
        self.call_json(&call).await
    }

    /// Adds `new` at `path`.
    ///
    /// # Errors
    /// The server's refusal, with `conflict` if something else is there; [`Error::OutcomeUnknown`].
    pub(super) async fn add<T>(&self, path: &str, new: &T) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        let caller = self.administrator()?;
        let call = Call::safe(Method::Post, path.to_owned()).of_one_server();
        let call = call.by(caller.clone()).with_json(new)?;
        let refusal = match self.call_json(&call).await {
            Err(Error::Refused(refusal)) if refusal.code == ErrorCode::Conflict => refusal,
            ended => return ended,
        };
        // By an earlier try whose answer was lost, or by somebody else: what is there tells.
        let look = Call::safe(Method::Get, path.to_owned()).where_answered(&call);
        let all: Vec<T> = self.call_json(&look.by(caller)).await?;
        let same = all.into_iter().find(|there| there == new);
        same.ok_or(Error::Refused(refusal))
    }

    /// Removes what has this key at `path`.
    ///
    /// # Errors
    /// The server's refusal, but for `not_found`; [`Error::OutcomeUnknown`].
    pub(super) async fn remove(&self, path: &str, key: &str) -> Result<(), Error> {
        let mut path = format!("{path}/");
        push_encoded(&mut path, key);
        let call = Call::safe(Method::Delete, path).of_one_server();
        match self.call_empty(&call.by(self.administrator()?)).await {
            Err(Error::Refused(refusal)) if refusal.code == ErrorCode::NotFound => Ok(()),
            ended => ended,
        }
    }
}
