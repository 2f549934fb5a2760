//! What the header of a message says: who, when, how urgent, and how its parts belong together.

use crate::mime::date::Date;
use crate::mime::field::Field;
use crate::mime::party::Party;
use crate::mime::{parameter::Structured, word};

/// What holds the parts together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// `multipart/voice-message`: a VPIM message.
    VoiceMessage,
    /// `multipart/report` with this `report-type`, lower case. An enclosed message is here the original reported on.
    Report(String),
    /// Any other multipart, by its subtype, lower case.
    Multipart(String),
    /// No multipart: one part is the whole body.
    Single,
}

/// Why the bytes cannot be trusted to be the whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The closing boundary line of the outermost multipart is missing: the message was cut off.
    Truncated,
    /// A multipart without a usable `boundary`.
    NoBoundary,
    /// Nested deeper than [`DEPTH_MAX`](crate::DEPTH_MAX).
    TooDeep,
    /// More parts than [`PARTS_MAX`](crate::PARTS_MAX).
    TooManyParts,
    /// A header block longer than [`HEADER_LEN_MAX`](crate::HEADER_LEN_MAX).
    HeaderTooLong,
}

/// The header in types (RFC 3801 section 4.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    /// `From`, or `Sender` when that is missing.
    pub from: Option<Party>,
    /// All `To` fields together.
    pub to: Vec<Party>,
    /// All `Cc` fields together.
    pub cc: Vec<Party>,
    /// `Subject`, decoded.
    pub subject: Option<String>,
    /// `Date`; `None` if it is missing or cannot be read.
    pub date: Option<Date>,
    /// `Message-ID` without angle brackets, which some senders forget.
    pub message_id: Option<String>,
    /// `Sensitivity`.
    pub sensitivity: Sensitivity,
    /// `Importance`.
    pub importance: Importance,
    /// Who wants to know when the message was heard (RFC 8098).
    pub disposition_notification_to: Vec<Party>,
    /// `Content-Language` of the message.
    pub language: Option<String>,
}

/// `Sensitivity` (RFC 3801 section 4.2.14). Only `Private` means something to VPIM: no forwarding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sensitivity {
    /// No restriction.
    #[default]
    Normal,
    /// Must not be forwarded.
    Private,
    /// Of X.400; VPIM systems should not send it.
    Personal,
    /// Of X.400; VPIM systems should not send it.
    CompanyConfidential,
}

/// `Importance` (RFC 3801 section 4.2.15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Importance {
    /// Can wait.
    Low,
    /// As usual.
    #[default]
    Normal,
    /// Urgent.
    High,
}

impl Envelope {
    /// Reads the fields of a message's header.
    pub(crate) fn read(fields: &[Field<'_>]) -> Envelope {
        let mut envelope = Envelope::default();
        let mut sender = None;
        for field in fields {
            envelope.take(field, &mut sender);
        }
        envelope.from = envelope.from.or(sender);
        envelope
    }

    fn take(&mut self, field: &Field<'_>, sender: &mut Option<Party>) {
        let value = field.value();
        match field.name().to_ascii_lowercase().as_str() {
            "from" if self.from.is_none() => {
                self.from = Party::read_list(&value).into_iter().next()
            }
            "sender" if sender.is_none() => *sender = Party::read_list(&value).into_iter().next(),
            "to" => self.to.extend(Party::read_list(&value)),
            "cc" => self.cc.extend(Party::read_list(&value)),
            "subject" if self.subject.is_none() => self.subject = Some(word::decode(&value)),
            "date" if self.date.is_none() => self.date = Date::read(&value),
            "message-id" if self.message_id.is_none() => self.message_id = message_id(&value),
            "sensitivity" => self.sensitivity = sensitivity(&value),
            "importance" => self.importance = importance(&value),
            "disposition-notification-to" => self
                .disposition_notification_to
                .extend(Party::read_list(&value)),
            "content-language" if self.language.is_none() => self.language = language(&value),
            _ => {}
        }
    }
}

/// The identifier without angle brackets and blanks, or what stands there when there are none.
pub(crate) fn message_id(value: &str) -> Option<String> {
    let inner = value
        .split_once('<')
        .map_or(value, |(_, rest)| rest.split('>').next().unwrap_or(rest));
    let id: String = inner.split_whitespace().collect();
    Some(id).filter(|id| !id.is_empty())
}

/// The first language of a `Content-Language` field.
pub(crate) fn language(value: &str) -> Option<String> {
    let first = value.split([',', '(']).next().unwrap_or_default().trim();
    Some(first.to_string()).filter(|language| !language.is_empty())
}

fn sensitivity(value: &str) -> Sensitivity {
    match Structured::read(value).value.as_str() {
        "private" => Sensitivity::Private,
        "personal" => Sensitivity::Personal,
        "company-confidential" => Sensitivity::CompanyConfidential,
        _ => Sensitivity::Normal,
    }
}

fn importance(value: &str) -> Importance {
    match Structured::read(value).value.as_str() {
        "high" => Importance::High,
        "low" => Importance::Low,
        _ => Importance::Normal,
    }
}
