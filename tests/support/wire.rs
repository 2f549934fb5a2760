//! A connection to a server, plain or by TLS.

use crate::LIMIT;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Whom a client believes.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ClientConfig>);

/// The octets of a connection.
#[derive(Debug)]
pub enum Wire {
    /// As they come.
    Plain(TcpStream),
    /// By TLS.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Tls {
    /// Believes servers for which a certificate in this file (PEM) vouches; a self-made one vouches for itself.
    ///
    /// # Panics
    /// If the file holds no certificate.
    pub fn trusting(file: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(file)).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the versions of TLS that the provider has")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// Goes over to TLS on a connection to a server that should have this name or address.
    ///
    /// # Errors
    /// When the handshake fails, for example because the server is not believed.
    pub fn secure(&self, mut stream: TcpStream, name: &str) -> io::Result<Wire> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let mut connection =
            ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        let stream = StreamOwned::new(connection, stream);
        Ok(Wire::Tls(Box::new(stream)))
    }
}

/// The first certificate of a file (PEM).
///
/// # Panics
/// If there is none.
pub fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

impl Wire {
    /// Connects, with a limit on each read.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// What the server has shown, if it was asked.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => Some(
                stream
                    .conn
                    .peer_certificates()?
                    .first()?
                    .clone()
                    .into_owned(),
            ),
        }
    }

    /// The plain connection.
    ///
    /// # Panics
    /// If it goes by TLS.
    pub fn plain(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(_) => panic!("this needs a plain connection"),
        }
    }

    /// Nothing more will be written.
    pub fn finish(&mut self) {
        match self {
            Self::Plain(stream) => {
                // The server may be gone.
                let _ = stream.shutdown(Shutdown::Write);
            }
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(octets),
            Self::Tls(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
