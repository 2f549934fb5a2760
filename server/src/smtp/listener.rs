//! Takes connections: so many in all, so many from one address.

use super::{Reply, Status, connection};
use crate::gr::envelope::Keyring;
use crate::site::Site;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One address may hold this part of all connections, so that none can keep out all others.
const SHARE_OF_ONE_ADDRESS: usize = 2;
/// After an error of accept (too many open files, usually) it is tried again so much later.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// What all connections share.
#[derive(Clone)]
pub struct Service {
    /// The server.
    pub site: Site,
    /// The keys of GR mail; `None` without a partner.
    pub keys: watch::Receiver<Option<Arc<Keyring>>>,
}

/// Serves until `stop`; returns when the last connection has said what it had to say.
pub async fn run(service: Service, listener: TcpListener, stop: CancellationToken) {
    describe_metrics();
    let tracker = TaskTracker::new();
    let peers = Peers::new(service.site.config().smtp.connections_max);
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "an SMTP connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                continue;
            }
        };
        let Some(place) = peers.enter(peer.ip()) else {
            turn_away(stream);
            continue;
        };
        let (service, stop) = (service.clone(), stop.clone());
        tracker.spawn(async move {
            let _place = place;
            connection::serve(service, stream, peer.ip(), stop).await;
        });
    }
    tracker.close();
    tracker.wait().await;
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
        "callpilot_gr_mail_received_total",
        "Mails from the GR partner that were opened"
    );
    describe_counter!(
        "callpilot_gr_mail_refused_total",
        "Mails to the GR address that were dropped, by why they could not be opened"
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

/// Says why and hangs up, without waiting for anybody.
fn turn_away(stream: TcpStream) {
    metrics::counter!("callpilot_smtp_turned_away_total").increment(1);
    let mut text = Vec::new();
    Reply::new(
        421,
        Status(4, 7, 0),
        "Too many connections; try again later",
    )
    .write_to(&mut text);
    // A client that cannot take one line at once does without it.
    let _ = stream.try_write(&text);
}

/// Who is connected.
#[derive(Clone)]
struct Peers(Arc<Mutex<Counts>>);

struct Counts {
    max: usize,
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place among them.
struct Place {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    fn new(max: usize) -> Self {
        Self(Arc::new(Mutex::new(Counts {
            max,
            all: 0,
            by_address: HashMap::new(),
        })))
    }

    fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from_here = counts.by_address.get(&address).copied().unwrap_or(0);
        if counts.all >= counts.max || from_here >= counts.max.div_ceil(SHARE_OF_ONE_ADDRESS) {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, from_here + 1);
        metrics::gauge!("callpilot_smtp_connections").set(counts.all as f64);
        Some(Place {
            peers: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        match counts.by_address.get_mut(&self.address) {
            Some(n) if *n > 1 => *n -= 1,
            _ => drop(counts.by_address.remove(&self.address)),
        }
        metrics::gauge!("callpilot_smtp_connections").set(counts.all as f64);
    }
}

/// A host has a whole /64 of IPv6 addresses: they count as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_holds_half_of_the_connections_and_leaving_makes_room() {
        let peers = Peers::new(4);
        let enter = |ip: &str| peers.enter(ip.parse().unwrap());
        let first = enter("10.0.0.1").unwrap();
        let _second = enter("::ffff:10.0.0.1").unwrap();
        assert!(enter("10.0.0.1").is_none());
        let _third = enter("2001:db8::1").unwrap();
        let fourth = enter("2001:db8::2").unwrap();
        assert!(
            enter("2001:db8::3").is_none() && enter("10.0.0.2").is_none(),
            "all places are taken"
        );
        drop(fourth);
        assert!(enter("10.0.0.1").is_none(), "still half of all");
        drop(first);
        assert!(enter("10.0.0.1").is_some());
    }
}
