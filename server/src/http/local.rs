//! The same API for the command line of this machine, by the socket in the data folder.
//!
//! Who connects is known before the first octet: the system names the account, and who may not administer is told so and closed. The places
//! here are no places of the TCP listeners, so `callpilot` works while those are full.

use super::error::Problem;
use super::request::Peer;
use crate::audit_trail::{Attempt, AuditTrail};
use crate::local_socket::may_administer;
use crate::operations::OpError;
use crate::operations::principal::{Origin, account};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use writer::RateLimitedLog;

/// Commands at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 64;
/// Connections at once of accounts that may not administer; more are closed without a word.
const REFUSALS_MAX: usize = 4;
/// How long a command may take to say what it wants.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// After an error of accept (too many open files, usually) it is tried again so much later.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);
static REFUSED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));
static NOT_ACCEPTED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// Serves until `stop`, then waits for the commands under way, at most `stop_within`.
pub async fn serve_local(
    listener: UnixListener,
    router: Router,
    trail: AuditTrail,
    stop_within: Duration,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let refusal = Router::new().fallback(|| async {
        let why = "Only root and the server's own account may administer this server from its own machine.";
        Problem::from(OpError::Forbidden(why.into()))
    });
    let tracker = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener, &places)).await {
        match accepted {
            Ok((stream, place, origin)) => {
                let (router, place) = match allowed(origin, &trail) {
                    true => (router.clone(), place),
                    false => match Arc::clone(&refusals).try_acquire_owned() {
                        Ok(place) => (refusal.clone(), place),
                        Err(_) => continue,
                    },
                };
                let stop = stop.clone();
                tracker.spawn(async move {
                    converse(router, stream, origin, stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                if let Some(times) = NOT_ACCEPTED.now() {
                    tracing::warn!(%error, times, "a command could not be accepted");
                }
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
    drop(listener);
    tracker.close();
    // What has not ended by then ends with the process.
    let _ = tokio::time::timeout(stop_within, tracker.wait()).await;
}

/// Whether somebody who connects may administer. Where not, the folder lets in more than it should.
fn allowed(origin: Origin, trail: &AuditTrail) -> bool {
    let Origin::Local { uid, pid } = origin else {
        return false;
    };
    if may_administer(uid) {
        return true;
    }
    trail.attempt(&Attempt {
        action: "administrator.sign-in",
        who: &account(uid),
        from: origin,
        result: "wrong-account",
        is_right: false,
    });
    if let Some(times) = REFUSED.now() {
        tracing::warn!(
            uid,
            pid,
            times,
            "an account that may not administer this server has tried the socket in the data folder: look at the folder's permissions"
        );
    }
    false
}

/// The next connection, and who is at its other end.
async fn accept(
    listener: &UnixListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(UnixStream, OwnedSemaphorePermit, Origin)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    let peer = stream.peer_cred()?;
    let (uid, pid) = (peer.uid(), peer.pid());
    Ok((stream, place, Origin::Local { uid, pid }))
}

async fn converse(router: Router, stream: UnixStream, origin: Origin, stop: CancellationToken) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(origin));
        router.clone().call(request.map(Body::new))
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a command's connection broke");
    }
}
