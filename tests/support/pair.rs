//! Two servers that are a GR pair.

use crate::{Server, until};
use contract::{GrStatus, PartnerState};
use serde_json::json;
use std::path::Path;

/// Timers of a pair that notices within seconds what takes minutes otherwise.
const TIMERS: &str = "gr.heartbeat_ms = 300\ngr.unknown_after_ms = 2000\ngr.down_after_ms = 6000\ngr.probe_ms = 300\n";

/// The password of pairs that are started.
const PASSWORD: &str = "tests of the pair 8642";

/// The pair `a` and `b`.
#[derive(Debug)]
pub struct Pair {
    /// One server.
    pub a: Server,
    /// The other.
    pub b: Server,
}

impl Pair {
    /// Starts two servers, pairs them, and waits until each knows that the other is running.
    pub fn start(root: &Path, settings: &str) -> Self {
        let pair = Self::alone(root, settings);
        pair.join(PASSWORD);
        pair.running();
        pair
    }

    /// The same with the timers that servers have unless told otherwise.
    pub fn start_unhurried(root: &Path, settings: &str) -> Self {
        let pair = Self::two(root, settings);
        pair.join(PASSWORD);
        pair.running();
        pair
    }

    /// Starts two servers that do not know each other yet.
    pub fn alone(root: &Path, settings: &str) -> Self {
        Self::two(root, &format!("{TIMERS}{settings}"))
    }

    /// The same with these settings and no others.
    pub fn two(root: &Path, settings: &str) -> Self {
        let a = Server::start(root, "cp-a.test.example", settings);
        let b = Server::start(root, "cp-b.test.example", settings);
        Self { a, b }
    }

    /// Enters the same GR password on both.
    pub fn join(&self, password: &str) {
        for (own, partner) in [(&self.a, &self.b), (&self.b, &self.a)] {
            let http = format!("http://{}", partner.http);
            Self::enter(own, partner, &http, password);
        }
    }

    /// From now on `a` tells its clients an address of `b` at which nobody answers: they know a partner, and stay.
    pub fn keep_clients_at_a(&self) {
        // The discard port: nobody listens there, and nobody without rights can.
        Self::enter(&self.a, &self.b, "http://127.0.0.1:9", PASSWORD);
        self.running();
    }

    fn enter(own: &Server, partner: &Server, http: &str, password: &str) {
        let body = json!({
            "fqdn": partner.fqdn,
            "smtp": partner.smtp.to_string(),
            "http": http,
            "password": password,
        });
        let answer = own
            .admin()
            .ask("PUT", "/api/v1/admin/gr", Some(&body))
            .expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.json());
    }

    /// Waits until both know that the other is running and nothing is on its way.
    pub fn running(&self) {
        for server in [&self.a, &self.b] {
            until("a running partner and nothing on its way", || {
                let status = Self::status(server)?;
                let idle = status.users.count + status.messages.count == 0;
                (status.state == PartnerState::Running && idle).then_some(())
            });
        }
    }

    /// What a server says of the pair.
    pub fn status(server: &Server) -> Option<GrStatus> {
        let answer = server.admin().ask("GET", "/api/v1/admin/gr", None)?;
        serde_json::from_slice(&answer.body).ok()
    }
}
