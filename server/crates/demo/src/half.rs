//! One of the two servers: its files, where it listens, its configuration; and what a folder keeps so that the same pair comes up again.
//! Nothing is read or written here.

use crate::cast::{NORTH, SOUTH};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The certificate of the demo's authority.
const ROOTS: &str = "roots.crt";

/// One of the two servers. All its files lie in the folder of the demo.
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
    /// What its files and its data folder are called.
    short: &'static str,
}

impl Half {
    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.file("toml")
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.file("log")
    }

    /// Its certificate, in a demo on TLS.
    pub fn certificate(&self) -> PathBuf {
        self.file("crt")
    }

    /// The key of its certificate.
    pub fn key(&self) -> PathBuf {
        self.file("key")
    }

    /// The certificate of the authority that vouches for both, in a demo on TLS.
    pub fn roots(&self) -> PathBuf {
        self.dir.join(ROOTS)
    }

    /// Its data.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join(self.short)
    }

    /// What browsers call it.
    pub fn url(&self) -> String {
        let scheme = if self.is_on_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.http)
    }

    /// Whether this demo runs on TLS.
    pub fn is_on_tls(&self) -> bool {
        self.smtps.is_some()
    }

    /// The text of its configuration, with the hash of the administrator's password and the folder of the built My CallPilot. The timers
    /// are those of a pair in a hurry, so that one can watch a failover.
    pub fn config_text(&self, admin_hash: &str, web_root: Option<&Path>) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let mut text = format!(
            "# A server of the demo. `callpilot serve --print-config` explains every setting.\n\
             fqdn = {fqdn}\ndata_dir = {data}\n\n[http]\nlisten = \"{http}\"\n",
            fqdn = quoted(self.fqdn),
            data = quoted(self.short),
            http = self.http,
        );
        if let Some(root) = web_root {
            let _ = writeln!(text, "web_root = {}", path(root));
        }
        if self.is_on_tls() {
            text += "tls = true\n";
        }
        // Whoever posts to the demo is one of its own people.
        let _ = writeln!(
            text,
            "\n[smtp]\nlisten = \"{}\"\npeer_networks = [\"127.0.0.0/8\", \"::1\"]\n\
             # What the demo posts is dated on several days.\npeers_date_messages = true",
            self.smtp
        );
        if let Some(smtps) = self.smtps {
            let _ = write!(
                text,
                "starttls = true\ntls_listen = \"{smtps}\"\n\n[tls]\ncertificate = {}\nkey = {}\nroots = {}\n",
                path(&self.certificate()),
                path(&self.key()),
                path(&self.roots()),
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

    fn file(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.short))
    }
}

/// What has to be known again when the same folder is used another time; it is kept there as JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct SavedDemo {
    /// HTTP and SMTP of north, HTTP and SMTP of south; all on loopback.
    pub ports: [u16; 4],
    /// Where SMTP by TLS listens on north and on south, in a demo on TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ports: Option<[u16; 2]>,
    /// The administrator's password on both.
    pub admin_password: String,
    /// The GR password of the pair.
    pub gr_password: String,
}

impl SavedDemo {
    /// North and south, with their files in `dir`.
    pub fn halves(&self, dir: &Path) -> [Half; 2] {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let [north_http, north_smtp, south_http, south_smtp] = self.ports.map(at);
        let half = |fqdn, short, http, smtp, i: usize| Half {
            fqdn,
            short,
            http,
            smtp,
            smtps: self.tls_ports.map(|ports| at(ports[i])),
            dir: dir.to_owned(),
        };
        [
            half(NORTH, "north", north_http, north_smtp, 0),
            half(SOUTH, "south", south_http, south_smtp, 1),
        ]
    }
}
