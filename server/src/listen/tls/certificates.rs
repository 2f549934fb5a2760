//! The certificate that this server shows: read from files, and read again when they change.

use super::{Fingerprint, Source, TlsError, provider, read};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// The certificate as it is now. All listeners share it.
#[derive(Debug)]
pub struct Certificates {
    source: Source,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
    /// Of both files as they were read last, good or bad.
    seen: blake3::Hash,
}

impl Certificates {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be read or used.
    pub fn open(source: Source) -> Result<Arc<Self>, TlsError> {
        let files = Files::read(&source)?;
        let current = RwLock::new(files.parse(&source)?);
        Ok(Arc::new(Self { source, current }))
    }

    /// That of the certificate that is shown now.
    pub fn fingerprint(&self) -> Fingerprint {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .fingerprint
    }

    /// Looks at the files again. Whether there is a new certificate; connections that are open keep the old one.
    ///
    /// # Errors
    /// [`TlsError`] if the files have changed and cannot be used: the certificate stays as it was, and the same files are no error again.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.source)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let seen = files.hash();
        if current.seen == seen {
            return Ok(false);
        }
        current.seen = seen;
        *current = files.parse(&self.source)?;
        Ok(true)
    }

    /// Accepts connections with it; `protocols` are those that a client may choose from by ALPN (RFC 7301).
    ///
    /// # Errors
    /// [`TlsError::Config`].
    pub fn acceptor(self: &Arc<Self>, protocols: &[&str]) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.key))
    }
}

struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(source: &Source) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: read(&source.certificate)?,
            key: read(&source.key)?,
        })
    }

    fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.certificate.len() as u64).to_le_bytes());
        hasher.update(&self.certificate);
        hasher.update(&self.key);
        hasher.finalize()
    }

    fn parse(&self, source: &Source) -> Result<Current, TlsError> {
        let path = source.certificate.clone();
        let lacks = |path: &Path, what| TlsError::Lacks {
            path: path.to_owned(),
            what,
        };
        let chain =
            CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| lacks(&path, "certificate"))?;
        let own = chain.first().ok_or_else(|| lacks(&path, "certificate"))?;
        let fingerprint = Fingerprint::of(own);
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| lacks(&source.key, "private key"))?;
        // Refuses a key that is another certificate's.
        let key = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|source| TlsError::Unusable { path, source })?;
        Ok(Current {
            key: Arc::new(key),
            fingerprint,
            seen: self.hash(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::tls::self_made;

    #[test]
    fn a_new_certificate_is_taken_and_a_bad_one_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let source = self_made::lay_into(dir.path(), "a.example.net").unwrap();
        let certificates = Certificates::open(source.clone()).unwrap();
        let first = certificates.fingerprint();
        assert!(!certificates.reload().unwrap(), "nothing has changed");

        let other = tempfile::tempdir().unwrap();
        let new = self_made::lay_into(other.path(), "a.example.net").unwrap();
        std::fs::copy(&new.certificate, &source.certificate).unwrap();
        let error = certificates.reload().expect_err("the key is the old one's");
        assert!(matches!(error, TlsError::Unusable { .. }), "{error}");
        assert_eq!(certificates.fingerprint(), first);
        assert!(
            !certificates.reload().unwrap(),
            "the same fault is told once"
        );

        std::fs::copy(&new.key, &source.key).unwrap();
        assert!(certificates.reload().unwrap());
        assert_ne!(certificates.fingerprint(), first);
        std::fs::remove_file(&source.key).unwrap();
        assert!(matches!(
            certificates.reload(),
            Err(TlsError::CannotRead { .. })
        ));
    }

    #[test]
    fn files_that_hold_something_else_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let source = self_made::lay_into(dir.path(), "a.example.net").unwrap();
        let swapped = Source {
            certificate: source.key.clone(),
            key: source.certificate.clone(),
        };
        let error = Certificates::open(swapped).expect_err("no certificate");
        assert!(
            error
                .to_string()
                .ends_with("tls.key holds no certificate in PEM"),
            "{error}"
        );
    }

    #[test]
    fn a_certificate_of_its_own_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let source = self_made::choose(None, dir.path(), "a.example.net").unwrap();
            Certificates::open(source).unwrap().fingerprint()
        };
        assert_eq!(open(), open());
    }
}
