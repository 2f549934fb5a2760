//! Logging in.

use crate::{Discovery, ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// `POST /api/v1/session`: mailbox number and password.
///
/// It has no `Debug` that shows the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Login {
    /// The mailbox number, digits only.
    pub mailbox: String,
    /// The mailbox password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("mailbox", &self.mailbox)
            .finish_non_exhaustive()
    }
}

/// The answer to a log-in, and of `GET /api/v1/session`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// A Bearer token that both servers of the pair accept.
    pub token: String,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// Whose mailbox it opens.
    pub mailbox: Mailbox,
    /// The server that the user belongs to: the primary. The client prefers it whenever it is in service and caught up.
    pub primary: String,
    /// The pair as the answering server knows it, so that a client learns the partner at log-in without configuration (R29).
    pub discovery: Discovery,
    /// Nothing but the session itself is answered before the user has chosen a new password (`PUT /api/v1/session/password`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password_change_needed: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("mailbox", &self.mailbox)
            .field("expires_at", &self.expires_at)
            .field("primary", &self.primary)
            .finish_non_exhaustive()
    }
}

/// The owner of a mailbox as the owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mailbox {
    /// Identity of the user.
    pub user: ObjectId,
    /// Mailbox number.
    pub number: String,
    /// Display name.
    pub name: String,
}
