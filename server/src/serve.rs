//! One server, from its configuration to its end: listeners first, then the store, then everything that runs beside each other.

use crate::audit_trail::{self, AuditTrail, EntryQueue};
use crate::config::{BaseUrl, Config};
use crate::files;
use crate::http::{self, AdminAuth, Api, Listening, TlsView, Web};
use crate::listen::tls::{self, Certificates, TlsError, self_made};
use crate::listen::{self, Budget, Handles, ListenerHandles};
use crate::operations::greetings;
use crate::operations::peers_file::{self, PeersFile};
use crate::operations::sign_in::SignIn;
use crate::outgoing::{self, routes};
use crate::run_info::RunInfo;
use crate::server::{Server, WriterError};
use crate::smtp::{Beginning, Service};
use crate::{audit, gr, housekeeping, local_socket, reload, scrub, smtp};
use axum::Router;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Upper ends of the classes that times are counted in, in seconds.
const BUCKETS_S: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Why a server does not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({setting}): {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The setting that says so.
        setting: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A certificate is wanted and there is none that can be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Data folder or store.
    #[error(transparent)]
    Server(#[from] WriterError),
    /// The disk does not take what is written; what it holds is seen at the next start.
    #[error("the disk failed: the server has to end")]
    DiskFailed,
    /// A part of the server has broken by a fault of its own, which the log tells.
    #[error("{0} has broken by a fault: the server has to end; please report what the log says")]
    Broken(&'static str),
}

/// Serves until `stop`.
pub async fn serve(mut config: Config, stop: CancellationToken) -> Result<(), ServeError> {
    files::make_private_dir(&config.data_dir)?;
    let handles = ListenerHandles::new(Handles::raise(&config));
    let sockets = Sockets::bind(&mut config).await?;
    let web = read_web(&config);
    let metrics = start_metrics();
    // The store first: it refuses a second process, and on a full disk it gives up some of its reserve to what follows.
    let opened = tokio::task::spawn_blocking(move || Server::open(config));
    let (server, writer) = opened.await.map_err(|_| WriterError::OutOfService)??;
    let admin = AdminAuth::open(server.config())?;
    let certificates = certificates(server.config()).await?;
    let for_http = certificates.as_ref().filter(|_| server.config().http.tls);
    let https = acceptor(for_http, &http::PROTOCOLS)?;
    let for_mail = acceptor(certificates.as_ref(), &[])?;
    // Only now: whoever holds the lock of the data folder may replace the socket of a server that was killed.
    let commands = listen_for_commands(server.config());
    let running = gr::Running::start(&server, writer, stop.clone())?;
    say_where(server.config(), certificates.as_deref());
    listen::describe_metrics();
    let budget = budget(server.config());
    let (trail, entries) = AuditTrail::new(server.clone());
    let sign_in = SignIn::new(server.clone(), trail.clone());
    let service = mail_service(&sign_in, budget.clone(), handles.clone(), for_mail)?;
    let peers = Arc::clone(&service.peers);
    let mut parts = Parts::new(stop.clone());
    parts.begin_mail(service, sockets.smtp, sockets.smtps);
    let listening = Listening {
        places: http::places(server.config()),
        budget,
        handles,
        tls: https,
    };
    let changing = Changing {
        certificates: certificates.clone(),
        peers,
    };
    parts.begin_background(&server, changing);
    parts.begin_trail(trail.clone(), entries);
    let tls = TlsView {
        certificates,
        link: running.link_security(),
    };
    let api = Api::new(
        server.clone(),
        admin,
        sign_in,
        web,
        metrics,
        tls,
        stop.clone(),
    );
    if let Some(listener) = sockets.monitoring {
        let router = api.clone().monitoring();
        parts.begin_monitoring(listener, router, server.config(), &listening);
    }
    let router = api.router();
    parts.begin_commands(commands, router.clone(), trail, server.config());
    let (http, config) = (sockets.http, server.config());
    http::serve(http, router, config, listening, stop.clone()).await;
    // Nothing new comes in from here on; what was accepted is on disk before the writer ends.
    let broken = parts.ended().await;
    RunInfo::remove(&server.config().data_dir);
    local_socket::remove(&server.config().data_dir);
    let ended = running.stop(&server).await;
    tracing::info!("stopped");
    match broken {
        Some(part) => ended.and(Err(ServeError::Broken(part))),
        None => ended,
    }
}

/// What the mail service's connections share.
fn mail_service(
    sign_in: &SignIn,
    budget: Budget,
    handles: ListenerHandles,
    tls: Option<TlsAcceptor>,
) -> Result<Service, ServeError> {
    let server = sign_in.server();
    let peers_file = server.config().smtp.peers_file.as_deref();
    Ok(Service {
        server: server.clone(),
        sign_in: sign_in.clone(),
        peers: Arc::new(PeersFile::open(peers_file)?),
        budget,
        places: smtp::places(server.config()),
        gate: smtp::gate(server.config()),
        handles,
        tls,
    })
}

/// The parts that run beside each other. A server of which one has broken is none: it ends, and whoever supervises it starts it anew.
struct Parts {
    stop: CancellationToken,
    /// Each gives its name if it has broken.
    running: Vec<JoinHandle<Option<&'static str>>>,
}

impl Parts {
    fn new(stop: CancellationToken) -> Self {
        let running = Vec::new();
        Self { stop, running }
    }

    /// The listener that begins in plain, and the one that begins with TLS.
    fn begin_mail(&mut self, service: Service, plain: TcpListener, tls: Option<TcpListener>) {
        let listeners = [(Some(plain), Beginning::Plain), (tls, Beginning::Tls)];
        for (listener, beginning) in listeners {
            if let Some(listener) = listener {
                let run = smtp::run(service.clone(), listener, beginning, self.stop.clone());
                self.begin("smtp", run);
            }
        }
    }

    /// What writes the audit trail.
    fn begin_trail(&mut self, trail: AuditTrail, entries: EntryQueue) {
        let stop = self.stop.clone();
        self.begin("audit trail", audit_trail::run(trail, entries, stop));
    }

    /// What monitoring reads, where it has a listener of its own.
    fn begin_monitoring(
        &mut self,
        listener: TcpListener,
        router: Router,
        config: &Config,
        listening: &Listening,
    ) {
        let listening = Listening {
            places: http::monitoring_places(),
            ..listening.clone()
        };
        let (config, stop) = (config.clone(), self.stop.clone());
        self.begin("monitoring", async move {
            http::serve(listener, router, &config, listening, stop).await;
        });
    }

    /// The command line of this machine.
    fn begin_commands(
        &mut self,
        listener: Option<UnixListener>,
        router: Router,
        trail: AuditTrail,
        config: &Config,
    ) {
        if let Some(listener) = listener {
            let stop_within = Duration::from_secs(config.http.stop_timeout_s);
            let serving =
                http::serve_local(listener, router, trail, stop_within, self.stop.clone());
            self.begin("commands", serving);
        }
    }

    /// Those that nobody calls: they look by themselves for what is to be done.
    fn begin_background(&mut self, server: &Server, changing: Changing) {
        let stop = self.stop.clone();
        let every = Duration::from_secs(server.config().tls.reload_s);
        let (look, looked_for) = (server.clone(), Arc::new(changing));
        let look = move || Arc::clone(&looked_for).look(look.clone());
        let read_through = scrub::read_through(server.clone(), stop.clone());
        self.begin("files", reload::watch(every, look, stop.clone()));
        self.begin(
            "house-keeping",
            housekeeping::run(server.clone(), stop.clone()),
        );
        self.begin("repair", scrub::watch(server.clone(), stop.clone()));
        self.begin("reading through the store", read_through);
        self.begin("outgoing mail", outgoing::run(server.clone(), stop.clone()));
        self.begin("greetings", greetings::tidy(server.clone(), stop.clone()));
        self.begin("audit", audit::run(server.clone(), stop));
    }

    fn begin(&mut self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let part = tokio::spawn(part);
        self.running.push(tokio::spawn(async move {
            match part.await {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(%error, part = name, "a part of the server has broken: ending");
                    stop.cancel();
                    Some(name)
                }
            }
        }));
    }

    /// Waits until all have ended. Returns the name of one that has broken.
    async fn ended(self) -> Option<&'static str> {
        let mut broken = None;
        for part in self.running {
            broken = part.await.unwrap_or(Some("a part")).or(broken);
        }
        broken
    }
}

