//! Who the partner is: kept across restarts.
//!
//! The partner's addresses lie in the store's settings. The GR root key does not: it lies in a file of its own (0600), so that neither
//! the database nor a copy of it can open GR mail.

use crate::listen::tls::Trust;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use writer::WriterError;

/// The setting under which the partner's addresses are stored.
pub const SETTING: &str = "gr.partner";
const ROOT_FILE: &str = "gr.key";
/// The root that will hold when the partner has it, too.
const NEXT_FILE: &str = "gr-next.key";
const SESSION_FILE: &str = "session.key";
const SECRETS_FILE: &str = "secrets.key";
/// The session key of the password before, and until when it is good.
const SESSION_BEFORE_FILE: &str = "session-before.key";

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

/// Removes the root key, and what there is of others. Comes after the setting.
pub fn erase_root(data_dir: &Path) -> Result<(), WriterError> {
    erase(data_dir.join(ROOT_FILE))?;
    erase_next(data_dir)?;
    erase_sessions_before(data_dir)
}

/// The root that is to hold when the partner has it, too. One that holds already was left by a change that was cut off at its end.
pub fn load_next(data_dir: &Path, current: &Secret) -> Result<Option<Secret>, WriterError> {
    let next = read_key(&data_dir.join(NEXT_FILE))?;
    Ok(next.filter(|next| next != current))
}

/// Keeps the root that is to hold when the partner has it, too.
pub fn save_next(root: &Secret, data_dir: &Path) -> Result<(), WriterError> {
    write_key(&data_dir.join(NEXT_FILE), root)
}

/// There is no root to come any more.
pub fn erase_next(data_dir: &Path) -> Result<(), WriterError> {
    erase(data_dir.join(NEXT_FILE))
}

/// The session key of the password before, while it is good.
pub fn load_sessions_before(
    data_dir: &Path,
    now: Timestamp,
) -> Result<Option<(Secret, Timestamp)>, WriterError> {
    let path = data_dir.join(SESSION_BEFORE_FILE);
    let bytes = match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|e| WriterError::io(&path, e))?,
    };
    let parts = bytes.split_first_chunk::<32>();
    let parts = parts.and_then(|(key, until)| Some((*key, until.try_into().ok()?)));
    let (key, until) = parts.ok_or_else(|| {
        WriterError::Damaged(format!(
            "{} is not a key of 32 bytes and a time",
            path.display()
        ))
    })?;
    let until = Timestamp(i64::from_be_bytes(until));
    Ok((now < until).then_some((Secret(key), until)))
}

/// Keeps the session key of the password before: what it gave out is good until then.
pub fn save_sessions_before(
    key: &Secret,
    until: Timestamp,
    data_dir: &Path,
) -> Result<(), WriterError> {
    let bytes = zeroize::Zeroizing::new([&key.0[..], &until.0.to_be_bytes()].concat());
    write_private(&data_dir.join(SESSION_BEFORE_FILE), &bytes)
}

/// What the password before gave out is good no longer.
pub fn erase_sessions_before(data_dir: &Path) -> Result<(), WriterError> {
    erase(data_dir.join(SESSION_BEFORE_FILE))
}

fn erase(path: PathBuf) -> Result<(), WriterError> {
    match fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(WriterError::io(path, e)),
        _ => Ok(()),
    }
}

/// What session tokens of a pair are sealed by. Nobody who has it finds the root, or a key of GR mail.
pub fn session_key(root: &Secret) -> Secret {
    Secret(blake3::derive_key(
        "CallPilot GR 2026 session tokens",
        &root.0,
    ))
}

/// The keys of session tokens. Both servers of a pair derive the same one from the GR root, so each accepts what the other gave out; one that has
/// gone over to the `next` root gives out what the other accepts already.
pub fn session_keys(root: Option<&Secret>, next: Option<&Secret>, own: &Secret) -> SessionKeys {
    let Some(root) = root else {
        return SessionKeys {
            current: own.clone(),
            accepted: Vec::new(),
        };
    };
    let next = next.map(session_key);
    SessionKeys {
        current: session_key(root),
        accepted: std::iter::once(own.clone()).chain(next).collect(),
    }
}

/// This server's own session key; made at the first start.
pub fn own_session_key(data_dir: &Path) -> Result<Secret, WriterError> {
    own_key(&data_dir.join(SESSION_FILE))
}

/// This server's own key of secrets in its database; made at the first start.
pub fn own_secrets_key(data_dir: &Path) -> Result<Secret, WriterError> {
    own_key(&data_dir.join(SECRETS_FILE))
}

fn own_key(path: &Path) -> Result<Secret, WriterError> {
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    let key = Secret(crate::clock::random());
    write_key(path, &key)?;
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
    write_private(path, &key.0)
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WriterError> {
    let aside = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(bytes)?;
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
        let root = Secret([7; 32]);
        let a = session_keys(Some(&root), None, &Secret([1; 32]));
        let b = session_keys(Some(&root), None, &Secret([2; 32]));
        assert!(a.current == b.current && a.current != root);
        assert!(a.accepted[0] == Secret([1; 32]));
    }

    #[test]
    fn a_server_that_waits_for_its_partner_accepts_sessions_of_both_passwords() {
        let (old, new, own) = (Secret([7; 32]), Secret([8; 32]), Secret([1; 32]));
        let waits = session_keys(Some(&old), Some(&new), &own);
        let over = session_keys(Some(&new), None, &own);
        assert!(waits.current == session_key(&old) && waits.accepted.contains(&over.current));
    }

    #[test]
    fn sessions_of_the_password_before_are_kept_for_their_time_and_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let load = |now| load_sessions_before(dir.path(), Timestamp(now)).unwrap();
        assert_eq!(load(0), None);
        save_sessions_before(&Secret([9; 32]), Timestamp(1_000), dir.path()).unwrap();
        assert_eq!(load(999), Some((Secret([9; 32]), Timestamp(1_000))));
        assert_eq!(load(1_000), None);
        let about = fs::metadata(dir.path().join(SESSION_BEFORE_FILE)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        erase_sessions_before(dir.path()).unwrap();
        erase_sessions_before(dir.path()).unwrap();
        save_next(&Secret([3; 32]), dir.path()).unwrap();
        assert_eq!(load_next(dir.path(), &Secret([3; 32])).unwrap(), None);
        assert_eq!(
            load_next(dir.path(), &Secret([4; 32])).unwrap(),
            Some(Secret([3; 32]))
        );
    }
}
