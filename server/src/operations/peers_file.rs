//! The file of peers (`smtp.peers_file`): who signs in by SMTP beside the owners of mailboxes. It is read at the start, and again when it changes.

use crate::config::PasswordHash;
use crate::server::WriterError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Peers in one file.
const PEERS_MAX: usize = 10_000;
/// Characters of a peer's name.
const NAME_CHARS_MAX: usize = 64;
/// Octets of the file: more than its peers need, each with a line of its own about it.
const FILE_MAX: u64 = 8 << 20;

/// The peers as they are now. All connections share them.
pub struct PeersFile {
    /// `None`: no file is configured, and nobody signs in as a peer.
    path: Option<PathBuf>,
    current: RwLock<Current>,
}

struct Current {
    /// Those of the last file that could be used.
    peers: Peers,
    /// What was found when the file was looked at last, good or bad.
    seen: Seen,
}

/// What a look at the file found: the hash of what it holds, or why it could not be read.
type Seen = Result<blake3::Hash, String>;

impl PeersFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub fn open(path: Option<&Path>) -> Result<Self, WriterError> {
        let current = match path {
            None => Current {
                peers: Peers::default(),
                seen: Err(String::new()),
            },
            Some(path) => {
                let octets = read(path)?;
                Current {
                    peers: Peers::parse(path, &octets)?,
                    seen: Ok(blake3::hash(&octets)),
                }
            }
        };
        Ok(Self {
            path: path.map(Path::to_owned),
            current: RwLock::new(current),
        })
    }

    /// How many peers there are.
    pub fn len(&self) -> usize {
        self.current().peers.0.len()
    }

    /// Whether nobody signs in as a peer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks at the file again. Whether the peers are others now; who is signed in stays so until the end of the connection.
    ///
    /// # Errors
    /// What is wrong with a file that was not as wrong before: those who may sign in stay as they were.
    pub fn reload(&self) -> Result<bool, WriterError> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        let found = read(path);
        let seen: Seen = match &found {
            Ok(octets) => Ok(blake3::hash(octets)),
            Err(fault) => Err(fault.to_string()),
        };
        if self.current().seen == seen {
            return Ok(false);
        }
        let read = found.and_then(|octets| Peers::parse(path, &octets));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.seen = seen;
        current.peers = read?;
        Ok(true)
    }

    /// The hash of a peer's password, in PHC form; `None`: there is no such peer.
    pub fn hash_of(&self, name: &str) -> Option<String> {
        let current = self.current();
        let hash = current.peers.0.get(name)?;
        Some(hash.as_str().to_owned())
    }

    fn current(&self) -> std::sync::RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the file again, and tells the log if there is something to tell.
pub async fn look_again(peers: &Arc<PeersFile>) {
    let reading = Arc::clone(peers);
    match tokio::task::spawn_blocking(move || reading.reload()).await {
        Ok(Ok(false)) => {}
        Ok(Ok(true)) => {
            let count = peers.len();
            tracing::info!(
                count,
                "the file of peers has changed; these may sign in from now on"
            );
        }
        Ok(Err(error)) => {
            let count = peers.len();
            tracing::warn!(%error, count, "the file of peers could not be read again: those of before may go on signing in");
        }
        Err(error) => tracing::error!(%error, "looking at the file of peers broke by a fault"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, WriterError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        File::open(path)?
            .take(FILE_MAX + 1)
            .read_to_end(&mut octets)?;
        if octets.len() as u64 > FILE_MAX {
            return Err(io::Error::other("it is too long for a file of peers"));
        }
        Ok(octets)
    };
    read().map_err(|error| WriterError::io(path, error))
}

/// Peers by their names.
#[derive(Default)]
struct Peers(BTreeMap<String, PasswordHash>);

impl Peers {
    fn parse(path: &Path, octets: &[u8]) -> Result<Self, WriterError> {
        let text = std::str::from_utf8(octets).map_err(|_| "it is not UTF-8".to_owned());
        let peers = text.and_then(Self::of_text);
        peers.map_err(|what| WriterError::io(path, io::Error::other(what)))
    }

    /// A line for each peer: its name, and the hash that `callpilot hash-password` prints. Lines that begin with # are for people.
    fn of_text(text: &str) -> Result<Self, String> {
        let mut peers = BTreeMap::new();
        for (line, number) in text.lines().zip(1u32..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let expected =
                "must be a name, a blank, and a hash that `callpilot hash-password` prints";
            let (name, hash) = line
                .split_once(char::is_whitespace)
                .ok_or_else(|| format!("line {number} {expected}"))?;
            let hash: PasswordHash = hash
                .trim()
                .parse()
                .map_err(|_| format!("line {number} {expected}"))?;
            if name.chars().count() > NAME_CHARS_MAX || name.bytes().all(|b| b.is_ascii_digit()) {
                return Err(format!(
                    "line {number}: a peer's name has at most {NAME_CHARS_MAX} characters, and not digits alone: those are mailboxes"
                ));
            }
            if peers.insert(name.to_owned(), hash).is_some() {
                return Err(format!("line {number}: {name} stands there twice"));
            }
            if peers.len() > PEERS_MAX {
                return Err(format!("it holds more than {PEERS_MAX} peers"));
            }
        }
        Ok(Self(peers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_peers_is_read_or_says_which_line_is_wrong() {
        let hash = crate::password::hash_blocking("cloudy-harbour", [1; 16]);
        let good = Peers::of_text(&format!(
            "# the western site\nwest {hash}\n\neast\t{hash}\n"
        ));
        assert_eq!(good.ok().unwrap().0.len(), 2);
        for (wrong, said) in [
            ("west".to_owned(), "line 1 must be a name"),
            (format!("\nwest x{hash}"), "line 2 must be a name"),
            (format!("7200 {hash}"), "not digits alone"),
            (
                format!("west {hash}\nwest {hash}"),
                "line 2: west stands there twice",
            ),
        ] {
            let fault = Peers::of_text(&wrong).err().unwrap();
            assert!(fault.contains(said) && !fault.contains("argon2"), "{fault}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_peers_of_before_and_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("peers");
        let hash = crate::password::hash_blocking("cloudy-harbour", [1; 16]);
        let (west, east) = (format!("west {hash}\n"), format!("east {hash}\n"));
        std::fs::write(&path, &west).unwrap();
        let peers = PeersFile::open(Some(&path)).unwrap();
        let may = |name: &str| peers.hash_of(name).is_some();
        assert!(!peers.reload().unwrap(), "nothing has changed");
        let bad: [&dyn Fn(); 4] = [
            &|| std::fs::write(&path, "east\n").unwrap(),
            &|| std::fs::write(&path, [0xff, b'\n']).unwrap(),
            &|| std::fs::remove_file(&path).unwrap(),
            &|| {
                let longest = u64::try_from(west.len()).unwrap().max(FILE_MAX + 1);
                File::create(&path).unwrap().set_len(longest).unwrap();
            },
        ];
        for spoil in bad {
            spoil();
            assert!(peers.reload().is_err());
            assert!(!peers.reload().unwrap(), "the same fault is told once");
            assert!(may("west") && !may("east"));
        }
        std::fs::write(&path, &east).unwrap();
        assert!(peers.reload().unwrap());
        assert!(!may("west") && may("east") && peers.len() == 1);
        let none = PeersFile::open(None).unwrap();
        assert!(none.is_empty() && !none.reload().unwrap());
    }
}
