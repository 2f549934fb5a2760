//! The VFS by which SQLite opens its files on a faulty disk: the one of the system, but for what changes a file.
//!
//! Opening, writing, cutting, syncing and deleting go to the disk on which the path lies. All else is forwarded as it is: reading, locks,
//! and the shared memory of the log. Memory maps are not offered, so nothing is read or written past the disk.
//!
//! SQLite's side of the contract: <https://www.sqlite.org/vfs.html>, <https://www.sqlite.org/c3ref/vfs.html>,
//! <https://www.sqlite.org/c3ref/io_methods.html>.
#![allow(unsafe_code)]

use crate::shared::{self, OpenFile, OpeningFile};
use rusqlite::ffi;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::OnceLock;

/// The name under which SQLite knows it.
pub(crate) const NAME: &str = "faulty-disk";
const NAME_C: &CStr = c"faulty-disk";

/// Files that SQLite syncs together with their directory, the first time, if it may have made them.
const WITH_DIRECTORY: c_int =
    ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;

/// A file as SQLite sees it. The system's own follows it in memory: SQLite allocates `szOsFile` bytes for both.
#[repr(C)]
struct File {
    /// SQLite knows of nothing else.
    base: ffi::sqlite3_file,
    /// Null: a temporary file, which lies on no disk.
    open: *mut OpenFile,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // With shared memory, without memory maps.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes the VFS known to SQLite, once for the process.
///
/// # Panics
/// SQLite does not start, or does not take it.
pub(crate) fn register() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // SAFETY: no name means the default VFS. It may be called at any time and lives as long as the process.
        let system = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
        assert!(!system.is_null(), "SQLite has a VFS for this system");
        // SAFETY: `system` was found, and nobody changes it.
        let theirs = unsafe { &*system };
        let ours = Box::leak(Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<File>() as c_int + theirs.szOsFile,
            mxPathname: theirs.mxPathname,
            pNext: ptr::null_mut(),
            zName: NAME_C.as_ptr(),
            pAppData: system.cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            // Nobody loads an extension.
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_int64),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: `ours` and what it points to live as long as the process, and only SQLite changes it from here on.
        let result = unsafe { ffi::sqlite3_vfs_register(ours, 0) };
        assert_eq!(result, ffi::SQLITE_OK, "SQLite takes the VFS");
    });
}

/// What SQLite is told of how an operation went. A full disk is one whatever was tried.
fn code(result: &io::Result<()>, failed: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(error) if error.kind() == io::ErrorKind::StorageFull => ffi::SQLITE_FULL,
        Err(_) => failed,
    }
}

