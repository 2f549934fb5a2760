//! What is on its way to other systems, as administrators see it.

use crate::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// How it stands with a recipient on another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QueuedState {
    /// Not yet delivered.
    Waiting,
    /// The other system has taken it.
    Delivered,
    /// It cannot be delivered; its sender was told.
    Failed,
}

/// A recipient of a message in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuedRecipient {
    /// Its address, `local-part@domain`.
    pub address: String,
    /// How it stands.
    pub state: QueuedState,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// When it is tried next; `null` if at once, or not any more.
    pub next_attempt_at: Option<Timestamp>,
    /// When it ended; `null` while it waits.
    pub ended_at: Option<Timestamp>,
    /// What the other system said last, or why it could not be asked; empty if it was not tried yet. At most 300 characters.
    pub said: String,
}

/// `GET /api/v1/admin/queue`: a message to other systems that is on its way, or was lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuedMessage {
    /// Identity, the same on both servers.
    pub id: ObjectId,
    /// Mailbox number of its sender; empty if that is not known.
    pub sender: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Its length.
    pub bytes: u64,
    /// The answering server delivers it; else its partner does.
    pub carried_here: bool,
    /// An administrator holds it back.
    pub held: bool,
    /// How it stands with each recipient on another system.
    pub recipients: Vec<QueuedRecipient>,
}
