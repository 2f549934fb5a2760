//! The accept loop, from a socket to a connection that is served, and the end.

use super::handles::{self, ListenerHandles};
use super::places::{NoPlace, Place, Presence};
use super::proxy::{self, Proxies};
use super::{Places, Stream};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use writer::RateLimitedLog;

/// After an error of accept it is tried again so much later; twice as long after each further one, up to the second figure. While all file
/// handles are in use, the system keeps new connections waiting.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// A connection that was asked to make room has so long for its good-bye.
const LEAVE_WITHIN: Duration = Duration::from_millis(250);

static NO_HANDLES: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));
static REFUSED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));
static NOT_ACCEPTED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));
static BAD_PROXY: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// What a listener keeps to.
#[derive(Clone)]
pub struct Rules {
    /// How many at once, and what is served.
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
    /// File handles, which all listeners share.
    pub handles: ListenerHandles,
}

/// What becomes of a connection when all places are taken and nobody makes room. One that is its address's too many is always turned away.
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
    /// How it says what is being done for it, and hears that it has to make room.
    pub presence: Presence,
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
    rules.handles.shared_with(&rules.places);
    let mut pause = PAUSE.0;
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener, &rules)).await {
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                not_accepted(&rules, &error);
                stop.run_until_cancelled(sleep(pause)).await;
                pause = (pause * 2).min(PAUSE.1);
                continue;
            }
        };
        pause = PAUSE.0;
        let place = match place {
            Ok(place) => place,
            Err(why) => {
                turn_away(&rules, &stream, peer, why);
                continue;
            }
        };
        let (rules, serve) = (rules.clone(), serve.clone());
        let (stop, cut) = (stop.clone(), cut.clone());
        tracker.spawn(async move {
            let leave = place.presence().leave().clone();
            let asked = leave.clone();
            let serving = async move {
                let preparing = timeout(rules.handshake, prepare(&rules, stream, peer, place));
                let preparing = stop.run_until_cancelled(preparing);
                match asked.run_until_cancelled(preparing).await.flatten() {
                    Some(Ok(Some((connection, _place)))) => serve(connection).await,
                    Some(Err(_)) => rules.places.count_ended("handshake"),
                    _ => {}
                }
            };
            let left = async {
                leave.cancelled().await;
                sleep(LEAVE_WITHIN).await;
            };
            tokio::select! {
                () = serving => {}
                () = left => {}
                () = cut.cancelled() => {}
            }
        });
    }
    // Nobody new is let in while the open ones end.
    drop(listener);
    tracker.close();
    if timeout(rules.stop_within, tracker.wait()).await.is_err() {
        let (listener, open) = (rules.places.name(), tracker.len());
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
) -> io::Result<(TcpStream, SocketAddr, Result<Place, NoPlace>)> {
    let (stream, peer) = listener.accept().await?;
    if !rules.handles.may_take(&stream) && !make_room(rules) {
        // The client may try again; the store could not.
        let _ = say_refusal(rules, &stream);
        return Err(rustix::io::Errno::MFILE.into());
    }
    // Answers are small and somebody waits for them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    // Whom a proxy speaks for shows later; the proxy itself may have as many as there are.
    let owner = (!rules.proxies.trusts(peer.ip())).then_some(peer.ip());
    let waits = rules.when_full == WhenFull::Wait;
    let place = rules.places.enter_or_wait(owner, waits).await;
    Ok((stream, peer, place))
}

/// Nothing ends because a connection cannot be accepted. If all file handles are in use, that is load: whoever waits longest makes room.
fn not_accepted(rules: &Rules, error: &io::Error) {
    let listener = rules.places.name();
    if !handles::is_used_up(error) {
        if let Some(times) = NOT_ACCEPTED.now() {
            tracing::warn!(%error, times, listener, "a connection could not be accepted");
        }
        return;
    }
    metrics::counter!("callpilot_connections_refused_total", "listener" => listener, "reason" => "no_file_handle").increment(1);
    make_room(rules);
}

/// All file handles that listeners may have are in use: the longest waiting connection ends, if one waits.
fn make_room(rules: &Rules) -> bool {
    if let Some(times) = NO_HANDLES.now() {
        let listener = rules.places.name();
        tracing::warn!(
            times,
            listener,
            "all file handles that listeners may have are in use: the longest waiting connections make room, and accepting pauses where none waits. \
             `callpilot doctor` says how many there are"
        );
    }
    rules.handles.make_room()
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
                if let Err(why) = place.belongs_to(peer.ip()) {
                    turn_away(rules, &stream, peer, why);
                    return None;
                }
            }
            Err(error) => {
                if let Some(times) = BAD_PROXY.now() {
                    let (listener, proxy) = (rules.places.name(), peer.ip());
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
    let presence = place.presence().clone();
    let connection = Connection {
        stream,
        peer,
        presence,
    };
    Some((connection, place))
}

/// Says why and hangs up, without waiting for anybody.
fn turn_away(rules: &Rules, stream: &TcpStream, peer: SocketAddr, why: NoPlace) {
    let listener = rules.places.name();
    let reason = match why {
        NoPlace::OfOne => "of_one_address",
        NoPlace::Full | NoPlace::Leaving => "all",
    };
    metrics::counter!(rules.turned_away).increment(1);
    metrics::counter!("callpilot_connections_refused_total", "listener" => listener, "reason" => reason).increment(1);
    if let Some(times) = REFUSED.now() {
        let address = peer.ip();
        tracing::warn!(listener, reason, times, %address, "connections were turned away: there are too many, and none of them waits");
    }
    let _ = say_refusal(rules, stream);
}

fn say_refusal(rules: &Rules, stream: &TcpStream) -> io::Result<usize> {
    match rules.tls {
        // A client that cannot take one line at once does without it.
        None => stream.try_write(&rules.refusal),
        Some(_) => Ok(0),
    }
}

/// Names the metrics of all listeners for those who read them.
pub fn describe_metrics() {
    use metrics::{describe_counter, describe_gauge};
    super::budget::describe_metrics();
    describe_counter!(
        "callpilot_tls_failed_total",
        "TLS handshakes that clients did not complete"
    );
    describe_gauge!(
        "callpilot_connections",
        "Connections that are open, by listener and by whether something is done for them or they wait for their client"
    );
    describe_counter!(
        "callpilot_connections_refused_total",
        "Connections that were not taken, by listener and reason: all places of one address, or all, are busy, or no file handle is left"
    );
    describe_counter!(
        "callpilot_connections_ended_total",
        "Connections that the server has ended, by listener and reason: to make room, or because the client was silent or took too long"
    );
}
