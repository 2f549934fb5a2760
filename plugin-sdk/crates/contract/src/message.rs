//! Mailbox messages as a client sees them.

use crate::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a message mainly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Spoken.
    Voice,
    /// Fax pages.
    Fax,
    /// Text only.
    Text,
    /// Voice and fax together.
    Mixed,
    /// A delivery report (DSN) or a disposition report (MDN).
    Report,
}

/// Where a message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Folder {
    /// Received.
    Inbox,
    /// Sent by the owner.
    Sent,
    /// Deleted by the owner and kept for 7 days, so that deleting can be undone.
    Deleted,
}

/// A person or machine at one end of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Party {
    /// Display name; empty if none was given.
    pub name: String,
    /// VPIM address, `local-part@domain`; empty for a caller without one.
    pub address: String,
    /// Mailbox or telephone number if the address shows one.
    pub number: Option<String>,
}

/// An addressee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "crate::read::RecipientFields")]
pub struct Recipient {
    /// Who.
    #[serde(flatten)]
    pub party: Party,
    /// In Cc rather than To.
    pub copy: bool,
}

/// One row of a message list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageRow {
    /// Identity, the same on both servers.
    pub id: ObjectId,
    /// What it mainly is.
    pub kind: Kind,
    /// Who sent it.
    pub sender: Party,
    /// Its subject; empty if none.
    pub subject: String,
    /// When the first of the two servers accepted it.
    pub received_at: Timestamp,
    /// Length of all its sound, forwarded messages included, in milliseconds; 0 without sound.
    pub duration_ms: u64,
    /// Fax pages; 0 without fax, `null` if they cannot be counted.
    pub pages: Option<u32>,
    /// Not yet heard or read.
    pub unread: bool,
    /// Marked urgent by its sender.
    pub urgent: bool,
    /// Marked private by its sender: it must not be forwarded.
    pub private: bool,
    /// Parts beyond the first voice: forwarded messages, fax, text and others.
    pub attachments: u32,
    /// Where it lies.
    pub folder: Folder,
    /// Held by this server only so far: it is on its way to the partner.
    pub one_server_only: bool,
    /// Its sender is said to be a mailbox of this pair, and nothing proves it: it may be somebody else. Servers of before leave it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sender_unverified: bool,
    /// Of what one has sent: to whom, the first four. Of what was received it is left out, and so by servers of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent_to: Vec<Party>,
}

/// `GET /api/v1/messages`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageList {
    /// Newest first; at most the `limit` of the request (default 500), and fewer where they are long: `next` says whether there are more.
    pub messages: Vec<MessageRow>,
    /// Pass as `before` to get the next page, of the same query; `null` at the end. Where few of many messages meet a query, a page may be short, or
    /// empty, although there is a next one.
    pub next: Option<String>,
    /// Counts over the whole mailbox.
    pub counts: Counts,
    /// What the mailbox may hold. Servers of before leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<MailboxLimits>,
    /// When the list was read.
    pub as_of: Timestamp,
}

/// Counts over one mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Messages in the inbox.
    pub inbox: u32,
    /// Of these, not yet heard or read.
    pub unread: u32,
    /// Messages in Sent.
    pub sent: u32,
    /// Messages in Deleted.
    pub deleted: u32,
    /// Messages of the mailbox that this server alone holds so far.
    pub one_server_only: u32,
    /// Bytes of the messages in Inbox and Sent. Servers of before leave it out.
    #[serde(default)]
    pub bytes: u64,
    /// Bytes of the messages in Deleted, which are counted apart. Servers of before leave it out.
    #[serde(default)]
    pub deleted_bytes: u64,
}

/// What one mailbox may hold. Beyond any of it new messages are put off; deleting always works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MailboxLimits {
    /// Messages in Inbox and Sent together.
    pub messages_max: u64,
    /// Their bytes.
    pub bytes_max: u64,
    /// Messages in Deleted.
    pub deleted_messages_max: u64,
    /// Their bytes.
    pub deleted_bytes_max: u64,
}

/// Deleted was emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Emptied {
    /// Messages that went for good; 0 if nothing was in it.
    pub messages: u64,
}

/// `GET /api/v1/messages/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "crate::read::DetailFields")]
pub struct MessageDetail {
    /// The row it has in the list.
    #[serde(flatten)]
    pub row: MessageRow,
    /// To and Cc.
    pub recipients: Vec<Recipient>,
    /// Its content in order.
    pub parts: Vec<Part>,
    /// Sentences about sound that was announced and cannot be had: what cannot be played, is empty, is missing or shorter than announced; and, of what
    /// one has sent to other systems, what became of it for each recipient there. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// One part of a message. `index` counts the parts that have content of their own depth first, forwarded messages included, from 0;
/// it is what `GET /api/v1/messages/{id}/audio?part=N` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    try_from = "crate::read::PartFields"
)]
pub enum Part {
    /// Sound.
    Voice {
        /// Position for the audio request.
        index: u32,
        /// What the sound is for.
        purpose: VoicePurpose,
        /// Length in milliseconds, computed from the sound itself.
        duration_ms: u64,
    },
    /// Fax pages.
    Fax {
        /// Position.
        index: u32,
        /// Pages, if they could be counted.
        pages: Option<u32>,
    },
    /// Text.
    Text {
        /// Position.
        index: u32,
        /// The text, at most 64 KiB of it; what is cut ends in `…`. Of all texts of a message together 256 KiB are given; a text beyond
        /// comes as `other`.
        text: String,
    },
    /// A forwarded message.
    Forwarded {
        /// Who sent it.
        sender: Party,
        /// Its subject.
        subject: String,
        /// When it was sent, if it says so.
        sent_at: Option<Timestamp>,
        /// Its own parts.
        #[cfg_attr(feature = "openapi", schema(no_recursion))]
        parts: Vec<Part>,
    },
    /// A visiting card.
    Card {
        /// Position.
        index: u32,
        /// The name on it.
        name: String,
    },
    /// What became of a message sent earlier: a delivery report (RFC 3464) or a disposition report (RFC 8098).
    Report {
        /// One sentence for the reader.
        summary: String,
        /// The addressee it is about.
        recipient: String,
        /// Enhanced status code (RFC 3463) such as `5.1.1`, or the disposition such as `displayed`.
        status: String,
        /// Message-ID of the message it is about. Of several reports in a row that are about one message, the first has it.
        original_message_id: Option<String>,
    },
    /// Something that cannot be shown or played here.
    Other {
        /// Position.
        index: u32,
        /// Its MIME type.
        media_type: String,
        /// Bytes.
        size: u64,
    },
}

/// What a piece of sound is for (RFC 3801 section 4.3.4: the `voice` parameter).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VoicePurpose {
    /// The message itself.
    Message,
    /// The sender's recorded name.
    OriginatorSpokenName,
    /// The addressee's recorded name.
    RecipientSpokenName,
    /// The spoken subject.
    SpokenSubject,
    /// The spoken part of a report.
    Notification,
}

/// `PATCH /api/v1/messages/{id}`: what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessagePatch {
    /// Mark as unread or as read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<bool>,
    /// `false` takes it out of Deleted, `true` is what `DELETE` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}
