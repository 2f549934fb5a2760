//! The mail service's part of its listeners: their rules, and what all connections share.

use super::gr_gate::GrGate;
use super::{Reply, Status, connection};
use crate::config::Config;
use crate::listen::{self, Budget, ListenerHandles, Places, Proxies, Rules, WhenFull};
use crate::operations::peers_file::PeersFile;
use crate::operations::sign_in::SignIn;
use crate::server::Server;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// What all connections share.
#[derive(Clone)]
pub struct Service {
    /// The server.
    pub server: Server,
    /// Signing in, which all edges share.
    pub sign_in: SignIn,
    /// The peers that sign in.
    pub peers: Arc<PeersFile>,
    /// What clients may make this server keep.
    pub budget: Budget,
    /// How many may be connected, on all listeners together.
    pub places: Places,
    /// Whose mail to the replication engine is taken.
    pub gate: GrGate,
    /// File handles, which all listeners share.
    pub handles: ListenerHandles,
    /// What accepts TLS, where a certificate is shown.
    pub tls: Option<TlsAcceptor>,
}

/// Places that are kept back for the partner: its connection, a new one while the old one is not found dead yet, and as many for an attempt.
const PARTNER_PLACES: usize = 4;

/// How a listener's connections begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Plain; by STARTTLS they may go over to TLS where that is offered.
    Plain,
    /// With TLS (RFC 8314).
    Tls,
}

/// The places of a configuration.
pub fn places(config: &Config) -> Places {
    let smtp = &config.smtp;
    let limits = listen::PlaceLimits {
        max: smtp.connections_max,
        per_address_max: smtp.connections_per_address_max,
        for_partner: PARTNER_PLACES,
        partner: config.gr.partner_networks.clone(),
    };
    Places::new(limits, "SMTP", "callpilot_smtp_connections")
}

/// The gate of a configuration before the replication engine.
pub fn gate(config: &Config) -> GrGate {
    let size_max = connection::gr_size_max(config.smtp.message_size_max);
    GrGate::new(&config.gr.partner_networks, size_max)
}

/// Serves until `stop`; returns when the last connection has said what it had to say, or has taken too long for it.
pub async fn run(
    service: Service,
    listener: TcpListener,
    beginning: Beginning,
    stop: CancellationToken,
) {
    describe_metrics();
    let rules = rules(&service, beginning);
    let serve = {
        let stop = stop.clone();
        move |connection| connection::serve(service.clone(), connection, stop.clone())
    };
    listen::run(listener, rules, stop, serve).await;
}

fn rules(service: &Service, beginning: Beginning) -> Rules {
    let config = service.server.config();
    let smtp = &config.smtp;
    Rules {
        places: service.places.clone(),
        when_full: WhenFull::TurnAway,
        refusal: too_many(),
        turned_away: "callpilot_smtp_turned_away_total",
        handshake: Duration::from_secs(config.limits.handshake_timeout_s),
        proxies: Proxies {
            networks: smtp.trusted_proxies.clone(),
            send_header: true,
        },
        tls: service.tls.clone().filter(|_| beginning == Beginning::Tls),
        stop_within: Duration::from_secs(smtp.stop_timeout_s),
        handles: service.handles.clone(),
    }
}

fn too_many() -> Vec<u8> {
    let text = "Too many connections; try again later";
    let mut refusal = Vec::new();
    Reply::new(421, Status(4, 7, 0), text).write_to(&mut refusal);
    refusal
}

/// Names the metrics for those who read them.
fn describe_metrics() {
    use metrics::{describe_counter, describe_gauge};
    describe_gauge!(
        "callpilot_smtp_connections",
        "SMTP connections that are open"
    );
    describe_counter!(
        "callpilot_smtp_turned_away_total",
        "SMTP connections that were turned away because there were too many"
    );
    describe_counter!(
        "callpilot_smtp_messages_total",
        "Messages taken into mailboxes by SMTP"
    );
    describe_counter!(
        "callpilot_smtp_mailbox_full_total",
        "Mailboxes that were full at the moment a message was to be written"
    );
    describe_counter!(
        "callpilot_smtp_unknown_recipients_total",
        "Recipients that were named and are not here"
    );
    describe_counter!(
        "callpilot_smtp_unverified_senders_total",
        "Messages that name a mailbox of this pair as their sender, and nothing proves it"
    );
    describe_counter!(
        "callpilot_mail_repeated_total",
        "Messages that were in their mailboxes already when their mail came again"
    );
    describe_counter!(
        "callpilot_mail_rate_limited_total",
        "Mails that were put off because their sender or its address had left too much"
    );
    describe_counter!(
        "callpilot_gr_mail_received_total",
        "Mails from the GR partner that were opened"
    );
    describe_counter!(
        "callpilot_gr_mail_refused_total",
        "Mails to the GR address that were refused, or dropped because they could not be opened, by why"
    );
    describe_counter!(
        "callpilot_gr_mail_sent_total",
        "Mails sent to the GR partner"
    );
    describe_counter!("callpilot_gr_mail_sent_bytes_total", "Their octets");
    describe_counter!(
        "callpilot_gr_mail_replies_refused_total",
        "Refusals by the GR partner's mail service, by code"
    );
}
