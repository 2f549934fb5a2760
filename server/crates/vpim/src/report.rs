//! Reports about messages: delivery status (RFC 3464) and disposition (RFC 8098), as VPIM uses them (RFC 3801 section 8).

use crate::data::Data;
use crate::envelope::message_id;
use crate::mime::field::{self, Field};

/// `message/delivery-status`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryReport<'a> {
    /// The report as it came.
    pub data: Data<'a>,
    /// `Reporting-MTA`, without its type.
    pub reporting_mta: Option<String>,
    /// `Original-Envelope-Id`: what the sender gave as ENVID.
    pub original_envelope_id: Option<String>,
    /// One for each recipient reported on.
    pub recipients: Vec<RecipientStatus>,
}

/// What happened to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientStatus {
    /// `Original-Recipient`, without its type.
    pub original_recipient: Option<String>,
    /// `Final-Recipient`, without its type.
    pub final_recipient: Option<String>,
    /// `Action`; `None` if it is missing or unknown.
    pub action: Option<Action>,
    /// `Status`; comments such as `5.1.1 (User does not exist)` are left out.
    pub status: Option<StatusCode>,
    /// `Diagnostic-Code`, without its type.
    pub diagnostic: Option<String>,
    /// `Remote-MTA`, without its type.
    pub remote_mta: Option<String>,
}

/// `Action` of a delivery report (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Not delivered, and no more attempts.
    Failed,
    /// Not delivered yet.
    Delayed,
    /// Delivered.
    Delivered,
    /// Handed to a system that does not report.
    Relayed,
    /// Delivered to a list or the like.
    Expanded,
}

impl Action {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Action::Failed => "failed",
            Action::Delayed => "delayed",
            Action::Delivered => "delivered",
            Action::Relayed => "relayed",
            Action::Expanded => "expanded",
        }
    }
}

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusCode(pub u16, pub u16, pub u16);

impl StatusCode {
    fn read(text: &str) -> Option<StatusCode> {
        let code = text
            .trim_start()
            .split(|c: char| c.is_whitespace() || c == '(')
            .next()?;
        let mut numbers = code
            .split('.')
            .map(|number| number.parse::<u16>().ok().filter(|&number| number < 1000));
        let status = StatusCode(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(status)
    }
}

impl std::fmt::Display for StatusCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// `message/disposition-notification`.
#[derive(Clone, Debug, PartialEq)]
pub struct DispositionReport<'a> {
    /// The report as it came.
    pub data: Data<'a>,
    /// `Reporting-UA`.
    pub reporting_ua: Option<String>,
    /// `Original-Recipient`, without its type.
    pub original_recipient: Option<String>,
    /// `Final-Recipient`, without its type.
    pub final_recipient: Option<String>,
    /// `Original-Message-ID`, without angle brackets.
    pub original_message_id: Option<String>,
    /// `Disposition`; `None` if it is missing.
    pub disposition: Option<Disposition>,
}

/// `Disposition: manual-action/MDN-sent-automatically; deleted/expired` (RFC 8098 section 3.2.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Disposition {
    /// The user did it (`manual-action`), rather than the system.
    pub manual: bool,
    /// The report was sent by the system on its own, rather than after asking.
    pub sent_automatically: bool,
    /// `displayed`, `deleted`, `processed`, …, lower case.
    pub kind: String,
    /// `expired`, `mailbox-terminated`, `error`, …, lower case.
    pub modifiers: Vec<String>,
}

impl<'a> DeliveryReport<'a> {
    pub(crate) fn read(data: Data<'a>) -> DeliveryReport<'a> {
        let mut groups = groups(&data).into_iter();
        let message = groups.next().unwrap_or_default();
        let reporting_mta = typed(&message, "reporting-mta");
        let original_envelope_id = plain(&message, "original-envelope-id");
        // A sloppy sender leaves out the empty line between the message and its only recipient.
        let only = Some(&message).filter(|fields| typed(fields, "final-recipient").is_some());
        let recipients = only
            .into_iter()
            .cloned()
            .chain(groups)
            .map(|fields| RecipientStatus::read(&fields))
            .collect();
        DeliveryReport {
            reporting_mta,
            original_envelope_id,
            recipients,
            data,
        }
    }

    pub(crate) fn into_owned(self) -> DeliveryReport<'static> {
        DeliveryReport {
            data: self.data.into_owned(),
            ..self
        }
    }
}

