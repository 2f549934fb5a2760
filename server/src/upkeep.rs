//! What a server does by itself at its leisure: empty what has lain in Deleted long enough, and give disk space back.

use crate::site::{Abort, Site, SiteError, Wait, WriteError};
use domain::{Change, Timestamp};
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(600);
/// Messages deleted in one transaction, so that nobody waits for the house-keeping.
const DELETE_MAX: usize = 200;
/// Body bytes moved in one step of giving space back.
const COMPACT_BYTES_MAX: u64 = 16 << 20;
const DAY_MS: i64 = 86_400_000;

/// Runs until `stop`.
pub async fn run(site: Site, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        if let Err(e) = once(&site).await {
            tracing::warn!(error = %e, "house-keeping failed; it is tried again");
        }
    }
}

async fn once(site: &Site) -> Result<(), SiteError> {
    let keep = i64::try_from(site.config().mailbox.deleted_keep_days).unwrap_or(365);
    let before = Timestamp(site.now().0 - keep.saturating_mul(DAY_MS));
    loop {
        let gone = purge(site, before).await?;
        if gone > 0 {
            tracing::info!(messages = gone, "emptied what was deleted long ago");
        }
        if gone < DELETE_MAX {
            break;
        }
    }
    site.compact(COMPACT_BYTES_MAX).await
}

/// Deletes for good what was put into Deleted before `before`. Returns how many messages, at most [`DELETE_MAX`].
async fn purge(site: &Site, before: Timestamp) -> Result<usize, SiteError> {
    let write = site.write(
        Wait::Local,
        move |scope| -> Result<usize, Abort<Infallible>> {
            let ids = scope
                .tx()
                .view()
                .expired_deleted(before, DELETE_MAX)
                .map_err(domain::LedgerError::from)?;
            for id in &ids {
                scope.change(&Change::Delete { id: *id })?;
            }
            Ok(ids.len())
        },
    );
    match write.await {
        Ok(written) => Ok(written.value),
        Err(WriteError::Failed(e)) => Err(e),
        Err(WriteError::Refused(never)) => match never {},
    }
}
