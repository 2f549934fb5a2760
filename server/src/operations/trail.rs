//! Reading the audit trail.

use super::OpResult;
use crate::server::Server;
use domain::Timestamp;
use store::{TrailEntry, TrailQuery};

/// Entries of one answer, unless the caller says otherwise, and at most.
pub const LIST_LIMIT: usize = 1_000;

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct TrailFilter {
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// By this name only.
    pub who: Option<String>,
    /// Older than this entry.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Entries of the audit trail with their numbers, the latest first.
///
/// # Errors
/// What the store cannot do.
pub async fn list(server: &Server, wanted: TrailFilter) -> OpResult<Vec<(i64, TrailEntry)>> {
    let query = TrailQuery {
        since: wanted.since.unwrap_or(Timestamp(0)),
        until: wanted.until.unwrap_or(Timestamp(i64::MAX)),
        who: wanted.who,
        before: wanted.before,
        limit: wanted.limit.unwrap_or(LIST_LIMIT).clamp(1, LIST_LIMIT),
    };
    let read = server.read(move |readers| readers.snapshot(|view| view.trail(&query)));
    Ok(read.await?)
}
