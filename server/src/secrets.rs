//! What seals secrets in this server's database: a key in a file of its own (`secrets.key`, 0600), made at the first start.
//!
//! The key is this server's alone. Secrets travel to the partner inside of GR mail, which is sealed by the pair's keys, and the partner seals them
//! on its disk by its own key: so neither the pairing nor the GR password nor its change has anything to do with what lies on a disk.

use crate::gr::pairing::{self, Secret};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use domain::ObjectId;
use std::io;
use std::path::Path;
use std::sync::Arc;
use store::Sealer;

/// AES-256-GCM, bound to the object that the secret is of: nonce, ciphertext, tag. A random nonce of 96 bits is good for 2^32 seals, and there is one
/// for each change of an administrator's account.
#[derive(Debug)]
struct SecretsKey(LessSafeKey);

impl SecretsKey {
    fn of(secret: &Secret) -> Self {
        let key = blake3::derive_key("CallPilot 2026 secrets in the database", &secret.0);
        let key = zeroize::Zeroizing::new(key);
        let key = UnboundKey::new(&AES_256_GCM, &*key).expect("a key of AES-256 has 32 bytes");
        Self(LessSafeKey::new(key))
    }
}

impl Sealer for SecretsKey {
    fn seal(&self, of: &ObjectId, secret: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = crate::clock::random();
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(of.as_bytes()),
                &mut sealed,
            )
            .expect("a short secret is encrypted");
        [&nonce[..], &sealed].concat()
    }

    fn open(&self, of: &ObjectId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut opened = sealed.to_vec();
        let aad = Aad::from(of.as_bytes());
        let secret = self.0.open_in_place(nonce, aad, &mut opened).ok()?;
        Some(secret.to_vec())
    }
}

/// The sealer whose key lies in a data folder; made there if there is none yet.
///
/// # Errors
/// The file cannot be read or written, or holds something else than a key.
pub fn open(data_dir: &Path) -> io::Result<Arc<dyn Sealer>> {
    let secret = pairing::own_secrets_key(data_dir).map_err(io::Error::other)?;
    Ok(Arc::new(SecretsKey::of(&secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_opened_by_its_own_key_for_its_own_object_and_only_as_it_was() {
        let (key, other) = (
            SecretsKey::of(&Secret([1; 32])),
            SecretsKey::of(&Secret([2; 32])),
        );
        let (mira, otto) = (ObjectId::from_bytes([1; 16]), ObjectId::from_bytes([2; 16]));
        let sealed = key.seal(&mira, b"twenty octets of it.");
        assert_ne!(sealed, key.seal(&mira, b"twenty octets of it."));
        assert!(!sealed.windows(6).any(|part| part == b"octets"));
        let opened = key.open(&mira, &sealed);
        assert_eq!(opened.as_deref(), Some(&b"twenty octets of it."[..]));
        assert_eq!(key.open(&otto, &sealed), None);
        assert_eq!(other.open(&mira, &sealed), None);
        for cut in 0..sealed.len() {
            assert_eq!(key.open(&mira, &sealed[..cut]), None);
            let mut changed = sealed.clone();
            changed[cut] ^= 1;
            assert_eq!(key.open(&mira, &changed), None, "octet {cut}");
        }
    }

    #[test]
    fn the_key_is_made_once_for_its_owner_alone_and_what_is_none_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let id = ObjectId::from_bytes([1; 16]);
        let sealed = open(dir.path()).unwrap().seal(&id, b"secret");
        let again = open(dir.path()).unwrap().open(&id, &sealed);
        assert_eq!(again.as_deref(), Some(&b"secret"[..]));
        let file = dir.path().join("secrets.key");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        let fault = open(dir.path()).unwrap_err().to_string();
        assert!(fault.contains("secrets.key is not a key"), "{fault}");
    }
}
