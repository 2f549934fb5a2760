//! Opening a store: its directory, its lock, its database.

use crate::noted::SharedNoted;
use crate::reserve::Reserve;
use crate::secrets::{MakeSealer, Secrets};
use crate::segments::{Segments, sync_directory};
use crate::shared::Shared;
use crate::{Disk, Readers, RealDisk, StoreError, Writer, check, log, plain, schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, Permissions, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a statement waits for a lock of SQLite. Only this crate opens the database, so it hardly ever does.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Prepared statements kept; more than this crate has.
const STATEMENTS_MAX: usize = 160;
/// The log is cut back to this when SQLite starts it anew.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment that would grow beyond this is left and a new one begun; a longer body gets one to itself.
    pub segment_bytes: u64,
    /// Reading connections kept open while nobody uses them; any number can be in use.
    pub idle_readers: usize,
    /// How long a reader may look at one moment.
    pub read_time_max: Duration,
    /// What grows the store is put off when less than this would be left free on the disk; see [`Writer::admits`]. 0: never.
    pub spare_bytes: u64,
    /// The same for what the GR partner sends; see [`Writer::admits_from_partner`]. At most half of the other.
    pub partner_spare_bytes: u64,
    /// Room kept back as a file, and given up to writes that find none. 0: none.
    pub reserve_bytes: u64,
    /// What all of it is written to.
    pub disk: Arc<dyn Disk>,
    /// Makes what seals secrets in rows. `None`: they lie there as they are.
    pub sealer: Option<MakeSealer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 256 << 20,
            idle_readers: 8,
            read_time_max: Duration::from_secs(30),
            spare_bytes: 0,
            partner_spare_bytes: u64::MAX,
            reserve_bytes: 0,
            disk: Arc::new(RealDisk),
            sealer: None,
        }
    }
}

/// A store on the disk.
#[derive(Clone, Copy, Debug)]
pub struct Store;

impl Store {
    /// Opens the store in a directory, and makes it if there is none. The directory becomes 0700, its files 0600.
    ///
    /// Compares the segments with the rows first: a torn tail is cut off, whole records behind the last commit are kept, and
    /// bodies that are not there any more are noted as missing; see [`Writer::opened`].
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another writer has it open, [`StoreError::Newer`] if a later release wrote it: then no row and no
    /// body has been touched.
    pub fn open(dir: &Path, options: Options) -> Result<(Writer, Readers), StoreError> {
        let bodies = dir.join("bodies");
        let disk = &*options.disk;
        private_directory(disk, dir)?;
        let lock = lock(disk, dir)?;
        let path = dir.join("callpilot.db");
        let reserve = Reserve::open(dir, &options);
        schema::check(disk, &path)?;
        private_directory(disk, &bodies)?;

        if !path.exists() {
            sync_above(disk, dir)?;
        }
        private_file(disk, &path)?;
        log::renew(disk, &path)?;
        let mut conn = connect(disk, &path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        configure_writer(&conn)?;
        schema::migrate(&mut conn)?;
        let make = |make: MakeSealer| make(dir).map_err(StoreError::io("use the key in", dir));
        let secrets = Secrets(options.sealer.map(make).transpose()?);
        plain::seal_all(&mut conn, &secrets)?;
        sync_directory(disk, dir)?;

        let segments = Arc::new(Segments::new(bodies, Arc::clone(&options.disk)));
        let (tail, opened) = check::run(&mut conn, &segments, options.segment_bytes)?;
        let shared = Shared {
            noted: SharedNoted::default(),
            secrets,
        };
        let room = reserve.seen();
        let readers = Readers::new(path, Arc::clone(&segments), &options, shared.clone(), room);
        let sound = Sound {
            tail,
            opened,
            shared,
            lock,
        };
        let writer = Writer::new(conn, segments, options.segment_bytes, reserve, sound)?;
        Ok((writer, readers))
    }
}

/// What opening a store came to.
pub(crate) struct Sound {
    pub tail: crate::spool::Tail,
    pub opened: crate::Opened,
    pub shared: Shared,
    pub lock: Lock,
}

/// The lock of a store. It goes with the process; or when dropped, and then at once: a process that is being started could hold
/// a copy of the open file for a moment longer.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // If that fails, closing the file does it.
        let _ = self.0.unlock();
    }
}

fn lock(disk: &dyn Disk, dir: &Path) -> Result<Lock, StoreError> {
    let path = dir.join("lock");
    let file = private_file(disk, &path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(e)) => Err(StoreError::io("lock", &path)(e)),
    }
}

/// Sees to it that there is such a directory, and that only this account can use it.
fn private_directory(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    if !path.is_dir() {
        create_directory(disk, path)?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(StoreError::io("create", path))
}

/// Makes a directory, and those above it that are missing.
fn create_directory(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(above) if above != Path::new("") && !above.is_dir() => create_directory(disk, above)?,
        _ => {}
    }
    match disk.create_directory(path) {
        // Somebody else was faster.
        Err(_) if path.is_dir() => Ok(()),
        made => made.map_err(StoreError::io("create", path)),
    }
}

/// Makes the name of a directory durable, and the names of those above it, up to where its file system begins. A store is only as
/// durable as they are, and whoever made them may have been stopped before they were.
fn sync_above(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    let failed = |e| StoreError::io("look at", path)(e);
    let path = fs::canonicalize(path).map_err(failed)?;
    let device = fs::metadata(&path).map_err(failed)?.dev();
    for above in path.ancestors().skip(1) {
        // What this account cannot read was not made by it.
        let Ok(directory) = File::open(above) else {
            continue;
        };
        if directory.metadata().map_err(failed)?.dev() != device {
            break;
        }
        disk.sync_directory(&directory)
            .map_err(StoreError::fatal("sync", above))?;
    }
    Ok(())
}

/// Opens or makes a file that only this account can read. SQLite gives its log the mode of its database.
fn private_file(disk: &dyn Disk, path: &Path) -> Result<File, StoreError> {
    disk.create(path)
        .and_then(|f| f.set_permissions(Permissions::from_mode(0o600)).map(|()| f))
        .map_err(StoreError::io("open", path))
}

/// Opens a connection. No memory map: a disk error in mapped memory is a signal that ends the process, not an error.
pub(crate) fn connect(
    disk: &dyn Disk,
    path: &Path,
    access: OpenFlags,
) -> Result<Connection, StoreError> {
    // One thread uses a connection at a time, so SQLite need not lock it.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match disk.vfs() {
        None => Connection::open_with_flags(path, flags)?,
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
    };
    conn.busy_timeout(BUSY_WAIT)?;
    // Closing must not move the log into the database: after a failed sync that is the one thing that could spoil both. See log.rs.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -16_384)?; // KiB
    Ok(conn)
}

/// Has SQLite keep a log. In a new database that is a transaction, which SQLite commits only after it has given the new mode as a row.
/// So the statement is run to its end: an error of that commit would be lost otherwise, and every later commit would delete a rollback
/// journal instead, which may come back after a power cut and undo it.
fn keep_log(conn: &Connection) -> Result<(), StoreError> {
    let mut statement = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = statement.query([])?;
    let mut mode = String::new();
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    match mode.as_str() {
        "wal" => Ok(()),
        mode => Err(StoreError::corrupt(
            "main",
            format!("journal mode is {mode}"),
        )),
    }
}

fn configure_writer(conn: &Connection) -> Result<(), StoreError> {
    conn.pragma_update(None, "cache_size", -65_536)?; // KiB
    keep_log(conn)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoints are the writer's own work, so that a failure of one is seen; see Writer::begin.
    conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    conn.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    Ok(())
}