/// # Safety
/// `name` is a text of C that outlives the call.
unsafe fn path(name: *const c_char) -> PathBuf {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

/// The system's VFS.
///
/// # Safety
/// `vfs` is the one that was registered.
unsafe fn system(vfs: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    // SAFETY: the caller's promise; `register` put it there.
    unsafe { (*vfs).pAppData.cast() }
}

/// The system's file behind ours.
///
/// # Safety
/// `file` points to `szOsFile` bytes of our VFS.
unsafe fn inner(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: within the allocation, by the caller's promise. `File` is a multiple of a pointer in size, so what follows it is aligned
    // for the system's file, too.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// What the disk knows of a file; `None` for a temporary one.
///
/// # Safety
/// `file` was opened by [`open`] and is not closed. SQLite uses a file in one thread at a time, so this is the only reference.
unsafe fn opened<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a mut OpenFile> {
    // SAFETY: `open` put a pointer of a box there, or null, and only `close` takes it.
    unsafe { (*file.cast::<File>()).open.as_mut() }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let create = flags & ffi::SQLITE_OPEN_CREATE != 0;
    // SAFETY: SQLite passes our VFS, `szOsFile` bytes for the file, and a name that stays valid until the file is closed, or none for a
    // temporary file. While the methods are null SQLite takes the file for not open.
    unsafe {
        let (system, inner) = (system(vfs), inner(file));
        file.cast::<File>().write(File {
            base: ffi::sqlite3_file {
                pMethods: ptr::null(),
            },
            open: ptr::null_mut(),
        });
        (*inner).pMethods = ptr::null();
        let opening = match name.is_null() {
            true => None,
            false => match OpeningFile::begin(path(name), create) {
                Ok(opening) => Some(opening),
                Err(_) => return ffi::SQLITE_CANTOPEN,
            },
        };
        let Some(open) = (*system).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        let result = open(system, name, inner, flags, out_flags);
        if result != ffi::SQLITE_OK {
            close_inner(inner);
            return result;
        }
        if let Some(opening) = opening {
            let with_directory = create && flags & WITH_DIRECTORY != 0;
            let is_database = flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
            match opening.end(with_directory, is_database) {
                Ok(open) => (*file.cast::<File>()).open = Box::into_raw(Box::new(open)),
                Err(_) => {
                    close_inner(inner);
                    return ffi::SQLITE_CANTOPEN;
                }
            }
        }
        (*file).pMethods = &METHODS;
        ffi::SQLITE_OK
    }
}

/// Closes the system's file, if it is open.
///
/// # Safety
/// `inner` is a file of the system's VFS, open or with null methods.
unsafe fn close_inner(inner: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the caller's promise; methods of an open file live as long as the process.
    unsafe {
        match (*inner).pMethods.as_ref().and_then(|m| m.xClose) {
            Some(close) => close(inner),
            None => ffi::SQLITE_OK,
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, after `open` succeeded: the box is ours to take.
    unsafe {
        let open = std::mem::replace(&mut (*file.cast::<File>()).open, ptr::null_mut());
        let result = close_inner(inner(file));
        if !open.is_null() {
            drop(Box::from_raw(open));
        }
        result
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    bytes: *mut c_void,
    len: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open, and SQLite gives `len` bytes to fill.
    unsafe {
        if opened(file).is_some_and(|open| open.reads().is_err()) {
            return ffi::SQLITE_IOERR_READ;
        }
        let inner = inner(file);
        match (*(*inner).pMethods).xRead {
            Some(read) => read(inner, bytes, len, at),
            None => ffi::SQLITE_IOERR_READ,
        }
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    len: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open, and SQLite gives `len` bytes, of which there is at least one.
    unsafe {
        let Some(open) = opened(file) else {
            let inner = inner(file);
            return match (*(*inner).pMethods).xWrite {
                Some(write) => write(inner, bytes, len, at),
                None => ffi::SQLITE_IOERR_WRITE,
            };
        };
        let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), len.unsigned_abs() as usize);
        let result = open.write(bytes, at.cast_unsigned());
        code(&result, ffi::SQLITE_IOERR_WRITE)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        let Some(open) = opened(file) else {
            let inner = inner(file);
            return match (*(*inner).pMethods).xTruncate {
                Some(truncate) => truncate(inner, len),
                None => ffi::SQLITE_IOERR_TRUNCATE,
            };
        };
        let result = open.truncate(len.cast_unsigned());
        code(&result, ffi::SQLITE_IOERR_TRUNCATE)
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    // Nothing of a temporary file has to last.
    let result = open.map_or(Ok(()), OpenFile::sync);
    code(&result, ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn delete(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    for_good: c_int,
) -> c_int {
    // SAFETY: SQLite passes a name that outlives the call.
    let path = unsafe { path(name) };
    match shared::remove(&path, for_good != 0) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => ffi::SQLITE_IOERR_DELETE_NOENT,
        result => code(&result, ffi::SQLITE_IOERR_DELETE),
    }
}

/// Methods of a file that are those of the system's file behind it.
macro_rules! forwarded {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*);)*) => {
        $(unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($argument: $type),*) -> c_int {
            // SAFETY: the file is open, so the one behind it is, too; the other arguments are passed on as SQLite gave them.
            unsafe {
                let inner = inner(file);
                match (*(*inner).pMethods).$method {
                    Some(method) => method(inner, $($argument),*),
                    None => ffi::SQLITE_IOERR,
                }
            }
        })*
    };
}

forwarded! {
    file_size = xFileSize(size: *mut ffi::sqlite3_int64);
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved_lock = xCheckReservedLock(result: *mut c_int);
    file_control = xFileControl(operation: c_int, argument: *mut c_void);
    sector_size = xSectorSize();
    device_characteristics = xDeviceCharacteristics();
    shm_map = xShmMap(region: c_int, bytes: c_int, extend: c_int, memory: *mut *mut c_void);
    shm_lock = xShmLock(first: c_int, locks: c_int, flags: c_int);
    shm_unmap = xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: the file is open, so the one behind it is, too.
    unsafe {
        let inner = inner(file);
        if let Some(barrier) = (*(*inner).pMethods).xShmBarrier {
            barrier(inner);
        }
    }
}

/// Methods of a VFS that are those of the system's VFS.
macro_rules! forwarded_of_vfs {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*);)*) => {
        $(unsafe extern "C" fn $name(vfs: *mut ffi::sqlite3_vfs, $($argument: $type),*) -> c_int {
            // SAFETY: SQLite passes our VFS; the other arguments are passed on as SQLite gave them.
            unsafe {
                let system = system(vfs);
                match (*system).$method {
                    Some(method) => method(system, $($argument),*),
                    None => ffi::SQLITE_ERROR,
                }
            }
        })*
    };
}

forwarded_of_vfs! {
    access = xAccess(name: *const c_char, flags: c_int, result: *mut c_int);
    full_pathname = xFullPathname(name: *const c_char, len: c_int, out: *mut c_char);
    randomness = xRandomness(len: c_int, out: *mut c_char);
    sleep = xSleep(microseconds: c_int);
    current_time = xCurrentTime(out: *mut f64);
    last_error = xGetLastError(len: c_int, out: *mut c_char);
    current_time_int64 = xCurrentTimeInt64(out: *mut ffi::sqlite3_int64);
}
