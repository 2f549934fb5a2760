//! `run.json` in the data folder: where the running server listens, for people, `doctor` and tests. Commands go by the socket
//! beside it ([`crate::local_socket`]).

use crate::files;
use crate::listen::tls::Fingerprint;
use crate::server::WriterError;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::path::Path;

const FILE: &str = "run.json";

/// A server that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub fqdn: String,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Where SMTP listens.
    pub smtp: SocketAddr,
    /// Where SMTP listens for connections that begin with TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtps: Option<SocketAddr>,
    /// Where monitoring reads, if it has a listener of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<SocketAddr>,
    /// The certificate that is shown at `http`; `None`: it does not speak TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_certificate: Option<Fingerprint>,
}

impl RunInfo {
    /// Lays the file into the data folder.
    pub fn write(&self, data_dir: &Path) -> Result<(), WriterError> {
        let text = serde_json::to_vec(self).map_err(|e| WriterError::Damaged(e.to_string()))?;
        files::write_private(&data_dir.join(FILE), &text)
    }

    /// Reads the file of a server.
    pub fn read(data_dir: &Path) -> io::Result<Self> {
        let text = std::fs::read(data_dir.join(FILE))?;
        serde_json::from_slice(&text).map_err(io::Error::other)
    }

    /// Takes the file away, if it is still this process's.
    pub fn remove(data_dir: &Path) {
        if Self::read(data_dir).is_ok_and(|info| info.pid == std::process::id()) {
            let _ = std::fs::remove_file(data_dir.join(FILE));
        }
    }
}
