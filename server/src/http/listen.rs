//! HTTP's part of its listener: its rules, who asks behind a proxy, and when a connection ends.

use super::error::Problem;
use super::exchange::{Exchanges, Over};
use super::greetings::UPLOAD_MAX;
use super::request::Peer;
use crate::config::{self, ClientHeader, Config};
use crate::listen::{
    self, Budget, Connection, IdleLimit, ListenerHandles, Places, Proxies, Rules, Share,
};
use crate::listen::{TooMuch, WhenFull, forwarded};
use crate::operations::OpError;
use crate::operations::principal::Origin;
use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, FORWARDED};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// A client that is put off may try again so much later.
const PUT_OFF: Duration = Duration::from_secs(2);
/// So long a connection may take to end that was silent: the rest of an answer may still be on its way, and HTTP/2 says good-bye.
const GOOD_BYE: Duration = Duration::from_secs(5);
/// What is said to a connection that is its address's too many.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Octets of one head in HTTP/2: method, address and fields, as they are once unpacked. A browser's are a thousand or two.
const HEAD_MAX: u32 = 8 << 10;
/// Requests that one HTTP/2 connection has under way. All of their heads are unpacked before any is counted.
const STREAMS_MAX: u32 = 32;
/// Octets of one head in HTTP/1.1, where a connection has one at a time.
const HTTP1_HEAD_MAX: usize = 64 << 10;
/// Octets of bodies that an HTTP/2 client may send ahead of whoever reads them, and of answers that are kept for it.
const WINDOW: u32 = 128 << 10;

/// Connections of monitoring at once.
const MONITORING_MAX: usize = 64;

/// What all connections share.
struct Serving {
    router: Router,
    budget: Budget,
    proxies: Proxies,
    header: ClientHeader,
    builder: auto::Builder<TokioExecutor>,
    head: Duration,
    idle: Duration,
    stop: CancellationToken,
}

/// What a listener shares with the others, and what it has for itself.
#[derive(Clone)]
pub struct Listening {
    /// How many may be connected.
    pub places: Places,
    /// What clients may make this server keep.
    pub budget: Budget,
    /// File handles, which all listeners share.
    pub handles: ListenerHandles,
    /// What accepts TLS, where connections begin with it.
    pub tls: Option<TlsAcceptor>,
}

/// The places of the pages and the API.
pub fn places(config: &Config) -> Places {
    let http = &config.http;
    let limits = listen::PlaceLimits {
        max: http.connections_max,
        per_address_max: http.connections_per_address_max,
        ..listen::PlaceLimits::default()
    };
    Places::new(limits, "HTTP", "callpilot_http_connections")
}

/// The places of monitoring, which has a listener of its own: nobody who fills the other keeps it out.
pub fn monitoring_places() -> Places {
    let limits = listen::PlaceLimits {
        max: MONITORING_MAX,
        per_address_max: MONITORING_MAX,
        ..listen::PlaceLimits::default()
    };
    Places::new(limits, "monitoring", "callpilot_monitoring_connections")
}

/// What a client may choose from by ALPN (RFC 7301), the best first.
pub const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];

/// Serves until `stop`, then waits for the requests under way, at most `http.stop_timeout_s`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &Config,
    listening: Listening,
    stop: CancellationToken,
) {
    let budget = listening.budget.clone();
    let rules = rules(config, listening);
    let http = &config.http;
    let shared = Arc::new(Serving {
        router,
        budget,
        proxies: rules.proxies.clone(),
        header: http.client_header,
        builder: builder(http),
        head: Duration::from_secs(http.head_timeout_s),
        idle: Duration::from_secs(http.idle_timeout_s),
        stop: stop.clone(),
    });
    listen::run(listener, rules, stop, move |connection| {
        converse(Arc::clone(&shared), connection)
    })
    .await;
}

fn rules(config: &Config, listening: Listening) -> Rules {
    let http = &config.http;
    Rules {
        places: listening.places,
        when_full: WhenFull::Wait,
        refusal: TOO_MANY.to_vec(),
        turned_away: "callpilot_http_turned_away_total",
        handshake: Duration::from_secs(config.limits.handshake_timeout_s),
        proxies: Proxies {
            networks: http.trusted_proxies.clone(),
            send_header: http.client_header == ClientHeader::ProxyProtocol,
        },
        tls: listening.tls,
        stop_within: Duration::from_secs(http.stop_timeout_s),
        handles: listening.handles,
    }
}

