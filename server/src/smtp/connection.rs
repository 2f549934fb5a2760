//! Moves bytes between a socket and a [`Session`].
//!
//! Reading goes on while mails are being accepted: what a client sends in one pipeline reaches the disk in one group. What one
//! connection may have under way is bounded, and so is the time in which it has to get on.

use super::gr_gate::Turn;
use super::intake;
use super::recipients;
use super::replies::{self, QueuedReply};
use super::session::{Credentials, Limits, Mail, Session, Step, content};
use super::{Reply, Service, Status, submission};
use crate::config;
use crate::listen::{self, Presence, Share, Stream, TooMuch};
use crate::operations::peers::{self, Submitter};
use bytes::BytesMut;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// Answers that wait for their turn.
const ANSWERS_MAX: usize = 256;
/// Mails of one connection that are being accepted.
const MAILS_MAX: usize = 64;
/// Octets of such mails. A single larger one counts as so many.
const MAIL_BYTES_MAX: usize = 16 << 20;
/// A mail counts at least this much, so that [`MAILS_MAX`] of them fill the measure.
const MAIL_BYTES_MIN: usize = MAIL_BYTES_MAX / MAILS_MAX;
/// Octets read at once, at least.
const READ_MIN: usize = 16 << 10;
/// Memory set aside for a chunk on its way, at most: a client has to send before it gets more.
const READ_MAX: usize = 1 << 20;
/// While content is transferred, so much has to come within the patience.
const PROGRESS_MIN: usize = 64 << 10;
/// A client that transfers content, and gets on, makes no room for others before it has stood still for so long.
const STALLED_AFTER: Duration = Duration::from_secs(10);
/// How long the last octets may take to leave.
const FAREWELL: Duration = Duration::from_secs(5);
/// What a GR mail may be longer than the longest message in it: the engine's own part, and base64.
const GR_OVERHEAD: usize = 24 << 20;

/// Octets of the longest GR mail where a message may have `message_size_max`.
pub fn gr_size_max(message_size_max: usize) -> usize {
    message_size_max / 3 * 4 + GR_OVERHEAD
}

/// What is on its way is lost, and nothing else: the client sends it again.
const TOO_MUCH: &str = "Too much mail is being transferred at present; try again later";
const TOO_SLOW: &str = "Too slow; closing";
const GR_TOO_MUCH: &str = "One mail to this address at a time; try again later";
const MAKES_ROOM: &str = "Too many connections; this one waited longest";
const STOPPING: &str = "Going out of service";
const NOT_ALONE: &str = "Nothing may follow STARTTLS in its group; closing";

/// Serves one client until one of both sides ends it.
pub async fn serve(service: Service, accepted: listen::Connection, stop: CancellationToken) {
    let listen::Connection {
        mut stream,
        peer,
        presence,
    } = accepted;
    let config = &service.server.config().smtp;
    let session = Session::new(&service.server.config().fqdn, limits(config));
    let offers_tls = config.starttls && !stream.is_secured();
    let session = match stream.is_secured() {
        true => session.offering_auth(),
        false => session,
    };
    let acceptor = service.tls.clone().filter(|_| offers_tls);
    let mut conversation = Conversation {
        peer: peer.ip(),
        submitter: peers::by_network(&service.server, peer.ip()),
        session: if acceptor.is_some() {
            session.offering_tls()
        } else {
            session
        },
        input: BytesMut::new(),
        share: service.budget.share(peer.ip()),
        turn: None,
        presence,
        patience: Duration::from_secs(config.idle_timeout_s),
        recipient_by: Some(Instant::now() + Duration::from_secs(config.first_recipient_timeout_s)),
        greeted: false,
        content_began: false,
        service,
    };
    while let Some(plain) = converse(&mut conversation, stream, &stop).await {
        let (Some(acceptor), Stream::Plain(plain)) = (&acceptor, plain) else {
            return;
        };
        let limits = &conversation.service.server.config().limits;
        let within = Duration::from_secs(limits.handshake_timeout_s);
        let Ok(Some(secured)) = timeout(within, Stream::accept(acceptor, plain)).await else {
            return;
        };
        conversation.session.secured();
        stream = secured;
    }
}

