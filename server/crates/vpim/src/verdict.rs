//! Whether a voice mailbox takes a message, and what the sender is told if not.

use crate::content::Content;
use crate::content::Message;
use crate::envelope::{Container, Fault};
use crate::limits::{DEPTH_MAX, FIELDS_MAX, HEADER_LEN_MAX, PARTS_MAX};
use crate::report::StatusCode;
use crate::summary::{Kind, Summary};
use crate::voice::{Purpose, Voice};

/// Why a message is not taken. `Display` gives the sentence for the SMTP reply.
///
/// | what | reply | why this code |
/// |---|---|---|
/// | nothing but recordings that cannot be decoded | 554 5.6.1 | RFC 3801 section 4.4: "media not supported" |
/// | a fault of the MIME structure | 554 5.6.0 | RFC 3463 section 3.7: content undeliverable, "the problem cannot be well expressed with any of the other provided detail codes" |
///
/// 5.5.2 would be wrong for the second: class X.5 is about the SMTP dialogue, which was sound. A private message is no
/// reason to refuse: mailboxes here keep it from being forwarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message contains a recording in an encoding that cannot be played here, and says nothing else.
    #[error(
        "The message contains {what}, which this system cannot play. Send audio/32KADPCM or audio/basic."
    )]
    MediaNotSupported {
        /// The content type, or the trouble with the file.
        what: String,
    },
    /// The structure of the message does not hold.
    #[error("{}", sentence(.0))]
    Malformed(Fault),
}

impl Refusal {
    /// The reply code of SMTP (RFC 5321).
    pub fn smtp_code(&self) -> u16 {
        554
    }

    /// The enhanced status code (RFC 3463).
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::MediaNotSupported { .. } => StatusCode(5, 6, 1),
            Refusal::Malformed(_) => StatusCode(5, 6, 0),
        }
    }
}

fn sentence(fault: &Fault) -> String {
    match fault {
        Fault::Truncated => {
            "The message breaks off before the end of its last part. Send it again.".to_string()
        }
        Fault::NoBoundary => "The message is a multipart without a usable boundary.".to_string(),
        Fault::TooDeep => format!("The message has parts within parts more than {DEPTH_MAX} deep."),
        Fault::TooManyParts => format!("The message has more than {PARTS_MAX} parts."),
        Fault::TooManyFields => {
            format!("The message has more than {FIELDS_MAX} header fields.")
        }
        Fault::HeaderTooLong => format!(
            "The message has a header of more than {} KiB.",
            HEADER_LEN_MAX / 1024
        ),
    }
}

/// Decides on a message: what kind it is, or why it is refused.
///
/// A recording that cannot be played is an attachment of a message that says something else too; [`remarks`](crate::remarks) has the
/// sentence for its reader. Whether this mailbox takes faxes or text, and whether there is room, is not decided here.
pub fn judge(message: &Message<'_>) -> Result<Kind, Refusal> {
    if let Some(fault) = message.fault {
        return Err(Refusal::Malformed(fault));
    }
    match unplayable(message) {
        Some(what) if !says_anything(message) => Err(Refusal::MediaNotSupported { what }),
        _ => Ok(Summary::of(message).kind),
    }
}

/// The first recording that cannot be played. Those of the original inside a report do not count: a report on a message
/// must arrive above all when the message was not understood.
fn unplayable(message: &Message<'_>) -> Option<String> {
    let is_report = matches!(message.container, Container::Report(_));
    message.parts.iter().find_map(|part| match &part.content {
        Content::Forwarded(inner) if !is_report => unplayable(inner),
        _ => part.unplayable(),
    })
}

/// Whether there is something to hear, read or save besides what cannot be played. Who sent nothing else is told, because nobody would
/// learn anything from what arrived.
fn says_anything(message: &Message<'_>) -> bool {
    message.parts.iter().any(|part| match &part.content {
        Content::Voice(voice) => is_message(voice) && voice.samples() > 0,
        Content::Text(text) => !text.is_blank(),
        Content::Forwarded(inner) => says_anything(inner),
        Content::Other { .. } => !part.is_labelled_sound(),
        Content::VCard(_) | Content::Original { .. } => false,
        Content::Fax(_) | Content::DeliveryReport(_) | Content::DispositionReport(_) => true,
    })
}

/// Whether it is what was said, and not a spoken name or subject.
fn is_message(voice: &Voice<'_>) -> bool {
    matches!(voice.purpose, Purpose::VoiceMessage | Purpose::Notification)
}
