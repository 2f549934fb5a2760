//! The headers by which a trusted HTTP proxy names its client: `X-Forwarded-For`, or `Forwarded` (RFC 7239).
//!
//! Each proxy adds an entry at the end, so entries are believed from the end on, for as long as it is a trusted proxy that wrote
//! them. What a client wrote itself stands before those and is never reached.

use super::Proxies;
use std::net::{IpAddr, SocketAddr};

/// Entries that are looked at, at most. A longer chain of trusted proxies is a mistake.
const ENTRIES_MAX: usize = 32;

/// The client by `X-Forwarded-For`; `values` are the values of that header in their order, `peer` who is connected.
pub fn by_list<'a>(
    values: impl DoubleEndedIterator<Item = &'a str>,
    peer: IpAddr,
    proxies: &Proxies,
) -> IpAddr {
    let entries = values.rev().flat_map(|value| value.rsplit(','));
    last_stranger(entries.map(address), peer, proxies)
}

/// The client by `Forwarded`.
pub fn by_parameters<'a>(
    values: impl DoubleEndedIterator<Item = &'a str>,
    peer: IpAddr,
    proxies: &Proxies,
) -> IpAddr {
    let entries = values.rev().flat_map(|value| value.rsplit(','));
    let addresses = entries.map(|entry| {
        let mut pairs = entry.split(';').filter_map(|pair| pair.split_once('='));
        let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        address(node.trim().trim_matches('"'))
    });
    last_stranger(addresses, peer, proxies)
}

/// The first address from the end that is no trusted proxy; where one cannot be read, whoever wrote it.
fn last_stranger(
    entries: impl Iterator<Item = Option<IpAddr>>,
    peer: IpAddr,
    proxies: &Proxies,
) -> IpAddr {
    let mut known = peer;
    for entry in entries.take(ENTRIES_MAX) {
        if !proxies.trusts(known) {
            break;
        }
        match entry {
            Some(address) => known = address,
            None => break,
        }
    }
    known
}

/// An address with or without a port: `192.0.2.7`, `192.0.2.7:80`, `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()));
    address.map(|a| a.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            send_header: false,
        }
    }

    fn list(values: &[&str], peer: &str) -> String {
        by_list(values.iter().copied(), peer.parse().unwrap(), &proxies()).to_string()
    }

    #[test]
    fn the_last_one_that_is_no_proxy_is_the_client_whatever_it_claims() {
        assert_eq!(list(&["192.0.2.7"], "10.0.0.1"), "192.0.2.7");
        assert_eq!(
            list(&["127.0.0.1, 192.0.2.7, 10.0.0.2"], "10.0.0.1"),
            "192.0.2.7"
        );
        assert_eq!(list(&["1.1.1.1", "192.0.2.7"], "10.0.0.1"), "192.0.2.7");
        assert_eq!(list(&["[2001:db8::7]:443"], "10.0.0.1"), "2001:db8::7");
        assert_eq!(
            list(&["127.0.0.1"], "192.0.2.9"),
            "192.0.2.9",
            "from no proxy"
        );
        assert_eq!(list(&["1.1.1.1, unknown"], "10.0.0.1"), "10.0.0.1");
        assert_eq!(list(&[], "10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn forwarded_is_read_by_its_parameters() {
        let client = |value: &str| {
            by_parameters([value].into_iter(), "10.0.0.1".parse().unwrap(), &proxies()).to_string()
        };
        assert_eq!(client("for=192.0.2.7;proto=https"), "192.0.2.7");
        assert_eq!(
            client("For=\"[2001:db8::7]:4711\", for=10.0.0.9"),
            "2001:db8::7"
        );
        assert_eq!(client("for=_hidden"), "10.0.0.1");
        assert_eq!(client("proto=http"), "10.0.0.1");
    }
}
