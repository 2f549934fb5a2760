//! What belongs to one user besides messages: greetings, distribution lists, and how the user is reached.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// What is played when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GreetingSlot {
    /// To callers from outside.
    External,
    /// To callers from inside.
    Internal,
    /// To everybody while the owner is away for some time.
    Temporary,
    /// The owner's name, spoken by the owner.
    RecordedName,
}

/// A greeting in `GET /api/v1/greetings`; its sound is at `/api/v1/greetings/{slot}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GreetingRow {
    /// What it is for.
    pub slot: GreetingSlot,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its length in milliseconds.
    pub duration_ms: u64,
    /// When the temporary greeting switches itself off, or did: then it is kept, and callers hear the others. `null`: never.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
}

/// `PATCH /api/v1/greetings/temporary`: how long it takes the place of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GreetingEnd {
    /// Up to then, from now on; a moment that has passed switches it off. `null`: for as long as it is recorded.
    pub ends_at: Option<Timestamp>,
}

/// A personal distribution list, in `GET /api/v1/lists`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DistributionList {
    /// Its number: 1 to 99.
    pub number: u8,
    /// Its title; may be empty.
    pub title: String,
    /// Its addresses in order: mailbox numbers, or `local-part@domain`. At most 200.
    pub addresses: Vec<String>,
}

/// `PUT /api/v1/lists/{number}`: what a list is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListContent {
    /// Its title: at most 60 characters on one line.
    #[serde(default)]
    pub title: String,
    /// Its addresses: mailbox numbers, or `local-part@domain`. At most 200.
    pub addresses: Vec<String>,
}

/// How a user is reached when a message comes: `GET`, `PUT /api/v1/notification`, and for administrators
/// `/api/v1/admin/users/{id}/notification`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactSettings {
    /// Who is told, and when.
    pub notification: Notification,
    /// New messages are played to a telephone.
    pub delivery: PhoneDelivery,
    /// New messages, or word of them, go elsewhere by mail.
    pub forwarding: Forwarding,
}

/// Who is told of new messages, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notification {
    /// Switched on.
    pub on: bool,
    /// Of urgent messages only.
    pub urgent_only: bool,
    /// Tried in this order; at most 10.
    pub targets: Vec<NotificationTarget>,
    /// When; empty: always.
    pub schedule: Vec<Hours>,
}

/// A device that is told of new messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationTarget {
    /// What it is.
    pub device: NotificationDevice,
    /// Its number, or for `text` an address.
    pub address: String,
}

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotificationDevice {
    /// A telephone: it is called.
    Phone,
    /// A pager.
    Pager,
    /// Something that takes a short text by mail.
    Text,
}

/// Times of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hours {
    /// Days as a sum: Monday 1, Tuesday 2, Wednesday 4, Thursday 8, Friday 16, Saturday 32, Sunday 64.
    pub days: u8,
    /// From this minute of the day, 0 to 1439.
    pub from_min: u16,
    /// Up to this minute of the day, 0 to 1440; at or before `from_min`: of the next day.
    pub to_min: u16,
}

/// New messages are played to a telephone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhoneDelivery {
    /// Switched on.
    pub on: bool,
    /// The number that is called, with the prefixes that both servers need.
    pub number: String,
    /// When; empty: always.
    pub schedule: Vec<Hours>,
}

/// New messages, or word of them, go elsewhere by mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Forwarding {
    /// Messages go on to this address; `null`: they do not.
    pub to: Option<String>,
    /// They stay in the mailbox too.
    pub keep_copy: bool,
    /// A short text about each message goes to these addresses (remote text notification); at most 5.
    pub text_to: Vec<String>,
    /// Texts about urgent messages only.
    pub text_urgent_only: bool,
}
