//! Reports about messages: delivery status (RFC 3464) and disposition (RFC 8098), as VPIM uses them (RFC 3801 section 8).
//!
//! One group of fields is held at a time. A report tells of as many recipients as [`crate::limits`] says; the others are counted.

use std::borrow::Cow;

use crate::data::Data;
use crate::envelope::message_id;
use crate::limits::{
    ADDRESS_CHARS_MAX, Allowance, HEADER_LEN_MAX, LABEL_CHARS_MAX, MODIFIERS_MAX,
    REPORT_FIELDS_MAX, REPORT_TEXT_CHARS_MAX, shown,
};
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
    /// One for each recipient reported on, at most [`REPORT_RECIPIENTS_MAX`](crate::limits::REPORT_RECIPIENTS_MAX) in a mail.
    pub recipients: Vec<RecipientStatus>,
    /// How many more recipients the report tells of.
    pub recipients_left_out: u32,
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
    /// The enhanced status code (RFC 3463) in what another system said, if there is one of the class that goes with this action; else the one of that class
    /// that says nothing more.
    pub fn status_in(self, said: &str) -> StatusCode {
        let class = match self {
            Action::Failed => 5,
            Action::Delayed => 4,
            Action::Delivered | Action::Relayed | Action::Expanded => 2,
        };
        let codes = said.split(' ').filter_map(StatusCode::read);
        let mut of_class = codes.filter(|code| code.0 == class);
        of_class.next().unwrap_or(StatusCode(class, 0, 0))
    }

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
    pub(crate) fn read(data: Data<'a>, allowance: &mut Allowance) -> DeliveryReport<'a> {
        let (mut reporting_mta, mut original_envelope_id) = (None, None);
        let (mut recipients, mut recipients_left_out) = (Vec::new(), 0u32);
        let mut groups = ReportGroups::of(&data);
        let mut is_first = true;
        while let Some(fields) = groups.next() {
            if std::mem::take(&mut is_first) {
                reporting_mta = typed(fields, "reporting-mta", REPORT_TEXT_CHARS_MAX);
                original_envelope_id = plain(fields, "original-envelope-id", ADDRESS_CHARS_MAX);
                // A sloppy sender leaves out the empty line between the message and its only recipient.
                if typed(fields, "final-recipient", ADDRESS_CHARS_MAX).is_none() {
                    continue;
                }
            }
            if allowance.reported == 0 {
                recipients_left_out = recipients_left_out.saturating_add(1);
                continue;
            }
            allowance.reported -= 1;
            recipients.push(RecipientStatus::read(fields));
        }
        DeliveryReport {
            reporting_mta,
            original_envelope_id,
            recipients,
            recipients_left_out,
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
            original_recipient: typed(fields, "original-recipient", ADDRESS_CHARS_MAX),
            final_recipient: typed(fields, "final-recipient", ADDRESS_CHARS_MAX),
            action: short(fields, "action").and_then(|value| action(&value)),
            status: short(fields, "status").and_then(|value| StatusCode::read(&value)),
            diagnostic: typed(fields, "diagnostic-code", REPORT_TEXT_CHARS_MAX),
            remote_mta: typed(fields, "remote-mta", REPORT_TEXT_CHARS_MAX),
        }
    }
}

