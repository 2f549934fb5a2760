//! TLS: what this server shows (`certificates`, `self_made`), whom it trusts (`trust`), and how a certificate is called (`fingerprint`).
//!
//! rustls with aws-lc-rs, and nothing else: the provider is named wherever a configuration is made, so that no second one can slip in.

mod certificates;
mod fingerprint;
pub mod self_made;
mod source;
mod trust;
mod watch;

pub use certificates::Certificates;
pub use fingerprint::Fingerprint;
pub use source::Source;
pub use trust::{Trust, connector, unverified_connector};
pub use watch::look_again;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

/// A file of certificates is not longer than this; what is longer is something else.
const FILE_MAX: u64 = 1 << 20;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    CannotRead {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{} holds no {what} in PEM", path.display())]
    Lacks {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// What the files hold cannot be used, for example because the key is another certificate's.
    #[error("{} cannot be used: {source}", path.display())]
    Unusable {
        /// The certificate.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The system trusts nobody.
    #[error(
        "this system has no certificates of authorities: install them (ca-certificates), or name a file in tls.roots"
    )]
    NoRoots,
    /// TLS itself refuses its configuration.
    #[error("TLS cannot be used: {0}")]
    Config(#[from] rustls::Error),
    /// A certificate of its own cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let fault = |source| TlsError::CannotRead {
        path: path.to_owned(),
        source,
    };
    let length = std::fs::metadata(path).map_err(fault)?.len();
    if length > FILE_MAX {
        return Err(fault(io::Error::other("it is too long for certificates")));
    }
    std::fs::read(path).map_err(fault)
}
