//! What administrators see and set, below `/api/v1/admin`.

use crate::{GrTask, HeldMailbox, ObjectId, Timestamp};
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
    /// Locked by an administrator.
    pub locked: bool,
    /// Messages in the mailbox here.
    pub messages: u32,
    /// The change of this user has not reached the partner yet.
    pub waiting: bool,
    /// Number of the mailbox class.
    #[serde(default = "first_class")]
    pub class: u32,
    /// DNs: the telephone numbers of the user's own.
    #[serde(default)]
    pub dns: Vec<String>,
    /// Notification device class. It is each server's own: a GR user always has *No Service* (R4).
    #[serde(default)]
    pub device_class: String,
}

fn first_class() -> u32 {
    1
}

/// An entry of the audit trail: something that an administrator did, a sign-in, or somebody who was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditTrailEntry {
    /// Names the entry on this server; `before` takes it.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What was done, such as `user.create` or `sign-in`.
    pub action: String,
    /// How it ended: `done`, `right`, `wrong-password`, `delayed`, `refused-409`, …
    pub result: String,
    /// Who did it: an administrator, `root`, a mailbox number; in round brackets where it is not known.
    pub who: String,
    /// From where: an address, or `local` and the process.
    pub from: String,
    /// What it was done to, such as a mailbox number, and what of it.
    pub target: String,
    /// So many alike were counted together.
    pub times: u32,
}

/// `POST /api/v1/admin/users`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewUser {
    /// Identity of the user, a UUIDv7 that the client has drawn: a request with the same id and content finds the user that the first
    /// one made, and is answered the same. The server draws one if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ObjectId>,
    /// Mailbox number: 3 to 20 digits.
    pub mailbox: String,
    /// Display name.
    pub name: String,
    /// First password.
    pub password: String,
    /// The user has to choose another one at the first sign-in, before anything else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_change: bool,
    /// Number of a mailbox class of the answering server; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u32>,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser")
            .field("mailbox", &self.mailbox)
            .finish_non_exhaustive()
    }
}

/// `PATCH /api/v1/admin/users/{id}`: what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of a mailbox class of the answering server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u32>,
    /// All DNs, at most 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Vec<String>>,
    /// Notification device class; for local users only. Empty: *No Service*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_class: Option<String>,
    /// Locked by an administrator, or no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
}

/// `PUT /api/v1/admin/users/{id}/password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPassword {
    /// The new password.
    pub password: String,
    /// The user has to choose another one at the next sign-in, before anything else. Not for administrators.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_change: bool,
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
    /// The partner was heard a short while ago in an incarnation that it had left: it runs twice, or was resumed from a snapshot.
    #[serde(default)]
    pub runs_twice: bool,
    /// Since when.
    pub since: Timestamp,
    /// The last moment, by the answering server's clock, after which the partner lived for certain; `null`: it was not heard yet. An idle pair exchanges
    /// a message every `gr.heartbeat_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Timestamp>,
    /// Changes of users, lists and settings that the partner has not acknowledged.
    pub users: LaneBacklog,
    /// Messages that the partner has not acknowledged.
    pub messages: LaneBacklog,
    /// Messages whose content only this server holds.
    pub one_server_only: u64,
    /// What the partner last said of its own backlog towards this server; `null` if it has not.
    pub partner_backlog: Option<u64>,
    /// Time from sending to the partner's acknowledgement, smoothed, in milliseconds.
    pub round_trip_ms: Option<u64>,
    /// The partner is running, but the link is slow: it carries little, or answers take long.
    #[serde(default)]
    pub slow: bool,
    /// Bytes a second that the link carried when there last was much to send; `null` if that was not within the last minute.
    #[serde(default)]
    pub bytes_per_s: Option<u64>,
    /// Difference of the partner's clock, in milliseconds, positive if it is ahead. While it is more than some seconds, sessions may be
    /// refused by the other server, and while it is more than an hour nothing is deleted for its age.
    pub clock_difference_ms: Option<i64>,
    /// By how many milliseconds something that the partner sent lately is dated ahead of both clocks, if that is more than an hour: one of
    /// them was wrong when it was written. It is taken as it is, and whatever is written after it replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated_ahead_ms: Option<i64>,
    /// Mailboxes of this server that are not replicated, each with its reason (R9): the first hundred.
    pub held: Vec<HeldMailbox>,
    /// How many those are altogether.
    #[serde(default)]
    pub held_count: u64,
    /// The task that is open: of this server, or of the partner.
    #[serde(default)]
    pub task: Option<GrTask>,
    /// The answering server's disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskStatus>,
    /// What disks have damaged, and what of it can be had again.
    #[serde(default)]
    pub damage: Damage,
    /// TLS between the two servers, and the certificate of this one.
    #[serde(default)]
    pub tls: GrTls,
    /// What of the answering server's house-keeping fails at present.
    #[serde(default)]
    pub upkeep: Vec<UpkeepStatus>,
    /// This server has a new GR password, and its partner does not have it yet: the old one holds.
    #[serde(default)]
    pub password_changing: bool,
    /// While the partner is not heard, or the password is being changed here: the address from which GR mail came within the last minutes that none of
    /// the keys opens. If the partner is there, the GR passwords differ, or the new ones do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_key_from: Option<String>,
    /// While the partner is not heard: why this server has no connection to it, such as `192.0.2.7:25 is tried: no connection: Connection refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_fault: Option<String>,
}

