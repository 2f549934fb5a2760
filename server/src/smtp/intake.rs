//! Whole mails: into mailboxes, or to the replication engine.

use super::session::{DeliveryTarget, Mail, Path};
use super::{Reply, Service, Status};
use crate::counted::counted;
use crate::gr::SealedBy;
use crate::gr::envelope::Refused;
use crate::listen::Presence;
use crate::operations::deposit::{self, Delivery, DepositRefusal};
use crate::operations::peers::Submitter;
use crate::server::{Server, WriteError, WriterError};
use bytes::BytesMut;
use domain::ObjectId;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use writer::RateLimitedLog;

/// Free bytes below which a failed write is put down to a full disk.
const DISK_FULL_BELOW: u64 = 32 << 20;
/// Identities in one line of a reply: a line has 512 octets (RFC 5321 section 4.5.3.1.5).
const IDS_PER_LINE: usize = 12;

/// A full disk is logged so often at most: the log may lie on it.
static FULL: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// GR mail that could not be opened is logged so often at most: whoever sends rubbish shall not fill the disk with it.
static NOT_OPENED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// What keeps a new password from being taken into use is logged so often at most.
static NOT_GONE_OVER: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// Takes a voice message into its mailboxes. When this returns 250 it is durable, on both servers while the partner is running.
pub async fn voice_mail(
    service: &Service,
    mut mail: Mail,
    submitter: &Submitter,
    peer: IpAddr,
) -> Reply {
    let content = std::mem::take(&mut mail.content).freeze();
    let server = &service.server;
    let owners = mail.recipients.iter().filter_map(|r| match r.target {
        DeliveryTarget::Mailbox(id) => Some(id),
        DeliveryTarget::Partner => None,
    });
    let delivery = Delivery {
        owners: owners.collect(),
        return_path: mail.from.as_ref().map(Path::to_string),
        client: &mail.client,
        submitter,
        peer,
        protocol: if mail.esmtp { "ESMTP" } else { "SMTP" },
    };
    match deposit::deliver(server, &delivery, &content).await {
        Ok(ids) => {
            metrics::counter!("callpilot_smtp_messages_total").increment(ids.len() as u64);
            accepted(&ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        Err(WriteError::Refused(DepositRefusal::Content(refusal))) => {
            let vpim::StatusCode(class, subject, detail) = refusal.status();
            let class = u8::try_from(class).unwrap_or(5);
            Reply::new(
                refusal.smtp_code(),
                Status(class, subject, detail),
                refusal.to_string(),
            )
        }
        Err(WriteError::Refused(DepositRefusal::NoMailbox)) => {
            Reply::new(550, Status(5, 1, 1), "The mailbox was removed a moment ago")
        }
        Err(WriteError::Refused(DepositRefusal::Crowded)) => Reply::new(
            452,
            Status(4, 4, 5),
            "Too much mail is being read at present; try again in a minute",
        ),
        Err(WriteError::Refused(DepositRefusal::TooOften { wait })) => too_often(wait),
        Err(WriteError::Refused(DepositRefusal::TooLong)) => Reply::new(
            552,
            Status(5, 2, 3),
            "The message is longer than a mailbox holds here; send a shorter one",
        ),
        Err(WriteError::Refused(DepositRefusal::Full { full, delivered })) => {
            metrics::counter!("callpilot_smtp_mailbox_full_total").increment(full.len() as u64);
            mailbox_full(&mail, &full, delivered)
        }
        Err(WriteError::Failed(error)) => failed(service, error).await,
    }
}

/// Somebody leaves too much in a short time.
pub fn too_often(wait: Duration) -> Reply {
    let text = format!(
        "Too much mail from this sender in a short time; try again in {}",
        whole_seconds(wait)
    );
    Reply::new(450, Status(4, 7, 1), text)
}

/// Somebody has named too many recipients that are not here.
pub fn guesses(wait: Duration) -> Reply {
    let text = format!(
        "Too many recipients from your network are not here; try again in {}",
        whole_seconds(wait)
    );
    Reply::new(450, Status(4, 7, 1), text)
}

/// How long to wait, in words.
pub fn whole_seconds(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    counted(seconds.max(1), "second", "seconds")
}

/// Names the mailboxes that were full at the last moment, as the client has named them. Those who have the message do not get it twice.
fn mailbox_full(mail: &Mail, full: &[ObjectId], delivered: usize) -> Reply {
    let named = mail.recipients.iter().find(|r| match r.target {
        DeliveryTarget::Mailbox(id) => full.contains(&id),
        DeliveryTarget::Partner => false,
    });
    let name = named.map_or("", |r| r.path.local.as_str());
    let others = full.len().saturating_sub(1);
    let whose = match (name.chars().all(|c| c.is_ascii_graphic()), others) {
        (true, 0) => format!("The mailbox {name} is full"),
        (true, _) => format!("The mailbox {name} and {others} more are full"),
        (false, _) => "A mailbox is full".to_owned(),
    };
    let text = match delivered {
        0 => format!("{whose}; try again later"),
        _ => format!(
            "{whose}, the others have the message; send it again later, nobody gets it twice"
        ),
    };
    Reply::new(452, Status(4, 2, 2), text)
}

fn accepted(ids: &[String]) -> Reply {
    let mut lines = ids
        .chunks(IDS_PER_LINE)
        .map(|some| format!("Accepted as {}", some.join(" ")).into());
    let mut reply = Reply::new(
        250,
        Status(2, 0, 0),
        lines.next().unwrap_or_else(|| "Accepted".into()),
    );
    reply.lines.extend(lines);
    reply
}

/// The sender keeps the mail and tries again: nothing of it was stored.
async fn failed(service: &Service, error: WriterError) -> Reply {
    match error {
        WriterError::Busy => Reply::new(451, Status(4, 3, 2), "Too much at once; try again soon"),
        WriterError::OutOfService => Reply::new(451, Status(4, 3, 2), "Going out of service"),
        load if load.is_too_many_files() => too_many_files(),
        error => {
            if error.is_full() || disk_is_full(service).await {
                if let Some(times) = FULL.now() {
                    tracing::warn!(times, "messages are put off: the disk is nearly full");
                }
                Reply::new(
                    452,
                    Status(4, 3, 1),
                    "The disk is nearly full, so new messages are put off; try again later",
                )
            } else {
                tracing::error!(%error, "a message could not be stored");
                Reply::new(
                    451,
                    Status(4, 3, 0),
                    "The message could not be stored; try again later",
                )
            }
        }
    }
}

/// Load, and no fault of the disk.
pub fn too_many_files() -> Reply {
    let text = "Too many files and connections are open at present; try again later";
    Reply::new(452, Status(4, 3, 1), text)
}

/// A group that was undone does not say for which of its writes; the disk does.
async fn disk_is_full(service: &Service) -> bool {
    let free = deposit::free_bytes(&service.server).await;
    free.is_ok_and(|bytes| bytes < DISK_FULL_BELOW)
}

/// Hands GR mail to the engine. 250 proves nothing to anybody: the engine acknowledges what it has made durable, and whoever sent
/// something that cannot be opened learns nothing about why. A mail that opens proves that its client is the partner.
pub async fn gr_mail(service: &Service, mail: Mail, peer: IpAddr, presence: &Presence) -> Reply {
    let (server, content) = (service.server.clone(), mail.content);
    let opening = service
        .gate
        .open(peer, presence, move || opened(&server, content));
    match opening.await {
        Some(Ok((message, bodies, by))) => {
            presence.prove();
            if by == SealedBy::Next
                && let Err(error) = service.server.go_over_to_new_root().await
                && let Some(times) = NOT_GONE_OVER.now()
            {
                tracing::error!(%error, times, "the new GR password cannot be taken into use yet: the one of before goes on holding");
            }
            if let Err(error) = service.server.gr_mail(message, bodies).await {
                tracing::debug!(%error, "GR mail could not be queued; the partner sends it again");
                return Reply::new(451, Status(4, 3, 2), "Going out of service");
            }
            metrics::counter!("callpilot_gr_mail_received_total").increment(1);
        }
        Some(Err(refused)) => {
            metrics::counter!("callpilot_gr_mail_refused_total", "why" => why(refused))
                .increment(1);
            if refused == Refused::OtherKey {
                service
                    .server
                    .gr_keys()
                    .note_other_key(peer, Instant::now());
            }
            if let Some(times) = NOT_OPENED.now() {
                tracing::warn!(reason = %refused, times, "GR mail could not be opened and was dropped");
            }
        }
        None => return Reply::new(451, Status(4, 3, 2), "Going out of service"),
    }
    Reply::new(250, Status(2, 0, 0), "Taken")
}

fn opened(
    server: &Server,
    mail: BytesMut,
) -> Result<(gr_proto::Message, Vec<bytes::Bytes>, SealedBy), Refused> {
    let (content, by) = server.gr_keys().open(mail, Instant::now())?;
    let message = gr_proto::wire::decode(&content.control).map_err(|_| Refused::Content)?;
    Ok((message, content.bodies, by))
}

fn why(refused: Refused) -> &'static str {
    match refused {
        Refused::NotGrMail => "not_gr_mail",
        Refused::Form => "form",
        Refused::OtherKey => "other_key",
        Refused::Forged => "forged",
        Refused::Content => "content",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_names_every_message_in_lines_that_are_short_enough() {
        let id = "01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90".to_owned();
        for n in [1, 12, 13, 100] {
            let reply = accepted(&vec![id.clone(); n]);
            let mut out = Vec::new();
            reply.write_to(&mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.matches(&id).count(), n);
            assert!(text.lines().all(|line| line.len() <= 510));
        }
    }
}
