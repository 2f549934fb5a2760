//! The accept loop, from a socket to a connection that is served, and the end.

use super::places::Place;
use super::proxy::{self, Proxies};
use super::{Places, Stream};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use writer::RateLimitedLog;

/// After an error of accept (too many open files, usually) it is tried again so much later.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

static NOT_ACCEPTED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));
static BAD_PROXY: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// What a listener keeps to.
#[derive(Clone)]
pub struct Rules {
    /// What is served, for the log.
    pub name: &'static str,
    /// How many at once.
    pub places: Places,
    /// What becomes of more.
    pub when_full: WhenFull,
    /// What a client is told that is turned away; not sent where it would not be understood.
    pub refusal: Vec<u8>,
    /// Counts those.
    pub turned_away: &'static str,
    /// How long a proxy and TLS may take for their beginnings together.
    pub handshake: Duration,
    /// Who may speak for others.
    pub proxies: Proxies,
    /// What accepts TLS, where a connection begins with it.
    pub tls: Option<TlsAcceptor>,
    /// How long connections may take to end when the server stops.
    pub stop_within: Duration,
}

/// What becomes of a connection when all places are taken. One that is its address's too many is always turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits in the system's queue.
    Wait,
    /// It is told and closed.
    TurnAway,
}

/// A connection, ready to be served.
pub struct Connection {
    /// Its octets.
    pub stream: Stream,
    /// Who is at the other end: the client, also behind a trusted proxy that said so by a header of its own.
    pub peer: SocketAddr,
}

/// Serves connections until `stop`, each in a task of its own; then waits for those that are open, but not for ever. `serve` ends by itself
/// soon after `stop`; what has not ended after [`Rules::stop_within`] is cut.
pub async fn run<S, F>(listener: TcpListener, rules: Rules, stop: CancellationToken, serve: S)
where
    S: Fn(Connection) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let tracker = TaskTracker::new();
    let cut = CancellationToken::new();
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener, &rules)).await {
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if let Some(times) = NOT_ACCEPTED.now() {
                    let listener = rules.name;
                    tracing::warn!(%error, times, listener, "a connection could not be accepted");
                }
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                continue;
            }
        };
        let Some(place) = place else {
            turn_away(&rules, &stream);
            continue;
        };
        let (rules, serve) = (rules.clone(), serve.clone());
        let (stop, cut) = (stop.clone(), cut.clone());
        tracker.spawn(async move {
            let serving = async move {
                let preparing = prepare(&rules, stream, peer, place);
                let prepared = stop
                    .run_until_cancelled(timeout(rules.handshake, preparing))
                    .await;
                let Some(Ok(Some((connection, _place)))) = prepared else {
                    return;
                };
                serve(connection).await;
            };
            cut.run_until_cancelled(serving).await;
        });
    }
    // Nobody new is let in while the open ones end.
    drop(listener);
    tracker.close();
    if timeout(rules.stop_within, tracker.wait()).await.is_err() {
        let (listener, open) = (rules.name, tracker.len());
        tracing::warn!(
            listener,
            open,
            "connections were still open when the time to stop was over: they are cut"
        );
        cut.cancel();
        tracker.wait().await;
    }
}

/// The next connection, and its place if there is one.
async fn accept(
    listener: &TcpListener,
    rules: &Rules,
) -> std::io::Result<(TcpStream, SocketAddr, Option<Place>)> {
    let place = match rules.when_full {
        WhenFull::Wait => Some(rules.places.wait().await),
        WhenFull::TurnAway => None,
    };
    let (stream, peer) = listener.accept().await?;
    // Answers are small and somebody waits for them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let place = place.or_else(|| rules.places.enter());
    // Whom a proxy speaks for shows later; the proxy itself may have as many as there are.
    let place = match place {
        Some(mut place) if !rules.proxies.trusts(peer.ip()) => {
            place.belongs_to(peer.ip()).ok().map(|()| place)
        }
        place => place,
    };
    Ok((stream, peer, place))
}

/// Everything before the first word of the protocol. `None`: there is nobody to serve.
async fn prepare(
    rules: &Rules,
    mut stream: TcpStream,
    mut peer: SocketAddr,
    mut place: Place,
) -> Option<(Connection, Place)> {
    if rules.proxies.send_header && rules.proxies.trusts(peer.ip()) {
        match proxy::read_header(&mut stream).await {
            Ok(None) => {}
            Ok(Some(client)) => {
                peer = client;
                if place.belongs_to(peer.ip()).is_err() {
                    turn_away(rules, &stream);
                    return None;
                }
            }
            Err(error) => {
                if let Some(times) = BAD_PROXY.now() {
                    let (listener, proxy) = (rules.name, peer.ip());
                    tracing::warn!(%error, times, %proxy, listener, "a trusted proxy does not say for whom it connects: connections from it are closed");
                }
                return None;
            }
        }
    }
    let stream = match &rules.tls {
        None => Stream::Plain(stream),
        Some(acceptor) => Stream::accept(acceptor, stream).await?,
    };
    Some((Connection { stream, peer }, place))
}

/// Says why and hangs up, without waiting for anybody.
fn turn_away(rules: &Rules, stream: &TcpStream) {
    metrics::counter!(rules.turned_away).increment(1);
    if rules.tls.is_none() {
        // A client that cannot take one line at once does without it.
        let _ = stream.try_write(&rules.refusal);
    }
}

/// Names the metrics of all listeners for those who read them.
pub fn describe_metrics() {
    super::budget::describe_metrics();
    metrics::describe_counter!(
        "callpilot_tls_failed_total",
        "TLS handshakes that clients did not complete"
    );
}
