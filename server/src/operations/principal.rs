//! Who acts, from where, and how that was proved.
//!
//! An edge makes an [`Origin`] for each request; who may administer is decided in one place, `AdminAuth` of the HTTP edge, which makes the
//! [`Principal`].

use std::fmt;
use std::net::IpAddr;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the network; behind a trusted proxy the client that it names.
    Network(IpAddr),
    /// From a process on this machine, by the socket in the data folder. The system vouches for both numbers.
    Local {
        /// The account that the process runs under.
        uid: u32,
        /// The process.
        pid: Option<i32>,
    },
}

impl Origin {
    /// The address that limits are kept for: a process on this machine counts as loopback.
    pub fn address(self) -> IpAddr {
        match self {
            Self::Network(address) => address.to_canonical(),
            Self::Local { .. } => std::net::Ipv4Addr::LOCALHOST.into(),
        }
    }
}

impl fmt::Display for Origin {
    /// An address, or `local` and the process.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => write!(f, "{}", address.to_canonical()),
            Self::Local { pid: Some(pid), .. } => write!(f, "local:{pid}"),
            Self::Local { pid: None, .. } => write!(f, "local"),
        }
    }
}

/// How somebody proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The system says which account is at the other end of the socket.
    PeerCredentials,
    /// The token in the data folder.
    Token,
    /// Name and password.
    Password,
}

/// Somebody who may administer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What it is called: the administrator's name, `root`, `uid 998`, or `token`.
    pub name: String,
    /// Where the request comes from.
    pub origin: Origin,
    /// How it was proved.
    pub proof: Proof,
}

impl Principal {
    /// An account of this machine.
    pub fn local(uid: u32, pid: Option<i32>) -> Self {
        Self {
            name: account(uid),
            origin: Origin::Local { uid, pid },
            proof: Proof::PeerCredentials,
        }
    }
}

/// What an account of this machine is called here.
pub fn account(uid: u32) -> String {
    match uid {
        0 => "root".into(),
        uid => format!("uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_said_in_one_word() {
        let network = |text: &str| Origin::Network(text.parse().unwrap()).to_string();
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8::1"), "2001:db8::1");
        let local = Principal::local(0, Some(7));
        assert_eq!(
            (local.origin.to_string(), local.name),
            ("local:7".into(), "root".into())
        );
        assert_eq!(Principal::local(998, None).name, "uid 998");
    }
}