fn builder(http: &config::Http) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(HTTP1_HEAD_MAX)
        .header_read_timeout(Duration::from_secs(http.head_timeout_s));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(WINDOW as usize)
        .max_concurrent_streams(STREAMS_MAX);
    builder
}

/// One connection, until its client goes, asks nothing for too long or does not take an answer; after `stop`, or when it has to make room for
/// others, until the requests under way are answered.
async fn converse(shared: Arc<Serving>, connection: Connection) {
    let Connection {
        stream,
        peer,
        presence,
    } = connection;
    let stream = IdleLimit::new(stream, shared.head, shared.idle);
    let exchanges = Exchanges::new(presence.clone(), shared.head, shared.idle);
    let (asked, for_answers) = (exchanges.clone(), Arc::clone(&shared));
    let heads = Heads::new(shared.budget.share(peer.ip()));
    let service = service_fn(move |request| {
        let exchange = asked.begin();
        let answering = answer(Arc::clone(&for_answers), peer, heads.clone(), request);
        async move {
            let answered: Result<Response, Infallible> = answering.await;
            answered.map(|response| response.map(|body| exchange.answered(body)))
        }
    });
    let serving = shared
        .builder
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => Some(ended),
        over = exchanges.over() => {
            let reason = match over {
                Over::Silent => "silent",
                Over::NotTaken => "answer_not_taken",
            };
            presence.count_ended(reason);
            match over {
                Over::Silent => {
                    serving.as_mut().graceful_shutdown();
                    good_bye(serving, &exchanges).await
                }
                // Nobody would hear it.
                Over::NotTaken => None,
            }
        }
        () = presence.leave().cancelled() => {
            serving.as_mut().graceful_shutdown();
            // Whoever waits for the place shall not wait for a good-bye: what fits into the socket is said.
            timeout(Duration::ZERO, serving).await.ok()
        }
        () = shared.stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            Some(serving.await)
        }
    };
    if let Some(Err(error)) = ended {
        tracing::trace!(%error, "a connection broke");
    }
}

/// The end of a connection that was silent; a request that came in the last moment is answered.
async fn good_bye<T>(
    mut serving: Pin<&mut impl Future<Output = T>>,
    exchanges: &Exchanges,
) -> Option<T> {
    match timeout(GOOD_BYE, serving.as_mut()).await {
        Ok(ended) => Some(ended),
        Err(_) if exchanges.is_any() => tokio::select! {
            ended = serving => Some(ended),
            _ = exchanges.over() => None,
        },
        Err(_) => None,
    }
}

async fn answer(
    shared: Arc<Serving>,
    peer: SocketAddr,
    heads: Heads,
    mut request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let Ok(_head) = heads.hold(head_octets(&request)) else {
        return Ok(put_off());
    };
    let client = client(request.headers(), peer, &shared);
    request
        .extensions_mut()
        .insert(Peer(Origin::Network(client.ip())));
    let kept = BodyShare::new(shared.budget.share(client.ip()));
    let announced = request.body().size_hint().lower();
    // What is too long for its route is refused there, unread.
    let announced = usize::try_from(announced)
        .unwrap_or(usize::MAX)
        .min(UPLOAD_MAX);
    if kept.hold(announced).is_err() {
        return Ok(put_off());
    }
    let request = request.map(|body| counted(body, kept.clone(), announced));
    let Ok(response) = shared.router.clone().call(request).await;
    Ok(if kept.is_spent() { put_off() } else { response })
}

/// A body that is counted as it comes; `announced` octets of it are counted already. It breaks off where the budget ends.
fn counted(body: Incoming, kept: BodyShare, announced: usize) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let mut read = 0;
    let pieces = body.into_data_stream().map(move |piece| {
        let piece = piece.map_err(axum::Error::new)?;
        read += piece.len();
        kept.hold(read.max(announced)).map_err(axum::Error::new)?;
        Ok::<_, axum::Error>(piece)
    });
    Body::from_stream(pieces)
}

