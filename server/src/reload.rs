//! Looks at files that are taken into use without a restart (certificates, peers), now and then and whenever SIGHUP asks for it.

use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Looks until `stop`. It also keeps SIGHUP from ending the process.
pub async fn watch<L: Future<Output = ()>>(
    every: Duration,
    look: impl Fn() -> L,
    stop: CancellationToken,
) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => Some(hangup),
        Err(error) => {
            tracing::warn!(%error, "SIGHUP cannot be received");
            None
        }
    };
    loop {
        let asked = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await.is_some(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
            still_there = asked => if !still_there { hangup = None },
        }
        look().await;
    }
}
