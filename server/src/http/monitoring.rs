//! Who may read what is measured (`/metrics`) and the API's reference (`/api/openapi.json`): the networks that the configuration names,
//! whoever reaches the listener for monitoring, and administrators.

use super::Api;
use super::admin::Administrator;
use super::error::Problem;
use super::request::Peer;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// A request came by the listener for monitoring: whoever reaches that may read.
#[derive(Clone, Copy, Debug)]
pub struct OwnListener;

/// A request of somebody who may read.
pub struct Monitor;

impl FromRequestParts<Api> for Monitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if parts.extensions.get::<OwnListener>().is_some() {
            return Ok(Self);
        }
        let http = &api.server().config().http;
        let peer = parts
            .extensions
            .get::<Peer>()
            .map(|Peer(origin)| origin.address());
        let is_named = |network: &crate::network::Network| {
            peer.is_some_and(|address| network.contains(address))
        };
        // Who has a listener for it does not want it on this one.
        if http.monitoring_listen.is_none() && http.monitoring_networks.iter().any(is_named) {
            return Ok(Self);
        }
        let Administrator = Administrator::from_request_parts(parts, api).await?;
        Ok(Self)
    }
}
