//! How a mail came: what a server notes of each mail that it takes (RFC 5321 section 4.4). It is kept beside the content, not in it.

use super::Delivery;
use domain::{ObjectId, Timestamp};
use std::net::IpAddr;

/// Characters that are noted of what a client calls itself (RFC 5321 section 4.5.3.1.2).
const CLIENT_CHARS_MAX: usize = 255;

/// How a mail came.
pub(super) struct Trace {
    client: String,
    peer: IpAddr,
    fqdn: String,
    protocol: &'static str,
    at: Timestamp,
}

impl Trace {
    /// Of a delivery to the server with this name.
    pub(super) fn of(delivery: &Delivery<'_>, fqdn: &str, at: Timestamp) -> Self {
        Self {
            client: delivery.client.chars().take(CLIENT_CHARS_MAX).collect(),
            peer: delivery.peer,
            fqdn: fqdn.to_owned(),
            protocol: delivery.protocol,
            at,
        }
    }

    /// The line for the message with this identity.
    pub(super) fn line(&self, id: ObjectId) -> String {
        let Self {
            client,
            peer,
            fqdn,
            protocol,
            at,
        } = self;
        let tag = if peer.is_ipv6() { "IPv6:" } else { "" };
        let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        let date = time.strftime("%a, %d %b %Y %H:%M:%S +0000");
        format!("from {client} ([{tag}{peer}]) by {fqdn} with {protocol} id {id}; {date}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::peers::Submitter;

    #[test]
    fn the_trace_line_names_client_and_server() {
        let delivery = Delivery {
            owners: vec![],
            return_path: None,
            client: "c.example",
            submitter: &Submitter::Stranger,
            peer: "2001:db8::1".parse().unwrap(),
            protocol: "ESMTP",
        };
        let id = ObjectId::from_bytes([7; 16]);
        let trace = Trace::of(&delivery, "a.example", Timestamp(1_790_000_000_000));
        assert_eq!(
            trace.line(id),
            format!(
                "from c.example ([IPv6:2001:db8::1]) by a.example with ESMTP id {id}; Mon, 21 Sep 2026 14:13:20 +0000"
            )
        );
        let client = "c".repeat(10_000);
        let long = Delivery {
            client: &client,
            ..delivery
        };
        let line = Trace::of(&long, "a.example", Timestamp(0)).line(id);
        assert!(line.len() < 500, "{} bytes", line.len());
    }
}
