//! The two servers of a pair as a client knows and remembers them.

use serde::{Deserialize, Serialize};

/// One of the two servers, seen from the user: the primary is the server that the user belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The server that the user belongs to.
    Primary,
    /// Its GR partner.
    Partner,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Primary => Self::Partner,
            Self::Partner => Self::Primary,
        }
    }
}

/// Where one server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its fully qualified domain name as it says itself; until it has, the host in `http`.
    pub fqdn: String,
    /// Base URL of its HTTP service, without a slash at the end.
    pub http: String,
    /// Base DN of its address book; empty until it is known.
    pub search_base: String,
}

impl Endpoint {
    /// A server of which only the address is known.
    pub fn at(http: &str) -> Self {
        let http = http.trim_end_matches('/').to_owned();
        let fqdn = host_of(&http).to_owned();
        Self {
            fqdn,
            http,
            search_base: String::new(),
        }
    }

    /// The host in the URL, without port: an IP address or a name.
    pub fn host(&self) -> &str {
        host_of(&self.http)
    }
}

/// The pair that a client works with, and what it keeps for the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The server that the user belongs to; before the first log-in, the one that was configured.
    pub primary: Endpoint,
    /// Its GR partner, if one is configured.
    pub partner: Option<Endpoint>,
}

pub(crate) fn host_of(http: &str) -> &str {
    let rest = http.strip_prefix("https://");
    let rest = rest
        .or_else(|| http.strip_prefix("http://"))
        .unwrap_or(http);
    let authority = rest.split('/').next().unwrap_or(rest);
    let v6 = authority
        .strip_prefix('[')
        .and_then(|v6| v6.split_once(']'));
    if let Some((address, _)) = v6 {
        return address;
    }
    authority.split(':').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_goes_by_its_host_until_it_has_said_its_name() {
        assert_eq!(Endpoint::at("http://127.0.0.1:8080/").fqdn, "127.0.0.1");
        assert_eq!(
            Endpoint::at("http://127.0.0.1:8080/").http,
            "http://127.0.0.1:8080"
        );
        assert_eq!(Endpoint::at("https://[::1]:8443").host(), "::1");
        assert_eq!(
            Endpoint::at("https://cp-north.example.net").host(),
            "cp-north.example.net"
        );
    }
}
