//! Deposits: who has a mailbox here with room in it, and taking a voice message, from the bytes of a mail to one message object in each recipient's mailbox.
//!
//! The content is read once, judged, and kept once in its canonical form, however many recipients it has. A mailbox that is named more
//! than once gets it once, and one that has it already does not get it again when the mail comes again (`retry`). All objects of one mail are made in one transaction, which asks of each mailbox whether there is room in it
//! at that moment: mails that come at the same time cannot fill it beyond its bounds together.

mod accept;
mod retry;
mod text;
mod trace;

pub(super) use accept::{Accepted, accept};
use retry::MailCopy;
use trace::Trace;

use super::peers::Submitter;
use super::quota::{self, MailboxRoom};
use crate::config::Mailboxes;
use crate::partly_delivered::MailId;
use crate::server::{Abort, Server, Wait, WriteError, WriteTx, WriterError};
use bytes::Bytes;
use domain::{Change, Envelope, Kind, MailDigest, Message, ObjectId, Sender, Timestamp};
use ledger::Ledger;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use vpim::address::{LocalPart, Mailbox};
use vpim::limits::{ADDRESS_CHARS_MAX, shown};
use vpim::{Content, Summary};
use writer::RateLimitedLog;

/// Mail that is put off for its rate is logged so often at most.
static RATE_LIMITED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// What a mailbox number leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A mailbox with room.
    Mailbox(ObjectId),
    /// A mailbox that is full, or would be with so much more.
    Full,
    /// Nobody.
    Nobody,
    /// Its network has named so many that are not here that it is not told for a while.
    NotTold {
        /// How long.
        wait: Duration,
    },
    /// A user's row cannot be read at present, and it may be this one's: whoever is refused now for good would have been wronged.
    InDoubt,
}

/// Whose mailbox a number is, and whether `more` bytes have room in it. A stranger that asks for many numbers that are not here is told
/// nothing for a while: neither which are, nor which are not.
///
/// # Errors
/// What the store cannot do.
pub async fn recipient(
    server: &Server,
    number: String,
    more: u64,
    (submitter, peer): (&Submitter, IpAddr),
) -> Result<Recipient, WriterError> {
    let guesses = *submitter == Submitter::Stranger;
    if guesses && let Err(wait) = server.sender_rates().may_name(peer, Instant::now()) {
        put_off_for_rate(peer);
        return Ok(Recipient::NotTold { wait });
    }
    let limits = server.config().mailbox.clone();
    let home = server.home();
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let Some((id, _)) = view.user_by_number(&number, home)? else {
                return Ok(match view.may_be_number(&number)? {
                    true => Recipient::InDoubt,
                    false => Recipient::Nobody,
                });
            };
            Ok(match quota::room(&limits, &view.content(&id)?, more) {
                MailboxRoom::Full => Recipient::Full,
                MailboxRoom::Enough => Recipient::Mailbox(id),
            })
        })
    });
    let found = read.await?;
    if found == Recipient::Nobody {
        metrics::counter!("callpilot_smtp_unknown_recipients_total").increment(1);
        if guesses {
            server.sender_rates().named_nobody(peer, Instant::now());
        }
    }
    Ok(found)
}

/// Whether a sender at a network address may leave a message now. It is counted when it is delivered.
///
/// # Errors
/// How long to wait.
pub fn may_send(server: &Server, sender: Option<&str>, peer: IpAddr) -> Result<(), Duration> {
    let looked = server.sender_rates().look(peer, sender, Instant::now());
    looked.inspect_err(|_| put_off_for_rate(peer))
}

/// Counted, and said now and then: who is put off shall not fill the log.
fn put_off_for_rate(peer: IpAddr) {
    metrics::counter!("callpilot_mail_rate_limited_total").increment(1);
    if let Some(times) = RATE_LIMITED.now() {
        tracing::warn!(
            %peer, times,
            "mail is put off: an address or a sender leaves more of it, or names more unknown recipients, than smtp.rates allow"
        );
    }
}

/// Bytes that are free on the disk: a write that was undone with its group does not say for which of them, but the disk does.
///
/// # Errors
/// What the store cannot do.
pub async fn free_bytes(server: &Server) -> Result<u64, WriterError> {
    let sizes = server.read(store::Readers::sizes).await?;
    Ok(sizes.free_bytes)
}

