//! Composing: drafts, what is recorded and attached for them, whom an address leads to, and handing a draft in.

use crate::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// Somebody to whom a draft goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Addressee {
    /// A mailbox number, or an address `mailbox@host`, as it was entered; 1 to 254 characters.
    pub address: String,
    /// The name that was chosen with it; may be empty.
    #[serde(default)]
    pub name: String,
    /// In Cc rather than To.
    #[serde(default)]
    pub copy: bool,
}

/// What a draft does with another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceAction {
    /// It answers it.
    Reply,
    /// It passes it on, with all that is in it.
    Forward,
}

/// The message that a draft answers or passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftSource {
    /// Which of the two.
    pub action: SourceAction,
    /// The message, in one's own mailbox.
    pub message: ObjectId,
}

/// `PUT /api/v1/drafts/{id}`: what is typed and chosen of a message that is being composed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftContent {
    /// To whom; at most 500. May be empty until it is sent.
    #[serde(default)]
    pub recipients: Vec<Addressee>,
    /// Its subject: at most 400 characters on one line.
    #[serde(default)]
    pub subject: String,
    /// Its text: at most 64 KiB.
    #[serde(default)]
    pub text: String,
    /// It is to be marked urgent.
    #[serde(default)]
    pub urgent: bool,
    /// It is to be marked private: whoever gets it must not forward it.
    #[serde(default)]
    pub private: bool,
    /// What it answers or passes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<DraftSource>,
}

/// What a part of a draft is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Sound: a recording, or a file of sound.
    Voice,
    /// Fax pages: a TIFF file.
    Fax,
}

/// What was recorded or attached for a draft, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftPart {
    /// Its identity, drawn by the client that recorded it. Parts come in the order of their identities.
    pub id: ObjectId,
    /// What it is.
    pub kind: PartKind,
    /// The name of its file; may be empty.
    pub name: String,
    /// Bytes from its beginning on that are here without a gap: an upload goes on there.
    pub received: u64,
    /// All of it is here.
    pub whole: bool,
}

/// `GET /api/v1/drafts/{id}`, and what is answered when it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// Its identity, drawn by the client that began it.
    pub id: ObjectId,
    /// When what is typed and chosen was changed last.
    pub changed_at: Timestamp,
    /// What is typed and chosen.
    pub content: DraftContent,
    /// What was recorded and attached, in order.
    pub parts: Vec<DraftPart>,
}

/// A draft in `GET /api/v1/drafts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftRow {
    /// Its identity.
    pub id: ObjectId,
    /// When what is typed and chosen was changed last.
    pub changed_at: Timestamp,
    /// The first four of those to whom it goes.
    pub recipients: Vec<Addressee>,
    /// How many those are in all.
    pub recipients_count: u32,
    /// Its subject.
    pub subject: String,
    /// The beginning of its text: at most 200 characters.
    pub text: String,
    /// What was recorded and attached, in order.
    pub parts: Vec<DraftPart>,
}

/// `POST /api/v1/messages`: hands a draft in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSubmission {
    /// An identity that the client has drawn (a UUIDv7). The same request with the same identity may be repeated, at either server.
    pub id: ObjectId,
    /// The draft. It is gone when it has been handed in.
    pub draft: ObjectId,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submission {
    /// Its identity.
    pub id: ObjectId,
    /// The message in Sent that was made of it.
    pub message: ObjectId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

/// `POST /api/v1/addresses`: what these addresses lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddressQuery {
    /// As they were entered; at most 500.
    pub addresses: Vec<String>,
}

/// What an address leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResolvedAddress {
    /// The name of whoever is reached; empty if nobody is.
    pub name: String,
    /// The number of the mailbox that is reached; empty if none is.
    pub number: String,
    /// Its address, `number@host`; empty if none is reached.
    pub address: String,
    /// Why nobody is reached, in a sentence for people; `null` if somebody is.
    pub unreachable: Option<String>,
}
