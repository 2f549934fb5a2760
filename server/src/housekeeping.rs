//! What a server does by itself at its leisure: empty what has lain in Deleted long enough, and give disk space back.
//!
//! One thing that fails holds up no other: each is tried in each round, and a message that cannot be deleted is left out of the next.

use crate::audit_trail;
use crate::server::{Abort, Server, Wait, WriteError, WriterError};
use domain::{Change, ObjectId, Timestamp};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Messages deleted in one transaction, so that nobody waits for the house-keeping.
const DELETE_MAX: usize = 200;
/// Messages that could not be deleted and are left out from then on; with more, the first are tried again.
const BAD_MAX: usize = 1_000;
/// Body bytes moved in one step of giving space back.
const COMPACT_BYTES_MAX: u64 = 16 << 20;
const DAY_MS: i64 = 86_400_000;

/// Runs until `stop`.
pub async fn run(server: Server, stop: CancellationToken) {
    let every = Duration::from_secs(server.config().upkeep.every_s);
    let mut bad = BTreeSet::new();
    let said = |what: &str, result: Result<(), WriterError>| {
        if let Err(error) = result {
            metrics::counter!("callpilot_upkeep_faults_total").increment(1);
            tracing::warn!(%error, "house-keeping: {what}; it is tried again");
        }
    };
    loop {
        if stop
            .run_until_cancelled(tokio::time::sleep(every))
            .await
            .is_none()
        {
            return;
        }
        said(
            "Deleted could not be emptied",
            empty_deleted(&server, &mut bad).await,
        );
        said(
            "the audit trail could not be shortened",
            audit_trail::trim(&server).await,
        );
        said(
            "no space could be given back",
            server.compact(COMPACT_BYTES_MAX).await,
        );
        metrics::counter!("callpilot_upkeep_rounds_total").increment(1);
    }
}

async fn empty_deleted(server: &Server, bad: &mut BTreeSet<ObjectId>) -> Result<(), WriterError> {
    let keep = i64::try_from(server.config().mailbox.deleted_keep_days).unwrap_or(365);
    let Some(before) = server
        .oldest_destroyable(keep.saturating_mul(DAY_MS))
        .await?
    else {
        return Ok(());
    };
    if bad.len() > BAD_MAX {
        bad.clear();
    }
    loop {
        let most = DELETE_MAX + bad.len();
        let expired = server
            .read(move |readers| readers.expired_deleted(before, most))
            .await?;
        let ids: Vec<_> = expired.into_iter().filter(|id| !bad.contains(id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let full = ids.len() >= DELETE_MAX;
        if delete(server, ids.clone(), before).await.is_err() {
            // One of them is bad: each by itself.
            for id in ids {
                if let Err(error) = delete(server, vec![id], before).await {
                    tracing::warn!(%id, %error, "a message in Deleted cannot be deleted; it stays");
                    bad.insert(id);
                }
            }
        }
        if !full {
            return Ok(());
        }
    }
}

/// Deletes for good, in one transaction, those of these messages that have still been in Deleted since before `before`.
async fn delete(server: &Server, ids: Vec<ObjectId>, before: Timestamp) -> Result<(), WriterError> {
    let write = server.write_anyway(
        Wait::Local,
        move |scope| -> Result<usize, Abort<Infallible>> {
            let mut gone = 0;
            for id in &ids {
                if scope.tx().view().is_expired(id, before)? {
                    scope.change(&Change::Delete { id: *id })?;
                    gone += 1;
                }
            }
            Ok(gone)
        },
    );
    let written = write.await.map(|written| written.value);
    if let Ok(messages @ 1..) = written {
        tracing::info!(messages, "emptied what was deleted long ago");
    }
    done(written.map(|_| ()))
}

fn done(written: Result<(), WriteError<Infallible>>) -> Result<(), WriterError> {
    match written {
        Ok(()) => Ok(()),
        Err(WriteError::Failed(e)) => Err(e),
        Err(WriteError::Refused(never)) => match never {},
    }
}
