//! What the header of a message says: who, when, how urgent, and how its parts belong together.

use crate::legible;
use crate::limits::{
    Allowance, DATE_LEN_MAX, ENCODED_TEXT_LEN_MAX, IDENTIFIER_LEN_MAX, LABEL_CHARS_MAX,
    NAME_CHARS_MAX, SUBJECT_CHARS_MAX, shown_own,
};
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
    /// Nested deeper than [`DEPTH_MAX`](crate::DEPTH_MAX), or encoded deeper than
    /// [`ENCODED_DEPTH_MAX`](crate::limits::ENCODED_DEPTH_MAX).
    TooDeep,
    /// More parts than [`PARTS_MAX`](crate::PARTS_MAX).
    TooManyParts,
    /// More header fields than [`FIELDS_MAX`](crate::FIELDS_MAX).
    TooManyFields,
    /// A header block longer than [`HEADER_LEN_MAX`](crate::HEADER_LEN_MAX).
    HeaderTooLong,
}

/// The header in types (RFC 3801 section 4.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    /// `From`, or `Sender` when that is missing.
    pub from: Option<Party>,
    /// All `To` fields together; with the other lists at most [`PARTIES_MAX`](crate::limits::PARTIES_MAX).
    pub to: Vec<Party>,
    /// All `Cc` fields together.
    pub cc: Vec<Party>,
    /// `Subject`, decoded and cut to [`SUBJECT_CHARS_MAX`].
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

/// `Importance` (RFC 3801 section 4.2.15); without one what `Priority`, `X-Priority` or `X-MSMail-Priority` say.
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
    pub(crate) fn read(fields: &[Field<'_>], allowance: &mut Allowance) -> Envelope {
        let mut envelope = Envelope::default();
        let mut other = OtherFields::default();
        for field in fields {
            envelope.take(field, &mut other, allowance);
        }
        envelope.from = envelope.from.or(other.sender);
        let importance = other.importance.or(other.priority);
        envelope.importance = importance.unwrap_or_default();
        envelope
    }

    fn take(&mut self, field: &Field<'_>, other: &mut OtherFields, allowance: &mut Allowance) {
        let is = |name: &str| field.is(name);
        if is("from") && self.from.is_none() {
            self.from = first(field);
        } else if is("sender") && other.sender.is_none() {
            other.sender = first(field);
        } else if is("to") {
            self.to.extend(parties(field, allowance));
        } else if is("cc") {
            self.cc.extend(parties(field, allowance));
        } else if is("subject") && self.subject.is_none() {
            let value = field.value_within(ENCODED_TEXT_LEN_MAX);
            self.subject = Some(shown_own(word::decode(&value), SUBJECT_CHARS_MAX));
        } else if is("date") && self.date.is_none() {
            self.date = Date::read(&field.value_within(DATE_LEN_MAX));
        } else if is("message-id") && self.message_id.is_none() {
            self.message_id = message_id(&field.value());
        } else if is("sensitivity") {
            self.sensitivity = sensitivity(&field.value_within(LABEL_LEN_MAX));
        } else if is("importance") {
            other.importance = Some(importance(&field.value_within(LABEL_LEN_MAX)));
        } else if is("priority") || is("x-priority") || is("x-msmail-priority") {
            let priority = priority(&field.value_within(LABEL_LEN_MAX));
            other.priority = other.priority.or(priority);
        } else if is("disposition-notification-to") {
            let asking = parties(field, allowance).into_iter();
            // Somebody without an address cannot be told.
            self.disposition_notification_to
                .extend(asking.filter(|party| !party.address.is_empty()));
        } else if is("content-language") && self.language.is_none() {
            self.language = language(&field.value_within(LABEL_LEN_MAX));
        }
    }
}

/// What counts where the field that should say it is missing.
#[derive(Default)]
struct OtherFields {
    sender: Option<Party>,
    importance: Option<Importance>,
    /// Of the fields that mail programs write for `Importance`: the first that says more than the usual.
    priority: Option<Importance>,
}

/// Bytes of a value of one word, with comments beside it.
const LABEL_LEN_MAX: usize = 1_024;

fn first(field: &Field<'_>) -> Option<Party> {
    let mut parties = Party::read_first(&field.value(), 2).into_iter();
    let first = parties.next()?;
    match parties.next() {
        // `Amsel, Jörg <22@vm.example>`: nobody sends from two addresses of which the first has no `@`.
        Some(second) if !first.address.contains('@') && second.address.contains('@') => {
            let names = [Some(first.display()), second.name.as_deref()];
            let name = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
            Some(Party::named(
                shown_own(name, NAME_CHARS_MAX),
                second.address,
            ))
        }
        _ => Some(first),
    }
}

fn parties(field: &Field<'_>, allowance: &mut Allowance) -> Vec<Party> {
    if allowance.parties == 0 {
        return Vec::new();
    }
    let parties = Party::read_first(&field.value(), allowance.parties);
    allowance.parties -= parties.len();
    parties
}

/// The identifier without angle brackets, blanks and what is never shown, or what stands there when there are none. One of more than
/// [`IDENTIFIER_LEN_MAX`] bytes is none.
pub(crate) fn message_id(value: &str) -> Option<String> {
    let inner = value
        .split_once('<')
        .map_or(value, |(_, rest)| rest.split('>').next().unwrap_or(rest));
    let len: usize = inner.split_whitespace().map(str::len).sum();
    let seen = |c: &char| !c.is_whitespace() && !legible::is_hidden(*c);
    let identifier: String = match len {
        1..=IDENTIFIER_LEN_MAX => inner.chars().filter(seen).collect(),
        _ => return None,
    };
    Some(identifier).filter(|identifier| !identifier.is_empty())
}

/// The first language of a `Content-Language` field.
pub(crate) fn language(value: &str) -> Option<String> {
    let first = value.split([',', '(']).next().unwrap_or_default().trim();
    let language: String = first.chars().take(LABEL_CHARS_MAX).collect();
    Some(shown_own(language, LABEL_CHARS_MAX)).filter(|language| !language.is_empty())
}

fn sensitivity(value: &str) -> Sensitivity {
    match Structured::read(value).value.as_str() {
        "private" => Sensitivity::Private,
        "personal" => Sensitivity::Personal,
        "company-confidential" => Sensitivity::CompanyConfidential,
        _ => Sensitivity::Normal,
    }
}

/// `Priority` (RFC 2156 section 5.3.6), `X-Priority` and `X-MSMail-Priority` of mail programs; `None` of what is as usual.
fn priority(value: &str) -> Option<Importance> {
    match Structured::read(value).value.as_str() {
        "urgent" | "high" | "highest" | "1" | "2" => Some(Importance::High),
        "non-urgent" | "low" | "lowest" | "4" | "5" => Some(Importance::Low),
        _ => None,
    }
}

fn importance(value: &str) -> Importance {
    match Structured::read(value).value.as_str() {
        "high" => Importance::High,
        "low" => Importance::Low,
        _ => Importance::Normal,
    }
}
