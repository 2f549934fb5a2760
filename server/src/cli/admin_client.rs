//! The command line's way to the running server: its admin API, with the token of its data folder.

use super::{Failure, Server};
use crate::config::Config;
use crate::http::TOKEN_FILE;
use crate::listen::Stream;
use crate::listen::tls::{self, Fingerprint, Trust};
use crate::run_info::{RunInfo, reachable};
use contract::ApiError;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Deriving the GR key takes the longest, a second or two; a server that needs so long for anything else is in trouble.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that is reached on this machine.
pub struct AdminClient {
    address: SocketAddr,
    /// The certificate that it shows, if it speaks HTTPS.
    certificate: Option<Fingerprint>,
    token: String,
}

impl AdminClient {
    /// The server that runs with a configuration.
    pub fn of(server: &Server) -> Result<Self, Failure> {
        Self::in_folder(&Config::load(&server.config)?.data_dir)
    }

    /// The server that runs in a data folder.
    pub fn in_folder(data_dir: &Path) -> Result<Self, Failure> {
        let info = RunInfo::read(data_dir).map_err(|e| {
            Failure::new(format!(
                "No server runs in {} ({e}). Start it with `callpilot serve`.",
                data_dir.display()
            ))
        })?;
        let path = data_dir.join(TOKEN_FILE);
        let token = std::fs::read_to_string(&path).map_err(|e| {
            Failure::new(format!(
                "{}: {e}. Run this as the server's own account.",
                path.display()
            ))
        })?;
        Ok(Self {
            address: reachable(info.http),
            certificate: info.http_certificate,
            token: token.trim().to_owned(),
        })
    }

    /// `GET`, with a JSON answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        decode(&self.send(Method::GET, path, None).await?)
    }

    /// A request with a JSON body and a JSON answer.
    pub async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|e| Failure::new(e.to_string()))?;
        decode(&self.send(method, path, Some(body)).await?)
    }

    /// Any request; the body of the answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, Failure> {
        let exchange = self.exchange(method, path, body);
        let answer = tokio::time::timeout(PATIENCE, exchange).await;
        let answer = answer.map_err(|_| {
            Failure::new(format!("The server at {} does not answer.", self.address))
        })?;
        let (status, bytes) = answer.map_err(|e| {
            Failure::new(format!(
                "The server at {} cannot be reached: {e}. Is it running?",
                self.address
            ))
        })?;
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        Err(match serde_json::from_slice::<ApiError>(&bytes) {
            Ok(error) => Failure::Refused(error),
            Err(_) => Failure::new(format!("The server at {} answered {status}.", self.address)),
        })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        let stream = match self.certificate {
            None => Stream::Plain(stream),
            Some(certificate) => self.secure(certificate, stream).await?,
        };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

impl AdminClient {
    /// The server has said in its data folder which certificate it shows: nobody else is given the token.
    async fn secure(
        &self,
        certificate: Fingerprint,
        stream: TcpStream,
    ) -> Result<Stream, Box<dyn std::error::Error + Send + Sync>> {
        let connector = tls::connector(Trust::Pinned(certificate), None)?;
        let name = ServerName::from(self.address.ip());
        let secured = connector.connect(name, stream).await?;
        Ok(Stream::Made(Box::new(secured)))
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|e| Failure::new(format!("The server's answer cannot be read: {e}")))
}