/// Goes on until the client goes, or goes over to TLS: then its stream is given back, and nothing more has been read from it.
async fn converse(
    conversation: &mut Conversation,
    stream: Stream,
    stop: &CancellationToken,
) -> Option<Stream> {
    let patience = conversation.patience;
    let (mut read, mut write) = tokio::io::split(stream);
    let (answers, queue) = mpsc::channel(ANSWERS_MAX);
    let (next, written) = {
        let mut reader = Reader {
            conversation,
            answers,
            under_way: Arc::new(Semaphore::new(MAIL_BYTES_MAX)),
        };
        let reading = async move { reader.run(&mut read, stop).await.map(|()| read) };
        let mut writer = std::pin::pin!(replies::write(queue, &mut write, patience));
        tokio::select! {
            // Nobody listens any more.
            written = &mut writer => (None, written),
            next = reading => (next, writer.await),
        }
    };
    if let Err(error) = written {
        tracing::debug!(%error, "an SMTP client went away before it had its answers");
        return None;
    }
    match next {
        Some(read) => Some(read.unsplit(write)),
        None => {
            // TLS says good-bye, so that the client knows that nothing was cut off.
            let _ = timeout(FAREWELL, write.shutdown()).await;
            None
        }
    }
}

fn limits(config: &config::Smtp) -> Limits {
    Limits {
        message_size_max: config.message_size_max,
        gr_size_max: gr_size_max(config.message_size_max),
        recipients_max: config.recipients_max,
        ..Limits::default()
    }
}

/// What is known of a client, also when it goes over to TLS.
struct Conversation {
    service: Service,
    peer: IpAddr,
    /// Who hands in its mails.
    submitter: Submitter,
    session: Session,
    input: BytesMut,
    /// What is kept for this client.
    share: Share,
    /// Its turn to send a mail to the engine, before it has proved to be the partner.
    turn: Option<Turn>,
    presence: Presence,
    patience: Duration,
    /// By then it has named a recipient that was taken; `None`: it has.
    recipient_by: Option<Instant>,
    greeted: bool,
    /// Of the next mail that is taken, some content has come.
    content_began: bool,
}

impl Conversation {
    /// Counts what is kept for the client, with room for what is read next of the octets that are missing.
    ///
    /// # Errors
    /// What it is told if that is too much.
    fn hold(&mut self, room: usize, missing: usize) -> Result<(), &'static str> {
        let octets = self.session.kept() + content::taken_with(&self.input, room, missing);
        let too_much = |TooMuch| TOO_MUCH;
        self.share.hold(octets).map_err(too_much)?;
        let has_content = self.session.transferring() || self.session.kept() > 0;
        if has_content && !std::mem::replace(&mut self.content_began, true) {
            self.presence.got_on(STALLED_AFTER);
        }
        if !(has_content && self.session.is_for_partner()) {
            self.turn = None;
            return Ok(());
        }
        if self.turn.is_none() {
            let turn = self.service.gate.turn(self.peer, &self.presence);
            self.turn = turn.map_err(|TooMuch| GR_TOO_MUCH)?;
        }
        let turn = self.turn.as_mut();
        turn.map_or(Ok(()), |turn| turn.hold(octets))
            .map_err(too_much)
    }

    /// Signs the client in, or says why not.
    async fn sign_in(&mut self, credentials: &Credentials) -> Reply {
        let _under_way = self.presence.begin();
        let verdict = submission::judge(&self.service, credentials, self.peer).await;
        self.session
            .signed_in(verdict.map(|who| self.submitter = who))
    }
}

struct Reader<'a> {
    conversation: &'a mut Conversation,
    answers: mpsc::Sender<QueuedReply>,
    under_way: Arc<Semaphore>,
}

/// The client or the writer of answers is gone.
struct Gone;

/// How reading ends while there is somebody to talk to.
enum ReadingEnd {
    /// Nothing more is said.
    Closed,
    /// TLS begins.
    StartTls,
}

