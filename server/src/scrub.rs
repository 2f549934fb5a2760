//! What disks lose is found, and asked back from the partner.
//!
//! Whoever reads something damaged notes it in the store; [`watch`] lets the writer look at once, and the engine asks the partner. What
//! nobody reads is read by [`read_through`]: rows against their checksums and bodies against their hashes, slowly, again and again.

use crate::server::{Abort, Server, WriteError, WriterError};
use domain::Timestamp;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use store::{ScrubPlace, StoreError, View};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Where it is kept how far the present pass is, and when the last one ended.
const PLACE: &str = "scrub.place";
const ENDED: &str = "scrub.ended";
/// Bytes read in one step at most, and at least so many steps in a second.
const STEP_BYTES_MAX: u64 = 1 << 20;
const STEPS_PER_SECOND: u64 = 4;
/// After so many bytes the place is kept, so that a restart does not begin a pass anew.
const KEEP_EVERY_BYTES: u64 = 256 << 20;
/// After a failure, and between two looks at whether a pass is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

/// Lets the writer look at what was found damaged, until `stop`.
pub async fn watch(server: Server, stop: CancellationToken) {
    let found = Arc::new(Notify::new());
    let alarm = Arc::clone(&found);
    server.readers().on_damage(move || alarm.notify_one());
    // What was noted before somebody listened.
    found.notify_one();
    while stop.run_until_cancelled(found.notified()).await.is_some() {
        if server.look_into_damage().await.is_err() {
            return; // the server is stopping
        }
    }
}

/// Reads everything, slowly, again and again, until `stop`.
pub async fn read_through(server: Server, stop: CancellationToken) {
    while let Some(wait) = stop.run_until_cancelled(turn(&server)).await {
        let wait = wait.unwrap_or_else(|error| {
            tracing::warn!(%error, "reading through the store failed; it is tried again");
            LOOK_EVERY
        });
        if stop
            .run_until_cancelled(tokio::time::sleep(wait))
            .await
            .is_none()
        {
            return;
        }
    }
}

/// When the last pass over everything ended, if one did.
pub fn ended(view: &View<'_>) -> Result<Option<Timestamp>, StoreError> {
    let text = view
        .setting(ENDED)?
        .and_then(|value| String::from_utf8(value).ok());
    Ok(text.and_then(|text| text.parse().ok()).map(Timestamp))
}

/// One pass, or the rest of one, if it is due. Returns how long to wait until the next look.
async fn turn(server: &Server) -> Result<Duration, WriterError> {
    let settings = &server.config().scrub;
    let days = i64::try_from(settings.every_days).unwrap_or(i64::MAX);
    let (place, ended) = server
        .read(|readers| readers.snapshot(|view| Ok((kept_place(view)?, ended(view)?))))
        .await?;
    // A clock that was put back must not keep it from reading for years.
    let age = ended.map(|at| server.now().0.saturating_sub(at.0));
    let is_fresh = age.is_some_and(|age| (0..days.saturating_mul(DAY_MS)).contains(&age));
    if place.is_none() && is_fresh {
        return Ok(LOOK_EVERY);
    }
    pass(server, place.unwrap_or_default(), settings.bytes_per_second).await?;
    Ok(LOOK_EVERY)
}

/// Reads from a place to the end.
async fn pass(server: &Server, from: ScrubPlace, bytes_per_second: u64) -> Result<(), WriterError> {
    let step = (bytes_per_second / STEPS_PER_SECOND).clamp(1, STEP_BYTES_MAX);
    let (mut place, mut since_kept) = (from, 0);
    let (mut bytes, mut damaged) = (0_u64, 0_u64);
    loop {
        let done = server
            .read(move |readers| readers.scrub(place, step))
            .await?;
        metrics::counter!("callpilot_scrubbed_bytes_total").increment(done.bytes);
        bytes = bytes.saturating_add(done.bytes);
        damaged += done.damaged;
        since_kept += done.bytes;
        let Some(next) = done.next else { break };
        place = next;
        if since_kept >= KEEP_EVERY_BYTES {
            since_kept = 0;
            keep(server, Some(place)).await?;
        }
        // The rate is named by an administrator; what was read at once is waited for.
        let ms = done.bytes.saturating_mul(1_000) / bytes_per_second.max(1);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    keep(server, None).await?;
    tracing::info!(
        bytes,
        damaged,
        "everything stored here has been read through"
    );
    Ok(())
}

fn kept_place(view: &View<'_>) -> Result<Option<ScrubPlace>, StoreError> {
    let text = view
        .setting(PLACE)?
        .and_then(|value| String::from_utf8(value).ok());
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Keeps how far a pass is; `None`: it has ended.
async fn keep(server: &Server, place: Option<ScrubPlace>) -> Result<(), WriterError> {
    // One row that is there: a nearly full disk is no reason to begin a pass anew.
    let write = server.write_upkeep(move |scope| -> Result<(), Abort<Infallible>> {
        let now = scope.now().0.to_string();
        let tx = scope.tx();
        match place {
            Some(place) => tx.put_setting(PLACE, place.to_string().as_bytes())?,
            None => {
                tx.remove_setting(PLACE)?;
                tx.put_setting(ENDED, now.as_bytes())?;
            }
        }
        Ok(())
    });
    match write.await {
        Ok(_) => Ok(()),
        Err(WriteError::Failed(e)) => Err(e),
        Err(WriteError::Refused(never)) => match never {},
    }
}
