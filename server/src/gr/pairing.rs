//! Who the partner is: kept across restarts.
//!
//! The partner's addresses lie in the store's settings. The GR root key does not: it lies in a file of its own (0600), so that neither
//! the database nor a copy of it can open GR mail.

use crate::listen::tls::Trust;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use writer::WriterError;

/// The setting under which the partner's addresses are stored.
pub const SETTING: &str = "gr.partner";
const ROOT_FILE: &str = "gr.key";
const SESSION_FILE: &str = "session.key";

/// Where the partner is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    /// Its FQDN.
    pub fqdn: String,
    /// `host:port` of its SMTP service.
    pub smtp: String,
    /// Base URL of its HTTP service, without a slash at the end.
    pub http: String,
    /// How it proves by TLS who it is; `None`: mail goes to it without TLS, sealed all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Trust>,
}

/// 32 secret bytes. Their `Debug` shows nothing, and they are wiped when dropped.
#[derive(Clone, PartialEq, Eq, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Secret(pub [u8; 32]);

/// A partner and the root key shared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Where it is.
    pub partner: Partner,
    /// The GR root, derived from the GR password (R3).
    pub root: Secret,
}

/// The keys of session tokens: the first signs, all are accepted.
#[derive(Clone, Debug)]
pub struct SessionKeys {
    /// The key that new tokens are made with.
    pub current: Secret,
    /// Further keys whose tokens are still good: this server's own, from before it was paired.
    pub accepted: Vec<Secret>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Partner {
    /// The host of its SMTP service without the port: the address that clients are shown.
    pub fn address(&self) -> &str {
        let host = self
            .smtp
            .rsplit_once(':')
            .map_or(self.smtp.as_str(), |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

/// The partner that is configured, if one is.
pub fn load(readers: &store::Readers, data_dir: &Path) -> Result<Option<Pairing>, WriterError> {
    let Some(bytes) = readers.setting(SETTING)? else {
        return Ok(None);
    };
    let partner: Partner = serde_json::from_slice(&bytes)
        .map_err(|e| WriterError::Damaged(format!("setting {SETTING}: {e}")))?;
    let path = data_dir.join(ROOT_FILE);
    let root = read_key(&path)?.ok_or_else(|| {
        WriterError::Damaged(format!(
            "{} is missing: enter the GR password again with `callpilot gr pair`",
            path.display()
        ))
    })?;
    Ok(Some(Pairing { partner, root }))
}

/// Puts the root key in its file. Comes before the setting, so that there is never a partner without a key.
pub fn save_root(root: &Secret, data_dir: &Path) -> Result<(), WriterError> {
    write_key(&data_dir.join(ROOT_FILE), root)
}

/// Removes the root key. Comes after the setting.
pub fn erase_root(data_dir: &Path) -> Result<(), WriterError> {
    let path = data_dir.join(ROOT_FILE);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(WriterError::io(path, e)),
        _ => Ok(()),
    }
}

/// The keys of session tokens. Both servers of a pair derive the same one from the GR root, so each accepts what the other gave out.
pub fn session_keys(pairing: Option<&Pairing>, own: &Secret) -> SessionKeys {
    match pairing {
        None => SessionKeys {
            current: own.clone(),
            accepted: Vec::new(),
        },
        Some(p) => SessionKeys {
            current: Secret(blake3::derive_key(
                "CallPilot GR 2026 session tokens",
                &p.root.0,
            )),
            accepted: vec![own.clone()],
        },
    }
}

/// This server's own session key; made at the first start.
pub fn own_session_key(data_dir: &Path) -> Result<Secret, WriterError> {
    let path = data_dir.join(SESSION_FILE);
    if let Some(key) = read_key(&path)? {
        return Ok(key);
    }
    let key = Secret(crate::clock::random());
    write_key(&path, &key)?;
    Ok(key)
}

fn read_key(path: &Path) -> Result<Option<Secret>, WriterError> {
    match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(WriterError::io(path.to_owned(), e)),
        Ok(bytes) => match bytes.try_into() {
            Ok(key) => Ok(Some(Secret(key))),
            Err(_) => Err(WriterError::Damaged(format!(
                "{} is not a key of 32 bytes",
                path.display()
            ))),
        },
    }
}

/// Durable or not at all: written aside, synced, renamed, and the folder synced.
fn write_key(path: &Path, key: &Secret) -> Result<(), WriterError> {
    let aside = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(&key.0)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|e| WriterError::io(PathBuf::from(path), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_of_before_has_no_tls_and_one_with_it_is_read_as_it_was_written() {
        let before = r#"{"fqdn":"b.example","smtp":"b.example:25","http":"http://b.example"}"#;
        let mut partner: Partner = serde_json::from_str(before).unwrap();
        assert_eq!(partner.tls, None);
        assert_eq!(serde_json::to_string(&partner).unwrap(), before);
        partner.tls = Some(Trust::ByName);
        let text = serde_json::to_string(&partner).unwrap();
        assert_eq!(serde_json::from_str::<Partner>(&text).unwrap(), partner);
    }

    #[test]
    fn the_address_shown_to_clients_has_no_port() {
        let partner = |smtp: &str| Partner {
            fqdn: "b.example".into(),
            smtp: smtp.into(),
            http: "http://b.example".into(),
            tls: None,
        };
        assert_eq!(partner("10.0.0.2:2525").address(), "10.0.0.2");
        assert_eq!(partner("[::1]:25").address(), "::1");
        assert_eq!(partner("b.example").address(), "b.example");
    }

    #[test]
    fn both_servers_derive_the_same_session_key_and_it_is_not_the_root() {
        let partner = Partner {
            fqdn: "b".into(),
            smtp: "b:25".into(),
            http: "http://b".into(),
            tls: None,
        };
        let pairing = Pairing {
            partner,
            root: Secret([7; 32]),
        };
        let a = session_keys(Some(&pairing), &Secret([1; 32]));
        let b = session_keys(Some(&pairing), &Secret([2; 32]));
        assert!(a.current == b.current && a.current != pairing.root);
        assert!(a.accepted[0] == Secret([1; 32]));
    }
}
