//! Certificates made here: one that a server makes for itself, and an authority for a pair that is only tried.

use super::{Source, TlsError};
use crate::files;
use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
/// Characters of a line of PEM (RFC 7468 section 2).
const LINE: usize = 64;

/// The files that an operator names; otherwise those of a certificate that the server makes for itself, once, in its data folder.
///
/// # Errors
/// [`TlsError`] if one has to be made and that fails.
pub fn choose(
    named: Option<(PathBuf, PathBuf)>,
    data_dir: &Path,
    fqdn: &str,
) -> Result<Source, TlsError> {
    match named {
        Some((certificate, key)) => Ok(Source { certificate, key }),
        None => lay_into(data_dir, fqdn),
    }
}

/// Certificate and key of a server that has none yet: self-signed, without an end, since whoever trusts it trusts its fingerprint. Those
/// that lie in the folder already stay.
///
/// # Errors
/// [`TlsError`] if they cannot be made or written.
pub fn lay_into(folder: &Path, fqdn: &str) -> Result<Source, TlsError> {
    let source = Source {
        certificate: folder.join(CERTIFICATE),
        key: folder.join(KEY),
    };
    if source.certificate.exists() && source.key.exists() {
        return Ok(source);
    }
    let key = KeyPair::generate()?;
    let certificate = about(fqdn)?.self_signed(&key)?;
    write(&source.key, "PRIVATE KEY", key.serialized_der())?;
    write(&source.certificate, "CERTIFICATE", certificate.der())?;
    Ok(source)
}

/// An authority that lives as long as this value: its key is never written down.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Authority {
    /// A new one of this name.
    ///
    /// # Errors
    /// [`TlsError::Make`].
    pub fn new(name: &str) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().to_vec();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// Writes its certificate, for those who are to trust it.
    ///
    /// # Errors
    /// [`TlsError::CannotRead`] with the path.
    pub fn write(&self, path: &Path) -> Result<(), TlsError> {
        write(path, "CERTIFICATE", &self.certificate)
    }

    /// Makes and writes key and certificate of a server, which is also reached as `localhost` and by the addresses of loopback.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be made or written.
    pub fn vouch_for(&self, fqdn: &str, to: &Source) -> Result<(), TlsError> {
        let key = KeyPair::generate()?;
        let certificate = about(fqdn)?.signed_by(&key, &self.issuer)?;
        write(&to.key, "PRIVATE KEY", key.serialized_der())?;
        write(&to.certificate, "CERTIFICATE", certificate.der())
    }
}

fn about(fqdn: &str) -> Result<CertificateParams, rcgen::Error> {
    let names = [fqdn, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = named(fqdn);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

fn write(path: &Path, label: &str, der: &[u8]) -> Result<(), TlsError> {
    let fault = |error: crate::server::WriterError| TlsError::CannotRead {
        path: path.to_owned(),
        source: io::Error::other(error),
    };
    files::write_private(path, pem(label, der).as_bytes()).map_err(fault)
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        let _ = writeln!(text, "{line}");
        rest = more;
    }
    let _ = writeln!(text, "-----END {label}-----");
    text
}
