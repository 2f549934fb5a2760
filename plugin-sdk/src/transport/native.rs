//! The transport of a native program: HTTP/1.1 over tokio, https by rustls with the system's roots.
//!
//! Everything runs on one thread: use it inside a `tokio::task::LocalSet`. Each request has a connection of its own: there are few,
//! and a connection kept open to a server that has just been killed would only tell lies about it.

use super::{Body, FetchError, Request, Response, Transport};
use crate::connector::Millis;
use contract::Timestamp;
use futures_util::future::LocalBoxFuture;
use futures_util::{StreamExt, stream};
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, HOST};
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Bytes of a body that are handed to the connection at once.
const UPLOAD_PIECE: usize = 16 << 10;

/// tokio, hyper and rustls.
pub struct Native {
    started: Instant,
    tls: TlsConnector,
    memory: RefCell<BTreeMap<String, String>>,
    /// Where the memory is kept between runs, if anywhere.
    file: Option<PathBuf>,
}

impl Native {
    /// Trusts the certificates that the system trusts, and remembers nothing after the program has ended.
    pub fn new() -> Result<Self, crate::Error> {
        Self::trusting(Vec::new())
    }

    /// As [`Native::new`], and trusts these certificates too: for servers with a certificate of the house's own.
    pub fn trusting(roots: Vec<CertificateDer<'static>>) -> Result<Self, crate::Error> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for root in roots {
            store.add(root).map_err(|error| crate::Error::BadConfig {
                what: format!("A certificate to be trusted cannot be used: {error}."),
            })?;
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| crate::Error::BadConfig {
                what: format!("TLS cannot be used: {error}."),
            })?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self {
            started: Instant::now(),
            tls: TlsConnector::from(Arc::new(config)),
            memory: RefCell::default(),
            file: None,
        })
    }

    /// Keeps the remembered pair in a file. A file that cannot be read is as good as none.
    pub fn remembering_in(mut self, file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        self.memory = RefCell::new(serde_json::from_str(&text).unwrap_or_default());
        self.file = Some(file);
        self
    }
}

impl Transport for Native {
    fn fetch(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        Box::pin(fetch(self.tls.clone(), request))
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(ms)))
    }

    fn now(&self) -> Millis {
        Millis(whole_ms(self.started.elapsed()))
    }

    fn wall(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        // A system without random bits gives nothing else that could be relied on, either.
        getrandom::fill(&mut bytes).expect("the system gives random bits");
        bytes
    }

    fn load(&self, key: &str) -> Option<String> {
        self.memory.borrow().get(key).cloned()
    }

    fn store(&self, key: &str, value: Option<&str>) {
        let mut memory = self.memory.borrow_mut();
        match value {
            Some(value) => memory.insert(key.to_owned(), value.to_owned()),
            None => memory.remove(key),
        };
        if let Some(file) = &self.file {
            let text = serde_json::to_string(&*memory).unwrap_or_default();
            // What cannot be kept has to be learnt again.
            let _ = std::fs::write(file, text);
        }
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        tokio::task::spawn_local(task);
    }
}

/// Ends the connection with the answer: both are dropped together.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn fetch(tls: TlsConnector, request: Request) -> Result<Response, FetchError> {
    let broken = |what: String| FetchError::Broken(what);
    let uri: hyper::Uri =
        (request.url.parse()).map_err(|_| broken(format!("{} is no URL", request.url)))?;
    let authority = uri
        .authority()
        .ok_or_else(|| broken(format!("{uri} names no server")))?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let https = uri.scheme_str() == Some("https");
    let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
    let path = uri.path_and_query().map_or("/", |path| path.as_str());

    let mut head = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(path)
        .header(HOST, authority.as_str());
    for (name, value) in request.headers() {
        head = head.header(name, value);
    }
    let upload = Upload::of(request.body, request.on_sent);
    let message = head
        .body(upload)
        .map_err(|error| broken(error.to_string()))?;

    let tcp = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(|_| FetchError::Refused)?;
    // Requests are small and waited for.
    let _ = tcp.set_nodelay(true);
    if !https {
        return exchange(tcp, message).await;
    }
    let name = ServerName::try_from(host).map_err(|error| broken(error.to_string()))?;
    let secured = tls
        .connect(name, tcp)
        .await
        .map_err(|_| FetchError::Refused)?;
    exchange(secured, message).await
}

async fn exchange<S>(socket: S, message: hyper::Request<Upload>) -> Result<Response, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket))
        .await
        .map_err(fault)?;
    let connection = Connection(tokio::task::spawn_local(async move {
        // Its end shows in the answer.
        let _ = connection.await;
    }));
    let answer = sender.send_request(message).await.map_err(fault)?;
    let length = answer.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let status = answer.status().as_u16();
    let body = stream::unfold((answer.into_body(), connection), next_piece);
    Ok(Response {
        status,
        length,
        body: body.boxed_local(),
    })
}

/// A body on its way to the server, in pieces, so that it can be told how far it has come.
struct Upload {
    body: Body,
    sent: usize,
    on_sent: Option<Rc<dyn Fn(u64)>>,
}

impl Upload {
    fn of(body: Body, on_sent: Option<Rc<dyn Fn(u64)>>) -> Self {
        Self {
            body,
            sent: 0,
            on_sent,
        }
    }
}

impl hyper::body::Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    /// Asked for the next piece when there is room for it: the one before is on its way.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let rest = &self.body.as_bytes()[self.sent..];
        let piece = Bytes::copy_from_slice(&rest[..rest.len().min(UPLOAD_PIECE)]);
        if piece.is_empty() {
            return Poll::Ready(None);
        }
        self.sent += piece.len();
        if let Some(told) = &self.on_sent {
            told(self.sent as u64);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.body.as_bytes().len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.body.as_bytes().len() - self.sent) as u64)
    }
}

type Download = (Incoming, Connection);

async fn next_piece(
    (mut body, connection): Download,
) -> Option<(Result<Vec<u8>, FetchError>, Download)> {
    loop {
        let piece = match poll_fn(|task| Pin::new(&mut body).poll_frame(task)).await? {
            // Trailers tell nothing here.
            Ok(frame) => match frame.into_data() {
                Ok(data) => Ok(data.to_vec()),
                Err(_) => continue,
            },
            Err(error) => Err(fault(error)),
        };
        return Some((piece, (body, connection)));
    }
}

fn fault(error: hyper::Error) -> FetchError {
    if error.is_parse() {
        FetchError::Broken("the answer is not HTTP".to_owned())
    } else {
        FetchError::Cut
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
