//! One SMTP session as a server sees it, without IO: bytes in, steps out (RFC 5321; extensions SIZE, PIPELINING,
//! ENHANCEDSTATUSCODES, 8BITMIME, CHUNKING, BINARYMIME, STARTTLS, AUTH).
//!
//! [`Session::step`] takes bytes off the front of a buffer and says what comes next. It knows no mailbox: a recipient is a
//! [`Step::Lookup`] that its owner answers by [`Session::resolve`]. A whole mail is a [`Step::Mail`]; the session goes on with
//! what follows at once, so that mails sent in one pipeline are accepted together. Its owner sends the replies in the order of the steps.
//!
//! Lines end with CR LF and nothing else, in commands and in DATA: what other programs may take for an end is not one here,
//! so a message cannot smuggle commands past a relay.

mod address;
mod auth;
mod bdat;
pub(super) mod content;
mod data;
mod hello;
mod line;
mod mail;
mod other;
mod parameters;
mod rcpt;

pub use address::Path;
pub use auth::Credentials;

use super::reply::{Reply, Status};
use bytes::BytesMut;
use contract::ObjectId;

/// What one session may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets of one message as transferred.
    pub message_size_max: usize,
    /// Octets of one mail for the replication engine, which may hold a message of full size.
    pub gr_size_max: usize,
    /// Recipients of one message.
    pub recipients_max: usize,
    /// 5xx replies since the last mail before the session is closed.
    pub errors_max: u32,
    /// Commands without a mail before the session is closed.
    pub commands_between_mails_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size_max: 20 << 20,
            gr_size_max: 51 << 20,
            recipients_max: 1_000,
            errors_max: 20,
            commands_between_mails_max: 3_000,
        }
    }
}

/// How the body of a mail is encoded, by the word of the client (RFC 6152, RFC 3030).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyKind {
    /// Lines of ASCII.
    #[default]
    SevenBit,
    /// Lines of any octets.
    EightBit,
    /// Octets.
    Binary,
}

/// Where a recipient's mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryTarget {
    /// Into the mailbox of this user.
    Mailbox(ObjectId),
    /// To the replication engine.
    Partner,
}

/// A recipient that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Where its mail goes.
    pub target: DeliveryTarget,
    /// The address as given.
    pub path: Path,
}

/// A recipient that the owner of the session has to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The address.
    pub path: Path,
    /// Octets of the message, if the client declared them (RFC 1870).
    pub declared_size: Option<u64>,
}

/// A mail that arrived whole.
#[derive(Debug)]
pub struct Mail {
    /// The reverse path; `None` is the null path of reports.
    pub from: Option<Path>,
    /// At least one.
    pub recipients: Vec<Recipient>,
    /// How the body is encoded, by the word of the client.
    pub body: BodyKind,
    /// The name the client gave in HELO or EHLO.
    pub client: String,
    /// Sent after EHLO.
    pub esmtp: bool,
    /// The content as transferred; from DATA without the added dots.
    pub content: BytesMut,
}

impl Mail {
    /// Whether it is for the replication engine; then it has no other recipient.
    pub fn is_for_partner(&self) -> bool {
        self.recipients
            .iter()
            .any(|r| r.target == DeliveryTarget::Partner)
    }
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// Nothing can be done before more bytes arrive; at least this many are missing for the next step (1 if unknown).
    Read(usize),
    /// A reply to send, after those of earlier steps.
    Reply(Reply),
    /// A recipient to judge: [`Session::resolve`] goes on.
    Lookup(Lookup),
    /// Somebody to sign in: [`Session::signed_in`] goes on.
    SignIn(Credentials),
    /// A mail to take or to refuse; the reply to it is the owner's.
    Mail(Box<Mail>),
    /// The reply to STARTTLS, after those of earlier steps. Once it is sent, nothing more is read in plain: TLS begins, and then the session
    /// goes on by [`Session::secured`]. What the client has sent behind the command must not be read by either.
    StartTls(Reply),
    /// Close the connection once all replies are sent.
    Close,
}

/// What was collected for one mail so far.
#[derive(Debug)]
struct Transaction {
    from: Option<Path>,
    body: BodyKind,
    declared_size: Option<u64>,
    recipients: Vec<Recipient>,
    /// What BDAT brought so far; `None` before the first one.
    chunks: Option<BytesMut>,
}

