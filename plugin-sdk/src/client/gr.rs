//! Geographic redundancy: the state of the pair, pairing, and the tasks that put right what has come apart.

use super::call::Call;
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{
    ErrorCode, GrPair, GrStatus, GrTask, GrTasks, HeldMailboxes, NewGrPassword, NewTask,
};
use std::rc::Rc;

const GR: &str = "/api/v1/admin/gr";

/// The pair as the server in use sees it. See [`crate::Client::gr`]; [`crate::client::OwnSession::administer`] says who asks.
///
/// What changes something is about the server that was asked: what that server may have done is never asked of its partner. Then the
/// error is [`Error::OutcomeUnknown`].
pub struct Gr(pub(super) Rc<Driver>);

impl Gr {
    /// The partner's state, and what waits for it. [`GrStatus::server`] says who answers. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn status(&self) -> Result<GrStatus, Error> {
        self.read(GR.to_owned()).await
    }

    /// Makes the server in use half of a pair; the same has to be done on the other. Safe, on this server.
    ///
    /// # Errors
    /// [`Error::Refused`] with `conflict` when it has another partner, or a task is open.
    pub async fn pair(&self, pair: &GrPair) -> Result<GrStatus, Error> {
        let call = self.of_one(Call::safe(Method::Put, GR.to_owned()))?;
        self.0.call_json(&call.with_json(pair)?).await
    }

    /// Changes the GR password on the server in use; the same has to be done on the other, and until then the old one holds. Safe, on this
    /// server.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for one that is easily guessed, and with `conflict` without a pair.
    pub async fn change_password(&self, new: &NewGrPassword) -> Result<GrStatus, Error> {
        let call = self.of_one(Call::safe(Method::Put, format!("{GR}/password")))?;
        self.0.call_json(&call.with_json(new)?).await
    }

    /// Turns GR off on the server in use. Safe, on this server.
    ///
    /// # Errors
    /// [`Error::Refused`] with `conflict` while a task is open.
    pub async fn unpair(&self) -> Result<(), Error> {
        let call = self.of_one(Call::safe(Method::Delete, GR.to_owned()))?;
        self.0.call_empty(&call).await
    }

    /// Tasks as they are now. Safe.
    ///
    /// # Errors
    /// As [`Gr::status`].
    pub async fn tasks(&self) -> Result<GrTasks, Error> {
        self.read(format!("{GR}/tasks")).await
    }

    /// A name for a task that is to be started: 16 hexadecimal digits.
    pub fn new_task_id(&self) -> String {
        let random = self.0.transport().random();
        random[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Starts a task, which the server in use drives. By key, on this server: a repetition finds the task. Who keeps `id`, from
    /// [`Gr::new_task_id`], may ask again after an error.
    ///
    /// # Errors
    /// [`Error::Refused`] with `conflict` when it cannot begin now, with what to do.
    pub async fn start(&self, id: &str, task: &NewTask) -> Result<GrTask, Error> {
        let call = self.of_one(Call::by_key(Method::Post, format!("{GR}/tasks?id={id}")))?;
        self.0.call_json(&call.with_json(task)?).await
    }

    /// Stops a task. By key, on this server: a task that a repetition finds closed was stopped by the try before, or has ended.
    ///
    /// # Errors
    /// [`Error::Refused`] with `conflict` for one that is not open.
    pub async fn abort(&self, id: &str) -> Result<(), Error> {
        let call = self.of_one(Call::by_key(Method::Delete, format!("{GR}/tasks/{id}")))?;
        match self.0.call_empty(&call).await {
            Err(Error::Refused(refusal))
                if refusal.code == ErrorCode::Conflict && call.was_repeated() =>
            {
                Ok(())
            }
            ended => ended,
        }
    }

    /// Agrees to the deletions that a task waits with. Never repeated: the task may wait with other ones by then.
    ///
    /// # Errors
    /// [`Error::Refused`] with `conflict` for one that waits for nothing; [`Error::OutcomeUnknown`].
    pub async fn agree(&self, id: &str) -> Result<GrTask, Error> {
        let call = self.of_one(Call::never(Method::Post, format!("{GR}/tasks/{id}/agree")))?;
        self.0.call_json(&call).await
    }

    /// Brings back what tasks have removed from the server in use. Never repeated: by then another task may have removed something.
    ///
    /// # Errors
    /// [`Error::Refused`] with `conflict` when nothing is kept, or a task is open; [`Error::OutcomeUnknown`].
    pub async fn undo(&self) -> Result<GrTasks, Error> {
        let call = self.of_one(Call::never(Method::Post, format!("{GR}/undo")))?;
        self.0.call_json(&call).await
    }

    /// Mailboxes that are not on both servers, each with its reason. Safe.
    ///
    /// # Errors
    /// As [`Gr::status`].
    pub async fn held(&self) -> Result<HeldMailboxes, Error> {
        self.read(format!("{GR}/held")).await
    }

    /// Tries again what is held on the server in use. Safe, on this server.
    ///
    /// # Errors
    /// As [`Gr::status`].
    pub async fn retry_held(&self) -> Result<HeldMailboxes, Error> {
        let call = self.of_one(Call::safe(Method::Post, format!("{GR}/held/retry")))?;
        self.0.call_json(&call).await
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, path: String) -> Result<T, Error> {
        let call = Call::safe(Method::Get, path).by(self.0.administrator()?);
        self.0.call_json(&call).await
    }

    fn of_one(&self, call: Call) -> Result<Call, Error> {
        Ok(call.of_one_server().by(self.0.administrator()?))
    }
}
