//! Addresses and networks: whom an address belongs to, and which networks an operator names.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// One household or office: an IPv4 address, or the /64 that an IPv6 host draws its addresses from. Whatever is limited for each address is
/// limited for these.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

/// A network as operators write it: `10.1.0.0/16`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Where this machine reaches itself.
    pub fn loopback() -> Vec<Self> {
        let of = |address: IpAddr, prefix| Self { address, prefix };
        vec![
            of(std::net::Ipv4Addr::new(127, 0, 0, 0).into(), 8),
            of(Ipv6Addr::LOCALHOST.into(), 128),
        ]
    }

    /// Whether an address lies in it. An IPv4 address that comes in IPv6 clothes counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || {
            format!(
                "is \"{text}\", but must be networks such as 10.1.0.0/16 or 2001:db8::/32, or addresses"
            )
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) => digits.parse().map_err(|_| fault())?,
        };
        if prefix > longest {
            return Err(fault());
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_host_is_its_network_and_an_ipv4_host_is_itself_in_any_clothes() {
        let of = |text: &str| household(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_network_contains_what_begins_like_it() {
        let is_in = |address: &str, network: &str| {
            let network: Network = network.parse().unwrap();
            network.contains(address.parse().unwrap())
        };
        assert!(is_in("10.1.2.3", "10.1.0.0/16") && !is_in("10.2.2.3", "10.1.0.0/16"));
        assert!(is_in("::ffff:10.1.2.3", "10.1.0.0/16"));
        assert!(is_in("2001:db8::7", "2001:db8::/32") && !is_in("2001:db9::7", "2001:db8::/32"));
        assert!(is_in("192.0.2.1", "192.0.2.1") && !is_in("192.0.2.2", "192.0.2.1"));
        assert!(is_in("8.8.8.8", "0.0.0.0/0") && !is_in("::1", "0.0.0.0/0"));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0.0/x", "host.example"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
