//! Reports about a message: not delivered (RFC 3464), heard or deleted (RFC 8098), in the dress of RFC 3801 section 8.

use std::borrow::Cow;

use super::{BuildError, Recording, ascii, enclosed, header};
use crate::content::Message;
use crate::content::Part;
use crate::envelope::{Container, Envelope};
use crate::limits::Allowance;
use crate::mime::date::Date;
use crate::mime::field::{self, Field};
use crate::mime::party::Party;
use crate::report::{Disposition, RecipientStatus};
use crate::voice::Purpose;

/// What a person is told, the first part of a report.
#[derive(Clone, Debug)]
pub enum Explanation<'a> {
    /// To be heard. The purpose becomes [`Purpose::Notification`].
    Spoken(Recording<'a>),
    /// To be read.
    Text(Cow<'a, str>),
}

/// How much of the message goes back with the report.
#[derive(Clone, Debug, Default)]
pub enum Original<'a> {
    /// Nothing.
    #[default]
    None,
    /// Its header.
    Header(Message<'a>),
    /// All of it.
    Whole(Message<'a>),
}

/// A delivery status notification. To be sent with an empty return path (RFC 3461 section 6).
#[derive(Clone, Debug)]
pub struct DeliveryNotice<'a> {
    /// The system that reports: its postmaster or mailer-daemon.
    pub from: Party,
    /// The return path of the message.
    pub to: Party,
    /// Now.
    pub date: Date,
    /// A new identifier without angle brackets.
    pub message_id: String,
    /// `Subject`.
    pub subject: String,
    /// The name of this host.
    pub reporting_mta: String,
    /// ENVID of the message, decoded.
    pub original_envelope_id: Option<String>,
    /// One for each recipient reported on.
    pub recipients: Vec<RecipientStatus>,
    /// For the person who sent the message.
    pub explanation: Explanation<'a>,
    /// What goes back.
    pub original: Original<'a>,
}

/// A message disposition notification. To be sent with an empty return path (RFC 8098 section 3).
#[derive(Clone, Debug)]
pub struct DispositionNotice<'a> {
    /// Whose mailbox the message was in.
    pub from: Party,
    /// Who asked, by `Disposition-Notification-To`.
    pub to: Party,
    /// Now.
    pub date: Date,
    /// A new identifier without angle brackets.
    pub message_id: String,
    /// `Subject`.
    pub subject: String,
    /// Host and program that report: `vm.example; CallPilot`.
    pub reporting_ua: String,
    /// Address that the sender used, if it differs.
    pub original_recipient: Option<String>,
    /// Address of the mailbox.
    pub final_recipient: String,
    /// Identifier of the message, without angle brackets.
    pub original_message_id: Option<String>,
    /// What happened to it.
    pub disposition: Disposition,
    /// For the person who sent the message.
    pub explanation: Explanation<'a>,
    /// What goes back.
    pub original: Original<'a>,
}

impl<'a> DeliveryNotice<'a> {
    /// Makes it a message.
    pub fn message(self) -> Result<Message<'a>, BuildError> {
        let mut status = Vec::new();
        let mut put = |name, kind, value: Option<String>| put(&mut status, name, kind, value);
        put("Reporting-MTA", "dns; ", Some(self.reporting_mta));
        put("Original-Envelope-Id", "", self.original_envelope_id);
        for recipient in self.recipients {
            put("", "", None);
            put(
                "Original-Recipient",
                "rfc822; ",
                recipient.original_recipient,
            );
            put("Final-Recipient", "rfc822; ", recipient.final_recipient);
            put(
                "Action",
                "",
                recipient.action.map(|action| action.name().to_string()),
            );
            put(
                "Status",
                "",
                recipient.status.map(|status| status.to_string()),
            );
            put("Remote-MTA", "dns; ", recipient.remote_mta);
            put("Diagnostic-Code", "smtp; ", recipient.diagnostic);
        }
        let head = header(&self.from, &[self.to], self.date, &self.message_id)?;
        let body = (self.explanation, "delivery-status", status, self.original);
        report(head, self.subject, body)
    }
}

impl<'a> DispositionNotice<'a> {
    /// Makes it a message.
    pub fn message(self) -> Result<Message<'a>, BuildError> {
        let mut status = Vec::new();
        let mut put = |name, kind, value: Option<String>| put(&mut status, name, kind, value);
        put("Reporting-UA", "", Some(self.reporting_ua));
        put("Original-Recipient", "rfc822; ", self.original_recipient);
        put("Final-Recipient", "rfc822; ", Some(self.final_recipient));
        put(
            "Original-Message-ID",
            "",
            self.original_message_id.map(|id| format!("<{id}>")),
        );
        put("Disposition", "", Some(self.disposition.to_string()));
        let head = header(&self.from, &[self.to], self.date, &self.message_id)?;
        let body = (
            self.explanation,
            "disposition-notification",
            status,
            self.original,
        );
        report(head, self.subject, body)
    }
}

/// Writes one field of the machine's part; nothing when there is no value, an empty line when there is no name.
fn put(status: &mut Vec<u8>, name: &'static str, kind: &str, value: Option<String>) {
    match value {
        _ if name.is_empty() => status.extend_from_slice(b"\r\n"),
        None => {}
        Some(value) => field::write(
            &Field::new(name, format!("{kind}{}", ascii(&value))),
            status,
        ),
    }
}

fn report<'a>(
    mut fields: Vec<Field<'a>>,
    subject: String,
    (explanation, kind, status, original): (Explanation<'a>, &'static str, Vec<u8>, Original<'a>),
) -> Result<Message<'a>, BuildError> {
    fields.push(Field::new(
        "Subject",
        crate::mime::word::encode(&subject).into_owned(),
    ));
    // RFC 3834 section 5: so that nobody answers automatically.
    fields.push(Field::new("Auto-Submitted", "auto-replied"));
    let machine = Field::new("Content-Type", format!("message/{kind}"));
    let mut parts = vec![
        explanation.part()?,
        Part::made(vec![machine], status.into()),
    ];
    match original {
        Original::None => {}
        Original::Whole(message) => parts.push(enclosed(message)),
        Original::Header(message) => {
            let mut header = Vec::new();
            message
                .fields
                .iter()
                .for_each(|original| field::write(original, &mut header));
            let content_type = Field::new("Content-Type", "text/rfc822-headers");
            parts.push(Part::made(vec![content_type], header.into()));
        }
    }
    let container = Container::Report(kind.to_string());
    Ok(Message {
        envelope: Envelope::read(&fields, &mut Allowance::whole()),
        container,
        fields,
        parts,
        fault: None,
    })
}

impl<'a> Explanation<'a> {
    fn part(self) -> Result<Part<'a>, BuildError> {
        match self {
            Explanation::Spoken(recording) => Recording {
                purpose: Purpose::Notification,
                ..recording
            }
            .part(),
            Explanation::Text(text) => {
                let content_type = Field::new("Content-Type", "text/plain; charset=utf-8");
                let lines = text
                    .lines()
                    .flat_map(|line| [line, "\r\n"])
                    .collect::<String>();
                Ok(Part::made(vec![content_type], lines.into_bytes().into()))
            }
        }
    }
}
