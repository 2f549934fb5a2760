//! Personal distribution lists.

use super::call::Call;
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{DistributionList, ListContent};
use std::rc::Rc;

const LISTS: &str = "/api/v1/lists";

/// The distribution lists of the user who is logged in. See [`crate::Client::lists`].
///
/// All calls are safe to repeat: a list goes by its number, and its entries have ids that follow from what they are.
pub struct Lists(pub(super) Rc<Driver>);

impl Lists {
    /// All of them, in order of their numbers.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn all(&self) -> Result<Vec<DistributionList>, Error> {
        let call = Call::safe(Method::Get, LISTS.to_owned()).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// Says what the list with this number, 1 to 99, is from now on.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for what cannot be on a list, and with `forbidden` when there is too much on them.
    pub async fn set(&self, number: u8, content: &ListContent) -> Result<DistributionList, Error> {
        let call = Call::safe(Method::Put, format!("{LISTS}/{number}")).by(self.0.user()?);
        self.0.call_json(&call.with_json(content)?).await
    }

    /// Removes a list. One that is not there is no error.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn remove(&self, number: u8) -> Result<(), Error> {
        let call = Call::safe(Method::Delete, format!("{LISTS}/{number}")).by(self.0.user()?);
        self.0.call_empty(&call).await
    }
}
