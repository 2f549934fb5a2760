//! Looks at the files of the certificate now and then, and whenever SIGHUP asks for it.

use super::Certificates;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Until `stop`; calls `changed` after each new certificate. Without certificates it only keeps SIGHUP from ending the process.
pub async fn watch(
    certificates: Option<Arc<Certificates>>,
    every: Duration,
    changed: impl Fn(&Certificates),
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
        if let Some(certificates) = &certificates {
            look(certificates, &changed).await;
        }
    }
}

async fn look(certificates: &Arc<Certificates>, changed: &impl Fn(&Certificates)) {
    let reading = Arc::clone(certificates);
    let looked = tokio::task::spawn_blocking(move || reading.reload()).await;
    match looked {
        Ok(Ok(false)) => {}
        Ok(Ok(true)) => {
            let fingerprint = certificates.fingerprint();
            tracing::info!(%fingerprint, "the certificate has changed; new connections get the new one");
            changed(certificates);
        }
        Ok(Err(error)) => {
            let fingerprint = certificates.fingerprint();
            tracing::warn!(%error, %fingerprint, "the certificate could not be read again: the old one stays in use");
        }
        Err(error) => tracing::error!(%error, "looking at the certificate broke by a fault"),
    }
}