/// To whom, and how it came.
#[derive(Clone, Debug)]
pub struct Delivery<'a> {
    /// The users whose mailboxes it goes into.
    pub owners: Vec<ObjectId>,
    /// The reverse path; `None` for reports.
    pub return_path: Option<String>,
    /// What the client called itself.
    pub client: &'a str,
    /// Who hands it in.
    pub submitter: &'a Submitter,
    /// Where it connected from.
    pub peer: IpAddr,
    /// `ESMTP` or `SMTP` (RFC 5321 section 4.4).
    pub protocol: &'static str,
}

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DepositRefusal {
    /// For what it is.
    Content(vpim::Refusal),
    /// None of its recipients has a mailbox any more.
    NoMailbox,
    /// So much mail is being read at present that there was no room for this one in time.
    Crowded,
    /// It is longer than a mailbox may hold.
    TooLong,
    /// Its sender, or the address that it comes from, has left too much in the last minute.
    TooOften {
        /// How long to wait.
        wait: Duration,
    },
    /// Some mailboxes had no room for it. The others have it, and do not get it again when the same mail comes again.
    Full {
        /// Whose.
        full: Vec<ObjectId>,
        /// How many have it.
        delivered: usize,
    },
}

/// A mail that is taken, as it is filed.
struct NewMail {
    /// What lists show of it.
    envelope: Envelope,
    /// Its content.
    body: Vec<u8>,
    /// The beginning of its texts.
    text: String,
    /// How it came.
    trace: Trace,
    /// By what it is known when it comes again; `None`: it never is.
    digest: Option<MailDigest>,
}

/// What became of the copies of a mail in its transaction.
#[derive(Default)]
struct Filed {
    /// Owners with their messages, in the order in which they were named: those who had it already first.
    copies: Vec<(ObjectId, ObjectId)>,
    /// How many of them had it already.
    had: u64,
    /// Owners whose mailboxes had no room.
    full: Vec<ObjectId>,
}

/// Delivers. Returns the messages' identities, one for each recipient that still has a mailbox, when they are durable here and,
/// while the partner is running, on the partner. Who has the mail already keeps the message that it has.
pub async fn deliver(
    server: &Server,
    delivery: &Delivery<'_>,
    raw: &Bytes,
) -> Result<Vec<ObjectId>, WriteError<DepositRefusal>> {
    let received_at = server.now();
    let (sender, peer) = (delivery.return_path.as_deref(), delivery.peer);
    if let Err(wait) = server
        .sender_rates()
        .take(peer, sender, raw.len(), Instant::now())
    {
        put_off_for_rate(peer);
        return Err(WriteError::Refused(DepositRefusal::TooOften { wait }));
    }
    let mail = || MailId::of(delivery.return_path.as_deref(), raw);
    let before = server.partly_delivered().who_has(mail);
    let mut named = BTreeSet::new();
    let owners = delivery.owners.iter().copied();
    let (with, without): (Vec<_>, Vec<_>) = owners
        .filter(|owner| named.insert(*owner))
        .partition(|owner| before.contains_key(owner));
    let had: Vec<ObjectId> = with.iter().map(|owner| before[owner]).collect();
    if without.is_empty() && !had.is_empty() {
        return Ok(had);
    }
    let copies: Vec<_> = without
        .into_iter()
        .map(|owner| (server.new_id(), owner))
        .collect();
    let new = read(server, delivery, raw, received_at).await?;
    let limits = server.config().mailbox.clone();
    if quota::is_too_long(&limits, new.body.len() as u64) {
        return Err(WriteError::Refused(DepositRefusal::TooLong));
    }
    let written = server
        .write_weighing(new.body.len(), Wait::Partner, move |scope| {
            file(scope, copies, &new, &limits)
        })
        .await?;
    let Filed {
        copies,
        had: again,
        full,
    } = written.value;
    metrics::counter!("callpilot_mail_repeated_total").increment(again);
    let ids: Vec<ObjectId> = had
        .into_iter()
        .chain(copies.iter().map(|(_, id)| *id))
        .collect();
    if full.is_empty() {
        return Ok(ids);
    }
    let delivered = ids.len();
    server
        .partly_delivered()
        .remember(mail(), before.into_iter().chain(copies).collect());
    Err(WriteError::Refused(DepositRefusal::Full {
        full,
        delivered,
    }))
}

/// Reads the mail that is delivered.
async fn read(
    server: &Server,
    delivery: &Delivery<'_>,
    raw: &Bytes,
    received_at: Timestamp,
) -> Result<NewMail, WriteError<DepositRefusal>> {
    let back = delivery.return_path.clone();
    let Accepted {
        mut envelope,
        body,
        identified,
        dated,
        text,
        from,
    } = accept(server, raw.clone(), back, received_at).await?;
    let unverified = !delivery.submitter.may_say(server, &from);
    if unverified {
        metrics::counter!("callpilot_smtp_unverified_senders_total").increment(1);
    }
    envelope.sender.unverified = unverified;
    if server.config().smtp.peers_date_messages && *delivery.submitter == Submitter::Peer {
        // Never of the future: it would stand above everything that comes.
        envelope.received_at = dated.map_or(received_at, |dated| dated.min(received_at));
    }
    let back = delivery.return_path.as_deref();
    Ok(NewMail {
        envelope,
        body,
        text,
        trace: Trace::of(delivery, &server.config().fqdn, received_at),
        digest: identified.map(|content| MailDigest::of(back, unverified, &content)),
    })
}