impl Reader<'_> {
    /// Ends when nothing more will be read in this way; `Some` if TLS begins. The answers to what was read still leave.
    async fn run(&mut self, read: &mut ReadHalf<Stream>, stop: &CancellationToken) -> Option<()> {
        match self.read_on(read, stop).await {
            Ok(ReadingEnd::StartTls) => Some(()),
            // Gone is a normal end: there is nobody left to tell.
            Ok(ReadingEnd::Closed) | Err(Gone) => None,
        }
    }

    async fn read_on(
        &mut self,
        read: &mut ReadHalf<Stream>,
        stop: &CancellationToken,
    ) -> Result<ReadingEnd, Gone> {
        if !std::mem::replace(&mut self.conversation.greeted, true) {
            self.answer(self.conversation.session.greeting()).await?;
        }
        let patience = self.conversation.patience;
        let mut deadline = Instant::now() + patience;
        let mut progress = 0;
        loop {
            let Conversation {
                session,
                input,
                service,
                recipient_by,
                peer,
                submitter,
                ..
            } = &mut *self.conversation;
            match session.step(input) {
                Step::Read(missing) => {
                    let transferring = session.transferring();
                    match self.read_more(read, missing, deadline, stop).await? {
                        Ok(n) => progress += n,
                        Err(last_word) => {
                            self.answer(last_word).await?;
                            return Ok(ReadingEnd::Closed);
                        }
                    }
                    // A trickle of octets is no progress: only commands and a decent amount of content are.
                    if !(transferring && progress >= PROGRESS_MIN) {
                        continue;
                    }
                    self.conversation.presence.got_on(STALLED_AFTER);
                }
                Step::Reply(reply) => self.answer(reply).await?,
                Step::Lookup(lookup) => {
                    let verdict =
                        recipients::judge(service, &lookup, session.sender(), (submitter, *peer))
                            .await;
                    let reply = session.resolve(verdict);
                    if !reply.is_refusal() {
                        *recipient_by = None;
                    }
                    self.answer(reply).await?;
                }
                Step::SignIn(credentials) => {
                    let reply = self.conversation.sign_in(&credentials).await;
                    self.answer(reply).await?;
                }
                Step::Mail(mail) => self.take(*mail).await?,
                // Whatever comes behind the command in plain may be somebody else's (RFC 3207 section 6).
                Step::StartTls(_) if !input.is_empty() => {
                    return self.close(501, Status(5, 5, 2), NOT_ALONE).await;
                }
                Step::StartTls(reply) => {
                    self.answer(reply).await?;
                    return Ok(ReadingEnd::StartTls);
                }
                Step::Close => return Ok(ReadingEnd::Closed),
            }
            deadline = Instant::now() + patience;
            progress = 0;
        }
    }

    /// Reads some octets, at least one: how many, or a last word to a client that is too slow or keeps too much, and to all when the
    /// server stops or this connection has to make room.
    async fn read_more(
        &mut self,
        read: &mut ReadHalf<Stream>,
        missing: usize,
        deadline: Instant,
        stop: &CancellationToken,
    ) -> Result<Result<usize, Reply>, Gone> {
        let room = missing.clamp(READ_MIN, READ_MAX);
        if let Err(text) = self.conversation.hold(room, missing) {
            return Ok(Err(Reply::new(421, Status(4, 3, 2), text)));
        }
        let Conversation {
            input,
            presence,
            recipient_by,
            ..
        } = &mut *self.conversation;
        let by = recipient_by.map_or(deadline, |by| deadline.min(by));
        content::reserve(input, room, missing);
        let last_word = tokio::select! {
            biased;
            read = timeout_at(by, read.read_buf(input)) => match read {
                Ok(Ok(n)) if n > 0 => return Ok(Ok(n)),
                Ok(_) => return Err(Gone),
                Err(_) => {
                    presence.count_ended("silent");
                    Reply::new(421, Status(4, 4, 2), TOO_SLOW)
                }
            },
            () = stop.cancelled() => Reply::new(421, Status(4, 3, 2), STOPPING),
            () = presence.leave().cancelled() => Reply::new(421, Status(4, 7, 0), MAKES_ROOM),
        };
        Ok(Err(last_word))
    }

    /// A last word.
    async fn close(
        &self,
        code: u16,
        status: Status,
        text: &'static str,
    ) -> Result<ReadingEnd, Gone> {
        self.answer(Reply::new(code, status, text)).await?;
        Ok(ReadingEnd::Closed)
    }

    async fn answer(&self, reply: Reply) -> Result<(), Gone> {
        self.answers
            .send(QueuedReply::Now(reply))
            .await
            .map_err(|_| Gone)
    }

    /// Begins to accept a mail, and goes on. GR mail is handed over in the order in which it came.
    async fn take(&mut self, mail: Mail) -> Result<(), Gone> {
        self.conversation.content_began = false;
        if mail.is_for_partner() {
            let Conversation {
                service,
                presence,
                peer,
                ..
            } = &*self.conversation;
            let reply = intake::gr_mail(service, mail, *peer, presence).await;
            self.conversation.turn = None;
            return self.answer(reply).await;
        }
        let share = mail.content.len().clamp(MAIL_BYTES_MIN, MAIL_BYTES_MAX);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.under_way)
            .acquire_many_owned(share)
            .await
            .map_err(|_| Gone)?;
        // What follows in the pipeline is counted anew with the next read.
        let mut kept = self.conversation.share.take();
        if kept.hold_all(mail.content.capacity()).is_err() {
            return self
                .answer(Reply::new(452, Status(4, 3, 1), TOO_MUCH))
                .await;
        }
        let (done, later) = oneshot::channel();
        let (service, peer) = (self.conversation.service.clone(), self.conversation.peer);
        let submitter = self.conversation.submitter.clone();
        let under_way = self.conversation.presence.begin();
        tokio::spawn(async move {
            let (_kept, _under_way) = (kept, under_way);
            // The client may be gone; the mail stands all the same.
            let _ = done.send(intake::voice_mail(&service, mail, &submitter, peer).await);
        });
        self.answers
            .send(QueuedReply::Later(later, permit))
            .await
            .map_err(|_| Gone)
    }
}
