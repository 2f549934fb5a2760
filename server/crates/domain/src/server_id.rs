//! Which server of a pair.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A server's identity: the first eight bytes of the BLAKE3 hash of its FQDN in lower case.
///
/// It is made from the name and not drawn, so a server that is installed anew under its old name is the same server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServerId(pub u64);

impl ServerId {
    /// The identity of the server with this fully qualified domain name.
    pub fn of(fqdn: &str) -> Self {
        let name = fqdn.trim_end_matches('.').to_ascii_lowercase();
        let hash = blake3::hash(name.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        Self(u64::from_be_bytes(first))
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_server_in_any_case_and_with_a_dot() {
        assert_eq!(
            ServerId::of("CP-North.example.net."),
            ServerId::of("cp-north.example.net")
        );
        assert_ne!(
            ServerId::of("cp-north.example.net"),
            ServerId::of("cp-south.example.net")
        );
    }
}
