//! Where the demo lives: a folder with a configuration and a data folder for each server, and what has to be known again when the
//! same folder is used another time.

use crate::cli::Failure;
use crate::listen::tls::self_made::Authority;
use crate::listen::tls::{Source, TlsError};
use crate::password;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The names of the two servers.
pub const NORTH: &str = "cp-north.example.net";
/// See [`NORTH`].
pub const SOUTH: &str = "cp-south.example.net";
/// The certificate of the demo's authority.
const ROOTS: &str = "roots.crt";
/// Written last: a folder that has it is whole.
const KEPT: &str = "demo.json";

/// One of the two servers.
pub struct Half {
    /// Its name.
    pub fqdn: &'static str,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Where SMTP listens.
    pub smtp: SocketAddr,
    /// Where SMTP listens for connections that begin with TLS; `None`: this demo runs without TLS.
    pub smtps: Option<SocketAddr>,
    dir: PathBuf,
    short: &'static str,
}

impl Half {
    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.dir.join(format!("{}.toml", self.short))
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.short))
    }

    /// Its data.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join(self.short)
    }

    /// What browsers call it.
    pub fn url(&self) -> String {
        let scheme = if self.smtps.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.http)
    }

    /// The certificate of the authority that vouches for both, in a demo on TLS.
    pub fn roots(&self) -> PathBuf {
        self.dir.join(ROOTS)
    }

    fn certificate(&self) -> Source {
        let file = |ending: &str| self.dir.join(format!("{}.{ending}", self.short));
        Source {
            certificate: file("crt"),
            key: file("key"),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    ports: [u16; 4],
    /// Where SMTP by TLS listens, in a demo on TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_ports: Option<[u16; 2]>,
    admin_password: String,
    gr_password: String,
}

/// The demo's folder.
pub struct Household {
    dir: PathBuf,
    temporary: bool,
    new: bool,
    moved: bool,
    kept: Kept,
    halves: [Half; 2],
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
        let earlier = match fs::read(dir.join(KEPT)) {
            Ok(bytes) => Some(
                serde_json::from_slice::<Kept>(&bytes).map_err(|e| fault(io::Error::other(e)))?,
            ),
            Err(_) if fs::read_dir(&dir).map_err(fault)?.next().is_some() => {
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
            None => Kept {
                ports: free_ports()?,
                tls_ports: None,
                admin_password: secret(),
                gr_password: secret(),
            },
        };
        let before = (kept.ports, kept.tls_ports);
        kept.choose_ports(base, tls)?;
        let moved = !new && (kept.ports, kept.tls_ports) != before;
        let halves = halves(&kept, &dir);
        let household = Self {
            dir,
            temporary,
            new,
            moved,
            kept,
            halves,
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
        let files = [north.certificate(), south.certificate()];
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
        for half in &self.halves {
            let text = config(half, &hash, web_root);
            let path = half.config();
            crate::files::write_private(&path, text.as_bytes())
                .map_err(|e| Failure::new(e.to_string()))?;
        }
        Ok(())
    }
}

impl Kept {
    fn choose_ports(&mut self, base: Option<u16>, tls: bool) -> Result<(), Failure> {
        let from = |base: u16, i: usize| base.saturating_add(i as u16);
        if let Some(base) = base {
            self.ports = std::array::from_fn(|i| from(base, i));
        }
        self.tls_ports = match (tls, base, self.tls_ports) {
            (false, _, _) => None,
            (true, Some(base), _) => Some(std::array::from_fn(|i| from(base, 4 + i))),
            (true, None, Some(ports)) => Some(ports),
            (true, None, None) => Some(free_ports()?),
        };
        Ok(())
    }
}

fn halves(kept: &Kept, dir: &Path) -> [Half; 2] {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let [north_http, north_smtp, south_http, south_smtp] = kept.ports.map(at);
    let half = |fqdn, short, http, smtp, i: usize| Half {
        fqdn,
        short,
        http,
        smtp,
        smtps: kept.tls_ports.map(|ports| at(ports[i])),
        dir: dir.to_owned(),
    };
    [
        half(NORTH, "north", north_http, north_smtp, 0),
        half(SOUTH, "south", south_http, south_smtp, 1),
    ]
}

/// The timers are those of a pair in a hurry, so that one can watch a failover.
fn config(half: &Half, admin_hash: &str, web_root: Option<&Path>) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "# A server of the demo. `callpilot serve --print-config` explains every setting.\n\
         fqdn = {fqdn}\ndata_dir = {data}\n\n[http]\nlisten = \"{http}\"\n",
        fqdn = quoted(half.fqdn),
        data = quoted(half.short),
        http = half.http,
    );
    if let Some(root) = web_root.map(|root| root.canonicalize().unwrap_or_else(|_| root.to_owned()))
    {
        let _ = writeln!(text, "web_root = {}", quoted(&root.to_string_lossy()));
    }
    if half.smtps.is_some() {
        text += "tls = true\n";
    }
    let _ = writeln!(text, "\n[smtp]\nlisten = \"{}\"", half.smtp);
    if let Some(smtps) = half.smtps {
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let source = half.certificate();
        let _ = write!(
            text,
            "starttls = true\ntls_listen = \"{smtps}\"\n\n[tls]\ncertificate = {}\nkey = {}\nroots = {}\n",
            path(&source.certificate),
            path(&source.key),
            path(&half.roots()),
        );
    }
    let _ = write!(
        text,
        "\n[gr]\nheartbeat_ms = 500\nunknown_after_ms = 2000\ndown_after_ms = 10000\nprobe_ms = 500\n\n\
         [admin]\nuser = \"admin\"\npassword_hash = {}\n",
        quoted(admin_hash)
    );
    text
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

    #[test]
    fn the_configurations_of_the_demo_are_sound() {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut half = Half {
            fqdn: NORTH,
            short: "north",
            http: at(1),
            smtp: at(2),
            smtps: None,
            dir: "/tmp/a \"b\"".into(),
        };
        let hash = password::hash_blocking("x", [1; 16]);
        let text = config(&half, &hash, Some(Path::new("/a \"web\" folder")));
        let config = Config::parse(&text, "north.toml", &|_| None).unwrap();
        assert_eq!((config.fqdn.as_str(), config.http.listen), (NORTH, at(1)));
        assert_eq!(
            config.http.web_root.as_deref(),
            Some(Path::new("/a \"web\" folder"))
        );
        assert!(!config.needs_certificate());

        half.smtps = Some(at(3));
        let text = super::config(&half, &hash, None);
        let config = Config::parse(&text, "north.toml", &|_| None).unwrap();
        assert!(config.http.tls && config.smtp.starttls);
        assert_eq!(config.smtp.tls_listen, Some(at(3)));
        assert_eq!(config.tls.roots, Some(half.roots()));
    }
}
