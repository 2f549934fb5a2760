//! One connection to another mail server, and the mails that go over it (RFC 5321).
//!
//! Each command has its time, replies are bounded, and what the other server says is kept as text of limited length. A connection that breaks when a mail
//! has gone out and its reply has not come leaves open whether it was taken: then it is sent again, under the same Message-ID.

use super::hop::{Hop, TlsPolicy};
use crate::listen::Stream;
use crate::listen::tls::{self, Trust};
use crate::operations::outgoing::Outcome;
use crate::smtp_client::{self, Conversation, RemoteReply};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// For a connection. The system would try for two minutes.
const CONNECT: Duration = Duration::from_secs(30);
/// For the greeting (RFC 5321 section 4.5.3.2.1), and for EHLO, MAIL and RCPT.
const COMMAND: Duration = Duration::from_secs(300);
/// For the reply to DATA (section 4.5.3.2.4).
const DATA: Duration = Duration::from_secs(120);
/// For each piece of the content (section 4.5.3.2.5).
const PIECE: Duration = Duration::from_secs(180);
/// For the reply to the content (section 4.5.3.2.6).
const END: Duration = Duration::from_secs(600);
/// For TLS to begin.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Octets that are written at once.
const PIECE_LEN: usize = 64 << 10;
/// Octets that the system takes ahead of the network.
const AHEAD_MAX: u32 = 512 << 10;
/// Characters of a reply that are repeated.
const SAID_CHARS_MAX: usize = 250;

/// A mail as it leaves.
pub struct Mail<'a> {
    /// The reverse path.
    pub from: &'a str,
    /// To whom, each with its place among the recipients of its message.
    pub recipients: &'a [(u64, String)],
    /// The mail, with CRLF line ends.
    pub content: &'a [u8],
}

/// A connection on which mails can be sent.
pub struct Session {
    conversation: Conversation,
    host: String,
    offered: RemoteReply,
    /// It is of use still.
    alive: bool,
}

/// Who connects, and whom it believes.
pub struct Caller<'a> {
    /// The name of this server.
    pub own: &'a str,
    /// The authorities by which others are verified; `None`: the system's.
    pub roots: Option<&'a Path>,
}

/// Why there is no session: a sentence for the sender.
type Why = String;

impl Session {
    /// Connects to a server at one of these addresses. What goes wrong here may go right another time, whatever code it bears: it is said of the connection, and not
    /// of a mail.
    ///
    /// # Errors
    /// A sentence.
    pub async fn open(
        caller: &Caller<'_>,
        hop: &Hop,
        addresses: &[SocketAddr],
    ) -> Result<Self, Why> {
        let begun = Self::begin(caller, hop, addresses).await?;
        let offers_tls = begun.offered.offers("STARTTLS");
        let mut session = match hop.tls {
            TlsPolicy::Never => begun,
            TlsPolicy::Opportunistic if !offers_tls => begun,
            TlsPolicy::Opportunistic => match begun.secure(caller, None).await {
                Ok(secured) => secured,
                Err(why) => {
                    // Somebody on the way could do this; but nobody was believed anyway.
                    tracing::debug!(host = hop.host, why, "TLS fails; it goes without");
                    Self::begin(caller, hop, addresses).await?
                }
            },
            TlsPolicy::Required(_) if !offers_tls => {
                return Err(format!(
                    "{} does not offer TLS, without which nothing is sent there",
                    hop.host
                ));
            }
            TlsPolicy::Required(trust) => begun.secure(caller, Some(trust)).await?,
        };
        if let Some((user, file)) = &hop.sign_in {
            session.sign_in(user, file.clone()).await?;
        }
        Ok(session)
    }

    /// Connects, and says EHLO.
    async fn begin(caller: &Caller<'_>, hop: &Hop, addresses: &[SocketAddr]) -> Result<Self, Why> {
        let host = &hop.host;
        let connecting = smtp_client::connect(addresses.iter().copied(), AHEAD_MAX);
        let stream = within(CONNECT, connecting).await;
        let stream = stream.map_err(|error| format!("{host} cannot be reached: {error}"))?;
        let mut session = Self {
            conversation: Conversation::over(Stream::Plain(stream)),
            host: host.clone(),
            offered: RemoteReply {
                code: 0,
                lines: Vec::new(),
            },
            alive: true,
        };
        let greeting = within(COMMAND, session.conversation.replies.next()).await;
        let greeting = session.heard(greeting)?;
        if greeting.code != 220 {
            return Err(session.says(&greeting));
        }
        session.hello(caller.own).await?;
        Ok(session)
    }

