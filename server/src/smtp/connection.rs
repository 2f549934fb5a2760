//! Moves bytes between a socket and a [`Session`].
//!
//! Reading goes on while mails are being accepted: what a client sends in one pipeline reaches the disk in one group. What one
//! connection may have under way is bounded, and so is the time in which it has to get on.

use super::intake;
use super::recipients;
use super::replies::{self, Answer};
use super::session::{Limits, Mail, Session, Step};
use super::{Reply, Service, Status};
use bytes::BytesMut;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
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
/// What a GR mail may be longer than the longest message in it: the engine's own part, and base64.
const GR_OVERHEAD: usize = 24 << 20;

/// Serves one client until one of both sides ends it.
pub async fn serve(service: Service, stream: TcpStream, peer: IpAddr, stop: CancellationToken) {
    // Without it a single reply may wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let config = &service.site.config().smtp;
    let patience = Duration::from_secs(config.idle_timeout_s);
    let limits = Limits {
        message_size_max: config.message_size_max,
        gr_size_max: config.message_size_max / 3 * 4 + GR_OVERHEAD,
        recipients_max: config.recipients_max,
        ..Limits::default()
    };
    let session = Session::new(&service.site.config().fqdn, limits);
    let (read, write) = stream.into_split();
    let (answers, queue) = mpsc::channel(ANSWERS_MAX);
    let under_way = Arc::new(Semaphore::new(MAIL_BYTES_MAX));
    let mut connection = Connection {
        service,
        peer,
        session,
        input: BytesMut::new(),
        answers,
        under_way,
        patience,
    };
    let reader = async move { connection.run(read, stop).await };
    let mut writer = std::pin::pin!(replies::write(queue, write, patience));
    let ended = tokio::select! {
        // Nobody listens any more.
        ended = &mut writer => ended,
        () = reader => writer.await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an SMTP client went away before it had its answers");
    }
}

struct Connection {
    service: Service,
    peer: IpAddr,
    session: Session,
    input: BytesMut,
    answers: mpsc::Sender<Answer>,
    under_way: Arc<Semaphore>,
    patience: Duration,
}

/// The client or the writer of answers is gone.
struct Gone;

impl Connection {
    /// Ends when nothing more will be read. The answers to what was read still leave.
    async fn run(&mut self, mut read: OwnedReadHalf, stop: CancellationToken) {
        // Gone is a normal end: there is nobody left to tell.
        let _ = self.converse(&mut read, &stop).await;
    }

    async fn converse(
        &mut self,
        read: &mut OwnedReadHalf,
        stop: &CancellationToken,
    ) -> Result<(), Gone> {
        self.answer(self.session.greeting()).await?;
        let mut deadline = Instant::now() + self.patience;
        let mut progress = 0;
        loop {
            match self.session.step(&mut self.input) {
                Step::Read(missing) => {
                    self.input.reserve(missing.clamp(READ_MIN, READ_MAX));
                    let reading = timeout_at(deadline, read.read_buf(&mut self.input));
                    match stop.run_until_cancelled(reading).await {
                        Some(Ok(Ok(n))) if n > 0 => progress += n,
                        Some(Ok(_)) => return Err(Gone),
                        Some(Err(_)) => {
                            return self
                                .answer(Reply::new(421, Status(4, 4, 2), "Too slow; closing"))
                                .await;
                        }
                        None => {
                            return self
                                .answer(Reply::new(421, Status(4, 3, 2), "Going out of service"))
                                .await;
                        }
                    }
                    // A trickle of octets is no progress: only commands and a decent amount of content are.
                    if !(self.session.transferring() && progress >= PROGRESS_MIN) {
                        continue;
                    }
                }
                Step::Reply(reply) => self.answer(reply).await?,
                Step::Lookup(lookup) => {
                    let verdict = recipients::judge(&self.service, &lookup).await;
                    let reply = self.session.resolve(verdict);
                    self.answer(reply).await?;
                }
                Step::Mail(mail) => self.take(*mail).await?,
                Step::Close => return Ok(()),
            }
            deadline = Instant::now() + self.patience;
            progress = 0;
        }
    }

    async fn answer(&self, reply: Reply) -> Result<(), Gone> {
        self.answers
            .send(Answer::Now(reply))
            .await
            .map_err(|_| Gone)
    }

    /// Begins to accept a mail, and goes on. GR mail is handed over in the order in which it came.
    async fn take(&self, mail: Mail) -> Result<(), Gone> {
        if mail.is_for_partner() {
            let reply = intake::gr_mail(&self.service, mail).await;
            return self.answer(reply).await;
        }
        let share = mail.content.len().clamp(MAIL_BYTES_MIN, MAIL_BYTES_MAX);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.under_way)
            .acquire_many_owned(share)
            .await
            .map_err(|_| Gone)?;
        let (done, later) = oneshot::channel();
        let (service, peer) = (self.service.clone(), self.peer);
        tokio::spawn(async move {
            // The client may be gone; the mail stands all the same.
            let _ = done.send(intake::voice_mail(&service, mail, peer).await);
        });
        self.answers
            .send(Answer::Later(later, permit))
            .await
            .map_err(|_| Gone)
    }
}
