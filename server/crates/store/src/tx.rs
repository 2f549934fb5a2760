//! One transaction: its rows in SQLite, its bodies in a spool, and how both become durable together.

use crate::noted::NotedDamage;
use crate::spool::Spool;
use crate::sums::Changes;
use crate::{StoreError, View, Writer};
use ledger::ReplicaState;
use rusqlite::Params;
use std::collections::BTreeMap;

/// One open transaction of a [`Writer`]. Dropped without [`Self::commit`], it leaves nothing.
///
/// It is a [`ledger::Ledger`] and has what a server needs beside it. Reads see the writes made before them. After the first error
/// only [`StoreError::Failed`] follows, and it cannot be committed.
#[derive(Debug)]
pub struct Tx<'w> {
    pub(crate) writer: &'w mut Writer,
    pub(crate) spool: Option<Spool>,
    /// How the live bytes of segments change.
    pub(crate) live: BTreeMap<i64, i64>,
    /// Marks of each lane, with the changes of this transaction.
    pub(crate) marks: [u64; 2],
    /// Users that are live, with the changes of this transaction.
    pub(crate) users: u64,
    /// Unreadable objects, and those of them that are lost, with the changes of this transaction.
    pub(crate) unreadable: (u64, u64),
    /// Bodies that are missing; `None`: to be counted anew.
    pub(crate) missing: Option<u64>,
    /// Rows that this transaction has set aside because they cannot be read.
    pub(crate) set_aside: u64,
    /// How the sums of buckets change.
    pub(crate) sums: Changes,
    /// The new state, if there is one: written once, at the commit.
    pub(crate) state: Option<ReplicaState>,
    /// What readers had noted and is being looked into: noted again if this is not committed.
    pub(crate) looked_into: Option<NotedDamage>,
    failed: bool,
    open: bool,
    savepoint: Option<Savepoint>,
}

/// What a transaction had gathered in memory at its savepoint. Bodies that were spooled since stay in their segment without a row, as
/// dead bytes.
#[derive(Debug)]
struct Savepoint {
    live: BTreeMap<i64, i64>,
    marks: [u64; 2],
    users: u64,
    unreadable: (u64, u64),
    missing: Option<u64>,
    set_aside: u64,
    sums: Changes,
    state: Option<ReplicaState>,
}

impl<'w> Tx<'w> {
    pub(crate) fn new(writer: &'w mut Writer, spool: Spool) -> Self {
        Self {
            marks: writer.marks,
            users: writer.users,
            unreadable: writer.unreadable,
            missing: writer.missing,
            set_aside: 0,
            sums: Changes::new(),
            writer,
            spool: Some(spool),
            live: BTreeMap::new(),
            state: None,
            looked_into: None,
            failed: false,
            open: true,
            savepoint: None,
        }
    }

