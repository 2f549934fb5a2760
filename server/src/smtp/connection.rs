//! Moves bytes between a socket and a [`Session`].
//!
//! Reading goes on while mails are being accepted: what a client sends in one pipeline reaches the disk in one group. What one
//! connection may have under way is bounded, and so is the time in which it has to get on.

use super::intake;
use super::recipients;
use super::replies::{self, Answer};
use super::session::{Limits, Mail, Session, Step};
use super::{Reply, Service, Status};
use crate::config;
use crate::listen::{self, Share, Stream};
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
const STOPPING: &str = "Going out of service";
const NOT_ALONE: &str = "Nothing may follow STARTTLS in its group; closing";

/// Serves one client until one of both sides ends it.
pub async fn serve(service: Service, accepted: listen::Connection, stop: CancellationToken) {
    let listen::Connection { mut stream, peer } = accepted;
    let config = &service.server.config().smtp;
    let session = Session::new(&service.server.config().fqdn, limits(config));
    let offers_tls = config.starttls && !stream.is_secured();
    let acceptor = service.tls.clone().filter(|_| offers_tls);
    let mut conversation = Conversation {
        peer: peer.ip(),
        session: if acceptor.is_some() {
            session.offering_tls()
        } else {
            session
        },
        input: BytesMut::new(),
        share: service.budget.share(peer.ip()),
        patience: Duration::from_secs(config.idle_timeout_s),
        greeted: false,
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
    session: Session,
    input: BytesMut,
    /// What is kept for this client.
    share: Share,
    patience: Duration,
    greeted: bool,
}

struct Reader<'a> {
    conversation: &'a mut Conversation,
    answers: mpsc::Sender<Answer>,
    under_way: Arc<Semaphore>,
}

/// The client or the writer of answers is gone.
struct Gone;

/// How reading ends while there is somebody to talk to.
enum Ended {
    /// Nothing more is said.
    Closed,
    /// TLS begins.
    StartTls,
}

impl Reader<'_> {
    /// Ends when nothing more will be read in this way; `Some` if TLS begins. The answers to what was read still leave.
    async fn run(&mut self, read: &mut ReadHalf<Stream>, stop: &CancellationToken) -> Option<()> {
        match self.read_on(read, stop).await {
            Ok(Ended::StartTls) => Some(()),
            // Gone is a normal end: there is nobody left to tell.
            Ok(Ended::Closed) | Err(Gone) => None,
        }
    }

    async fn read_on(
        &mut self,
        read: &mut ReadHalf<Stream>,
        stop: &CancellationToken,
    ) -> Result<Ended, Gone> {
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
                share,
                service,
                peer,
                ..
            } = &mut *self.conversation;
            match session.step(input) {
                Step::Read(missing) => {
                    let room = missing.clamp(READ_MIN, READ_MAX);
                    if share.hold(session.kept() + input.len() + room).is_err() {
                        return self.close(421, Status(4, 3, 2), TOO_MUCH).await;
                    }
                    input.reserve(room);
                    let reading = timeout_at(deadline, read.read_buf(input));
                    match stop.run_until_cancelled(reading).await {
                        Some(Ok(Ok(n))) if n > 0 => progress += n,
                        Some(Ok(_)) => return Err(Gone),
                        Some(Err(_)) => return self.close(421, Status(4, 4, 2), TOO_SLOW).await,
                        None => return self.close(421, Status(4, 3, 2), STOPPING).await,
                    }
                    // A trickle of octets is no progress: only commands and a decent amount of content are.
                    if !(session.transferring() && progress >= PROGRESS_MIN) {
                        continue;
                    }
                }
                Step::Reply(reply) => self.answer(reply).await?,
                Step::Lookup(lookup) => {
                    let verdict =
                        recipients::judge(service, &lookup, session.sender(), *peer).await;
                    let reply = session.resolve(verdict);
                    self.answer(reply).await?;
                }
                Step::Mail(mail) => self.take(*mail).await?,
                // Whatever comes behind the command in plain may be somebody else's (RFC 3207 section 6).
                Step::StartTls(_) if !input.is_empty() => {
                    return self.close(501, Status(5, 5, 2), NOT_ALONE).await;
                }
                Step::StartTls(reply) => {
                    self.answer(reply).await?;
                    return Ok(Ended::StartTls);
                }
                Step::Close => return Ok(Ended::Closed),
            }
            deadline = Instant::now() + patience;
            progress = 0;
        }
    }

    /// A last word.
    async fn close(&self, code: u16, status: Status, text: &'static str) -> Result<Ended, Gone> {
        self.answer(Reply::new(code, status, text)).await?;
        Ok(Ended::Closed)
    }

    async fn answer(&self, reply: Reply) -> Result<(), Gone> {
        self.answers
            .send(Answer::Now(reply))
            .await
            .map_err(|_| Gone)
    }

    /// Begins to accept a mail, and goes on. GR mail is handed over in the order in which it came.
    async fn take(&mut self, mail: Mail) -> Result<(), Gone> {
        if mail.is_for_partner() {
            let reply = intake::gr_mail(&self.conversation.service, mail).await;
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
        if kept.hold_all(mail.content.len()).is_err() {
            return self
                .answer(Reply::new(452, Status(4, 3, 1), TOO_MUCH))
                .await;
        }
        let (done, later) = oneshot::channel();
        let (service, peer) = (self.conversation.service.clone(), self.conversation.peer);
        tokio::spawn(async move {
            let _kept = kept;
            // The client may be gone; the mail stands all the same.
            let _ = done.send(intake::voice_mail(&service, mail, peer).await);
        });
        self.answers
            .send(Answer::Later(later, permit))
            .await
            .map_err(|_| Gone)
    }
}
