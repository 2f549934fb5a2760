//! What a server does by itself at its leisure: empty what has lain in Deleted long enough, and give disk space back.
//!
//! One thing that fails holds up no other: each is tried in each round, and a message that cannot be deleted is left out of the next.

use crate::audit_trail;
use crate::server::{Abort, Server, WriteError, WriterError};
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

/// After a round in which something failed the next comes so soon, and twice as late after each further one, but never later than it
/// would anyway.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Runs until `stop`.
pub async fn run(server: Server, stop: CancellationToken) {
    let every = Duration::from_secs(server.config().upkeep.every_s);
    let mut bad = BTreeSet::new();
    let mut failed_rounds = 0;
    loop {
        let wait = wait(every, failed_rounds);
        if stop
            .run_until_cancelled(tokio::time::sleep(wait))
            .await
            .is_none()
        {
            return;
        }
        note(
            &server,
            "emptying Deleted",
            empty_deleted(&server, &mut bad).await,
        );
        note(
            &server,
            "shortening the audit trail",
            audit_trail::trim(&server).await,
        );
        // What could not be looked into when it was found, for want of room, is looked into now.
        note(
            &server,
            "looking into damage",
            server.look_into_damage().await,
        );
        note(
            &server,
            "asking for disk space",
            server.compact(COMPACT_BYTES_MAX).await,
        );
        metrics::counter!("callpilot_upkeep_rounds_total").increment(1);
        failed_rounds = match server.upkeep_faults().present().is_empty() {
            true => 0,
            false => failed_rounds + 1,
        };
    }
}

/// How long until the next round.
fn wait(every: Duration, failed_rounds: u32) -> Duration {
    match failed_rounds.checked_sub(1) {
        None => every,
        Some(further) => AGAIN_AFTER
            .saturating_mul(2u32.saturating_pow(further))
            .min(every),
    }
}

fn note(server: &Server, what: &'static str, result: Result<(), WriterError>) {
    let result = result.as_ref().copied();
    server.upkeep_faults().note(what, result, server.now());
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
        if let Err(error) = delete(server, ids.clone(), before).await {
            if error.is_full() {
                return Err(error); // none of them is bad
            }
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
    let write = server.write_upkeep(move |scope| -> Result<usize, Abort<Infallible>> {
        let mut gone = 0;
        for id in &ids {
            if scope.tx().view().is_expired(id, before)? {
                scope.change(&Change::Delete { id: *id })?;
                gone += 1;
            }
        }
        Ok(gone)
    });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_the_next_round_comes_sooner_and_then_later_and_later() {
        let every = Duration::from_secs(600);
        let waits: Vec<u64> = (0..7).map(|failed| wait(every, failed).as_secs()).collect();
        assert_eq!(waits, [600, 30, 60, 120, 240, 480, 600]);
        assert_eq!(wait(Duration::from_secs(1), 9), Duration::from_secs(1));
        assert_eq!(wait(every, u32::MAX), every);
    }
}
