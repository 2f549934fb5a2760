//! Carries mail over one connection until it breaks.

use super::LinkContext;
use super::compose::{self, Commands, Sealing};
use super::dial::{Connected, Mode};
use super::progress::Progress;
use crate::listen::Stream;
use crate::smtp_client::{RemoteReply, ReplyReader};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::WriteHalf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use writer::RateLimitedLog;

/// Octets sent without having been answered.
const WINDOW: usize = 8 << 20;
/// Mails sent without having been answered.
const MAILS_MAX: usize = 1_024;
/// MAIL, RCPT and BDAT are answered one by one.
const REPLIES_PER_MAIL: usize = 3;

static REFUSED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// Why nothing is carried any more.
pub enum ConnectionEnd {
    /// Nobody sends any more.
    NoMoreMessages,
    /// The connection is of no more use.
    Broken(io::Error),
}

/// Carries messages, beginning with `first`.
pub async fn carry(
    context: &LinkContext,
    connected: Connected,
    first: Option<gr_proto::Message>,
    messages: &mut mpsc::Receiver<gr_proto::Message>,
) -> ConnectionEnd {
    let Connected {
        replies,
        write,
        mode,
        ..
    } = connected;
    let ended = match mode {
        Mode::Pipeline => pipeline(context, replies, write, first, messages).await,
        Mode::Lockstep => lockstep(context, replies, write, first, messages).await,
    };
    match ended {
        Ok(()) => ConnectionEnd::NoMoreMessages,
        Err(error) => ConnectionEnd::Broken(error),
    }
}

/// Everything is sent as soon as there is room; answers are read beside it.
async fn pipeline(
    context: &LinkContext,
    replies: ReplyReader,
    mut write: WriteHalf<Stream>,
    mut first: Option<gr_proto::Message>,
    messages: &mut mpsc::Receiver<gr_proto::Message>,
) -> io::Result<()> {
    let progress = Progress::begin();
    let window = Arc::new(Semaphore::new(WINDOW));
    let (sent, expected) = mpsc::channel(MAILS_MAX);
    let mut sealing = Sealing::new();
    let writer = async {
        loop {
            let message = match first.take() {
                Some(message) => message,
                None => match messages.recv().await {
                    Some(message) => message,
                    None => return Ok(()),
                },
            };
            let Some(mails) = sealing.mails(context, message) else {
                return Ok(());
            };
            for (ring, message) in mails {
                let bytes = compose::transaction(context, &ring, message).await;
                let share = u32::try_from(bytes.len().min(WINDOW)).unwrap_or(u32::MAX);
                let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                let permit = Arc::clone(&window)
                    .acquire_many_owned(share)
                    .await
                    .map_err(|_| gone(()))?;
                sent.send(permit).await.map_err(|_| gone(()))?;
                progress.write(&mut write, &bytes).await?;
                metrics::counter!("callpilot_gr_mail_sent_total").increment(1);
                metrics::counter!("callpilot_gr_mail_sent_bytes_total")
                    .increment(bytes.len() as u64);
            }
        }
    };
    tokio::select! {
        ended = writer => ended,
        Err(error) = answers(replies, expected, &progress) => Err(error),
    }
}

/// Reads the answers to each mail, and gives its share of the window back.
async fn answers(
    mut replies: ReplyReader,
    mut expected: mpsc::Receiver<OwnedSemaphorePermit>,
    progress: &Progress,
) -> io::Result<()> {
    loop {
        let _permit = tokio::select! {
            biased;
            permit = expected.recv() => match permit {
                Some(permit) => permit,
                None => return Ok(()),
            },
            // Nothing was asked: the partner says good-bye, or has gone.
            unasked = replies.next() => return Err(unexpected(&unasked?)),
        };
        for _ in 0..REPLIES_PER_MAIL {
            let reply = progress.due(replies.next()).await?;
            judge(&reply)?;
        }
    }
}

/// One command at a time.
async fn lockstep(
    context: &LinkContext,
    mut replies: ReplyReader,
    mut write: WriteHalf<Stream>,
    mut first: Option<gr_proto::Message>,
    messages: &mut mpsc::Receiver<gr_proto::Message>,
) -> io::Result<()> {
    let commands = Commands::new(context, "");
    let progress = Progress::begin();
    let mut sealing = Sealing::new();
    loop {
        let message = match first.take() {
            Some(message) => message,
            None => tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => message,
                    None => return Ok(()),
                },
                unasked = replies.next() => return Err(unexpected(&unasked?)),
            },
        };
        let Some(mails) = sealing.mails(context, message) else {
            return Ok(());
        };
        for (ring, message) in mails {
            let content = compose::lines(context, &ring, message).await;
            send_lines(&commands, &progress, &mut replies, &mut write, &content).await?;
        }
    }
}

/// One mail, one command at a time.
async fn send_lines(
    commands: &Commands,
    progress: &Progress,
    replies: &mut ReplyReader,
    write: &mut WriteHalf<Stream>,
    content: &[u8],
) -> io::Result<()> {
    let mut refused = false;
    for command in [&commands.mail, &commands.rcpt, "DATA\r\n"] {
        progress.write(write, command.as_bytes()).await?;
        let reply = progress.due(replies.next()).await?;
        refused = !judge(&reply)?;
        if refused {
            break;
        }
    }
    let end: [&[u8]; 2] = if refused {
        [b"", b"RSET\r\n"]
    } else {
        [content, b".\r\n"]
    };
    for piece in end {
        progress.write(write, piece).await?;
    }
    judge(&progress.due(replies.next()).await?).map(drop)
}

/// Whether it is a yes. A no is logged and counted, and the mail is lost: the engine sends it again.
fn judge(reply: &RemoteReply) -> io::Result<bool> {
    if reply.code == 421 {
        return Err(unexpected(reply));
    }
    let refused = reply.code >= 400;
    if refused {
        metrics::counter!("callpilot_gr_mail_replies_refused_total", "code" => reply.code.to_string()).increment(1);
        if let Some(times) = REFUSED.now() {
            tell_refusal(reply, times);
        }
    }
    Ok(!refused)
}

/// A server that is not half of a pair has no mailbox for GR mail, so this is what the first of two servers hears until the second is paired, too.
fn tell_refusal(reply: &RemoteReply, times: u64) {
    let text = reply.lines.first().map_or("", String::as_str);
    let code = reply.code;
    if is_not_paired(reply) {
        tracing::info!(
            code,
            text,
            times,
            "the GR partner takes no GR mail: it is not paired with this server yet. Enter the pair there, too"
        );
    } else {
        tracing::warn!(
            code,
            text,
            times,
            "the GR partner's mail service refuses GR mail"
        );
    }
}

/// RFC 3463 section 3.2: 5.1.1, there is no such mailbox.
fn is_not_paired(reply: &RemoteReply) -> bool {
    let status = |line: &String| line.starts_with("5.1.1 ");
    reply.code == 550 && reply.lines.first().is_some_and(status)
}

fn unexpected(reply: &RemoteReply) -> io::Error {
    let text = reply.lines.first().map_or("", String::as_str);
    io::Error::other(format!("the partner said {} {text}", reply.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_that_is_not_paired_yet_is_told_from_one_that_refuses() {
        let reply = |code, line: &str| RemoteReply {
            code,
            lines: vec![line.to_owned()],
        };
        assert!(is_not_paired(&reply(550, "5.1.1 No such mailbox here")));
        assert!(!is_not_paired(&reply(
            550,
            "5.7.1 Mail to this address is taken from elsewhere"
        )));
        assert!(!is_not_paired(&reply(450, "4.2.1 Later")));
    }
}
