//! What a server says of itself and its partner before anybody has logged in (R29-R33).

use serde::{Deserialize, Serialize};

/// Where a server answers with its [`Discovery`].
pub const WELL_KNOWN: &str = "/.well-known/callpilot";

/// The answer of `GET /.well-known/callpilot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Discovery {
    /// The server that answers.
    pub server: ServerAddress,
    /// Its GR partner; `null` where none is configured.
    pub gr_partner: Option<GrPartner>,
    /// Whether it takes log-ins, messages and calls (false in courtesy down, R18).
    pub in_service: bool,
    /// Whether it holds all that its partner has for it: nothing is on its way to it, as far as the partner's word goes.
    pub caught_up: bool,
    /// The protocol level, see [`crate::LEVEL`].
    pub level: u32,
}

/// Where one server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerAddress {
    /// Its fully qualified domain name, its identity in the pair.
    pub fqdn: String,
    /// Base URL of its HTTP service, without a slash at the end, for example `https://cp-north.example.net`.
    pub http: String,
    /// Base DN below which its address book lies, for example `ou=voice,o=example`.
    pub search_base: String,
}

/// Where the GR partner is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrPartner {
    /// Its fully qualified domain name.
    pub fqdn: String,
    /// Its address as configured: an IP address or a host name, without a port.
    pub address: String,
    /// Base URL of its HTTP service, without a slash at the end.
    pub http: String,
    /// Base DN of its address book; the same on both servers of a pair.
    pub search_base: String,
}