/// A part of house-keeping that fails and is tried again. Nothing else suffers from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpkeepStatus {
    /// Which part, such as `giving disk space back`.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
    /// How often in a row.
    pub times: u64,
    /// Why, as it was told last.
    pub why: String,
}

/// TLS between the two servers, as the answering one sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrTls {
    /// Fingerprint of the certificate that this server shows, `SHA256:AB:CD:…`; `null` if none of its listeners speaks TLS.
    pub certificate: Option<String>,
    /// How the partner proves who it is: `name`, or the fingerprint that is pinned; `null`: it does not, and mail goes to it without TLS.
    pub partner: Option<String>,
    /// There is a connection to the partner that goes by TLS.
    pub secured: bool,
    /// Why there is none, if the partner did not prove who it is.
    pub fault: Option<String>,
}

/// Whether the clocks of two servers differ by more than time on the way and a lazy time service explain: 10 seconds.
pub fn clocks_differ(difference_ms: i64) -> bool {
    difference_ms.unsigned_abs() > 10_000
}

/// Room on the disk of one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiskStatus {
    /// Bytes that are free, the reserve not counted.
    pub free_bytes: u64,
    /// New messages are put off when less than this would be left free.
    pub spare_bytes: u64,
    /// Bytes kept back for deleting on a full disk.
    pub reserve_bytes: u64,
    /// New messages are being put off.
    pub low: bool,
    /// What the partner sends is put off when less than this would be left free. Servers of before leave it out.
    #[serde(default)]
    pub partner_spare_bytes: u64,
    /// What the partner sends is being put off, too. Servers of before leave it out.
    #[serde(default)]
    pub low_for_partner: bool,
}

/// What disks have damaged at rest, as the answering server knows it. All is well when everything is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Damage {
    /// Contents of messages and greetings that are missing here, each counted once; they are asked from the partner.
    pub bodies_missing: u64,
    /// Of these, so many that the partner lacks, too: no copy is left.
    pub bodies_no_copy: u64,
    /// Users, messages and other objects whose rows cannot be read here; they are asked from the partner.
    pub rows_unreadable: u64,
    /// Of these, so many that the partner does not know either.
    pub rows_lost: u64,
    /// Contents and objects that are damaged on the partner: of these the answering server may have the only good copy.
    pub only_here: u64,
    /// When everything stored here was last read through; `null` if it never was.
    pub scrubbed_at: Option<Timestamp>,
}

impl Damage {
    /// Whether something is damaged, here or on the partner.
    pub fn is_any(&self) -> bool {
        self.bodies_missing + self.rows_unreadable + self.only_here > 0
    }
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
    /// How the partner proves by TLS who it is: `off` (it does not), `name` (its certificate has its name, and an authority vouches for
    /// it), or the fingerprint of its certificate (`SHA256:AB:CD:…`). Absent: as before, and `off` for a new partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// Whether another password than the one that holds is to hold at once, as [`NewGrPassword::at_once`] says.
    #[serde(default)]
    pub at_once: bool,
}

/// `PUT /api/v1/admin/gr/password`: changes the GR password. Done on both servers, in any order; until the second has it the old one holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewGrPassword {
    /// The new one. The old one, entered again, gives up a change that was begun.
    pub password: String,
    /// For one that has become known to others: what the old one has sealed is taken no longer, sessions of users included, and the two servers
    /// do not hear each other until both have the new one.
    #[serde(default)]
    pub at_once: bool,
}

impl std::fmt::Debug for NewGrPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewGrPassword")
            .field("at_once", &self.at_once)
            .finish_non_exhaustive()
    }
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
