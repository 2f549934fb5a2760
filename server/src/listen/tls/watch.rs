//! A look at the files of the certificate, and what the log says of it.

use super::Certificates;
use std::sync::Arc;

/// Takes a changed certificate into use, and calls `changed` then. One that cannot be used leaves the old one.
pub async fn look_again(certificates: &Arc<Certificates>, changed: &impl Fn(&Certificates)) {
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
