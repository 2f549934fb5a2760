//! An authority that vouches for servers of a test.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use std::fs;
use std::path::Path;

/// Its certificate lies in a file; its key in memory.
#[derive(Debug)]
pub struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// A new one, with its certificate in this file.
    ///
    /// # Panics
    /// If it cannot be made or written.
    pub fn new(file: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let name = file.display().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(file, pem("CERTIFICATE", certificate.der())).expect("a folder to write into");
        Self(Issuer::new(params, key))
    }

    /// Lays `own.crt` and `own.key` of a server into its folder.
    ///
    /// # Panics
    /// If they cannot be made or written.
    pub fn vouch_for(&self, fqdn: &str, folder: &Path) {
        let names = [fqdn, "127.0.0.1"].map(str::to_owned).to_vec();
        let params = CertificateParams::new(names).expect("names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        fs::create_dir_all(folder).expect("the folder can be made");
        for (file, label, der) in [
            ("own.crt", "CERTIFICATE", certificate.der().as_ref()),
            ("own.key", "PRIVATE KEY", key.serialized_der()),
        ] {
            fs::write(folder.join(file), pem(label, der)).expect("a file can be written");
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = crate::voice::base64(der);
    format!("-----BEGIN {label}-----\n{encoded}\n-----END {label}-----\n")
}
