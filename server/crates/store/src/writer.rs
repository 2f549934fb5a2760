//! The one writer of a store.

use crate::compact::Unread;
use crate::open::{Lock, Sound};
use crate::reserve::Reserve;
use crate::segments::Segments;
use crate::shared::Shared;
use crate::spool::{Spool, Tail};
use crate::{Opened, StoreError, Tx, View};
use ledger::ReplicaState;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The one writer of a store. It can be handed from thread to thread, and holds the lock of the directory.
#[derive(Debug)]
pub struct Writer {
    pub(crate) conn: Connection,
    pub(crate) segments: Arc<Segments>,
    pub(crate) segment_bytes: u64,
    pub(crate) tail: Tail,
    /// Empty, with the room the last transaction needed.
    pub(crate) buffer: Vec<u8>,
    /// Marks of each lane, counted at the start and kept since: a backlog of many thousand would be too long to count each time.
    pub(crate) marks: [u64; 2],
    /// Users, counted and kept alike.
    pub(crate) users: u64,
    /// Unreadable objects, and those of them that are lost; counted and kept alike.
    pub(crate) unreadable: (u64, u64),
    /// Bodies that are missing; `None`: to be counted anew.
    pub(crate) missing: Option<u64>,
    /// What readers find damaged, and how secrets are sealed.
    pub(crate) shared: Shared,
    /// As committed.
    pub(crate) state: ReplicaState,
    /// Why nothing may be written any more.
    pub(crate) fatal: Option<String>,
    /// Pages in SQLite's log.
    pub(crate) log_pages: Arc<AtomicU32>,
    /// As many there were when a move left some of them.
    pub(crate) log_tried: u32,
    pub(crate) reserve: Reserve,
    /// Segments that hold bodies that cannot be read.
    pub(crate) unread: BTreeMap<i64, Unread>,
    /// Segments whose room was given back where bodies are gone, each with its dead bytes at that time.
    pub(crate) punched: BTreeMap<i64, u64>,
    opened: Opened,
    _lock: Lock,
}

impl Writer {
    pub(crate) fn new(
        mut conn: Connection,
        segments: Arc<Segments>,
        segment_bytes: u64,
        reserve: Reserve,
        sound: Sound,
    ) -> Result<Self, StoreError> {
        let Sound {
            tail,
            opened,
            shared,
            lock,
        } = sound;
        let log_pages = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&log_pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            seen.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        let mut writer = Self {
            conn,
            segments,
            segment_bytes,
            tail,
            buffer: Vec::new(),
            marks: [0; 2],
            users: 0,
            unreadable: (0, 0),
            missing: None,
            shared,
            state: ReplicaState::default(),
            fatal: None,
            log_pages,
            log_tried: 0,
            reserve,
            unread: BTreeMap::new(),
            punched: BTreeMap::new(),
            opened,
            _lock: lock,
        };
        writer.begin_log()?;
        for lane in 0..2 {
            let sql = "SELECT count(*) FROM mark WHERE lane = ?1";
            writer.marks[lane] = writer.conn.query_row(sql, [lane], |row| row.get(0))?;
        }
        let view = View::new(&writer.conn, &writer.shared);
        (writer.users, writer.unreadable) = (view.user_count(None)?, view.unreadable_count()?);
        writer.state = crate::rows::read_state(&writer.conn)?;
        Ok(writer)
    }

    /// What opening the store found.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Begins a transaction. There is one at a time; readers go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] forever after the first of its kind.
    pub fn begin(&mut self) -> Result<Tx<'_>, StoreError> {
        self.alive()?;
        self.checkpoint()?;
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let buffer = std::mem::take(&mut self.buffer);
        let segments = Arc::clone(&self.segments);
        let spool = Spool::new(segments, self.segment_bytes, self.tail.clone(), buffer);
        Ok(Tx::new(self, spool))
    }

    pub(crate) fn alive(&self) -> Result<(), StoreError> {
        match &self.fatal {
            Some(why) => Err(StoreError::Fatal(why.clone())),
            None => Ok(()),
        }
    }
}
