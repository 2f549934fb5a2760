//! The HTTP listener: accepts, bounds and, at the end, lets requests finish.

use super::request::Peer;
use crate::config;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// After a failed accept (no file handles left, for one) the next try waits so long.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then waits for the requests under way, at most `stop_timeout_s`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    rules: &config::Http,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(rules.connections_max));
    let graceful = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(rules.head_timeout_s));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                continue;
            }
        };
        let router = router.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request.map(Body::new))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = watched.await {
                tracing::trace!(%error, "a connection broke");
            }
        });
    }
    let patience = Duration::from_secs(rules.stop_timeout_s);
    if tokio::time::timeout(patience, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests were still being answered when the time to stop was over");
    }
}

/// Waits for room first, so that what cannot be served stays in the system's queue.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room)
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are small and somebody waits for them.
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}