/// What all listeners listen on.
struct Sockets {
    http: TcpListener,
    smtp: TcpListener,
    smtps: Option<TcpListener>,
    monitoring: Option<TcpListener>,
}

impl Sockets {
    /// Binds them. The configuration learns which ports the system has chosen, and how the server is called if it does not say.
    async fn bind(config: &mut Config) -> Result<Self, ServeError> {
        let (http, at) = bind(config.http.listen, "http.listen").await?;
        config.http.listen = at;
        let url = public_url(config.scheme(), at, &config.fqdn);
        config.http.public_url.get_or_insert(url);
        let (smtp, at) = bind(config.smtp.listen, "smtp.listen").await?;
        config.smtp.listen = at;
        let mut smtps = None;
        if let Some(wanted) = config.smtp.tls_listen {
            let (listener, at) = bind(wanted, "smtp.tls_listen").await?;
            config.smtp.tls_listen = Some(at);
            smtps = Some(listener);
        }
        let mut monitoring = None;
        if let Some(wanted) = config.http.monitoring_listen {
            let (listener, at) = bind(wanted, "http.monitoring_listen").await?;
            config.http.monitoring_listen = Some(at);
            monitoring = Some(listener);
        }
        Ok(Self {
            http,
            smtp,
            smtps,
            monitoring,
        })
    }
}

