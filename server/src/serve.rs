//! One server, from its configuration to its end: listeners first, then the store, then everything that runs beside each other.

use crate::config::{BaseUrl, Config};
use crate::files;
use crate::http::{self, AdminDoor, Api, Web};
use crate::operations::greetings;
use crate::run_info::RunInfo;
use crate::site::{Site, SiteError};
use crate::{audit, gr, scrub, smtp, upkeep};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
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
    /// Data folder or store.
    #[error(transparent)]
    Site(#[from] SiteError),
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
    let (http, http_at) = listen(config.http.listen, "http.listen").await?;
    let (mail, smtp_at) = listen(config.smtp.listen, "smtp.listen").await?;
    config.http.listen = http_at;
    config.smtp.listen = smtp_at;
    config
        .http
        .public_url
        .get_or_insert_with(|| public_url(http_at, &config.fqdn));
    let info = RunInfo {
        pid: std::process::id(),
        fqdn: config.fqdn.clone(),
        http: http_at,
        smtp: smtp_at,
    };

    let web = read_web(&config);
    let metrics = start_metrics();
    // The store first: it refuses a second process, and on a full disk it gives up some of its reserve to what follows.
    let opened = tokio::task::spawn_blocking(move || Site::open(config));
    let (site, committer) = opened.await.map_err(|_| SiteError::OutOfService)??;
    let door = AdminDoor::open(site.config())?;
    let running = gr::Running::start(&site, committer, stop.clone())?;
    if let Err(error) = info.write(&site.config().data_dir) {
        tracing::warn!(%error, "run.json could not be written: `callpilot` commands do not find this server; it serves all the same");
    }
    tracing::info!(fqdn = info.fqdn, http = %http_at, smtp = %smtp_at, "in service");

    let service = smtp::Service {
        site: site.clone(),
        keys: running.keys(),
    };
    let part = Parts(stop.clone());
    let smtp = part.begin("smtp", smtp::run(service, mail, stop.clone()));
    let upkeep = part.begin("house-keeping", upkeep::run(site.clone(), stop.clone()));
    let damage = part.begin("repair", scrub::watch(site.clone(), stop.clone()));
    let scrub = scrub::read_through(site.clone(), stop.clone());
    let scrub = part.begin("reading through the store", scrub);
    let greetings = part.begin("greetings", greetings::tidy(site.clone(), stop.clone()));
    let audit = part.begin("audit", audit::run(site.clone(), stop.clone()));
    let router = Api::new(site.clone(), door, web, metrics, stop.clone()).router();
    http::serve(http, router, &site.config().http, stop.clone()).await;
    // Nothing new comes in from here on; what was accepted is on disk before the writer ends.
    let mut broken = None;
    for part in [smtp, upkeep, damage, scrub, audit, greetings] {
        broken = part.await.unwrap_or(Some("a part")).or(broken);
    }
    RunInfo::remove(&site.config().data_dir);
    let ended = running.stop(&site).await;
    tracing::info!("stopped");
    match broken {
        Some(part) => ended.and(Err(ServeError::Broken(part))),
        None => ended,
    }
}

/// Begins the parts that run beside each other. A server of which one has broken is none: it ends, and whoever supervises it starts it
/// anew.
struct Parts(CancellationToken);

impl Parts {
    /// Runs one. Its name comes back if it has broken.
    fn begin(
        &self,
        name: &'static str,
        part: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::JoinHandle<Option<&'static str>> {
        let stop = self.0.clone();
        let part = tokio::spawn(part);
        tokio::spawn(async move {
            match part.await {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(%error, part = name, "a part of the server has broken: ending");
                    stop.cancel();
                    Some(name)
                }
            }
        })
    }
}

async fn listen(
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
fn public_url(listen: SocketAddr, fqdn: &str) -> BaseUrl {
    let url = if listen.ip().is_unspecified() {
        format!("http://{fqdn}:{}", listen.port())
    } else {
        format!("http://{listen}")
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
