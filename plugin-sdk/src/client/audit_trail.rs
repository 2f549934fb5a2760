//! The audit trail, as an administrator has to do with it.

use super::call::{Call, push_encoded};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{AuditTrailEntry, Timestamp};
use std::rc::Rc;

const AUDIT_TRAIL: &str = "/api/v1/admin/audit-trail";

/// The audit trail of the server in use: administrative acts, sign-ins, and who was refused. See [`crate::Client::audit_trail`];
/// [`crate::client::OwnSession::administer`] says who asks. Each server has its own.
pub struct AuditTrail(pub(super) Rc<Driver>);

/// Which entries of an audit trail; by default all, the newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditTrailQuery<'a> {
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Only what this one did, or was refused.
    pub who: Option<&'a str>,
    /// Older than the entry with this id.
    pub before: Option<i64>,
    /// At most so many, 1,000 unless said.
    pub limit: Option<u32>,
}

impl AuditTrail {
    /// A page of entries, the newest first; the id of its last one is the next page's `before`. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_logged_in` for an administrator whom the server does not know; what every call may fail with.
    pub async fn page(&self, query: AuditTrailQuery<'_>) -> Result<Vec<AuditTrailEntry>, Error> {
        let mut path = format!("{AUDIT_TRAIL}?");
        let mut give = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                path.push_str(&format!("&{name}="));
                push_encoded(&mut path, &value);
            }
        };
        give("since", query.since.map(|at| at.0.to_string()));
        give("until", query.until.map(|at| at.0.to_string()));
        give("who", query.who.map(str::to_owned));
        give("before", query.before.map(|id| id.to_string()));
        give("limit", query.limit.map(|limit| limit.to_string()));
        let call = Call::safe(Method::Get, path).by(self.0.administrator()?);
        self.0.call_json(&call).await
    }
}
