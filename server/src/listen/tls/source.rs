//! Where a certificate comes from.

use std::path::PathBuf;

/// Where certificate and key lie, both in PEM.
#[derive(Clone, Debug)]
pub struct Source {
    /// The certificate, and those that vouch for it, its own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}
