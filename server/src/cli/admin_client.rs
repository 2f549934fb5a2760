//! The command line's way to the running server: its API, by the socket in its data folder. The system says there who asks, so nobody
//! needs a password, and whatever the network does to the server's listeners, commands reach it.

use super::{Failure, Server};
use crate::config::Config;
use crate::local_socket::{self, ConnectError};
use contract::ApiError;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// Deriving the GR key takes the longest, a second or two; a server that needs so long for anything else is in trouble.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that is reached on this machine.
pub struct AdminClient {
    data_dir: PathBuf,
    /// What starts it, for those who find that it does not run.
    start: String,
}

impl AdminClient {
    /// The server of a configuration.
    pub fn of(server: &Server) -> Result<Self, Failure> {
        let data_dir = Config::load(&server.config)?.data_dir;
        let start = format!("callpilot serve --config {}", server.config.display());
        Ok(Self { data_dir, start })
    }

    /// The server of a data folder.
    pub fn in_folder(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            start: "callpilot serve --config FILE".into(),
        }
    }

    /// The process of the server, if it runs.
    pub async fn process(&self) -> Result<Option<i32>, Failure> {
        Ok(self.connect().await?.1)
    }

    async fn connect(&self) -> Result<(UnixStream, Option<i32>), Failure> {
        let connected = local_socket::connect(&self.data_dir).await;
        connected.map_err(|error| {
            let start = &self.start;
            Failure::new(match error {
                ConnectError::Absent(_) | ConnectError::Stale(_) => {
                    format!("The server is not running ({error}): start it with `{start}`.")
                }
                other => format!("The server cannot be reached: {other}."),
            })
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
        let (stream, process) = self.connect().await?;
        let which = match process {
            Some(pid) => format!("The server (process {pid})"),
            None => "The server".into(),
        };
        let answer = tokio::time::timeout(PATIENCE, exchange(stream, method, path, body)).await;
        let answer = answer.map_err(|_| Failure::new(format!("{which} does not answer.")))?;
        let (status, bytes) = answer.map_err(|e| {
            Failure::new(format!(
                "{which} has hung up: {e}. What was asked for may have been done; look before you repeat it."
            ))
        })?;
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        Err(match serde_json::from_slice::<ApiError>(&bytes) {
            Ok(error) => Failure::Refused(error),
            Err(_) => Failure::new(format!("{which} answered {status}.")),
        })
    }
}

async fn exchange(
    stream: UnixStream,
    method: Method,
    path: &str,
    body: Option<Vec<u8>>,
) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost");
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|e| Failure::new(format!("The server's answer cannot be read: {e}")))
}
