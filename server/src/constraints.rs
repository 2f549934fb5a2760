//! What each server of a pair has for itself: mailbox classes, VPIM shortcuts, Temporary Remote Users, notification device classes.
//!
//! None of it is replicated (R4). The first three, with the server's capacity, are its *conditions*: they decide which users are on
//! both servers (R9), so the engine hears of every change in the transaction that makes it. Each lies under a key of its own in the
//! store's settings, so a change writes what has changed.

use domain::{ObjectId, ReplicationConstraints, Shortcut, User};
use ledger::LedgerError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{StoreError, View};
use writer::WriteTx;

/// Classes of one server.
pub const CLASSES_MAX: usize = 100;
/// The highest class number; the lowest is 1.
pub const CLASS_NUMBER_MAX: i64 = 999;
/// VPIM shortcuts of one server.
pub const SHORTCUTS_MAX: usize = 100;
/// Temporary Remote Users of one server.
pub const REMOTE_USERS_MAX: usize = 10_000;
/// Characters of a name.
pub const NAME_LENGTH_MAX: usize = 60;
/// The notification device class of whoever has none, and of every GR user.
pub const NO_SERVICE: &str = "No Service";

const CLASS: &str = "class.";
const SHORTCUT: &str = "shortcut.";
const REMOTE_USER: &str = "remote_user.";
const DEVICE_CLASS: &str = "device_class.";
/// The name of class 1 until somebody gives it another.
const FIRST_CLASS: &str = "Standard";

/// A stub for a user of another server of the network, under its mailbox number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteUser {
    /// Display name.
    pub name: String,
    /// Where its mail goes.
    pub address: String,
}

/// The conditions, as the engine needs them.
pub fn load(view: &View<'_>, users_max: u64) -> Result<ReplicationConstraints, StoreError> {
    let remote_users = view.settings(REMOTE_USER)?.into_iter();
    Ok(ReplicationConstraints {
        shortcuts: shortcuts(view)?,
        remote_users: remote_users
            .map(|(key, _)| rest(&key, REMOTE_USER))
            .collect(),
        classes: Some(classes(view)?.into_keys().collect()),
        users_max: Some(users_max),
        // The writer knows.
        no_room: false,
    })
}

/// Tells the engine what the conditions are now. Comes last in a write that changed them.
pub fn renew(
    scope: &mut WriteTx<'_, '_, store::Writer>,
    users_max: u64,
) -> Result<(), LedgerError> {
    let constraints = load(&scope.tx().view(), users_max)?;
    scope.set_conditions(constraints)
}

/// The mailbox classes: numbers and names. Class 1 is always there.
pub fn classes(view: &View<'_>) -> Result<BTreeMap<i64, String>, StoreError> {
    let mut classes = BTreeMap::from([(User::CLASS_DEFAULT, FIRST_CLASS.to_owned())]);
    for (key, name) in view.settings(CLASS)? {
        if let Ok(number) = rest(&key, CLASS).parse() {
            classes.insert(number, String::from_utf8_lossy(&name).into_owned());
        }
    }
    Ok(classes)
}

/// Whether a class is here.
pub fn has_class(view: &View<'_>, number: i64) -> Result<bool, StoreError> {
    Ok(number == User::CLASS_DEFAULT || view.setting(&class_key(number))?.is_some())
}

/// The VPIM shortcuts, in order of their prefixes.
pub fn shortcuts(view: &View<'_>) -> Result<Vec<Shortcut>, StoreError> {
    let stored = view.settings(SHORTCUT)?.into_iter();
    Ok(stored
        .filter_map(|(key, value)| read(&key, &value))
        .collect())
}

/// The Temporary Remote Users, by their mailbox numbers.
pub fn remote_users(view: &View<'_>) -> Result<BTreeMap<String, RemoteUser>, StoreError> {
    let stored = view.settings(REMOTE_USER)?.into_iter();
    let read = |(key, value): (String, Vec<u8>)| {
        let user = read(&key, &value)?;
        Some((rest(&key, REMOTE_USER), user))
    };
    Ok(stored.filter_map(read).collect())
}

/// The Temporary Remote User of a mailbox number.
pub fn remote_user(view: &View<'_>, mailbox: &str) -> Result<Option<RemoteUser>, StoreError> {
    let key = remote_user_key(mailbox);
    let value = view.setting(&key)?;
    Ok(value.and_then(|value| read(&key, &value)))
}

/// The notification device class of a local user.
pub fn device_class(view: &View<'_>, user: &ObjectId) -> Result<String, StoreError> {
    let value = view.setting(&device_class_key(user))?;
    Ok(value.map_or(NO_SERVICE.to_owned(), |name| {
        String::from_utf8_lossy(&name).into_owned()
    }))
}

/// The key of a class. Its value is the name.
pub fn class_key(number: i64) -> String {
    format!("{CLASS}{number}")
}

/// The key of a shortcut. Its value is the shortcut, in JSON.
pub fn shortcut_key(prefix: &str) -> String {
    format!("{SHORTCUT}{prefix}")
}

/// The key of a Temporary Remote User. Its value is the user, in JSON.
pub fn remote_user_key(mailbox: &str) -> String {
    format!("{REMOTE_USER}{mailbox}")
}

/// The key of a user's notification device class. Its value is the name.
pub fn device_class_key(user: &ObjectId) -> String {
    format!("{DEVICE_CLASS}{user}")
}

fn rest(key: &str, prefix: &str) -> String {
    key.strip_prefix(prefix).unwrap_or(key).to_owned()
}

/// A value that cannot be read is as good as none: the server has to start all the same.
fn read<T: DeserializeOwned>(key: &str, value: &[u8]) -> Option<T> {
    serde_json::from_slice(value)
        .inspect_err(
            |error| tracing::error!(key, %error, "a setting of this server cannot be read"),
        )
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_back_as_they_were_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, readers) =
            store::Store::open(dir.path(), store::Options::default()).unwrap();
        let load = || readers.snapshot(|view| load(view, 500)).unwrap();
        let first = load();
        assert_eq!(first.classes, Some([1].into()), "class 1 is always there");
        assert_eq!(first.users_max, Some(500));
        assert!(first.shortcuts.is_empty() && first.remote_users.is_empty());

        let shortcut = Shortcut {
            prefix: "1272".into(),
            overlap: 2,
        };
        let user = RemoteUser {
            name: "Mira Tandell".into(),
            address: "1000@vm.example".into(),
        };
        let mut tx = writer.begin().unwrap();
        tx.put_setting(&class_key(12), "Überall".as_bytes())
            .unwrap();
        let bytes = serde_json::to_vec(&shortcut).unwrap();
        tx.put_setting(&shortcut_key("1272"), &bytes).unwrap();
        tx.put_setting(&shortcut_key("9"), b"damaged").unwrap();
        let bytes = serde_json::to_vec(&user).unwrap();
        tx.put_setting(&remote_user_key("1000"), &bytes).unwrap();
        tx.commit().unwrap();

        let kept = load();
        assert_eq!(kept.classes, Some([1, 12].into()));
        assert_eq!(kept.shortcuts, [shortcut], "the damaged one aside");
        assert_eq!(kept.remote_users, ["1000".to_owned()].into());
        let read = readers.snapshot(|view| {
            Ok((
                classes(view)?,
                has_class(view, 12)?,
                has_class(view, 2)?,
                remote_user(view, "1000")?,
            ))
        });
        let (classes, has, lacks, found) = read.unwrap();
        assert_eq!(classes[&12], "Überall");
        assert!(has && !lacks);
        assert_eq!(found, Some(user));
    }
}
