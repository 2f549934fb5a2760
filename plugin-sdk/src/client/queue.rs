//! What is on its way to other systems, as an administrator has to do with it.

use super::call::Call;
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{ErrorCode, ObjectId, QueuedMessage};
use std::rc::Rc;

const QUEUE: &str = "/api/v1/admin/queue";

/// Messages on their way to other systems, of both servers. See [`crate::Client::queue`]; [`crate::client::OwnSession::administer`] says who asks.
///
/// What is done to one is done on both servers, so each call may be repeated, at either.
pub struct OutgoingQueue(pub(super) Rc<Driver>);

impl OutgoingQueue {
    /// All of them, the oldest first, and what has lately ended: 1,000 at most. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn all(&self) -> Result<Vec<QueuedMessage>, Error> {
        let call = Call::safe(Method::Get, QUEUE.to_owned()).by(self.0.administrator()?);
        self.0.call_json(&call).await
    }

    /// Has one tried at once. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found`, and with `conflict` for one that has ended or is held; what every call may fail with.
    pub async fn retry(&self, id: ObjectId) -> Result<(), Error> {
        self.act(Method::Post, id, "/retry").await
    }

    /// Holds one back. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found`, and with `conflict` for one that has ended; what every call may fail with.
    pub async fn hold(&self, id: ObjectId) -> Result<(), Error> {
        self.act(Method::Post, id, "/hold").await
    }

    /// Lets one go on that was held back. Safe.
    ///
    /// # Errors
    /// As [`OutgoingQueue::hold`].
    pub async fn release(&self, id: ObjectId) -> Result<(), Error> {
        self.act(Method::Post, id, "/release").await
    }

    /// Takes one out; its sender is told. By its key: where the answer was lost and it has ended then, it is out.
    ///
    /// # Errors
    /// As [`OutgoingQueue::hold`].
    pub async fn delete(&self, id: ObjectId) -> Result<(), Error> {
        let call = Call::by_key(Method::Delete, format!("{QUEUE}/{id}"));
        let call = call.by(self.0.administrator()?);
        match self.0.call_empty(&call).await {
            Err(Error::Refused(refusal))
                if refusal.code == ErrorCode::Conflict && call.was_repeated() =>
            {
                Ok(())
            }
            ended => ended,
        }
    }

    async fn act(&self, method: Method, id: ObjectId, act: &str) -> Result<(), Error> {
        let call = Call::safe(method, format!("{QUEUE}/{id}{act}"));
        let call = call.by(self.0.administrator()?);
        self.0.call_empty(&call).await
    }
}
