//! Which servers take the mail of a domain (RFC 5321 section 5.1): those of its MX records, the most preferred first, else the domain itself.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Servers of one domain that are tried.
const SERVERS_MAX: usize = 8;
/// Addresses of one server that are tried.
const ADDRESSES_MAX: usize = 8;
/// For one answer; asked twice.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers that are remembered.
const CACHE_MAX: u64 = 1_024;

/// Asks the name servers.
pub struct MailExchangers(TokioResolver);

/// Why it is not known which servers take the mail of a domain.
#[derive(Debug, thiserror::Error)]
pub enum NoServer {
    /// There is none, and will be none.
    #[error("{0}")]
    Never(String),
    /// The name servers do not say at present.
    #[error("{0}")]
    NotNow(String),
}

impl MailExchangers {
    /// Asks these name servers, or those that the system names.
    ///
    /// # Errors
    /// A sentence about what the system does not say.
    pub fn new(name_servers: &[SocketAddr]) -> Result<Self, String> {
        let provider = TokioRuntimeProvider::default;
        let mut builder = match name_servers {
            [] => TokioResolver::builder(provider()).map_err(|error| {
                format!("the system names no name server that can be asked: {error}")
            })?,
            named => {
                let config = ResolverConfig::from_name_servers(named.iter().map(server).collect());
                TokioResolver::builder_with_config(config, provider())
            }
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = 1;
        options.cache_size = CACHE_MAX;
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Self(resolver))
    }

    /// The names of the servers that take the mail of a domain, in the order in which they are tried.
    ///
    /// # Errors
    /// [`NoServer`].
    pub async fn of(&self, domain: &str) -> Result<Vec<String>, NoServer> {
        // With the dot, so that no domain of this machine is appended.
        let found = match self.0.mx_lookup(format!("{domain}.")).await {
            Ok(found) => found,
            Err(error) if error.is_nx_domain() => {
                return Err(NoServer::Never(format!("there is no domain {domain}")));
            }
            Err(error) if error.is_no_records_found() => return Ok(vec![domain.to_owned()]),
            Err(error) => return Err(not_now(domain, &error)),
        };
        let answers = found.answers().iter();
        let mut servers: Vec<(u16, String)> = answers
            .filter_map(|record| match &record.data {
                RData::MX(mx) => {
                    let name = mx.exchange.to_ascii();
                    Some((mx.preference, name.trim_end_matches('.').to_owned()))
                }
                _ => None,
            })
            .collect();
        servers.sort();
        match &servers[..] {
            [] => Ok(vec![domain.to_owned()]),
            // RFC 7505: it says itself that it takes no mail.
            [(_, root)] if root.is_empty() => {
                Err(NoServer::Never(format!("{domain} takes no mail")))
            }
            _ => Ok(servers
                .into_iter()
                .map(|(_, name)| name)
                .filter(|name| !name.is_empty())
                .take(SERVERS_MAX)
                .collect()),
        }
    }

    /// The addresses of a server.
    ///
    /// # Errors
    /// [`NoServer`].
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoServer> {
        match self.0.lookup_ip(format!("{host}.")).await {
            Ok(found) => Ok(found.iter().take(ADDRESSES_MAX).collect()),
            Err(error) if error.is_no_records_found() => {
                Err(NoServer::Never(format!("{host} has no address")))
            }
            Err(error) => Err(not_now(host, &error)),
        }
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

fn not_now(name: &str, error: &NetError) -> NoServer {
    NoServer::NotNow(format!("{name} cannot be looked up: {error}"))
}
