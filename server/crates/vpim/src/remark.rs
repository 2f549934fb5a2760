//! What the reader of an accepted message is told of sound that was announced and cannot be had.

use std::fmt;

use crate::content::{Content, Message, Part};
use crate::envelope::Container;
use crate::limits::LABEL_CHARS_MAX;
use crate::mime::field;
use crate::voice::Voice;

/// Something that a reader would wonder about. `Display` gives the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A recording that cannot be played here, and is kept as an attachment.
    Unplayable {
        /// The content type, or the trouble with the file.
        what: String,
    },
    /// A recording without any sound.
    Empty,
    /// A recording that was announced with more (`Content-Duration`, RFC 3803) than it has.
    Short {
        /// Seconds that the sender says.
        announced_s: u32,
        /// Seconds that there are.
        heard_s: u32,
    },
    /// A voice message without a recording, and without a fax, which may travel alone in the container of voice messages (RFC 3801).
    Missing,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::Unplayable { what } => write!(
                f,
                "The message contains {what}, which cannot be played here. It is kept as an attachment."
            ),
            Remark::Empty => {
                f.write_str("A recording of this message is empty: there is nothing to hear in it.")
            }
            Remark::Short {
                announced_s,
                heard_s,
            } => write!(
                f,
                "A recording of this message was announced with {announced_s} seconds, but only {heard_s} arrived."
            ),
            Remark::Missing => f.write_str(
                "This was announced as a voice message, but there is no recording in it.",
            ),
        }
    }
}

/// What is to be said of the sound of a message and of those that it encloses, in the order of the parts. Nothing of the original in a
/// report: its reader has heard it.
pub fn remarks(message: &Message<'_>) -> Vec<Remark> {
    if matches!(message.container, Container::Report(_)) {
        return Vec::new();
    }
    let mut remarks: Vec<_> = message.parts.iter().flat_map(of_part).collect();
    let is_there = |part: &Part<'_>| has_sound(part) || matches!(part.content, Content::Fax(_));
    if is_announced(message) && !message.parts.iter().any(is_there) {
        remarks.push(Remark::Missing);
    }
    remarks
}

fn of_part(part: &Part<'_>) -> Vec<Remark> {
    match &part.content {
        Content::Forwarded(inner) => remarks(inner),
        Content::Voice(voice) if voice.samples() == 0 => vec![Remark::Empty],
        Content::Voice(voice) => short(voice).into_iter().collect(),
        _ => {
            let what = part.unplayable();
            what.map(|what| Remark::Unplayable { what })
                .into_iter()
                .collect()
        }
    }
}

/// Senders round, and some count what they cut off: a tenth less and two seconds are nothing to speak of.
fn short(voice: &Voice<'_>) -> Option<Remark> {
    let announced_s = voice.claimed_duration_s?;
    let heard_s = u32::try_from(voice.duration_ms() / 1_000).unwrap_or(u32::MAX);
    let missing = announced_s.saturating_sub(heard_s);
    let is_short = missing > 2 && missing > announced_s / 10;
    is_short.then_some(Remark::Short {
        announced_s,
        heard_s,
    })
}

/// Also sound that is empty, cannot be played, or is in an enclosed message, of which all is said that there is to say.
fn has_sound(part: &Part<'_>) -> bool {
    part.voice().is_some()
        || part.is_labelled_sound()
        || matches!(part.content, Content::Forwarded(_))
}

/// Says of itself that it is a voice message: by its container, or by its context (RFC 3458).
fn is_announced(message: &Message<'_>) -> bool {
    let context = field::find_within(&message.fields, "message-context", LABEL_CHARS_MAX);
    let context =
        context.is_some_and(|context| context.trim().eq_ignore_ascii_case("voice-message"));
    context || message.container == Container::VoiceMessage
}
