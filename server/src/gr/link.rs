//! Carries the engine's messages to the partner: one persistent SMTP connection, everything sent in one pipeline.
//!
//! ```text
//! engine -> messages -> compose (bodies from the store, sealed) -> MAIL RCPT BDAT | MAIL RCPT BDAT | … -> partner
//! ```
//! Nothing is kept: what cannot be sent is dropped, and the engine sends it again by its own timers, for its marks remain. A reply
//! of 250 proves nothing to the engine. What the link tells it is only whether there is a connection.

mod compose;
mod connection;
mod dial;
mod progress;

pub use compose::LongBodies;

use super::GrKeys;
use crate::gr::pairing::Partner;
use crate::server::Server;
use crate::writer_thread::LinkStart;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use writer::RateLimitedLog;

/// The first pause after a connection was lost or refused; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A message to send shortens the pause to this: whoever has something to say tries at once, but not without end.
const PAUSE_WITH_MESSAGE: Duration = Duration::from_millis(250);
/// A connection that lived so long was a good one: the next pause is the first one again.
const GOOD_CONNECTION: Duration = Duration::from_secs(2);

/// That a partner is not believed is logged so often at most.
static NOT_BELIEVED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// What the link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// There is a connection.
    Up,
    /// There is none, and trying again has failed too.
    Down,
}

/// How the link stands: whether it is secured, and what it fails for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// There is a connection, and it goes by TLS.
    pub secured: bool,
    /// Why the last attempt failed, if it failed for TLS: the partner shows another certificate, or none.
    pub fault: Option<String>,
    /// Why there is no connection now, whatever the reason is.
    pub unreachable: Option<String>,
}

/// What one link needs.
#[derive(Clone)]
pub struct LinkContext {
    /// FQDN of this server.
    pub own: String,
    /// Where the partner is.
    pub partner: Partner,
    /// The keys, as they are at each moment.
    pub keys: GrKeys,
    /// Where bodies are read.
    pub readers: store::Readers,
    /// Those that are being sent in pieces.
    pub long_bodies: Arc<LongBodies>,
    /// The authorities that a partner is verified against by name; `None`: the system's.
    pub roots: Option<PathBuf>,
    /// Where it is shown how the link stands.
    pub state: watch::Sender<LinkState>,
}

/// Runs the link of each partner that comes by `starts`, one after the other. Returns after `stop`.
pub async fn supervise(
    server: Server,
    mut starts: mpsc::UnboundedReceiver<LinkStart>,
    state: watch::Sender<LinkState>,
    stop: CancellationToken,
) {
    let mut running: Option<(CancellationToken, tokio::task::JoinHandle<()>)> = None;
    while let Some(Some(start)) = stop.run_until_cancelled(starts.recv()).await {
        if let Some((token, link)) = running.take() {
            token.cancel();
            ended(link.await);
        }
        state.send_replace(LinkState::default());
        if let Some(pairing) = start.pairing {
            let token = stop.child_token();
            let context = LinkContext {
                own: server.config().fqdn.clone(),
                partner: pairing.partner,
                keys: server.gr_keys().clone(),
                readers: server.readers().clone(),
                long_bodies: Arc::default(),
                roots: server.config().tls.roots.clone(),
                state: state.clone(),
            };
            let link = tokio::spawn(tell(server.clone(), context, start.messages, token.clone()));
            running = Some((token, link));
        }
    }
    if let Some((token, link)) = running {
        token.cancel();
        ended(link.await);
    }
}

fn ended(link: Result<(), tokio::task::JoinError>) {
    if let Err(error) = link {
        tracing::error!(%error, "the link to the GR partner ended by a fault");
    }
}

/// Runs one link and passes its events to the engine.
async fn tell(
    server: Server,
    context: LinkContext,
    messages: mpsc::Receiver<gr_proto::Message>,
    stop: CancellationToken,
) {
    let (events, mut heard) = mpsc::channel(4);
    let telling = async {
        while let Some(event) = heard.recv().await {
            if server.link(event == LinkEvent::Up).await.is_err() {
                // The server is stopping; the link is stopped too.
                break;
            }
        }
    };
    tokio::join!(run(context, messages, events, stop), telling);
}

