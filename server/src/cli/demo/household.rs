//! The folder of the demo: made or opened again, with a configuration and, on TLS, a certificate for each server.

use crate::cli::Failure;
use crate::listen::tls::self_made::Authority;
use crate::listen::tls::{Source, TlsError};
use crate::password;
use demo::{Half, SavedDemo};
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

/// Written last: a folder that has it is whole.
const KEPT: &str = "demo.json";
/// Locked by the demo that runs in a folder.
const LOCK: &str = "demo.lock";

/// The demo's folder.
pub struct Household {
    dir: PathBuf,
    temporary: bool,
    new: bool,
    moved: bool,
    kept: SavedDemo,
    halves: [Half; 2],
    /// Held for as long as the demo runs.
    _lock: File,
}

impl Household {
    /// Opens the folder of an earlier demo, or makes a new one.
    pub fn open(
        dir: Option<PathBuf>,
        base: Option<u16>,
        web_root: Option<PathBuf>,
        tls: bool,
    ) -> Result<Self, Failure> {
        let temporary = dir.is_none();
        let dir = dir
            .unwrap_or_else(|| std::env::temp_dir().join(format!("callpilot-demo-{}", secret())));
        let fault = |e: io::Error| Failure::new(format!("{}: {e}", dir.display()));
        fs::create_dir_all(&dir).map_err(fault)?;
        let dir = dir.canonicalize().map_err(fault)?;
        let others = fs::read_dir(&dir).map_err(fault)?.flatten();
        let is_empty = others.filter(|entry| entry.file_name() != LOCK).count() == 0;
        let lock = lock(&dir)?;
        let earlier = match fs::read(dir.join(KEPT)) {
            Ok(bytes) => Some(
                serde_json::from_slice::<SavedDemo>(&bytes)
                    .map_err(|e| fault(io::Error::other(e)))?,
            ),
            Err(_) if !is_empty => {
                return Err(Failure::new(format!(
                    "{} is neither empty nor the folder of an earlier demo. Choose another one.",
                    dir.display()
                )));
            }
            Err(_) => None,
        };
        let new = earlier.is_none();
        let mut kept = match earlier {
            Some(kept) => kept,
            None => SavedDemo {
                ports: free_ports()?,
                tls_ports: None,
                admin_password: secret(),
                gr_password: secret(),
            },
        };
        let before = (kept.ports, kept.tls_ports);
        choose_ports(&mut kept, base, tls)?;
        let moved = !new && (kept.ports, kept.tls_ports) != before;
        let halves = kept.halves(&dir);
        let household = Self {
            dir,
            temporary,
            new,
            moved,
            kept,
            halves,
            _lock: lock,
        };
        if tls {
            household.make_certificates()?;
        }
        household.write_configs(web_root.as_deref())?;
        Ok(household)
    }

    /// No demo has been here before.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// A demo that was here before listened elsewhere: the two do not find each other.
    pub fn has_moved(&self) -> bool {
        self.moved
    }

    /// North and south.
    pub fn halves(&self) -> &[Half; 2] {
        &self.halves
    }

    /// The GR password of the pair.
    pub fn gr_password(&self) -> &str {
        &self.kept.gr_password
    }

    /// The administrator's password on both.
    pub fn admin_password(&self) -> &str {
        &self.kept.admin_password
    }

    /// The folder goes away with the demo.
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Notes that the folder is whole.
    pub fn keep(&self) -> Result<(), Failure> {
        let text = serde_json::to_vec(&self.kept).map_err(|e| Failure::new(e.to_string()))?;
        crate::files::write_private(&self.dir.join(KEPT), &text)
            .map_err(|e| Failure::new(e.to_string()))
    }