/// Puts one message into each of these mailboxes that is there, does not have it and has room, in the open transaction.
fn file(
    scope: &mut WriteTx<'_, '_>,
    copies: Vec<(ObjectId, ObjectId)>,
    new: &NewMail,
    limits: &Mailboxes,
) -> Result<Filed, Abort<DepositRefusal>> {
    let (mut filed, mut present) = (Filed::default(), Vec::with_capacity(copies.len()));
    for (drawn, owner) in copies {
        // A user whose row cannot be read is not gone, and neither is the mailbox.
        let tx = scope.tx();
        if tx.object(&owner)?.is_none() && tx.unreadable(&owner)?.is_none() {
            continue;
        }
        let id = match retry::copy(scope, new.digest.as_ref(), &owner, drawn)? {
            MailCopy::New(id) => id,
            MailCopy::Had(id) => {
                filed.copies.push((owner, id));
                filed.had += 1;
                continue;
            }
        };
        let content = scope.tx().view().content(&owner)?;
        match quota::room(limits, &content, new.body.len() as u64) {
            MailboxRoom::Enough => present.push((id, owner)),
            MailboxRoom::Full => filed.full.push(owner),
        }
    }
    if present.is_empty() {
        let Filed {
            copies,
            had: _,
            full,
        } = &mut filed;
        return match (copies.is_empty(), full.is_empty()) {
            (false, _) => Ok(filed),
            (true, true) => Err(Abort::Refused(DepositRefusal::NoMailbox)),
            (true, false) => {
                let full = std::mem::take(full);
                Err(Abort::Refused(DepositRefusal::Full { full, delivered: 0 }))
            }
        };
    }
    let body = scope.append_body(&new.body)?;
    for (id, owner) in present {
        scope.change(&Change::Create {
            id,
            kind: Kind::MESSAGE,
            owner: Some(owner),
            body: Some(body),
            registers: Message::arrival(&new.envelope, new.trace.line(id), new.text.clone()),
        })?;
        filed.copies.push((owner, id));
    }
    Ok(filed)
}

/// What an inbox shows of a message. Every text in it has its display length (`vpim::limits`); the whole one stays in the body.
pub fn envelope(
    message: &vpim::Message<'_>,
    return_path: Option<&str>,
    received_at: Timestamp,
) -> Envelope {
    let summary = Summary::of(message);
    Envelope {
        kind: kind(summary.kind),
        sender: sender(message.envelope.from.as_ref(), return_path),
        subject: summary.subject.clone().unwrap_or_default(),
        received_at,
        duration_ms: summary.voice_ms,
        pages: pages(message),
        attachments: attachments(message, summary.kind),
        urgent: summary.urgent,
        private: summary.private,
    }
}

fn kind(kind: vpim::Kind) -> contract::Kind {
    match kind {
        vpim::Kind::Voice => contract::Kind::Voice,
        vpim::Kind::Fax => contract::Kind::Fax,
        vpim::Kind::Text => contract::Kind::Text,
        vpim::Kind::Mixed => contract::Kind::Mixed,
        vpim::Kind::DeliveryReport | vpim::Kind::DispositionReport => contract::Kind::Report,
    }
}

/// From the header, else from the reverse path. A caller without a mailbox (`non-mail-user`) has no address: nobody may reply to it
/// (RFC 3801 section 4.1.2).
fn sender(from: Option<&vpim::Party>, return_path: Option<&str>) -> Sender {
    let name = from
        .and_then(|party| party.name.clone())
        .unwrap_or_default();
    let address = claimed(from, return_path);
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let (number, answerable) = match LocalPart::parse(local).map(|local| local.mailbox) {
        Ok(Mailbox::Number(number)) => (Some(number), true),
        Ok(Mailbox::E164(number)) => (Some(format!("+{number}")), true),
        Ok(Mailbox::NonMailUser) => (None, false),
        Ok(Mailbox::Name(_) | Mailbox::Postmaster) | Err(_) => (None, true),
    };
    Sender {
        name,
        address: if answerable {
            shown(address, ADDRESS_CHARS_MAX).into_owned()
        } else {
            String::new()
        },
        number,
        unverified: false,
    }
}

/// The address that a mail says it comes from; empty if it says none.
fn claimed<'a>(from: Option<&'a vpim::Party>, return_path: Option<&'a str>) -> &'a str {
    from.map(|party| party.address.as_str())
        .filter(|address| !address.is_empty())
        .or(return_path)
        .unwrap_or_default()
}

