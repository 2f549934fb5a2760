//! Keys of GR mail: root from the GR password, one key-encrypting key for each direction from the root.

use crate::gr::pairing::Secret;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::hkdf;
use std::fmt;
use zeroize::Zeroizing;

/// Memory of one derivation, in KiB: 256 MiB.
const MEMORY_KIB: u32 = 256 << 10;
const PASSES: u32 = 3;

/// The root could not be derived.
#[derive(Debug, thiserror::Error)]
#[error("the GR key cannot be derived from the password: {0}")]
pub struct RootError(argon2::Error);

/// The root key of a pair from its GR password (R3) and the names of its two servers, in any order. Takes 256 MiB and about a
/// second: not for a thread that others wait for.
pub fn root(password: &str, one: &str, other: &str) -> Result<Secret, RootError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(RootError)?;
    let mut names = [name(one), name(other)];
    names.sort_unstable();
    let salt = blake3::hash(format!("gr1\0{}\0{}", names[0], names[1]).as_bytes());
    let mut out = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), &salt.as_bytes()[..16], out.as_mut())
        .map_err(RootError)?;
    Ok(Secret(*out))
}

/// The keys of one server of a pair.
#[derive(Clone, Debug)]
pub struct Keyring {
    outgoing: Key,
    incoming: Key,
}

/// A key-encrypting key and its name on the wire. Mail of one direction cannot be played back in the other: its key differs.
#[derive(Clone)]
pub struct Key {
    pub(super) id: [u8; Key::ID_LEN],
    pub(super) kek: Zeroizing<[u8; 32]>,
}

impl Keyring {
    /// The keys of the server `own` towards `partner`, both FQDNs.
    pub fn new(root: &Secret, own: &str, partner: &str) -> Self {
        Self {
            outgoing: Key::new(root, own, partner),
            incoming: Key::new(root, partner, own),
        }
    }

    /// For mail to the partner.
    pub fn outgoing(&self) -> &Key {
        &self.outgoing
    }

    /// For mail from the partner.
    pub fn incoming(&self) -> &Key {
        &self.incoming
    }
}

impl Key {
    /// Octets of a key's name.
    pub const ID_LEN: usize = 8;

    fn new(root: &Secret, from: &str, to: &str) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"callpilot-gr/1").extract(&root.0);
        let direction = format!("\0{}\0{}", name(from), name(to));
        let mut kek = Zeroizing::new([0; 32]);
        expand(&prk, "kek", &direction, kek.as_mut());
        let mut id = [0; Self::ID_LEN];
        expand(&prk, "kid", &direction, &mut id);
        Self { id, kek }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &u64::from_be_bytes(self.id))
            .finish_non_exhaustive()
    }
}

/// How long a derived value is.
struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(prk: &hkdf::Prk, label: &str, direction: &str, out: &mut [u8]) {
    let info = [label.as_bytes(), direction.as_bytes()];
    prk.expand(&info, Len(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("32 octets are within what HKDF-SHA256 gives");
}

/// A server's name as it enters a derivation.
fn name(fqdn: &str) -> String {
    fqdn.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_has_its_own_key_and_both_servers_have_the_same_two() {
        let root = Secret([7; 32]);
        let a = Keyring::new(&root, "A.example.", "b.example");
        let b = Keyring::new(&root, "b.example", "a.example");
        assert_eq!(
            (&a.outgoing.id, &a.outgoing.kek),
            (&b.incoming.id, &b.incoming.kek)
        );
        assert_eq!(
            (&a.incoming.id, &a.incoming.kek),
            (&b.outgoing.id, &b.outgoing.kek)
        );
        assert_ne!(a.outgoing.id, a.incoming.id);
        assert_ne!(a.outgoing.kek, a.incoming.kek);
        let other = Keyring::new(&Secret([8; 32]), "a.example", "b.example");
        assert_ne!(a.outgoing.id, other.outgoing.id);
    }

    #[test]
    fn no_key_shows_itself() {
        let ring = Keyring::new(&Secret([7; 32]), "a.example", "b.example");
        let shown = format!("{ring:?}");
        let kek = format!("{:?}", ring.outgoing.kek.as_slice());
        assert!(!shown.contains(&kek[1..kek.len() - 1]), "{shown}");
        assert!(!shown.contains("kek"), "{shown}");
    }

    #[test]
    fn the_root_depends_on_password_and_names_but_not_on_their_order() {
        let one = root("correct horse", "A.example", "b.example").unwrap();
        let hex = blake3::Hash::from_bytes(one.0).to_hex();
        assert_eq!(
            hex.as_str(),
            "22e4f65970c4b8c2b607444fd70e78b0bf4f0ee015d1d2e2dc66b3d6cb76ec69"
        );
        assert!(one == root("correct horse", "b.example.", "a.example").unwrap());
    }
}
