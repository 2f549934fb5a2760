//! The pair as this server sees it.

use super::pairing::Partner;
use contract::{GrPartner, Timestamp};

/// The pair as this server sees it.
#[derive(Clone, Debug)]
pub struct PairView {
    /// The partner, if one is configured.
    pub partner: Option<Partner>,
    /// The engine's word on it.
    pub status: gr_proto::PartnerStatus,
    /// The last moment, by this server's wall clock, after which the partner lived for certain.
    pub heard: Option<Timestamp>,
    /// This server takes log-ins and messages.
    pub in_service: bool,
    /// Since the link to the partner was last broken, the partner has said that it has nothing left for this server. Always true without a
    /// partner.
    pub caught_up: bool,
}

impl PairView {
    /// The partner as clients are told of it.
    pub fn gr_partner(&self, search_base: &str) -> Option<GrPartner> {
        self.partner.as_ref().map(|p| GrPartner {
            fqdn: p.fqdn.clone(),
            address: p.address().to_owned(),
            http: p.http.clone(),
            search_base: search_base.to_owned(),
        })
    }
}