impl<'a> DispositionReport<'a> {
    pub(crate) fn read(data: Data<'a>) -> DispositionReport<'a> {
        let mut groups = ReportGroups::of(&data);
        // Some senders put empty lines between the fields. All groups are read as one.
        while groups.fields.len() < REPORT_FIELDS_MAX && groups.append() {}
        let fields = std::mem::take(&mut groups.fields);
        let original_message_id = field::find(&fields, "original-message-id");
        DispositionReport {
            reporting_ua: plain(&fields, "reporting-ua", REPORT_TEXT_CHARS_MAX),
            original_recipient: typed(&fields, "original-recipient", ADDRESS_CHARS_MAX),
            final_recipient: typed(&fields, "final-recipient", ADDRESS_CHARS_MAX),
            original_message_id: original_message_id.and_then(|value| message_id(&value)),
            disposition: short(&fields, "disposition").map(|value| Disposition::read(&value)),
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
            .filter(|modifier| !modifier.is_empty())
            .take(MODIFIERS_MAX);
        Disposition {
            manual: action.trim() == "manual-action",
            sent_automatically: sending.trim() == "mdn-sent-automatically",
            kind: label(kind),
            modifiers: modifiers.map(label).collect(),
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

/// ReportGroups of fields, separated by empty lines. Lines that are no fields are passed over.
struct ReportGroups<'a> {
    rest: &'a [u8],
    /// The present group: one vector serves them all, so that many small groups cost no more than one.
    fields: Vec<Field<'a>>,
}

impl<'a> ReportGroups<'a> {
    fn of(data: &'a [u8]) -> ReportGroups<'a> {
        ReportGroups {
            rest: data,
            fields: Vec::new(),
        }
    }

    /// The next group that has fields, the first [`REPORT_FIELDS_MAX`] of them.
    fn next(&mut self) -> Option<&[Field<'a>]> {
        self.fields.clear();
        self.append().then_some(&self.fields[..])
    }

    /// Appends the fields of the next group that has any, as far as there is room; whether there was one.
    fn append(&mut self) -> bool {
        let before = self.fields.len();
        while !self.rest.is_empty() && self.fields.len() == before {
            let room = field::HeaderRoom {
                len: HEADER_LEN_MAX,
                fields: REPORT_FIELDS_MAX - before.min(REPORT_FIELDS_MAX),
            };
            let Ok(end) = field::block(self.rest, room, &mut self.fields) else {
                self.rest = &[];
                break;
            };
            self.rest = match end.body {
                0 => without_line(self.rest),
                body => &self.rest[body..],
            };
        }
        self.fields.len() > before
    }
}

fn without_line(data: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', data).map_or(&[], |newline| &data[newline + 1..])
}

/// A value, cut to so many characters.
fn plain(fields: &[Field<'_>], name: &str, chars_max: usize) -> Option<String> {
    within(fields, name).and_then(|value| text(&value, chars_max))
}

/// A value of the form `rfc822; mailbox@domain`, without the type in front, cut to so many characters.
fn typed(fields: &[Field<'_>], name: &str, chars_max: usize) -> Option<String> {
    let value = within(fields, name)?;
    let bare = value.split_once(';').map_or(&*value, |(_, bare)| bare);
    text(bare.trim(), chars_max)
}

/// A value that is a word or two.
fn short(fields: &[Field<'_>], name: &str) -> Option<String> {
    plain(fields, name, REPORT_TEXT_CHARS_MAX)
}

/// The first bytes of a value: more than any text that is made of it.
fn within<'f>(fields: &'f [Field<'_>], name: &str) -> Option<Cow<'f, str>> {
    const LEN_MAX: usize = 8 * 1024;
    field::find_within(fields, name, LEN_MAX)
}

fn text(value: &str, chars_max: usize) -> Option<String> {
    Some(shown(value, chars_max).into_owned()).filter(|value| !value.is_empty())
}

/// A word of a disposition.
fn label(word: &str) -> String {
    shown(word.trim(), LABEL_CHARS_MAX).into_owned()
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
    use crate::limits::REPORT_RECIPIENTS_MAX;

    #[test]
    fn the_status_is_what_another_system_said_if_it_is_of_the_right_class() {
        let failed = |said| Action::Failed.status_in(said);
        let nobody = "b.example said: 550 5.1.1 nobody";
        assert_eq!(failed(nobody), StatusCode(5, 1, 1));
        assert_eq!(failed("b 192.0.2.1 said: 550 no"), StatusCode(5, 0, 0));
        assert_eq!(failed("b said: 451 4.3.0 later"), StatusCode(5, 0, 0));
        assert_eq!(Action::Delayed.status_in(nobody), StatusCode(4, 0, 0));
    }

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
        let report = DeliveryReport::read(text.as_bytes().into(), &mut Allowance::whole());
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
    fn recipients_beyond_the_limit_are_counted_over_all_reports_of_a_mail() {
        let mut allowance = Allowance::whole();
        let text = format!(
            "Reporting-MTA: x\n\n{}",
            "A:\n\n".repeat(REPORT_RECIPIENTS_MAX - 1)
        );
        let report = DeliveryReport::read(text.as_bytes().into(), &mut allowance);
        assert_eq!(
            (report.recipients.len(), report.recipients_left_out),
            (REPORT_RECIPIENTS_MAX - 1, 0)
        );
        let report = DeliveryReport::read(text.as_bytes().into(), &mut allowance);
        let left_out = REPORT_RECIPIENTS_MAX as u32 - 2;
        assert_eq!(
            (report.recipients.len(), report.recipients_left_out),
            (1, left_out)
        );
    }

    #[test]
    fn values_of_a_report_are_cut() {
        let text = format!(
            "A: b\n\nFinal-Recipient: rfc822;{0}\nDiagnostic-Code: {0}\n",
            "é".repeat(50_000)
        );
        let report = DeliveryReport::read(text.as_bytes().into(), &mut Allowance::whole());
        let recipient = &report.recipients[0];
        let chars = |value: &Option<String>| value.as_deref().map(|value| value.chars().count());
        assert_eq!(chars(&recipient.final_recipient), Some(ADDRESS_CHARS_MAX));
        assert_eq!(chars(&recipient.diagnostic), Some(REPORT_TEXT_CHARS_MAX));
        let disposition =
            Disposition::read(&format!("a/b; {}/{}", "k".repeat(900), "m,".repeat(900)));
        assert_eq!(
            (
                disposition.kind.chars().count(),
                disposition.modifiers.len()
            ),
            (LABEL_CHARS_MAX, MODIFIERS_MAX)
        );
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
