//! Reading beside the writer.

use crate::error::are_too_many_files;
use crate::noted::BodyFault;
use crate::open::connect;
use crate::reserve::Seen;
use crate::segments::{Location, Segments};
use crate::shared::Shared;
use crate::{
    Cursor, Disk, Listed, MailboxCounts, Options, Room, StoreError, UserCursor, View, body, log,
};
use bytes::Bytes;
use domain::{BodyRef, MessageFolder, Object, ObjectId, ServerId, Timestamp};
use ledger::{Backlog, Held, HistoryEntry, Lane, Mark, ReplicaState, Unreadable};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a body is looked up again when compaction moved it away in between.
const LOOKUPS_MAX: usize = 4;

/// Reads what is committed, from any thread; clones share their connections. Every call sees one moment.
#[derive(Clone, Debug)]
pub struct Readers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    segments: Arc<Segments>,
    shared: Shared,
    idle: Mutex<Vec<Reader>>,
    idle_max: usize,
    read_time_max: Duration,
    room: Seen,
}

/// A connection, and when whoever has it is interrupted, in milliseconds since it was opened.
#[derive(Debug)]
struct Reader {
    conn: Connection,
    opened: Instant,
    until_ms: Arc<AtomicU64>,
}

/// Steps of SQLite's machine between two looks at the time; some hundred microseconds.
const STEPS: i32 = 10_000;

impl Reader {
    fn open(disk: &dyn Disk, path: &Path) -> Result<Self, StoreError> {
        let conn = connect(disk, path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| why_not(error, path))?;
        let (opened, until_ms) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let mut reader = Self {
            conn,
            opened,
            until_ms: Arc::clone(&until_ms),
        };
        let late = move || ms(opened.elapsed()) > until_ms.load(Ordering::Relaxed);
        reader.conn.progress_handler(STEPS, Some(late))?;
        Ok(reader)
    }

    fn grant(&self, time: Duration) {
        let until = ms(self.opened.elapsed()).saturating_add(ms(time));
        self.until_ms.store(until, Ordering::Relaxed);
    }
}

/// SQLite does not say why it cannot open a file; the system does.
fn why_not(error: StoreError, path: &Path) -> StoreError {
    use rusqlite::ErrorCode::CannotOpen;
    let cannot_open =
        matches!(&error, StoreError::Sqlite(e) if e.sqlite_error_code() == Some(CannotOpen));
    match cannot_open.then(|| std::fs::File::open(path)) {
        Some(Err(e)) if are_too_many_files(&e) => StoreError::TooManyFiles,
        _ => error,
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How big the store is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The database with its log.
    pub database_bytes: u64,
    /// The log.
    pub log_bytes: u64,
    /// All segments.
    pub segment_bytes: u64,
    /// What of them is still referred to.
    pub live_bytes: u64,
    /// Room on the disk for this account.
    pub free_bytes: u64,
}

impl Readers {
    pub(crate) fn new(
        path: PathBuf,
        segments: Arc<Segments>,
        options: &Options,
        shared: Shared,
        room: Seen,
    ) -> Self {
        Self(Arc::new(Pool {
            path,
            segments,
            shared,
            idle: Mutex::default(),
            idle_max: options.idle_readers,
            read_time_max: options.read_time_max,
            room,
        }))
    }

    /// Room on the disk, as the writer last saw it.
    pub fn room(&self) -> Room {
        *self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs several queries over one moment.
    pub fn snapshot<R>(
        &self,
        work: impl FnOnce(&View<'_>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        self.connected(|conn| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let result = work(&View::new(&tx, &self.0.shared));
            tx.finish()?;
            result
        })
    }

    /// A body, whole and verified.
    ///
    /// What fails twice at one place is noted for the writer: it becomes missing, and can be asked from the partner.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if it is not here, [`StoreError::Damaged`] if its bytes are not those it had,
    /// [`StoreError::TooManyFiles`] if its segment cannot be opened at present.
    pub fn body(&self, body: &BodyRef) -> Result<Bytes, StoreError> {
        let mut failed: Option<(Location, StoreError)> = None;
        for _ in 0..LOOKUPS_MAX {
            let kept = self.connected(|conn| body::find(conn, body))?;
            let Some(at) = kept.and_then(|kept| kept.at) else {
                return Err(StoreError::Missing(*body));
            };
            let error = match self.0.segments.read(at, body) {
                Ok(Some(bytes)) => return Ok(bytes),
                Ok(None) => StoreError::Missing(*body),
                // That says nothing of the body.
                Err(StoreError::TooManyFiles) => return Err(StoreError::TooManyFiles),
                Err(error) => error,
            };
            if failed.as_ref().is_some_and(|(before, _)| *before == at) {
                let fault = match &error {
                    StoreError::Io { .. } => BodyFault::Unread,
                    _ => BodyFault::Gone,
                };
                self.0.shared.noted.body(*body, at, fault);
                return Err(error);
            }
            failed = Some((at, error));
        }
        Err(failed.map_or(StoreError::Missing(*body), |(_, error)| error))
    }

    /// Calls this, from whatever thread, whenever a reader finds something damaged: [`crate::Tx::look_into_damage`] then has something
    /// to do. There can be one.
    pub fn on_damage(&self, alarm: impl Fn() + Send + Sync + 'static) {
        self.0.shared.noted.set_alarm(Box::new(alarm));
    }

    pub(crate) fn segments(&self) -> &Segments {
        &self.0.segments
    }

    pub(crate) fn noted(&self) -> &crate::noted::Noted {
        &self.0.shared.noted
    }

    /// A part of a body. All of it is verified; the range is cut to its length.
    pub fn body_range(&self, body: &BodyRef, range: Range<u64>) -> Result<Bytes, StoreError> {
        let bytes = self.body(body)?;
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let (start, end) = (clamp(range.start), clamp(range.end));
        Ok(bytes.slice(start.min(end)..end))
    }

    /// The engine's small state.
    pub fn state(&self) -> Result<ReplicaState, StoreError> {
        self.connected(|conn| crate::rows::read_state(conn))
    }

    /// The lives of this server, oldest first.
    pub fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.connected(|conn| crate::rows::read_history(conn))
    }

    /// How big the store is, and how much room is left.
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        let path = &self.0.path;
        let len = |path: &Path| std::fs::metadata(path).map_or(0, |m| m.len());
        let log_bytes = len(&log::path(path));
        let directory = path.parent().unwrap_or(path);
        let (free_bytes, _) = (self.0.segments.disk())
            .room(directory)
            .map_err(StoreError::io("look at", path))?;
        let sql = "SELECT coalesce(sum(len), 0), coalesce(sum(live), 0) FROM segment";
        let (segment_bytes, live_bytes) =
            self.connected(|conn| Ok(conn.query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))?))?;
        Ok(Sizes {
            database_bytes: len(path) + log_bytes,
            log_bytes,
            segment_bytes,
            live_bytes,
            free_bytes,
        })
    }

    /// Lends a connection, an idle one or a new one.
    pub(crate) fn connected<R>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let idle = self.idle().pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => Reader::open(self.0.segments.disk(), &self.0.path)?,
        };
        reader.grant(self.0.read_time_max);
        // Files of the log are opened with the first question.
        let result = work(&mut reader.conn).map_err(|error| why_not(error, &self.0.path));
        let mut idle = self.idle();
        if idle.len() < self.0.idle_max {
            idle.push(reader);
        }
        result
    }

    /// The list is whole whatever a panicking thread did.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queries of a [`View`], one at a time.
