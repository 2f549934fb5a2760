//! What the sender of a message is told when it does not arrive, or not soon (RFC 3464): a report in the inbox, in words for people.
//!
//! A report goes to nobody but the sender, who is a mailbox of this pair, and nothing is reported about reports: they are never on their way to another system.

use super::super::deposit::{Accepted, DepositRefusal, accept};
use super::News;
use crate::reading::ReadingSide;
use crate::server::{Server, WriteError, WriteTx, WriterError};
use domain::{
    Change, DeliveryState, Kind, Message, MessageFolder, Object, ObjectId, OutgoingMessage,
    Timestamp,
};
use ledger::LedgerError;
use vpim::build::{DeliveryNotice, Explanation, Original};
use vpim::limits::{READING_CONSTANT, READING_FACTOR};
use vpim::{Action, Date, Party, RecipientStatus, Transfer};

/// Recipients that one report names one by one.
const NAMED_MAX: usize = 20;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportKind {
    /// It is not tried any more.
    Failed,
    /// It takes long.
    Delayed,
}

/// A report, ready to be filed.
pub(super) struct Report {
    /// The outgoing message that it is about.
    about: ObjectId,
    accepted: Accepted,
    trace: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoReport {
    #[error("{0}")]
    Server(#[from] WriterError),
    #[error("{0}")]
    Build(#[from] vpim::build::BuildError),
    #[error("it was refused: {0:?}")]
    Refused(DepositRefusal),
}

impl Report {
    /// Writes it, and reads it as any mail is read.
    pub async fn new(
        server: &Server,
        id: ObjectId,
        object: &Object,
        news: &News,
        kind: ReportKind,
    ) -> Result<Self, NoReport> {
        let fqdn = &server.config().fqdn;
        let notice = notice(fqdn, server.new_id(), news, kind);
        let header = original(server, object).await?;
        let original = match header.is_empty() {
            true => Original::None,
            false => Original::Header(vpim::parse_kept(&header)),
        };
        let message = DeliveryNotice { original, ..notice }.message()?;
        let mail = vpim::encode(&message, Transfer::Binary, 0);
        drop(message);
        let accepted = accept(server, mail.into(), None, news.now).await;
        let accepted = accepted.map_err(|error| match error {
            WriteError::Failed(error) => NoReport::Server(error),
            WriteError::Refused(why) => NoReport::Refused(why),
        })?;
        Ok(Self {
            about: id,
            accepted,
            trace: format!("by {fqdn}; {}", date(news.now)),
        })
    }

    /// Puts it into the inbox of the sender, in the open transaction: also into a full one, for it says what became of something that was accepted.
    pub fn file(&self, scope: &mut WriteTx<'_, '_>, sender: ObjectId) -> Result<(), LedgerError> {
        let body = scope.append_body(&self.accepted.body)?;
        let inbox = MessageFolder::Inbox;
        let (trace, text) = (self.trace.clone(), self.accepted.text.clone());
        scope.change(&Change::Create {
            id: Message::submitted_id(&self.about, &sender, inbox, &body),
            kind: Kind::MESSAGE,
            owner: Some(sender),
            body: Some(body),
            registers: Message::arrival(&self.accepted.envelope, trace, text),
        })
    }
}

/// The header of the message that it is about; empty if that cannot be read at present.
async fn original(server: &Server, object: &Object) -> Result<Vec<u8>, NoReport> {
    let body = OutgoingMessage::of(object).and_then(|outgoing| outgoing.body());
    let len = body.map_or(0, |body| body.len as usize);
    let bytes = len.saturating_mul(READING_FACTOR) + READING_CONSTANT;
    let Ok(_held) = server.reading().take(ReadingSide::Answers, bytes).await else {
        return Ok(Vec::new());
    };
    let read = server.read(move |readers| {
        let content = super::super::messages::content(readers, body)?;
        let end =
            |content: &[u8]| memchr::memmem::find(content, b"\r\n\r\n").map_or(0, |at| at + 4);
        Ok(content.map_or_else(|_| Vec::new(), |content| content[..end(&content)].to_vec()))
    });
    Ok(read.await?)
}

fn notice(fqdn: &str, id: ObjectId, news: &News, kind: ReportKind) -> DeliveryNotice<'static> {
    let told: Vec<_> = news
        .states
        .iter()
        .filter_map(|(_, address, state)| match (kind, state) {
            (ReportKind::Failed, DeliveryState::Failed { said, .. })
            | (ReportKind::Delayed, DeliveryState::Waiting { said, .. }) => {
                Some((address.as_str(), said.as_str()))
            }
            _ => None,
        })
        .collect();
    let (action, subject) = match kind {
        ReportKind::Failed => (Action::Failed, "Not delivered"),
        ReportKind::Delayed => (Action::Delayed, "Not delivered yet"),
    };
    let subject = match &news.message.subject[..] {
        "" => subject.to_owned(),
        of => format!("{subject}: {of}"),
    };
    let status = |(address, said): &(&str, &str)| RecipientStatus {
        original_recipient: None,
        final_recipient: Some((*address).to_owned()),
        action: Some(action),
        status: Some(action.status_in(said)),
        diagnostic: Some((*said).to_owned()),
        remote_mta: None,
    };
    DeliveryNotice {
        from: Party::named("Mail delivery", format!("postmaster@{fqdn}")),
        to: Party::named("", &*news.message.from),
        date: date(news.now),
        message_id: format!("{id}@{fqdn}"),
        subject,
        reporting_mta: fqdn.to_owned(),
        original_envelope_id: None,
        recipients: told.iter().map(status).collect(),
        explanation: Explanation::Text(words(news, kind, &told).into()),
        original: Original::None,
    }
}

/// What a person reads.
fn words(news: &News, kind: ReportKind, told: &[(&str, &str)]) -> String {
    let which = match &news.message.subject[..] {
        "" => "Your message".to_owned(),
        subject => format!("Your message \"{subject}\""),
    };
    let sent = date(news.message.accepted_at);
    let what = match kind {
        ReportKind::Failed => "could not be delivered",
        ReportKind::Delayed => "has not been delivered yet",
    };
    let mut text = format!("{which} of {sent} {what} to:\n\n");
    for (address, said) in told.iter().take(NAMED_MAX) {
        text += &format!("  {address}\n    {said}\n");
    }
    if let Some(more @ 1..) = told.len().checked_sub(NAMED_MAX) {
        text += &format!("  and {more} more\n");
    }
    let then = match kind {
        ReportKind::Failed => "It is not tried any more. The message itself is in Sent: from there it can be sent again.".to_owned(),
        ReportKind::Delayed => format!(
            "It is tried again until {}. You need not do anything: you hear of it if it cannot be delivered.",
            date(news.until)
        ),
    };
    text + "\n" + &then + "\n"
}

fn date(at: Timestamp) -> Date {
    Date {
        unix_s: at.0.div_euclid(1_000),
        zone_min: 0,
    }
}