/// The certificate that the listeners show, if one of them speaks TLS.
async fn certificates(config: &Config) -> Result<Option<Arc<Certificates>>, ServeError> {
    if !config.needs_certificate() {
        return Ok(None);
    }
    let tls = &config.tls;
    let named = tls.certificate.clone().zip(tls.key.clone());
    let (data_dir, fqdn) = (config.data_dir.clone(), config.fqdn.clone());
    let opened = tokio::task::spawn_blocking(move || {
        Certificates::open(self_made::choose(named, &data_dir, &fqdn)?)
    });
    let opened = opened.await.map_err(|_| WriterError::OutOfService)??;
    tracing::info!(fingerprint = %opened.fingerprint(), "the certificate of this server");
    Ok(Some(opened))
}

fn acceptor(
    certificates: Option<&Arc<Certificates>>,
    protocols: &[&str],
) -> Result<Option<TlsAcceptor>, TlsError> {
    certificates.map(|c| c.acceptor(protocols)).transpose()
}

/// What is read again while the server runs.
struct Changing {
    certificates: Option<Arc<Certificates>>,
    peers: Arc<PeersFile>,
}

impl Changing {
    /// Takes what has changed into use. The command line is told of a new certificate.
    async fn look(self: Arc<Self>, server: Server) {
        if let Some(certificates) = &self.certificates {
            let changed =
                |certificates: &Certificates| say_where(server.config(), Some(certificates));
            tls::look_again(certificates, &changed).await;
        }
        peers_file::look_again(&self.peers).await;
        routes::look_again(server.routes()).await;
    }
}

/// Lays `run.json` into the data folder, and says in the log where this server listens.
fn say_where(config: &Config, certificates: Option<&Certificates>) {
    let shown = certificates.filter(|_| config.http.tls);
    let info = RunInfo {
        pid: std::process::id(),
        fqdn: config.fqdn.clone(),
        http: config.http.listen,
        smtp: config.smtp.listen,
        smtps: config.smtp.tls_listen,
        monitoring: config.http.monitoring_listen,
        http_certificate: shown.map(Certificates::fingerprint),
    };
    if let Err(error) = info.write(&config.data_dir) {
        tracing::warn!(%error, "run.json could not be written: nobody finds there where this server listens; it serves all the same");
    }
    let (http, smtp) = (config.http.listen, config.smtp.listen);
    tracing::info!(fqdn = config.fqdn, %http, %smtp, "in service");
}

/// A server that its command line does not reach is still a server.
fn listen_for_commands(config: &Config) -> Option<UnixListener> {
    match local_socket::bind(&config.data_dir) {
        Ok(listener) => Some(listener),
        Err(error) => {
            let path = local_socket::path(&config.data_dir);
            tracing::error!(path = %path.display(), %error, "`callpilot` commands do not reach this server until its next start; it serves all the same");
            None
        }
    }
}

/// What strangers may make this server keep. The partner's longest mail always fits, beside what is under way on its connection.
fn budget(config: &Config) -> Budget {
    let limits = &config.limits;
    let of_one = match limits.bytes_in_flight_per_address_max {
        0 => limits.bytes_in_flight_max / 2,
        octets => octets,
    };
    let of_one = of_one.max(2 * smtp::gr_size_max(config.smtp.message_size_max));
    Budget::new(limits.bytes_in_flight_max.max(of_one), of_one)
}

async fn bind(
    address: SocketAddr,
    setting: &'static str,
) -> Result<(TcpListener, SocketAddr), ServeError> {
    let fault = |source| ServeError::Listen {
        address,
        setting,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let bound = listener.local_addr().map_err(fault)?;
    Ok((listener, bound))
}

/// What browsers call a server that does not say: its address, or its name where it listens on all of them.
fn public_url(scheme: &str, listen: SocketAddr, fqdn: &str) -> BaseUrl {
    let url = if listen.ip().is_unspecified() {
        format!("{scheme}://{fqdn}:{}", listen.port())
    } else {
        format!("{scheme}://{listen}")
    };
    url.parse()
        .expect("an address or a checked name makes a URL")
}

/// A server without pages is still a server: mail, telephones and plug-ins go on.
fn read_web(config: &Config) -> Option<Web> {
    let root = config.http.web_root.as_ref()?;
    match Web::read(root) {
        Ok(web) => Some(web),
        Err(error) => {
            tracing::error!(root = %root.display(), %error, "My CallPilot cannot be served: http.web_root cannot be read");
            None
        }
    }
}

/// One recorder for the process; a second server in it, as in tests, goes without.
fn start_metrics() -> Option<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS_S)
        .and_then(PrometheusBuilder::install_recorder)
        .ok();
    http::describe_metrics();
    if let Some(handle) = handle.clone() {
        // Samples lie in memory until they are counted; without this they would pile up where nobody asks for the metrics.
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(COUNT_EVERY).await;
                handle.run_upkeep();
            }
        });
    }
    handle
}
