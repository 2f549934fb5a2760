//! What a server tells a client that listens: `GET /api/v1/events`, server-sent events whose `data` is one [`Event`] each.

use crate::{Counts, Discovery, MessageRow, ObjectId};
use serde::{Deserialize, Serialize};

/// Something happened. A comment line is sent every 15 s when nothing else is, as a sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(
    tag = "event",
    rename_all = "snake_case",
    try_from = "crate::read::EventFields"
)]
pub enum Event {
    /// The first event of a stream, and again whenever the server's service or its pair changes.
    Server {
        /// The server's present word on itself.
        discovery: Discovery,
    },
    /// A message is new or has changed; the row replaces the one with the same id.
    Message {
        /// Its present row.
        row: MessageRow,
        /// It was not there before.
        arrived: bool,
        /// Counts after it.
        counts: Counts,
    },
    /// A message is gone for good.
    Gone {
        /// Which.
        id: ObjectId,
        /// Counts after it.
        counts: Counts,
    },
    /// A draft, or something recorded for one, is new, has changed or is gone: the drafts have to be read again. Servers of before do not tell it.
    Drafts,
    /// The stream was too slow and lost events: the list has to be read again.
    Resync,
    /// The session has ended (password changed, logged out everywhere, user deleted): log in again.
    Ended,
}