#[derive(Debug)]
enum Stage {
    Command,
    /// The rest of a command line that was too long is thrown away.
    LongLine,
    Asked(Lookup),
    /// The rest of AUTH is to come.
    Response,
    SigningIn(Credentials),
    Data(data::DataReader),
    Chunk(bdat::Chunk),
    /// A last reply, then nothing more.
    Closing(Option<Reply>),
}

/// The state of one connection.
#[derive(Debug)]
pub struct Session {
    host: String,
    limits: Limits,
    offers_tls: bool,
    offers_auth: bool,
    signed_in: bool,
    client: Option<hello::Client>,
    transaction: Option<Transaction>,
    stage: Stage,
    errors: u32,
    commands_since_mail: u32,
}

const OK: Status = Status(2, 0, 0);
const BAD_SEQUENCE: Status = Status(5, 5, 1);
const SYNTAX: Status = Status(5, 5, 2);
const BAD_ARGUMENT: Status = Status(5, 5, 4);
const TOO_BIG: Status = Status(5, 3, 4);

impl Session {
    /// A session of the server `host` (its FQDN), before the greeting.
    pub fn new(host: &str, limits: Limits) -> Self {
        Self {
            host: host.to_owned(),
            limits,
            offers_tls: false,
            offers_auth: false,
            signed_in: false,
            client: None,
            transaction: None,
            stage: Stage::Command,
            errors: 0,
            commands_since_mail: 0,
        }
    }

    /// The client may go over to TLS.
    pub fn offering_tls(mut self) -> Self {
        self.offers_tls = true;
        self
    }

    /// The connection goes by TLS from its beginning, so that the client may tell a password.
    pub fn offering_auth(mut self) -> Self {
        self.offers_auth = true;
        self
    }

    /// Goes on behind TLS: nothing that was said in plain counts (RFC 3207 section 4.2), but errors still do.
    pub fn secured(&mut self) {
        self.offers_tls = false;
        self.offers_auth = true;
        self.client = None;
        self.transaction = None;
        self.stage = Stage::Command;
    }

    /// What the server says first.
    pub fn greeting(&self) -> Reply {
        Reply::plain(220, format!("{} ESMTP CallPilot", self.host))
    }

    /// The reverse path of the mail that is being begun; none also for reports.
    pub fn sender(&self) -> Option<&Path> {
        self.transaction.as_ref()?.from.as_ref()
    }

    /// Whether a mail's content is being transferred, so that time is judged by the amount.
    pub fn transferring(&self) -> bool {
        matches!(self.stage, Stage::Data(_) | Stage::Chunk(_))
    }

    /// Whether the mail that was begun is for the replication engine.
    pub fn is_for_partner(&self) -> bool {
        let mut recipients = self.transaction.iter().flat_map(|t| &t.recipients);
        recipients.any(|r| r.target == DeliveryTarget::Partner)
    }

    /// Octets that the session takes for content until the mail is whole.
    pub fn kept(&self) -> usize {
        let chunks = self.transaction.as_ref().and_then(|t| t.chunks.as_ref());
        let lines = match &self.stage {
            Stage::Data(reader) => reader.kept(),
            _ => 0,
        };
        lines + chunks.map_or(0, BytesMut::capacity)
    }

    /// Goes on with what has arrived; takes what it used off the front of `input`.
    pub fn step(&mut self, input: &mut BytesMut) -> Step {
        self.step_on(input).unwrap_or(Step::Read(1))
    }

    /// `None`: more has to come.
    fn step_on(&mut self, input: &mut BytesMut) -> Option<Step> {
        loop {
            match &mut self.stage {
                Stage::Command => match line::take(input) {
                    line::Taken::Line(line) => {
                        if let Some(step) = self.command(&line) {
                            return Some(step);
                        }
                    }
                    line::Taken::Malformed(why) => {
                        return Some(self.refused(Reply::new(500, SYNTAX, why)));
                    }
                    line::Taken::Partial => return None,
                    line::Taken::TooLong => self.stage = Stage::LongLine,
                },
                Stage::LongLine => {
                    if !line::skip(input) {
                        return None;
                    }
                    self.stage = Stage::Command;
                    return Some(self.refused(Reply::new(500, SYNTAX, "Line too long")));
                }
                Stage::Asked(asked) => return Some(Step::Lookup(asked.clone())),
                Stage::Response => return self.response(input),
                Stage::SigningIn(credentials) => return Some(Step::SignIn(credentials.clone())),
                Stage::Data(reader) => {
                    let end = reader.read(input)?;
                    return Some(self.data_ended(end));
                }
                Stage::Chunk(_) => return Some(self.chunk(input)),
                Stage::Closing(last) => return Some(last.take().map_or(Step::Close, Step::Reply)),
            }
        }
    }

