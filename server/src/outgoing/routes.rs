//! The systems of the network that an administrator has named (`smtp.outgoing.routes_file`), and where mail for everybody else goes. The file is read at the
//! start, and again when it changes.

use super::hop::Hop;
use domain::Shortcut;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use writer::WriterError;

/// Systems in one file.
const SYSTEMS_MAX: usize = 10_000;
/// Octets of the file.
const FILE_MAX: u64 = 4 << 20;

/// Where the mail of a domain goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this server.
    Hop(Hop),
    /// To the servers that DNS gives for the domain.
    ByName(String),
}

/// The systems as they are now.
pub struct Routes {
    path: Option<PathBuf>,
    relay: Option<Hop>,
    by_name: bool,
    current: RwLock<Current>,
}

struct Current {
    systems: Arc<Systems>,
    /// What was found when the file was looked at last: the hash of what it holds, or why it could not be read.
    seen: Result<blake3::Hash, String>,
}

impl Routes {
    /// Reads the file for the first time. `relay` takes what no line of it names; without one the servers that DNS gives, if that is wanted.
    ///
    /// # Errors
    /// What is wrong with the file, with the line.
    pub fn open(
        path: Option<&Path>,
        relay: Option<Hop>,
        by_name: bool,
    ) -> Result<Self, WriterError> {
        let current = match path {
            None => Current {
                systems: Arc::default(),
                seen: Err(String::new()),
            },
            Some(path) => {
                let octets = read(path)?;
                Current {
                    systems: Arc::new(Systems::parse(path, &octets)?),
                    seen: Ok(blake3::hash(&octets)),
                }
            }
        };
        Ok(Self {
            path: path.map(Path::to_owned),
            relay,
            by_name,
            current: RwLock::new(current),
        })
    }

    /// Where the mail of a domain goes; `None` if this server has no way there.
    pub fn to(&self, domain: &str) -> Option<Route> {
        let domain = domain.trim_end_matches('.').to_ascii_lowercase();
        let current = self.current();
        if let Some(system) = current.systems.0.get(&domain) {
            return Some(Route::Hop(system.hop.clone()));
        }
        if let Some(relay) = &self.relay {
            return Some(Route::Hop(relay.clone()));
        }
        let is_name = crate::config::is_host_name(&domain);
        (self.by_name && is_name).then_some(Route::ByName(domain))
    }

    /// The address that digits with the prefix of another system lead to: with prefix 1272 and an overlap of 2, 127200 is mailbox 7200 there.
    /// The longest prefix counts.
    pub fn by_prefix(&self, digits: &str) -> Option<String> {
        let systems = Arc::clone(&self.current().systems);
        let all = systems.0.iter();
        let matching = all.flat_map(|(domain, system)| {
            let shortcuts = system.shortcuts.iter();
            shortcuts.filter_map(move |its| Some((its, mailbox_behind(its, digits)?, domain)))
        });
        let longest = matching.max_by_key(|(shortcut, ..)| shortcut.prefix.len());
        longest.map(|(_, mailbox, domain)| format!("{mailbox}@{domain}"))
    }

    /// Looks at the file again. Whether the systems are others now.
    ///
    /// # Errors
    /// What is wrong with a file that was not as wrong before: the systems stay as they were.
    pub fn reload(&self) -> Result<bool, WriterError> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        let found = read(path);
        let seen = match &found {
            Ok(octets) => Ok(blake3::hash(octets)),
            Err(fault) => Err(fault.to_string()),
        };
        if self.current().seen == seen {
            return Ok(false);
        }
        let read = found.and_then(|octets| Systems::parse(path, &octets));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.seen = seen;
        current.systems = Arc::new(read?);
        Ok(true)
    }

    /// How many systems are named.
    pub fn len(&self) -> usize {
        self.current().systems.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn current(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The mailbox number that digits with the prefix of a shortcut stand for.
pub fn mailbox_behind(shortcut: &Shortcut, digits: &str) -> Option<String> {
    let rest = digits
        .strip_prefix(&shortcut.prefix)
        .filter(|r| !r.is_empty())?;
    let begin = shortcut.prefix.len().checked_sub(shortcut.overlap.into())?;
    Some(format!("{}{rest}", shortcut.prefix.get(begin..)?))
}

fn read(path: &Path) -> Result<Vec<u8>, WriterError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        File::open(path)?
            .take(FILE_MAX + 1)
            .read_to_end(&mut octets)?;
        if octets.len() as u64 > FILE_MAX {
            return Err(io::Error::other("it is too long for a file of systems"));
        }
        Ok(octets)
    };
    read().map_err(|error| WriterError::io(path, error))
}

/// A system of the network.
struct System {
    hop: Hop,
    shortcuts: Vec<Shortcut>,
}

/// Systems by their domains.
#[derive(Default)]
struct Systems(BTreeMap<String, System>);

impl Systems {
    fn parse(path: &Path, octets: &[u8]) -> Result<Self, WriterError> {
        let text = std::str::from_utf8(octets).map_err(|_| "it is not UTF-8".to_owned());
        let systems = text.and_then(Self::of_text).map(|mut systems| {
            // Paths count from the folder of the file.
            let folder = path.parent().unwrap_or(Path::new(""));
            for system in systems.0.values_mut() {
                if let Some((_, file)) = &mut system.hop.sign_in {
                    *file = folder.join(&*file);
                }
            }
            systems
        });
        systems.map_err(|what| WriterError::io(path, io::Error::other(what)))
    }