/// Keeps a connection to the partner and sends what comes by `messages` until `stop`, or until nobody sends any more.
pub async fn run(
    context: LinkContext,
    mut messages: mpsc::Receiver<gr_proto::Message>,
    events: mpsc::Sender<LinkEvent>,
    stop: CancellationToken,
) {
    let link = async {
        let mut pause = PAUSE_FIRST;
        let mut refused_in_row = 0u32;
        let mut first = None;
        loop {
            match dial::connect(&context).await {
                Ok(connected) => {
                    tracing::info!(partner = %context.partner.fqdn, "connected to the GR partner");
                    refused_in_row = 0;
                    let secured = connected.secured;
                    context.state.send_replace(LinkState {
                        secured,
                        ..LinkState::default()
                    });
                    let _ = events.send(LinkEvent::Up).await;
                    let began = Instant::now();
                    let end = connection::carry(&context, connected, first.take(), &mut messages);
                    match end.await {
                        connection::ConnectionEnd::NoMoreMessages => return,
                        connection::ConnectionEnd::Broken(error) => {
                            tracing::info!(partner = %context.partner.fqdn, %error, "the connection to the GR partner broke");
                            context.state.send_replace(LinkState {
                                unreachable: Some(format!("the connection broke: {error}")),
                                ..LinkState::default()
                            });
                        }
                    }
                    if began.elapsed() >= GOOD_CONNECTION {
                        pause = PAUSE_FIRST;
                    }
                }
                Err(error) => {
                    refused_in_row = refused_in_row.saturating_add(1);
                    refused(&context, &error);
                    // The message that asked for this attempt is older than what the engine will say next.
                    first = None;
                    if refused_in_row == 2 {
                        let _ = events.send(LinkEvent::Down).await;
                    }
                }
            }
            match wait(&mut messages, pause).await {
                Waited::Out => {}
                Waited::Message(message) => first = Some(*message),
                Waited::NoMoreMessages => return,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    };
    stop.run_until_cancelled(link).await;
}

/// A partner that cannot be reached is an everyday matter, and the engine tells of it. One that may be somebody else is not.
fn refused(context: &LinkContext, error: &dial::DialError) {
    let partner = &context.partner.fqdn;
    let fault = error.of_tls();
    context.state.send_replace(LinkState {
        secured: false,
        fault: fault.clone(),
        unreachable: Some(format!("{} is tried: {error}", context.partner.smtp)),
    });
    let Some(fault) = fault else {
        tracing::debug!(%partner, %error, "the GR partner cannot be reached");
        return;
    };
    if let Some(times) = NOT_BELIEVED.now() {
        tracing::warn!(
            %partner, times,
            "the GR partner does not prove who it is, and gets no mail: {fault}. If its certificate was changed on purpose, \
             enter the pair again with `callpilot gr pair`"
        );
    }
}

enum Waited {
    Out,
    Message(Box<gr_proto::Message>),
    NoMoreMessages,
}

/// Waits for the end of the pause, or for a message and a shorter one. Of several messages the last one is kept: what the engine
/// said before it is out of date.
async fn wait(messages: &mut mpsc::Receiver<gr_proto::Message>, pause: Duration) -> Waited {
    let now = Instant::now();
    let (end, soon) = (now + pause, now + PAUSE_WITH_MESSAGE.min(pause));
    let mut latest = None;
    loop {
        let until = if latest.is_some() { soon } else { end };
        tokio::select! {
            biased;
            () = sleep_until(until) => return latest.map_or(Waited::Out, |message| Waited::Message(Box::new(message))),
            message = messages.recv() => match message {
                Some(message) => latest = Some(message),
                None => return Waited::NoMoreMessages,
            },
        }
    }
}

#[cfg(test)]
mod tests;
