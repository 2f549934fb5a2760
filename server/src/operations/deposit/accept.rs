//! From the bytes of a mail to what is kept of it: off the threads that serve others, and within the budget for reading.
//!
//! What is kept follows from the mail alone, and nothing of this server or this moment goes into it: so a mail that comes again, here or at the
//! partner, gives the same body.

use super::text::text;
use super::{Refusal, claimed, envelope};
use crate::reading::{Crowded, ReadingSide};
use crate::server::{Server, WriteError, WriterError};
use bytes::Bytes;
use domain::{BodyRef, Envelope, Timestamp};
use vpim::limits::{READING_CONSTANT, READING_FACTOR};

/// A mail that is taken.
pub(super) struct Accepted {
    /// What lists show of it.
    pub envelope: Envelope,
    /// Its canonical form.
    pub body: Vec<u8>,
    /// What identifies its content, if it has a Message-ID.
    pub identified: Option<BodyRef>,
    /// The beginning of its texts.
    pub text: String,
    /// The address that it says it comes from; empty if it says none.
    pub from: String,
}

/// Reads a mail and judges it.
///
/// # Errors
/// [`Refusal::Content`]; [`Refusal::Crowded`] if others read so much that there is no room in time.
pub(super) async fn accept(
    server: &Server,
    raw: Bytes,
    return_path: Option<String>,
    received_at: Timestamp,
) -> Result<Accepted, WriteError<Refusal>> {
    let bytes = raw.len() * READING_FACTOR + READING_CONSTANT;
    let held = server.reading().take(ReadingSide::Deposits, bytes).await;
    let held = held.map_err(|Crowded| WriteError::Refused(Refusal::Crowded))?;
    let reading = tokio::task::spawn_blocking(move || {
        let _held = held;
        let message = vpim::parse(&raw);
        vpim::judge(&message).map_err(Refusal::Content)?;
        let envelope = envelope(&message, return_path.as_deref(), received_at);
        let from = claimed(message.envelope.from.as_ref(), return_path.as_deref()).to_owned();
        let text = text(&message);
        let body = vpim::canonical(&message);
        let identity = message.envelope.message_id.as_ref();
        let identified = identity.map(|_| BodyRef::of(&body));
        Ok::<_, Refusal>(Accepted {
            envelope,
            body,
            identified,
            text,
            from,
        })
    });
    match reading.await {
        Ok(read) => read.map_err(WriteError::Refused),
        Err(_) => Err(WriterError::OutOfService.into()),
    }
}