    /// A line for each system: its domain, where it is, how it is reached, and the prefixes that people dial for it. Lines that begin with # are
    /// for people.
    fn of_text(text: &str) -> Result<Self, String> {
        let mut systems = BTreeMap::new();
        for (line, number) in text.lines().zip(1u32..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (domain, system) = system(line).map_err(|what| format!("line {number}: {what}"))?;
            if systems.insert(domain.clone(), system).is_some() {
                return Err(format!("line {number}: {domain} stands there twice"));
            }
            if systems.len() > SYSTEMS_MAX {
                return Err(format!("it holds more than {SYSTEMS_MAX} systems"));
            }
        }
        Ok(Self(systems))
    }
}

fn system(line: &str) -> Result<(String, System), String> {
    let (domain, rest) = line
        .split_once(char::is_whitespace)
        .ok_or("a domain and a mail server are wanted")?;
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let words = rest.split_ascii_whitespace();
    let (prefixes, hop): (Vec<_>, Vec<_>) = words.partition(|word| word.starts_with("prefix="));
    let hop: Hop = hop.join(" ").parse().map_err(|fault| format!("{fault}"))?;
    let shortcuts = prefixes.into_iter().map(|word| {
        let value = word.strip_prefix("prefix=").unwrap_or_default();
        shortcut(value).ok_or_else(|| {
            format!("{word} is not prefix=DIGITS or prefix=DIGITS/OVERLAP, the overlap being at most as long as the prefix")
        })
    });
    Ok((
        domain,
        System {
            hop,
            shortcuts: shortcuts.collect::<Result<_, _>>()?,
        },
    ))
}

fn shortcut(text: &str) -> Option<Shortcut> {
    let (prefix, overlap) = text.split_once('/').unwrap_or((text, "0"));
    let overlap: u8 = overlap.parse().ok()?;
    let fits = (1..=20).contains(&prefix.len())
        && prefix.bytes().all(|b| b.is_ascii_digit())
        && usize::from(overlap) <= prefix.len();
    fits.then(|| Shortcut {
        prefix: prefix.to_owned(),
        overlap,
    })
}

/// Looks at the file again, and tells the log if there is something to tell.
pub async fn look_again(routes: &Arc<Routes>) {
    let reading = Arc::clone(routes);
    match tokio::task::spawn_blocking(move || reading.reload()).await {
        Ok(Ok(false)) => {}
        Ok(Ok(true)) => {
            let count = routes.len();
            tracing::info!(
                count,
                "the file of other systems has changed; mail goes to these from now on"
            );
        }
        Ok(Err(error)) => {
            let count = routes.len();
            tracing::warn!(%error, count, "the file of other systems could not be read again: those of before stay in use");
        }
        Err(error) => {
            tracing::error!(%error, "looking at the file of other systems broke by a fault")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(text: &str, relay: Option<&str>, by_name: bool) -> Routes {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("routes");
        std::fs::write(&path, text).unwrap();
        let relay = relay.map(|relay| relay.parse().unwrap());
        Routes::open(Some(&path), relay, by_name).unwrap()
    }

    const WEST: &str = "# the western site\nvm.West.example 192.0.2.7:2525 tls=required prefix=1272/2 prefix=88\n\
                        long.example 192.0.2.8 prefix=12720\n";

    #[test]
    fn a_domain_goes_where_it_is_said_then_to_the_relay_then_by_its_name() {
        let hop = |text: &str| Some(Route::Hop(text.parse().unwrap()));
        let bare = routes(WEST, None, false);
        assert_eq!(
            bare.to("vm.west.EXAMPLE."),
            hop("192.0.2.7:2525 tls=required")
        );
        assert_eq!(bare.to("else.example"), None);
        let relayed = routes(WEST, Some("relay.example"), true);
        assert_eq!(relayed.to("else.example"), hop("relay.example"));
        let by_name = routes(WEST, None, true);
        assert_eq!(
            by_name.to("Else.example"),
            Some(Route::ByName("else.example".into()))
        );
        for nowhere in ["[192.0.2.1]", "localhost", "a b.example"] {
            assert_eq!(by_name.to(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn digits_with_a_prefix_lead_to_the_mailbox_behind_it_and_the_longest_counts() {
        let routes = routes(WEST, None, false);
        let to = |digits: &str| routes.by_prefix(digits);
        assert_eq!(to("127234").as_deref(), Some("7234@vm.west.example"));
        assert_eq!(to("127201").as_deref(), Some("1@long.example"));
        assert_eq!(to("887300").as_deref(), Some("7300@vm.west.example"));
        assert_eq!((to("1272"), to("7200")), (None, None));
    }

    #[test]
    fn a_file_of_systems_is_read_or_says_which_line_is_wrong() {
        for (wrong, said) in [
            ("west.example", "line 1: a domain and a mail server"),
            ("\nwest.example b:x", "line 2: \"b:x\" is not HOST"),
            ("w.example b prefix=12/3", "is not prefix="),
            ("w.example b prefix=1a", "is not prefix="),
            (
                "w.example b\nW.example. c",
                "line 2: w.example stands there twice",
            ),
        ] {
            let fault = Systems::of_text(wrong).err().unwrap();
            assert!(fault.contains(said), "{fault}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_systems_of_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("routes");
        std::fs::write(&path, WEST).unwrap();
        let routes = Routes::open(Some(&path), None, false).unwrap();
        assert!(!routes.reload().unwrap(), "nothing has changed");
        std::fs::write(&path, "nonsense").unwrap();
        assert!(routes.reload().is_err() && !routes.reload().unwrap());
        assert_eq!(routes.len(), 2);
        std::fs::write(&path, "a.example b.example").unwrap();
        assert!(routes.reload().unwrap() && routes.len() == 1);
    }
}
