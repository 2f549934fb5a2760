//! Whom this server believes when it connects: by name, or by fingerprint.

use super::{Fingerprint, TlsError, provider, read};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

const BY_NAME: &str = "name";

/// How another server proves who it is. Written as `name`, or as the fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Trust {
    /// Its certificate has its name, and an authority vouches for it.
    ByName,
    /// Its certificate is this one, whoever made it.
    Pinned(Fingerprint),
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByName => f.write_str(BY_NAME),
            Self::Pinned(fingerprint) => fingerprint.fmt(f),
        }
    }
}

impl FromStr for Trust {
    type Err = super::fingerprint::NoFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case(BY_NAME) {
            Ok(Self::ByName)
        } else {
            text.parse().map(Self::Pinned)
        }
    }
}

impl From<Trust> for String {
    fn from(trust: Trust) -> Self {
        trust.to_string()
    }
}

impl TryFrom<String> for Trust {
    type Error = super::fingerprint::NoFingerprint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What makes connections to a server that is believed so. `roots` is a file with the certificates of authorities; `None`: those that the
/// system trusts. Reads files: not for a thread of the runtime.
///
/// # Errors
/// [`TlsError`] if authorities are needed and cannot be read.
pub fn connector(trust: Trust, roots: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms;
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = match trust {
        Trust::ByName => builder
            .with_root_certificates(authorities(roots)?)
            .with_no_client_auth(),
        Trust::Pinned(fingerprint) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pin {
                fingerprint: Some(fingerprint),
                algorithms,
            }))
            .with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What makes connections that are sealed against those who listen, to whoever answers: for mail to systems that nobody has said anything about, which
/// would go in plain otherwise (RFC 7435). It proves nothing about the other side.
///
/// # Errors
/// [`TlsError::Config`].
pub fn unverified_connector() -> Result<TlsConnector, TlsError> {
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms;
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pin {
            fingerprint: None,
            algorithms,
        }))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    let Some(path) = file else {
        let system = rustls_native_certs::load_native_certs().certs;
        store.add_parsable_certificates(system);
        return if store.is_empty() {
            Err(TlsError::NoRoots)
        } else {
            Ok(store)
        };
    };
    let text = read(path)?;
    let lacks = || TlsError::Lacks {
        path: path.to_owned(),
        what: "certificate",
    };
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let unusable = |source| TlsError::Unusable {
            path: path.to_owned(),
            source,
        };
        store
            .add(certificate.map_err(|_| lacks())?)
            .map_err(unusable)?;
    }
    if store.is_empty() {
        Err(lacks())
    } else {
        Ok(store)
    }
}

/// Believes one certificate, or any: neither its names nor its dates matter, and nobody else's word. The proof that the server has its key stays.
#[derive(Debug)]
struct Pin {
    fingerprint: Option<Fingerprint>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(certificate);
        match self.fingerprint {
            Some(pinned) if pinned != shown => Err(Error::General(format!(
                "its certificate is {shown}, but {pinned} is pinned"
            ))),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::tls::self_made::{Authority, lay_into};
    use crate::listen::tls::{Certificates, Source};

    /// What comes of a handshake with a server that shows this certificate.
    async fn meet(
        shown: &Source,
        name: &str,
        trust: Trust,
        roots: Option<&Path>,
    ) -> Result<(), String> {
        let acceptor = Certificates::open(shown.clone())
            .unwrap()
            .acceptor(&[])
            .unwrap();
        let (near, far) = tokio::io::duplex(64 << 10);
        let accepting = tokio::spawn(async move { acceptor.accept(far).await.map(drop) });
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = connector(trust, roots).unwrap();
        let met = connector.connect(name, near).await;
        let met = met.map(drop).map_err(|e| e.to_string());
        let _ = accepting.await;
        met
    }

    #[tokio::test]
    async fn a_pinned_certificate_is_believed_and_no_other() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let right = lay_into(a.path(), "a.example.net").unwrap();
        let wrong = lay_into(b.path(), "a.example.net").unwrap();
        let fingerprint = Certificates::open(right.clone()).unwrap().fingerprint();
        let pin = Trust::Pinned(fingerprint);
        assert_eq!(meet(&right, "whatever.example", pin, None).await, Ok(()));
        let said = meet(&wrong, "a.example.net", pin, None).await.unwrap_err();
        assert!(
            said.contains(&format!("but {fingerprint} is pinned")),
            "{said}"
        );
    }

    #[tokio::test]
    async fn by_name_an_authority_has_to_vouch_and_the_name_to_be_right() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let (trusted, other) = (
            Authority::new("trusted").unwrap(),
            Authority::new("other").unwrap(),
        );
        trusted.write(&path("roots.crt")).unwrap();
        let good = Source {
            certificate: path("a.crt"),
            key: path("a.key"),
        };
        trusted.vouch_for("a.example.net", &good).unwrap();
        let bad = Source {
            certificate: path("b.crt"),
            key: path("b.key"),
        };
        other.vouch_for("a.example.net", &bad).unwrap();
        let roots = path("roots.crt");
        let by_name = |shown, name| meet(shown, name, Trust::ByName, Some(&roots));
        assert_eq!(by_name(&good, "a.example.net").await, Ok(()));
        let said = by_name(&good, "b.example.net").await.unwrap_err();
        assert!(said.contains("not valid for name"), "{said}");
        let said = by_name(&bad, "a.example.net").await.unwrap_err();
        assert!(
            said.contains("UnknownIssuer") || said.contains("Signature"),
            "{said}"
        );
    }

    #[test]
    fn trust_is_written_as_people_write_it() {
        let pinned = Trust::Pinned(Fingerprint::of(b"x"));
        for trust in [Trust::ByName, pinned] {
            assert_eq!(trust.to_string().parse(), Ok(trust));
            let json = serde_json::to_string(&trust).unwrap();
            assert_eq!(serde_json::from_str::<Trust>(&json).unwrap(), trust);
        }
        assert!("names".parse::<Trust>().is_err());
    }
}
