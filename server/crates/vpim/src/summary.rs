//! What an inbox shows of a message without opening it.

use crate::content::Content;
use crate::content::Message;
use crate::envelope::{Container, Importance, Sensitivity};
use crate::mime::date::Date;
use crate::voice::Purpose;

/// What a message mainly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something to hear, perhaps with a text beside it.
    Voice,
    /// A fax.
    Fax,
    /// Something to read, or nothing at all.
    Text,
    /// Voice with a fax, or either with files, or files alone.
    Mixed,
    /// A report that a message was delivered or not.
    DeliveryReport,
    /// A report that a message was heard, deleted, …
    DispositionReport,
}

/// One row of an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What the message mainly is.
    pub kind: Kind,
    /// Who sent it, as a person should see it; empty if unknown.
    pub sender: String,
    /// The address of the sender; empty if unknown.
    pub sender_address: String,
    /// `Subject`, if there is one.
    pub subject: Option<String>,
    /// When it was sent, as the sender says.
    pub date: Option<Date>,
    /// Length of what is to be heard, enclosed messages included, spoken names and subjects not.
    pub voice_ms: u64,
    /// Pages of all faxes; those of a damaged file are not counted.
    pub fax_pages: u32,
    /// Faxes and files, those of enclosed messages included.
    pub attachments: u32,
    /// `Importance: High`.
    pub urgent: bool,
    /// `Sensitivity: Private`, of this message or of one that it encloses: it must not be forwarded.
    pub private: bool,
    /// It encloses another message.
    pub forwarded: bool,
    /// The sender wants to know when it was heard.
    pub receipt_requested: bool,
}

impl Summary {
    /// Summarises a message. Decodes nothing.
    pub fn of(message: &Message<'_>) -> Summary {
        let tally = Tally::of(message);
        let envelope = &message.envelope;
        let from = envelope.from.as_ref();
        Summary {
            kind: tally.kind(),
            sender: from
                .map(|party| party.display().to_string())
                .unwrap_or_default(),
            sender_address: from.map(|party| party.address.clone()).unwrap_or_default(),
            subject: envelope
                .subject
                .clone()
                .filter(|subject| !subject.is_empty()),
            date: envelope.date,
            voice_ms: tally.voice_ms,
            fax_pages: tally.fax_pages,
            attachments: tally.faxes + tally.others,
            urgent: envelope.importance == Importance::High,
            private: tally.private,
            forwarded: tally.forwarded,
            receipt_requested: !envelope.disposition_notification_to.is_empty(),
        }
    }
}

#[derive(Default)]
struct Tally {
    voices: u32,
    voice_ms: u64,
    faxes: u32,
    fax_pages: u32,
    texts: u32,
    others: u32,
    report: Option<Kind>,
    forwarded: bool,
    private: bool,
}

impl Tally {
    fn of(message: &Message<'_>) -> Tally {
        let mut tally = Tally::default();
        tally.add(message);
        tally
    }

    fn add(&mut self, message: &Message<'_>) {
        self.private |= message.envelope.sensitivity == Sensitivity::Private;
        let is_report = matches!(message.container, Container::Report(_));
        for part in &message.parts {
            match &part.content {
                Content::Voice(voice) => {
                    self.voices += 1;
                    if matches!(voice.purpose, Purpose::VoiceMessage | Purpose::Notification) {
                        self.voice_ms += voice.duration_ms();
                    }
                }
                Content::Fax(fax) => {
                    self.faxes += 1;
                    self.fax_pages += fax.pages().unwrap_or(0);
                }
                Content::Text(text) => self.texts += u32::from(!text.is_blank()),
                Content::Other { .. } => self.others += 1,
                Content::VCard(_) | Content::Original { .. } => {}
                Content::DeliveryReport(_) => {
                    self.report = self.report.or(Some(Kind::DeliveryReport))
                }
                Content::DispositionReport(_) => {
                    self.report = self.report.or(Some(Kind::DispositionReport))
                }
                // In a report this is the original, which its sender knows.
                Content::Forwarded(_) if is_report => {}
                Content::Forwarded(inner) => {
                    self.forwarded = true;
                    // A report that somebody forwards is something to read, not a report to its reader.
                    let report = self.report;
                    self.add(inner);
                    self.report = report;
                }
            }
        }
    }

    fn kind(&self) -> Kind {
        match (
            self.report,
            self.voices > 0,
            self.faxes > 0,
            self.others > 0,
        ) {
            (Some(report), ..) => report,
            (None, true, false, false) => Kind::Voice,
            (None, false, false, false) => Kind::Text,
            // A fax may be announced by the spoken name of its sender.
            (None, _, true, false) if self.voice_ms == 0 => Kind::Fax,
            _ => Kind::Mixed,
        }
    }
}
