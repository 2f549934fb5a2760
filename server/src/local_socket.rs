//! `callpilot.sock` in the data folder: where the command line of this machine reaches the running server.
//!
//! A Unix socket that only its owner may open (0600), in a folder that only its owner may enter (0700). The system says which account is at
//! the other end, so nobody needs a password: root and the server's own account are let in ([`may_administer`]), and a client looks in
//! turn whether the server runs under the account that the folder belongs to. It has nothing to do with the TCP listeners, their addresses,
//! their limits and their TLS.

use rustix::fs::{Mode, OFlags};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};

/// The socket's name in the data folder.
const NAME: &str = "callpilot.sock";
/// Longest path that fits into an address of this kind, without the zero at its end (unix(7): `sun_path` has 108 bytes).
const PATH_LENGTH_MAX: usize = 107;

/// Where the socket of a data folder lies.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// Whether an account of this machine may administer the server: root, and the account that the server runs under.
pub fn may_administer(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// Listens. The caller holds the lock of the data folder, so a socket that lies there is one of a server that has ended.
///
/// # Errors
/// Something else has this name, or the file system makes no sockets.
pub fn bind(data_dir: &Path) -> io::Result<UnixListener> {
    let path = path(data_dir);
    match fs::symlink_metadata(&path) {
        Ok(about) if about.file_type().is_socket() => fs::remove_file(&path)?,
        Ok(_) => {
            let why = "something else than a socket has this name: take it away";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let address = Address::of(data_dir)?;
    let listener = UnixListener::bind(&address.path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Takes the socket away. A server that is killed leaves it; then it takes no connections, and the next start replaces it.
pub fn remove(data_dir: &Path) {
    let _ = fs::remove_file(path(data_dir));
}

/// Why a client does not reach the server of a data folder.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no socket.
    #[error("{path} is not there", path = .0.display())]
    Absent(PathBuf),
    /// There is one, and nobody listens on it.
    #[error("the last server in {folder} has ended without stopping", folder = .0.display())]
    Stale(PathBuf),
    /// Neither root nor the server's own account.
    #[error("{path} is for root and the server's own account: run this as one of them", path = .0.display())]
    NotAllowed(PathBuf),
    /// Another account than the folder's listens: whoever it is, it is told nothing.
    #[error("{path} is served by uid {uid}, but the folder belongs to uid {owner}: it is told nothing", path = .path.display())]
    Imposter {
        /// The socket.
        path: PathBuf,
        /// Who listens.
        uid: u32,
        /// Whose the folder is.
        owner: u32,
    },
    /// Something else.
    #[error("{path}: {source}", path = .path.display())]
    Other {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Connects to the server of a data folder. Also returns its process.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(data_dir: &Path) -> Result<(UnixStream, Option<i32>), ConnectError> {
    let path = path(data_dir);
    let fault = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ConnectError::Absent(path.clone()),
        io::ErrorKind::ConnectionRefused => ConnectError::Stale(data_dir.to_owned()),
        io::ErrorKind::PermissionDenied => ConnectError::NotAllowed(path.clone()),
        _ => ConnectError::Other {
            path: path.clone(),
            source,
        },
    };
    let owner = fs::metadata(data_dir).map_err(fault)?.uid();
    let address = Address::of(data_dir).map_err(fault)?;
    let stream = UnixStream::connect(&address.path).await.map_err(fault)?;
    let server: UCred = stream.peer_cred().map_err(fault)?;
    let uid = server.uid();
    if uid != owner && uid != 0 {
        return Err(ConnectError::Imposter { path, uid, owner });
    }
    Ok((stream, server.pid()))
}

/// The socket's path as the system takes it. One that is too long is reached through a handle on its folder.
struct Address {
    path: PathBuf,
    _folder: Option<OwnedFd>,
}

impl Address {
    fn of(data_dir: &Path) -> io::Result<Self> {
        let path = path(data_dir);
        if path.as_os_str().len() <= PATH_LENGTH_MAX {
            let _folder = None;
            return Ok(Self { path, _folder });
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(data_dir, flags, Mode::empty())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()));
        Ok(Self {
            path,
            _folder: Some(folder),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[tokio::test]
    async fn a_socket_is_its_owners_alone_and_says_who_is_at_the_other_end() {
        let dir = TempDir::new().unwrap();
        let listener = bind(dir.path()).unwrap();
        let mode = fs::metadata(path(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (_stream, pid) = connect(dir.path()).await.unwrap();
        assert_eq!(pid, i32::try_from(std::process::id()).ok());
        let (accepted, _) = listener.accept().await.unwrap();
        assert!(may_administer(accepted.peer_cred().unwrap().uid()));
    }

    #[tokio::test]
    async fn one_that_a_dead_server_left_is_told_from_none_and_replaced() {
        let dir = TempDir::new().unwrap();
        let error = connect(dir.path()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Absent(_)), "{error}");
        drop(bind(dir.path()).unwrap());
        let error = connect(dir.path()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Stale(_)), "{error}");
        let _listener = bind(dir.path()).unwrap();
        assert!(connect(dir.path()).await.is_ok());
    }

    #[tokio::test]
    async fn a_folder_with_a_long_path_is_reached_all_the_same() {
        let dir = TempDir::new().unwrap();
        let long = dir.path().join("d".repeat(120)).join("e".repeat(120));
        fs::create_dir_all(&long).unwrap();
        let _listener = bind(&long).unwrap();
        assert!(path(&long).exists());
        assert!(connect(&long).await.is_ok());
    }

    #[tokio::test]
    async fn a_file_of_another_kind_is_not_taken_away() {
        let dir = TempDir::new().unwrap();
        fs::write(path(dir.path()), "precious").unwrap();
        assert!(bind(dir.path()).is_err());
        assert_eq!(fs::read(path(dir.path())).unwrap(), b"precious");
    }

    #[test]
    fn only_root_and_the_servers_own_account_may_administer() {
        let own = rustix::process::geteuid().as_raw();
        assert!(may_administer(0) && may_administer(own));
        assert!(!may_administer(own.wrapping_add(4_711)));
    }
}