impl RecipientStatus {
    fn read(fields: &[Field<'_>]) -> RecipientStatus {
        RecipientStatus {
            original_recipient: typed(fields, "original-recipient"),
            final_recipient: typed(fields, "final-recipient"),
            action: plain(fields, "action").and_then(|value| action(&value)),
            status: plain(fields, "status").and_then(|value| StatusCode::read(&value)),
            diagnostic: typed(fields, "diagnostic-code"),
            remote_mta: typed(fields, "remote-mta"),
        }
    }
}

impl<'a> DispositionReport<'a> {
    pub(crate) fn read(data: Data<'a>) -> DispositionReport<'a> {
        let fields: Vec<Field<'_>> = groups(&data).concat();
        DispositionReport {
            reporting_ua: plain(&fields, "reporting-ua"),
            original_recipient: typed(&fields, "original-recipient"),
            final_recipient: typed(&fields, "final-recipient"),
            original_message_id: plain(&fields, "original-message-id")
                .and_then(|value| message_id(&value)),
            disposition: plain(&fields, "disposition").map(|value| Disposition::read(&value)),
            data,
        }
    }

    pub(crate) fn into_owned(self) -> DispositionReport<'static> {
        DispositionReport {
            data: self.data.into_owned(),
            ..self
        }
    }
}

impl Disposition {
    fn read(value: &str) -> Disposition {
        let value = value
            .split('(')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let (modes, kinds) = value.split_once(';').unwrap_or(("", &value));
        let (action, sending) = modes.split_once('/').unwrap_or((modes, ""));
        let (kind, modifiers) = kinds.split_once('/').unwrap_or((kinds, ""));
        let modifiers = modifiers
            .split(',')
            .map(str::trim)
            .filter(|modifier| !modifier.is_empty());
        Disposition {
            manual: action.trim() == "manual-action",
            sent_automatically: sending.trim() == "mdn-sent-automatically",
            kind: kind.trim().to_string(),
            modifiers: modifiers.map(str::to_string).collect(),
        }
    }
}

impl std::fmt::Display for Disposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let action = if self.manual {
            "manual-action"
        } else {
            "automatic-action"
        };
        let sending = if self.sent_automatically {
            "MDN-sent-automatically"
        } else {
            "MDN-sent-manually"
        };
        write!(f, "{action}/{sending}; {}", self.kind)?;
        if !self.modifiers.is_empty() {
            write!(f, "/{}", self.modifiers.join(","))?;
        }
        Ok(())
    }
}

/// Groups of fields, separated by empty lines. Lines that are no fields are passed over.
fn groups(data: &[u8]) -> Vec<Vec<Field<'_>>> {
    let mut groups = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let Ok((fields, end)) = field::block(rest) else {
            break;
        };
        if !fields.is_empty() {
            groups.push(fields);
        }
        rest = if end > 0 {
            &rest[end..]
        } else {
            without_line(rest)
        };
    }
    groups
}

fn without_line(data: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', data).map_or(&[], |newline| &data[newline + 1..])
}

fn plain(fields: &[Field<'_>], name: &str) -> Option<String> {
    field::find(fields, name)
        .map(|value| value.into_owned())
        .filter(|value| !value.is_empty())
}

/// A value of the form `rfc822; mailbox@domain`, without the type in front.
fn typed(fields: &[Field<'_>], name: &str) -> Option<String> {
    let value = plain(fields, name)?;
    let bare = value
        .split_once(';')
        .map_or(value.as_str(), |(_, bare)| bare)
        .trim();
    Some(bare.to_string()).filter(|bare| !bare.is_empty())
}

fn action(value: &str) -> Option<Action> {
    let word = value.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    let actions = [
        Action::Failed,
        Action::Delayed,
        Action::Delivered,
        Action::Relayed,
        Action::Expanded,
    ];
    actions
        .into_iter()
        .find(|action| word.eq_ignore_ascii_case(action.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_may_have_comments() {
        assert_eq!(
            StatusCode::read("5.1.1 (User does not exist)"),
            Some(StatusCode(5, 1, 1))
        );
        assert_eq!(StatusCode::read("4.2.2(full)"), Some(StatusCode(4, 2, 2)));
        for text in ["", "5.1", "5.1.1.1", "5.1.x", "5.1000.1"] {
            assert_eq!(StatusCode::read(text), None);
        }
    }

    #[test]
    fn every_recipient_of_a_delivery_report_is_listed() {
        let text = "Reporting-MTA: dns; a.example\r\nOriginal-Envelope-Id: 77\r\n\r\n\
                    Final-Recipient: rfc822; 1@a\r\nAction: Failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no\r\n\r\n\
                    noise\r\nFinal-Recipient: rfc822;2@a\r\nAction: exploded\r\n\r\n";
        let report = DeliveryReport::read(text.as_bytes().into());
        assert_eq!(report.reporting_mta.as_deref(), Some("a.example"));
        assert_eq!(report.original_envelope_id.as_deref(), Some("77"));
        assert_eq!(report.recipients.len(), 2);
        assert_eq!(report.recipients[0].action, Some(Action::Failed));
        assert_eq!(
            report.recipients[0].diagnostic.as_deref(),
            Some("550 5.1.1 no")
        );
        assert_eq!(report.recipients[1].final_recipient.as_deref(), Some("2@a"));
        assert_eq!(report.recipients[1].action, None);
    }

    #[test]
    fn dispositions_are_read_and_written() {
        let read =
            Disposition::read("manual-action/MDN-sent-automatically; deleted/mailbox-terminated");
        assert!(read.manual && read.sent_automatically);
        assert_eq!(
            (read.kind.as_str(), &read.modifiers[..]),
            ("deleted", &["mailbox-terminated".to_string()][..])
        );
        assert_eq!(Disposition::read(&read.to_string()), read);
        assert_eq!(Disposition::read("displayed (at last)").kind, "displayed");
        assert_eq!(Disposition::read("").kind, "");
    }
}