    /// The queries of a reader, seeing what this transaction wrote.
    pub fn view(&self) -> View<'_> {
        View::new(&self.writer.conn, &self.writer.shared)
    }

    /// A value of this server's own, not replicated.
    pub fn setting(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.step(|tx| tx.view().setting(key))
    }

    /// Keeps a value of this server's own, in place of the one it had.
    pub fn put_setting(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO setting (key, value) VALUES (?1, ?2)
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.step(|tx| tx.execute(sql, (key, value)).map(drop))
    }

    /// Forgets a value of this server's own.
    pub fn remove_setting(&mut self, key: &str) -> Result<(), StoreError> {
        self.step(|tx| {
            tx.execute("DELETE FROM setting WHERE key = ?1", [key])
                .map(drop)
        })
    }

    /// Makes everything durable: bodies first, then the rows (E16). What it returned for survives a power cut.
    ///
    /// # Errors
    /// [`StoreError::Fatal`]: a sync or the commit itself failed, and the process has to end. Anything else: the transaction
    /// changed nothing, and the next one may succeed.
    pub fn commit(mut self) -> Result<(), StoreError> {
        self.step(|tx| {
            tx.write_summary()?;
            tx.spool_mut()?.make_durable()?;
            match tx.execute("COMMIT", []) {
                Ok(_) => Ok(()),
                Err(StoreError::Full) => Err(StoreError::Full),
                Err(e) => Err(StoreError::Fatal(format!("commit: {}", chain(&e)))),
            }
        })?;
        self.open = false;
        self.looked_into = None;
        self.writer.marks = self.marks;
        self.writer.users = self.users;
        (self.writer.unreadable, self.writer.missing) = (self.unreadable, self.missing);
        if let Some(state) = self.state.take() {
            self.writer.state = state;
        }
        if let Some(spool) = self.spool.take() {
            (self.writer.tail, self.writer.buffer) = spool.end_of_transaction();
        }
        Ok(())
    }

    /// From here on what is written can be taken back by itself. There is one savepoint at a time.
    ///
    /// # Errors
    /// SQLite failed.
    pub fn savepoint(&mut self) -> Result<(), StoreError> {
        self.step(|tx| {
            tx.execute("SAVEPOINT one", [])?;
            tx.savepoint = Some(Savepoint {
                live: tx.live.clone(),
                marks: tx.marks,
                users: tx.users,
                unreadable: tx.unreadable,
                missing: tx.missing,
                set_aside: tx.set_aside,
                sums: tx.sums.clone(),
                state: tx.state.clone(),
            });
            Ok(())
        })
    }

    /// What was written since the savepoint stays with the rest of the transaction.
    ///
    /// # Errors
    /// SQLite failed, or something since the savepoint did.
    pub fn release_savepoint(&mut self) -> Result<(), StoreError> {
        self.step(|tx| {
            tx.savepoint = None;
            tx.execute("RELEASE one", []).map(drop)
        })
    }

    /// What was written since the savepoint has not happened, and neither have errors in it: the transaction goes on as it was then.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it cannot go on: it had failed before the savepoint, the disk is full or failed, or SQLite has undone all
    /// of it.
    pub fn roll_back_to_savepoint(&mut self) -> Result<(), StoreError> {
        let lost = self.writer.fatal.is_some() || self.writer.conn.is_autocommit();
        let savepoint = self.savepoint.take().filter(|_| !lost);
        let Some(savepoint) = savepoint else {
            self.failed = true;
            return Err(StoreError::Failed);
        };
        self.failed = false;
        self.step(|tx| {
            tx.execute("ROLLBACK TO one", [])?;
            tx.execute("RELEASE one", []).map(drop)
        })?;
        self.live = savepoint.live;
        (self.marks, self.users) = (savepoint.marks, savepoint.users);
        (self.unreadable, self.missing) = (savepoint.unreadable, savepoint.missing);
        self.set_aside = savepoint.set_aside;
        (self.sums, self.state) = (savepoint.sums, savepoint.state);
        Ok(())
    }

    /// Runs one step, and remembers if it failed.
    pub(crate) fn step<R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        if self.failed {
            return Err(StoreError::Failed);
        }
        let result = work(self);
        if let Err(error) = &result {
            self.failed = true;
            if let StoreError::Fatal(why) = error {
                self.writer.fatal = Some(why.clone());
            }
        }
        result
    }

    /// Runs a statement, kept prepared, and returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.writer.conn.prepare_cached(sql)?.execute(params)?)
    }

    pub(crate) fn spool_mut(&mut self) -> Result<&mut Spool, StoreError> {
        self.spool.as_mut().ok_or(StoreError::Failed)
    }

    /// What is gathered over a transaction and written once.
    fn write_summary(&mut self) -> Result<(), StoreError> {
        if let Some(state) = &self.state {
            crate::rows::write_state(self, state)?;
        }
        let grown: Vec<_> = self.spool_mut()?.ends().collect();
        for (segment, end) in grown {
            let sql = "INSERT INTO segment (id, len, live, dropped) VALUES (?1, ?2, 0, 0)
                       ON CONFLICT (id) DO UPDATE SET len = excluded.len";
            self.execute(sql, (segment, end.cast_signed()))?;
        }
        self.flush_sums()?;
        self.flush_live()
    }

    /// Writes how the live bytes of segments changed.
    pub(crate) fn flush_live(&mut self) -> Result<(), StoreError> {
        for (segment, change) in std::mem::take(&mut self.live) {
            let sql = "INSERT INTO segment (id, len, live, dropped) VALUES (?1, 0, ?2, 0)
                       ON CONFLICT (id) DO UPDATE SET live = live + excluded.live";
            self.execute(sql, (segment, change))?;
        }
        Ok(())
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if let Some(spool) = self.spool.take() {
            (_, self.writer.buffer) = spool.end_of_transaction();
        }
        if let Some(taken) = self.looked_into.take() {
            self.writer.shared.noted.put_back(taken);
        }
        // After some errors SQLite has rolled back by itself.
        if self.open
            && !self.writer.conn.is_autocommit()
            && let Err(e) = self.writer.conn.execute_batch("ROLLBACK")
        {
            self.writer.fatal = Some(format!("rollback: {e}"));
        }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &StoreError) -> String {
    use std::error::Error;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