/// Fax pages, those of enclosed messages included; `None` if one of the faxes cannot be counted.
fn pages(message: &vpim::Message<'_>) -> Option<u32> {
    message.parts.iter().try_fold(0u32, |sum, part| {
        let pages = match &part.content {
            Content::Fax(fax) => fax.pages()?,
            Content::Forwarded(inner) => pages(inner)?,
            _ => 0,
        };
        Some(sum.saturating_add(pages))
    })
}

/// What there is beside the sound; in a message without sound, beside its first part. A report has nothing: its parts are the report.
fn attachments(message: &vpim::Message<'_>, kind: vpim::Kind) -> u32 {
    let beside = message.parts.iter().filter(|part| match &part.content {
        Content::Fax(_) | Content::Forwarded(_) | Content::Other { .. } => true,
        Content::Text(text) => !text.is_blank(),
        Content::Voice(_)
        | Content::Original { .. }
        | Content::VCard(_)
        | Content::DeliveryReport(_)
        | Content::DispositionReport(_) => false,
    });
    let count = u32::try_from(beside.count()).unwrap_or(u32::MAX);
    let spoken = message
        .parts
        .iter()
        .any(|part| matches!(part.content, Content::Voice(_)));
    match kind {
        vpim::Kind::DeliveryReport | vpim::Kind::DispositionReport => 0,
        _ if spoken => count,
        _ => count.saturating_sub(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: &str =
        "Content-Type: audio/basic\r\nContent-Transfer-Encoding: base64\r\n\r\n//////////8=\r\n";

    fn of(header: &str, parts: &[&str]) -> Envelope {
        let mut text = format!(
            "{header}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        );
        for part in parts {
            text += &format!("--b\r\n{part}\r\n");
        }
        text += "--b--\r\n";
        let message = vpim::parse(text.as_bytes());
        assert_eq!(message.fault, None);
        envelope(&message, Some("9@back.example"), Timestamp(5))
    }

    #[test]
    fn a_caller_without_mailbox_has_no_address_to_reply_to() {
        let from = |from: &str| of(&format!("From: {from}\r\n"), &[VOICE]).sender;
        let caller = from("\"+44 20 7946 0107\" <non-mail-user@a.example>");
        assert_eq!(
            (caller.name.as_str(), caller.address.as_str(), caller.number),
            ("+44 20 7946 0107", "", None)
        );
        let user = from("Mira <7214@a.example>");
        assert_eq!(
            (user.address.as_str(), user.number.as_deref()),
            ("7214@a.example", Some("7214"))
        );
        assert_eq!(
            from("<+17035245550+230@a.example>").number.as_deref(),
            Some("+17035245550")
        );
        let nobody = of("", &[VOICE]).sender;
        assert_eq!(
            (nobody.address.as_str(), nobody.number.as_deref()),
            ("9@back.example", Some("9"))
        );
    }

    #[test]
    fn texts_are_cut_to_their_display_lengths() {
        let (long, header) = ("é".repeat(20_000), "Subject: Z\r\n");
        let cut = of(
            &format!("From: {long} <{long}@x>\r\nSubject: {long}\r\n"),
            &[VOICE],
        );
        let chars = |text: &str| (text.chars().count(), text.ends_with('…'));
        assert_eq!(chars(&cut.subject), (400, true));
        assert_eq!(chars(&cut.sender.name), (120, true));
        assert_eq!(chars(&cut.sender.address), (320, true));
        assert_eq!(of(header, &[VOICE]).subject, "Z");
    }

    #[test]
    fn what_is_beside_the_sound_is_counted() {
        let text = "Content-Type: text/plain\r\n\r\nHello\r\n";
        let blank = "Content-Type: text/plain\r\n\r\n \r\n";
        let inner = format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{VOICE}");
        let voice = of("Importance: High\r\n", &[VOICE, VOICE]);
        assert_eq!(
            (
                voice.kind,
                voice.attachments,
                voice.urgent,
                voice.duration_ms
            ),
            (contract::Kind::Voice, 0, true, 2)
        );
        assert_eq!(of("", &[VOICE, text, blank, &inner]).attachments, 2);
        assert_eq!(of("", &[text]).attachments, 0);
        assert_eq!(of("Subject: Hi\r\n", &[text]).subject, "Hi");
    }

    #[test]
    fn pages_that_cannot_be_counted_are_unknown_not_none() {
        let broken =
            "Content-Type: image/tiff\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n";
        assert_eq!(of("", &[VOICE]).pages, Some(0));
        assert_eq!(of("", &[broken]).pages, None);
        let inner = format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{broken}");
        assert_eq!(of("", &[VOICE, &inner]).pages, None);
    }
}