    async fn hello(&mut self, own: &str) -> Result<(), Why> {
        let mut reply = self.ask(&format!("EHLO {own}\r\n")).await?;
        if reply.code >= 500 {
            // Of before RFC 1869: it offers nothing.
            reply = self.ask(&format!("HELO {own}\r\n")).await?;
            reply.lines.truncate(1);
        }
        if reply.code != 250 {
            return Err(self.says(&reply));
        }
        self.offered = reply;
        Ok(())
    }

    /// Goes over to TLS. `trust`: how the other server proves who it is; `None`: it need not.
    async fn secure(self, caller: &Caller<'_>, trust: Option<Trust>) -> Result<Self, Why> {
        let roots = caller.roots.map(Path::to_owned);
        let connector = tokio::task::spawn_blocking(move || match trust {
            Some(trust) => tls::connector(trust, roots.as_deref()),
            None => tls::unverified_connector(),
        });
        let host = self.host;
        let connector = match connector.await {
            Ok(connector) => connector.map_err(|error| error.to_string())?,
            Err(error) => return Err(error.to_string()),
        };
        let securing = self.conversation.secure(host.clone(), &connector);
        let conversation = match timeout(HANDSHAKE, securing).await {
            Ok(secured) => secured.map_err(|error| format!("{host}: {error}"))?,
            Err(_) => return Err(format!("{host} does not begin TLS in time")),
        };
        let mut session = Self {
            conversation,
            host,
            ..self
        };
        // What was offered in plain may be anybody's word (RFC 3207 section 4.2).
        session.hello(caller.own).await?;
        Ok(session)
    }