impl Readers {
    /// See [`View::object`].
    pub fn object(&self, id: &ObjectId) -> Result<Option<Object>, StoreError> {
        self.snapshot(|view| view.object(id))
    }

    /// See [`View::users_by_number`].
    pub fn users_by_number(&self, number: &str) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        self.snapshot(|view| view.users_by_number(number))
    }

    /// See [`View::user_by_number`].
    pub fn user_by_number(
        &self,
        number: &str,
        home: ServerId,
    ) -> Result<Option<(ObjectId, Object)>, StoreError> {
        self.snapshot(|view| view.user_by_number(number, home))
    }

    /// See [`View::users`].
    pub fn users(
        &self,
        after: Option<&UserCursor>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Object)>, StoreError> {
        self.snapshot(|view| view.users(after, limit))
    }

    /// See [`View::user_count`].
    pub fn user_count(&self, home: Option<ServerId>) -> Result<u64, StoreError> {
        self.snapshot(|view| view.user_count(home))
    }

    /// See [`View::user_counts`].
    pub fn user_counts(&self, home: ServerId) -> Result<(u64, u64), StoreError> {
        self.snapshot(|view| view.user_counts(home))
    }

    /// See [`View::messages`].
    pub fn messages(
        &self,
        owner: &ObjectId,
        place: MessageFolder,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.snapshot(|view| view.messages(owner, place, before, limit))
    }

    /// See [`View::counts`].
    pub fn counts(&self, owner: &ObjectId) -> Result<MailboxCounts, StoreError> {
        self.snapshot(|view| view.counts(owner))
    }

    /// See [`View::mark`].
    pub fn mark(&self, id: &ObjectId) -> Result<Option<Mark>, StoreError> {
        self.snapshot(|view| view.mark(id))
    }

    /// See [`View::backlog`].
    pub fn backlog(&self, lane: Lane) -> Result<Backlog, StoreError> {
        self.snapshot(|view| view.backlog(lane))
    }

    /// See [`View::one_server_only`].
    pub fn one_server_only(&self) -> Result<u64, StoreError> {
        self.snapshot(|view| view.one_server_only())
    }

    /// See [`View::held`].
    pub fn held(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Held)>, StoreError> {
        self.snapshot(|view| view.held(after, limit))
    }

    /// See [`View::held_count`].
    pub fn held_count(&self) -> Result<u64, StoreError> {
        self.snapshot(|view| view.held_count())
    }

    /// See [`View::held_users`].
    pub fn held_users(
        &self,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Held, Option<Object>)>, StoreError> {
        self.snapshot(|view| view.held_users(limit))
    }

    /// See [`View::kept_count`].
    pub fn kept_count(&self) -> Result<u64, StoreError> {
        self.snapshot(|view| view.kept_count())
    }

    /// See [`View::setting`].
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.snapshot(|view| view.setting(key))
    }

    /// See [`View::expired_deleted`].
    pub fn expired_deleted(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<ObjectId>, StoreError> {
        self.snapshot(|view| view.expired_deleted(before, limit))
    }

    /// See [`View::has_body`].
    pub fn has_body(&self, body: &BodyRef) -> Result<bool, StoreError> {
        self.snapshot(|view| view.has_body(body))
    }

    /// See [`View::unreadable`].
    pub fn unreadable(&self, id: &ObjectId) -> Result<Option<Unreadable>, StoreError> {
        self.snapshot(|view| view.unreadable(id))
    }

    /// See [`View::missing_bodies`].
    pub fn missing_bodies(&self, limit: usize) -> Result<Vec<(ObjectId, BodyRef)>, StoreError> {
        self.snapshot(|view| view.missing_bodies(limit))
    }
}