    /// The answer to a [`Step::Lookup`]. Returns the reply to send.
    ///
    /// # Panics
    /// If nothing was asked.
    pub fn resolve(&mut self, verdict: Result<DeliveryTarget, Reply>) -> Reply {
        let stage = std::mem::replace(&mut self.stage, Stage::Command);
        let Stage::Asked(asked) = stage else {
            panic!("a verdict for a recipient that was not asked for");
        };
        let reply = self.rcpt_judged(asked, verdict);
        self.count(&reply);
        reply
    }

    /// One command line. `None`: what follows it is not a command.
    fn command(&mut self, line: &[u8]) -> Option<Step> {
        let (verb, rest) = line::split(line);
        self.commands_since_mail += 1;
        if self.commands_since_mail > self.limits.commands_between_mails_max {
            return Some(self.closing(Reply::new(
                421,
                Status(4, 7, 0),
                "Too many commands without a mail",
            )));
        }
        let Some(rest) = rest else {
            return Some(self.refused(Reply::new(500, SYNTAX, "Commands are printable ASCII")));
        };
        let extended = matches!(verb.as_str(), "MAIL" | "RCPT" | "AUTH");
        if !extended && line.len() > line::PLAIN_MAX {
            return Some(self.refused(Reply::new(500, SYNTAX, "Line too long")));
        }
        Some(match verb.as_str() {
            "EHLO" => self.ehlo(rest),
            "HELO" => self.helo(rest),
            "MAIL" => self.mail(rest),
            "RCPT" => self.rcpt(rest),
            "DATA" => self.data(rest),
            "BDAT" => return self.bdat(rest),
            "RSET" => self.rset(rest),
            "NOOP" => Step::Reply(Reply::new(250, OK, "Fine")),
            "VRFY" => self.vrfy(rest),
            "HELP" => other::help(),
            "STARTTLS" => self.start_tls(rest),
            "AUTH" => self.auth(rest),
            "QUIT" => self.quit(rest),
            _ => self.unknown(&verb),
        })
    }

    /// Octets that the mail which was begun may have.
    fn size_max(&self) -> usize {
        if self.is_for_partner() {
            self.limits.gr_size_max
        } else {
            self.limits.message_size_max
        }
    }

    /// Sends a reply and counts it if it refuses.
    fn refused(&mut self, reply: Reply) -> Step {
        self.count(&reply);
        Step::Reply(reply)
    }

    fn count(&mut self, reply: &Reply) {
        if reply.code >= 500 {
            self.errors += 1;
        }
        if self.errors >= self.limits.errors_max && matches!(self.stage, Stage::Command) {
            let last = Reply::new(421, Status(4, 7, 0), "Too many errors; closing");
            self.stage = Stage::Closing(Some(last));
        }
    }

    /// Sends a last reply, then closes.
    fn closing(&mut self, reply: Reply) -> Step {
        self.stage = Stage::Closing(None);
        self.transaction = None;
        Step::Reply(reply)
    }

    /// Hands over the mail that is complete now.
    fn complete(&mut self, content: BytesMut) -> Step {
        let (Some(transaction), Some(client)) = (self.transaction.take(), &self.client) else {
            return self.refused(Reply::new(503, BAD_SEQUENCE, "MAIL first"));
        };
        self.commands_since_mail = 0;
        self.errors = 0;
        Step::Mail(Box::new(Mail {
            from: transaction.from,
            recipients: transaction.recipients,
            body: transaction.body,
            client: client.name.clone(),
            esmtp: client.esmtp,
            content,
        }))
    }
}

#[cfg(test)]
mod tests;