    /// AUTH PLAIN (RFC 4616), on a secured connection.
    async fn sign_in(&mut self, user: &str, file: PathBuf) -> Result<(), Why> {
        let path = file.display().to_string();
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file));
        let text = read.await.map_err(io::Error::other).flatten();
        let text = Zeroizing::new(text.map_err(|error| format!("{path}: {error}"))?);
        let password = text.lines().next().unwrap_or_default().trim();
        let plain = Zeroizing::new(format!("\0{user}\0{password}"));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(plain.as_bytes()));
        let command = Zeroizing::new(format!("AUTH PLAIN {}\r\n", *encoded));
        let reply = self.ask(&command).await?;
        match reply.code {
            235 => Ok(()),
            _ => Err(self.says(&reply)),
        }
    }

    /// Whether another mail can be sent on it.
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// Sends one mail, and says what has come of it for each recipient.
    pub async fn send(&mut self, mail: &Mail<'_>) -> Vec<(u64, Outcome)> {
        let all = mail.recipients.iter().map(|(n, _)| *n);
        if let Some(most) = self
            .size_max()
            .filter(|most| mail.content.len() as u64 > *most)
        {
            let why = format!(
                "the message has {} bytes, and {} takes {most} at most",
                mail.content.len(),
                self.host
            );
            return all.map(|n| (n, Outcome::Failed(why.clone()))).collect();
        }
        let mut outcomes = Vec::with_capacity(mail.recipients.len());
        let sent = self.transaction(mail, &mut outcomes).await;
        if let Err(why) = sent {
            // Who was refused for good stays so; all others are tried again.
            self.alive = false;
            outcomes.retain(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
            for n in all {
                if outcomes.iter().all(|(known, _)| *known != n) {
                    outcomes.push((n, Outcome::PutOff(why.clone())));
                }
            }
        }
        outcomes
    }

    /// The longest mail that the other server takes, if it says so (RFC 1870).
    fn size_max(&self) -> Option<u64> {
        let size = self.offered.parameter("SIZE")?.parse().ok()?;
        (size > 0).then_some(size)
    }

    async fn transaction(
        &mut self,
        mail: &Mail<'_>,
        outcomes: &mut Vec<(u64, Outcome)>,
    ) -> Result<(), Why> {
        let size = match self.offered.offers("SIZE") {
            true => format!(" SIZE={}", mail.content.len()),
            false => String::new(),
        };
        let rcpt = |(_, address): &(u64, String)| format!("RCPT TO:<{address}>\r\n");
        let mut commands = vec![format!("MAIL FROM:<{}>{size}\r\n", mail.from)];
        commands.extend(mail.recipients.iter().map(rcpt));
        let mut replies = self.ask_all(&commands).await?.into_iter();
        let first = replies.next().unwrap_or_else(lost);
        if first.code != 250 {
            let refused = self.judge(&first);
            let all = mail.recipients.iter();
            outcomes.extend(all.map(|(n, _)| (*n, refused.clone())));
            return self.reset(&first).await;
        }
        let mut taken = Vec::new();
        let mut last = first;
        for ((n, _), reply) in mail.recipients.iter().zip(replies) {
            match reply.code {
                250 | 251 => taken.push(*n),
                _ => outcomes.push((*n, self.judge(&reply))),
            }
            last = reply;
        }
        if taken.is_empty() {
            return self.reset(&last).await;
        }
        let reply = self.ask_within(DATA, "DATA\r\n").await?;
        let is_wanted = reply.code == 354;
        let reply = match is_wanted {
            true => self.content(mail.content).await?,
            false => reply,
        };
        let outcome = self.judge(&reply);
        outcomes.extend(taken.into_iter().map(|n| (n, outcome.clone())));
        if !is_wanted {
            // The transaction is open still, and the next one would be out of order.
            return self.reset(&reply).await;
        }
        self.alive &= reply.code != 421;
        Ok(())
    }

    /// Says all of these at once where the other server offers PIPELINING (RFC 2920), else one after the other; then those that follow a refused MAIL are
    /// not said.
    async fn ask_all(&mut self, commands: &[String]) -> Result<Vec<RemoteReply>, Why> {
        let mut replies = Vec::with_capacity(commands.len());
        if self.offered.offers("PIPELINING") {
            self.write(commands.concat().as_bytes()).await?;
            for _ in commands {
                let reply = within(COMMAND, self.conversation.replies.next()).await;
                replies.push(self.heard(reply)?);
            }
            return Ok(replies);
        }
        for command in commands {
            replies.push(self.ask(command).await?);
            if replies.len() == 1 && replies[0].code != 250 {
                break;
            }
        }
        Ok(replies)
    }

    /// The content, its lines that begin with a dot with another one (RFC 5321 section 4.5.2), and the reply to it.
    async fn content(&mut self, content: &[u8]) -> Result<RemoteReply, Why> {
        let mut piece = Vec::with_capacity(PIECE_LEN + 1_024);
        for line in content.split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(b".") {
                piece.push(b'.');
            }
            piece.extend_from_slice(line);
            if piece.len() >= PIECE_LEN {
                self.write(&piece).await?;
                piece.clear();
            }
        }
        if !content.ends_with(b"\r\n") {
            piece.extend_from_slice(b"\r\n");
        }
        piece.extend_from_slice(b".\r\n");
        self.write(&piece).await?;
        let reply = within(END, self.conversation.replies.next()).await;
        self.heard(reply)
    }

    /// Ends a transaction that came to nothing.
    async fn reset(&mut self, reply: &RemoteReply) -> Result<(), Why> {
        if reply.code == 421 {
            self.alive = false;
            return Ok(());
        }
        let answer = self.ask("RSET\r\n").await?;
        self.alive &= answer.code == 250;
        Ok(())
    }

    /// Says good-bye. Nobody waits for the answer.
    pub async fn close(mut self) {
        if self.alive {
            let _ = self.write(b"QUIT\r\n").await;
            let quit = self.conversation.replies.next();
            let _ = timeout(Duration::from_secs(5), quit).await;
        }
    }

    async fn ask(&mut self, command: &str) -> Result<RemoteReply, Why> {
        self.ask_within(COMMAND, command).await
    }

    async fn ask_within(&mut self, patience: Duration, command: &str) -> Result<RemoteReply, Why> {
        let reply = within(patience, self.conversation.ask(command)).await;
        self.heard(reply)
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), Why> {
        let writing = async {
            self.conversation.write.write_all(octets).await?;
            self.conversation.write.flush().await
        };
        let written = within(PIECE, writing).await;
        written.map_err(|error| format!("the connection to {} broke: {error}", self.host))
    }

    fn heard(&mut self, reply: io::Result<RemoteReply>) -> Result<RemoteReply, Why> {
        reply.map_err(|error| {
            self.alive = false;
            match error.kind() {
                io::ErrorKind::UnexpectedEof => format!("{} closed the connection", self.host),
                _ => format!("the connection to {} broke: {error}", self.host),
            }
        })
    }

    fn judge(&self, reply: &RemoteReply) -> Outcome {
        match reply.code {
            200..300 => Outcome::Delivered(self.says(reply)),
            // That a command came out of order is said of this connection, and not of the mail.
            503 => Outcome::PutOff(self.says(reply)),
            500..600 => Outcome::Failed(self.says(reply)),
            _ => Outcome::PutOff(self.says(reply)),
        }
    }

    /// What it says, for people.
    fn says(&self, reply: &RemoteReply) -> String {
        let text = reply.lines.join(" ");
        let shown = text.chars().filter(|c| !c.is_control());
        let text: String = shown.take(SAID_CHARS_MAX).collect();
        format!("{} said: {} {}", self.host, reply.code, text.trim())
    }
}

/// Takes the place of a reply that cannot be missing.
fn lost() -> RemoteReply {
    RemoteReply {
        code: 421,
        lines: Vec::new(),
    }
}

async fn within<T>(
    patience: Duration,
    coming: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match timeout(patience, coming).await {
        Ok(came) => came,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("nothing came within {} s", patience.as_secs()),
        )),
    }
}
