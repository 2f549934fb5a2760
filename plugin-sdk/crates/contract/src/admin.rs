//! What administrators see and set, below `/api/v1/admin`.

use crate::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// Whether a user lives here or is a copy of one that lives on the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// A local user.
    Local,
    /// A GR user.
    Gr,
}

/// A user in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserRow {
    /// Identity, the same on both servers.
    pub id: ObjectId,
    /// Mailbox number.
    pub mailbox: String,
    /// Display name.
    pub name: String,
    /// Local user or GR user, as seen from the answering server.
    pub kind: UserKind,
    /// FQDN of the server that the user belongs to.
    pub home: String,
    /// Locked after wrong passwords or by an administrator.
    pub locked: bool,
    /// Messages in the mailbox here.
    pub messages: u32,
    /// The change of this user has not reached the partner yet.
    pub waiting: bool,
}

/// `POST /api/v1/admin/users`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewUser {
    /// Mailbox number: 3 to 20 digits.
    pub mailbox: String,
    /// Display name.
    pub name: String,
    /// First password.
    pub password: String,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser")
            .field("mailbox", &self.mailbox)
            .finish_non_exhaustive()
    }
}

/// `PUT /api/v1/admin/users/{id}/password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPassword {
    /// The new password.
    pub password: String,
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPassword").finish_non_exhaustive()
    }
}

/// The partner's state as the administrator reads it (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PartnerState {
    /// GR is off: no partner is configured.
    NotConfigured,
    /// Check mark: proof of two-way life is fresh.
    Running,
    /// Question mark: not heard for a while, or never.
    Unknown,
    /// X: not heard for a considerable time.
    Down,
    /// X: the partner was taken out of service on purpose.
    CourtesyDown,
}

/// `GET /api/v1/admin/gr`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrStatus {
    /// The answering server's FQDN.
    pub server: String,
    /// The partner's FQDN, if one is configured.
    pub partner: Option<String>,
    /// Its state.
    pub state: PartnerState,
    /// Why the state is what it is, in one sentence.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Changes of users, lists and settings that the partner has not acknowledged.
    pub users: LaneBacklog,
    /// Messages that the partner has not acknowledged.
    pub messages: LaneBacklog,
    /// Messages whose content only this server holds.
    pub one_server_only: u64,
    /// What the partner last said of its own backlog towards this server; `null` if it has not.
    pub partner_backlog: Option<u64>,
    /// Round trip of the last proof of life, in milliseconds.
    pub round_trip_ms: Option<u64>,
    /// Difference of the partner's clock, in milliseconds, positive if it is ahead; only for display.
    pub clock_difference_ms: Option<i64>,
    /// Mailboxes that are not replicated, each with its reason (R9).
    pub held: Vec<HeldMailbox>,
}

/// How far one lane is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaneBacklog {
    /// Objects with a change that the partner has not acknowledged.
    pub count: u64,
    /// When the oldest of them was changed.
    pub oldest: Option<Timestamp>,
}

/// A mailbox that is not replicated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldMailbox {
    /// Identity of the object that is held.
    pub id: ObjectId,
    /// Mailbox number, if it is a user.
    pub mailbox: Option<String>,
    /// Why, in one sentence.
    pub reason: String,
}

/// `PUT /api/v1/admin/gr`: makes the answering server half of a pair. Done on both sides with the same password (R5).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrPair {
    /// The partner's FQDN.
    pub fqdn: String,
    /// Where the partner's SMTP service is reached: `host:port`.
    pub smtp: String,
    /// Base URL of the partner's HTTP service.
    pub http: String,
    /// The GR password, the same on both servers.
    pub password: String,
}

impl std::fmt::Debug for GrPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrPair")
            .field("fqdn", &self.fqdn)
            .field("smtp", &self.smtp)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}