    /// Removes the folder if it was a temporary one.
    pub fn close(&self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.dir)
        {
            eprintln!(
                "callpilot: {} could not be removed: {error}",
                self.dir.display()
            );
        }
    }

    /// Both and the authority's, unless all are there: its key was not kept, so none can be made alone.
    fn make_certificates(&self) -> Result<(), Failure> {
        let [north, south] = &self.halves;
        let files = [north, south].map(|half| Source {
            certificate: half.certificate(),
            key: half.key(),
        });
        let all = files.iter().flat_map(|s| [&s.certificate, &s.key]);
        if all.chain([&north.roots()]).all(|file| file.exists()) {
            return Ok(());
        }
        let make = || -> Result<(), TlsError> {
            let authority = Authority::new("CallPilot demo")?;
            for (half, source) in self.halves.iter().zip(&files) {
                authority.vouch_for(half.fqdn, source)?;
            }
            authority.write(&north.roots())
        };
        make().map_err(|e| Failure::new(e.to_string()))
    }

    fn write_configs(&self, web_root: Option<&Path>) -> Result<(), Failure> {
        let hash = password::hash_blocking(&self.kept.admin_password, crate::clock::random());
        let web_root = web_root.map(|root| root.canonicalize().unwrap_or_else(|_| root.to_owned()));
        for half in &self.halves {
            let text = half.config_text(&hash, web_root.as_deref());
            let path = half.config();
            crate::files::write_private(&path, text.as_bytes())
                .map_err(|e| Failure::new(e.to_string()))?;
        }
        Ok(())
    }
}

/// Takes the folder for this demo; one that runs there is left alone.
fn lock(dir: &Path) -> Result<File, Failure> {
    let fault = |e: io::Error| Failure::new(format!("{}: {e}", dir.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))
        .map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(format!(
            "A demo runs in {} already, and goes on. Stop it first, or choose another folder with --dir.",
            dir.display()
        ))),
        Err(TryLockError::Error(e)) => Err(fault(e)),
    }
}

/// Puts both servers where they are wanted, or leaves them where they were.
fn choose_ports(kept: &mut SavedDemo, base: Option<u16>, tls: bool) -> Result<(), Failure> {
    let from = |base: u16, i: usize| base.saturating_add(i as u16);
    if let Some(base) = base {
        kept.ports = std::array::from_fn(|i| from(base, i));
    }
    kept.tls_ports = match (tls, base, kept.tls_ports) {
        (false, _, _) => None,
        (true, Some(base), _) => Some(std::array::from_fn(|i| from(base, 4 + i))),
        (true, None, Some(ports)) => Some(ports),
        (true, None, None) => Some(free_ports()?),
    };
    Ok(())
}

/// Ports that were free a moment ago. All are held until the last one is found, so that no two are the same.
fn free_ports<const N: usize>() -> Result<[u16; N], Failure> {
    let fault = |e: io::Error| Failure::new(format!("no free port on 127.0.0.1: {e}"));
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fault)?;
        *port = listener.local_addr().map_err(fault)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// 80 random bits in letters and digits that are not taken for each other.
fn secret() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 16] = crate::clock::random();
    bytes
        .iter()
        .map(|b| char::from(LETTERS[usize::from(b % 32)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::net::SocketAddr;

    #[test]
    fn the_configurations_of_the_demo_are_sound() {
        let mut kept = SavedDemo {
            ports: [1, 2, 3, 4],
            tls_ports: None,
            admin_password: String::new(),
            gr_password: String::new(),
        };
        let dir = Path::new("/tmp/a \"b\"");
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let hash = password::hash_blocking("x", [1; 16]);
        let [north, _] = kept.halves(dir);
        let text = north.config_text(&hash, Some(Path::new("/a \"web\" folder")));
        let config = Config::parse(&text, "north.toml", &|_| None).unwrap();
        assert_eq!(
            (config.fqdn.as_str(), config.http.listen),
            (demo::NORTH, at(1))
        );
        assert_eq!(
            config.http.web_root.as_deref(),
            Some(Path::new("/a \"web\" folder"))
        );
        assert!(!config.needs_certificate());

        kept.tls_ports = Some([5, 6]);
        let [north, _] = kept.halves(dir);
        let text = north.config_text(&hash, None);
        let config = Config::parse(&text, "north.toml", &|_| None).unwrap();
        assert!(config.http.tls && config.smtp.starttls);
        assert_eq!(config.smtp.tls_listen, Some(at(5)));
        assert_eq!(config.tls.roots, Some(north.roots()));
    }
}
