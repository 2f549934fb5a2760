//! From an engine's message to the bytes of a mail: bodies are read from the store and sealed where they leave from.

use super::LinkContext;
use crate::clock;
use crate::gr::envelope::{Content, Heading, Keyring, Mail, RANDOM_LEN, Transfer};
use bytes::Bytes;
use domain::BodyRef;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use writer::RateLimitedLog;
use zeroize::Zeroizing;

/// The engine asks again and again for what its partner lacks.
static UNREADABLE: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// While the password is being changed, a message goes by the new one, too, at most this often.
const WORD_EVERY: Duration = Duration::from_secs(1);

/// The commands before a mail.
pub struct Commands {
    /// MAIL, with how the body is encoded.
    pub mail: String,
    /// RCPT.
    pub rcpt: String,
}

impl Commands {
    /// Bounces go to an address of their own, where nobody takes them for GR mail.
    pub fn new(context: &LinkContext, body: &str) -> Self {
        Self {
            mail: format!("MAIL FROM:<gr-bounce@{}>{body}\r\n", context.own),
            rcpt: format!("RCPT TO:<gr-sync@{}>\r\n", context.partner.fqdn),
        }
    }
}

/// A whole transaction for the pipeline: MAIL, RCPT, BDAT and the mail.
pub async fn transaction(
    context: &LinkContext,
    ring: &Arc<Keyring>,
    message: gr_proto::Message,
) -> Vec<u8> {
    blocking(context, ring, message, |context, ring, content| {
        let commands = Commands::new(context, " BODY=BINARYMIME");
        prepared(context, ring, content, Transfer::Binary, |mail| {
            let mut out = format!(
                "{}{}BDAT {} LAST\r\n",
                commands.mail,
                commands.rcpt,
                mail.octets()
            )
            .into_bytes();
            mail.write(&mut out);
            out
        })
    })
    .await
}

/// The content of a mail in lines, none of which begins with a dot: base64 has none.
pub async fn lines(
    context: &LinkContext,
    ring: &Arc<Keyring>,
    message: gr_proto::Message,
) -> Vec<u8> {
    blocking(context, ring, message, |context, ring, content| {
        prepared(context, ring, content, Transfer::Base64, |mail| {
            let mut out = Vec::new();
            mail.write(&mut out);
            out
        })
    })
    .await
}

fn prepared(
    context: &LinkContext,
    ring: &Keyring,
    content: &Content,
    transfer: Transfer,
    write: impl FnOnce(Mail<'_>) -> Vec<u8>,
) -> Vec<u8> {
    let at = clock::Clock::start().wall();
    let heading = Heading {
        from: &context.own,
        to: &context.partner.fqdn,
        at,
    };
    let random = Zeroizing::new(clock::random::<RANDOM_LEN>());
    write(Mail::new(
        ring.outgoing(),
        &heading,
        content,
        transfer,
        &random,
    ))
}

/// Composes where it may block if there are bodies to read.
async fn blocking(
    context: &LinkContext,
    ring: &Arc<Keyring>,
    message: gr_proto::Message,
    compose: fn(&LinkContext, &Keyring, &Content) -> Vec<u8>,
) -> Vec<u8> {
    if is_short(&message) {
        return compose(context, ring, &content(context, &message));
    }
    let (context, ring) = (context.clone(), Arc::clone(ring));
    let composing =
        tokio::task::spawn_blocking(move || compose(&context, &ring, &content(&context, &message)));
    match composing.await {
        Ok(bytes) => bytes,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Whether a message has no bodies beside it.
fn is_short(message: &gr_proto::Message) -> bool {
    message.bodies().is_empty() && message.pieces().is_empty()
}

/// Whose key each mail is sealed by: the one that holds; and, while the password is being changed, now and then one short message once more by
/// the new one, from which the partner sees that this server has it.
pub struct Sealing {
    word_at: Option<Instant>,
}

impl Sealing {
    /// On a new connection, which says it at once.
    pub fn new() -> Self {
        Self { word_at: None }
    }

    /// The mails to send for a message: at least one. `None`: there is no pair any more.
    pub fn mails(
        &mut self,
        context: &LinkContext,
        message: gr_proto::Message,
    ) -> Option<Vec<(Arc<Keyring>, gr_proto::Message)>> {
        let current = context.keys.current()?;
        let is_due = self.word_at.is_none_or(|at| at.elapsed() >= WORD_EVERY);
        let next = context.keys.next().filter(|_| is_due && is_short(&message));
        let Some(next) = next else {
            return Some(vec![(current, message)]);
        };
        self.word_at = Some(Instant::now());
        Some(vec![(current, message.clone()), (next, message)])
    }
}

/// A body that cannot be read is left out; the partner will say that it lacks it, and the engine decides. Of a piece at least its place is
/// kept, by a part without bytes.
fn content(context: &LinkContext, message: &gr_proto::Message) -> Content {
    let mut bodies = Vec::new();
    for body in message.bodies() {
        bodies.extend(readable(context.readers.body(&body)));
    }
    for (body, piece) in message.pieces() {
        let (start, end) = (piece.at as usize, piece.end() as usize);
        let whole = readable(context.long_bodies.read(&context.readers, &body));
        let bytes = whole.filter(|whole| end <= whole.len());
        bodies.push(bytes.map_or_else(Bytes::new, |whole| whole.slice(start..end)));
        if end == body.len as usize {
            context.long_bodies.forget(&body);
        }
    }
    Content {
        control: Bytes::from(gr_proto::wire::encode(message)),
        bodies,
    }
}

fn readable(read: Result<Bytes, store::StoreError>) -> Option<Bytes> {
    match read {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            if let Some(times) = UNREADABLE.now() {
                tracing::error!(%error, times, "a body for the GR partner cannot be read");
            }
            None
        }
    }
}

/// Bodies of which pieces are being sent: each is read and verified once, not once for each piece.
#[derive(Debug, Default)]
pub struct LongBodies(Mutex<VecDeque<(BodyRef, Bytes)>>);

/// So many of them are in memory.
const LONG_BODIES_MAX: usize = 2;

impl LongBodies {
    fn read(&self, readers: &store::Readers, body: &BodyRef) -> Result<Bytes, store::StoreError> {
        let known = |open: &VecDeque<(BodyRef, Bytes)>| {
            let found = open.iter().find(|(of, _)| of == body);
            found.map(|(_, bytes)| bytes.clone())
        };
        if let Some(bytes) = known(&self.lock()) {
            return Ok(bytes);
        }
        let bytes = readers.body(body)?;
        let mut open = self.lock();
        open.push_back((*body, bytes.clone()));
        if open.len() > LONG_BODIES_MAX {
            open.pop_front();
        }
        Ok(bytes)
    }

    fn forget(&self, body: &BodyRef) {
        self.lock().retain(|(of, _)| of != body);
    }

    /// The list is whole whatever a panicking thread did.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(BodyRef, Bytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
