//! From the bytes of a mail to what is kept of it: off the threads that serve others, and within the budget for reading.

use super::{Refusal, claimed, envelope};
use crate::reading::{Crowded, ReadingSide};
use crate::server::{Server, WriteError, WriterError};
use bytes::Bytes;
use domain::{Envelope, Timestamp};
use vpim::Field;
use vpim::limits::{READING_CONSTANT, READING_FACTOR};

/// A mail that is taken.
pub(super) struct Accepted {
    /// What lists show of it.
    pub envelope: Envelope,
    /// Its canonical form.
    pub body: Vec<u8>,
    /// The address that it says it comes from; empty if it says none.
    pub from: String,
}

/// Reads a mail and judges it. `trace` becomes its first field.
///
/// # Errors
/// [`Refusal::Content`]; [`Refusal::Crowded`] if others read so much that there is no room in time.
pub(super) async fn accept(
    server: &Server,
    raw: Bytes,
    return_path: Option<String>,
    trace: Option<String>,
    received_at: Timestamp,
) -> Result<Accepted, WriteError<Refusal>> {
    let bytes = raw.len() * READING_FACTOR + READING_CONSTANT;
    let held = server.reading().take(ReadingSide::Deposits, bytes).await;
    let held = held.map_err(|Crowded| WriteError::Refused(Refusal::Crowded))?;
    let reading = tokio::task::spawn_blocking(move || {
        let _held = held;
        let mut message = vpim::parse(&raw);
        vpim::judge(&message).map_err(Refusal::Content)?;
        let envelope = envelope(&message, return_path.as_deref(), received_at);
        let from = claimed(message.envelope.from.as_ref(), return_path.as_deref()).to_owned();
        if let Some(trace) = trace {
            message.fields.insert(0, Field::new("Received", trace));
        }
        let body = vpim::canonical(&message);
        Ok::<_, Refusal>(Accepted {
            envelope,
            body,
            from,
        })
    });
    match reading.await {
        Ok(read) => read.map_err(WriteError::Refused),
        Err(_) => Err(WriterError::OutOfService.into()),
    }
}