/// Who asks: behind a trusted proxy, whom that names.
fn client(headers: &HeaderMap, peer: SocketAddr, shared: &Serving) -> SocketAddr {
    let proxies = &shared.proxies;
    if !proxies.trusts(peer.ip()) {
        return peer;
    }
    let values = |name| {
        let values = headers.get_all(name).iter();
        values.filter_map(|value: &HeaderValue| value.to_str().ok())
    };
    let ip: IpAddr = match shared.header {
        ClientHeader::ProxyProtocol => return peer,
        ClientHeader::ForwardedFor => forwarded::by_list(values(FORWARDED_FOR), peer.ip(), proxies),
        ClientHeader::Forwarded => forwarded::by_parameters(values(FORWARDED), peer.ip(), proxies),
    };
    SocketAddr::new(ip, if ip == peer.ip() { peer.port() } else { 0 })
}

fn put_off() -> Response {
    let why = "Too much is being uploaded at present. Try again.";
    let mut response = Problem::from(OpError::Unavailable { why, wait: PUT_OFF }).into_response();
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// Octets that the head of a request takes, about.
fn head_octets<T>(request: &hyper::Request<T>) -> usize {
    /// What a field takes in a map of fields, with the room that the map has ahead (RFC 9113 section 6.5.2 counts 32 octets).
    const FIELD: usize = 200;
    let fields = request.headers().iter();
    let octets = fields.map(|(name, value)| FIELD + name.as_str().len() + value.len());
    let address = request.uri().path_and_query();
    octets.sum::<usize>() + address.map_or(0, |address| address.as_str().len())
}

/// The heads of the requests of one connection that are being answered. An HTTP/2 client has many at once, and each may be the shorthand for one of
/// many kilobytes.
#[derive(Clone)]
struct Heads(Arc<Mutex<(Share, usize)>>);

/// A head, until its request is answered.
struct Head {
    heads: Heads,
    octets: usize,
}

impl Heads {
    fn new(share: Share) -> Self {
        Self(Arc::new(Mutex::new((share, 0))))
    }

    fn hold(&self, octets: usize) -> Result<Head, TooMuch> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = held.1 + octets;
        held.0.hold(all)?;
        held.1 = all;
        let heads = self.clone();
        Ok(Head { heads, octets })
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        let mut held = self.heads.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.1 -= self.octets;
        let left = held.1;
        // Giving back cannot fail.
        let _ = held.0.hold(left);
    }
}

/// What is kept of one request's body while it is answered.
#[derive(Clone)]
struct BodyShare(Arc<Mutex<(Share, bool)>>);

impl BodyShare {
    fn new(share: Share) -> Self {
        Self(Arc::new(Mutex::new((share, false))))
    }

    fn hold(&self, octets: usize) -> Result<(), TooMuch> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = kept.0.hold(octets);
        kept.1 |= held.is_err();
        held
    }

    fn is_spent(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    #[test]
    fn the_heads_of_one_connection_are_counted_together_until_they_are_answered() {
        let budget = Budget::new(1 << 20, 512 << 10);
        let heads = || Heads::new(budget.share("192.0.2.1".parse().unwrap()));
        let (one, other) = (heads(), heads());
        let most = HEAD_MAX as usize;
        let of_one: Vec<_> = (0..80).map_while(|_| one.hold(most).ok()).collect();
        assert_eq!(of_one.len(), 64, "as many as its address may have");
        assert!(
            other.hold(64 << 10).is_ok(),
            "a few are free for every connection"
        );
        assert!(other.hold(80 << 10).is_err());
        drop(of_one);
        assert!(other.hold(80 << 10).is_ok());
    }

    #[test]
    fn a_head_of_many_short_fields_is_as_large_as_they_are_in_memory() {
        let mut request = Request::builder().uri("/api/v1/messages?folder=inbox");
        for n in 0..400 {
            request = request.header(format!("x-{n}"), "");
        }
        let octets = head_octets(&request.body(()).unwrap());
        assert!((400 * 200..128 << 10).contains(&octets), "{octets}");
    }
}
