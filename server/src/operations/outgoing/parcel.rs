//! A message as it leaves for another system.

use super::super::messages;
use crate::reading::ReadingSide;
use crate::server::{Server, WriterError};
use bytes::Bytes;
use domain::{DeliveryState, ObjectId, OutgoingMessage, Timestamp};
use vpim::limits::READING_CONSTANT;
use vpim::{Date, Transfer};

/// To read a message and to write it anew takes so many times its length: the samples of a piece aside, the message, its recordings as G.726, and the mail in
/// base64.
const WRITING_FACTOR: usize = 4;

/// What is sent in one transaction.
pub struct Parcel {
    /// The reverse path.
    pub from: String,
    /// Those of the recipients that wait still.
    pub recipients: Vec<(u64, String)>,
    /// The mail, in lines of 7 bits.
    pub content: Bytes,
}

/// Why there is nothing to be sent.
#[derive(Debug)]
pub enum NoParcel {
    /// It has ended, is held, or is delivered by the partner meanwhile.
    NotWanted,
    /// Not at present.
    NotNow(String),
}

/// Reads a message anew and writes it for these of its recipients: it may have been held or taken over since it was found due.
///
/// # Errors
/// [`NoParcel`].
pub async fn take(
    server: &Server,
    id: ObjectId,
    wanted: Vec<(u64, String)>,
) -> Result<Parcel, NoParcel> {
    let failed = |error: WriterError| NoParcel::NotNow(error.to_string());
    let read = server.read(move |readers| readers.snapshot(|view| view.object(&id)));
    let object = read.await.map_err(failed)?.ok_or(NoParcel::NotWanted)?;
    let outgoing = OutgoingMessage::of(&object).ok_or(NoParcel::NotWanted)?;
    let new = outgoing.new_outgoing().ok_or(NoParcel::NotWanted)?;
    let waits = |n: u64| matches!(outgoing.state(n), DeliveryState::Waiting { .. });
    let recipients: Vec<_> = wanted.into_iter().filter(|(n, _)| waits(*n)).collect();
    if recipients.is_empty() || outgoing.is_held() || new.carrier != server.home() {
        return Err(NoParcel::NotWanted);
    }
    let body = outgoing.body();
    let len = body.map_or(0, |body| body.len as usize);
    let bytes = len.saturating_mul(WRITING_FACTOR) + READING_CONSTANT;
    let held = server.reading().take(ReadingSide::Answers, bytes).await;
    let held = held.map_err(|_| {
        NoParcel::NotNow(
            "so much is being read on this server that there was no room for it".into(),
        )
    })?;
    let trace = trace(&server.config().fqdn, id, new.accepted_at);
    let written = server.read(move |readers| {
        let content = messages::content(readers, body)?;
        Ok(content.map(|content| write(&content, trace)))
    });
    let content = written.await.map_err(failed)?;
    drop(held);
    let content = content.map_err(|_| {
        NoParcel::NotNow(
            "its content is not on this server at present; it is asked from the partner".into(),
        )
    })?;
    Ok(Parcel {
        from: new.from,
        recipients,
        content,
    })
}

/// The same octets whichever server writes it, but for the name of that one in its first line.
fn write(content: &[u8], trace: String) -> Bytes {
    let mut message = vpim::parse_kept(content);
    vpim::as_vpim(&mut message);
    let mut mail = trace.into_bytes();
    mail.append(&mut vpim::encode(&message, Transfer::Base64, 0));
    mail.into()
}

/// How it came (RFC 5321 section 4.4).
fn trace(fqdn: &str, id: ObjectId, at: Timestamp) -> String {
    let date = Date {
        unix_s: at.0.div_euclid(1_000),
        zone_min: 0,
    };
    format!("Received: by {fqdn} with HTTP id {id};\r\n {date}\r\n")
}
