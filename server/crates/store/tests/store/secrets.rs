//! What a copy of the database must not tell: sealed on the disk, open everywhere else.

use crate::support::Site;
use domain::{
    AdministratorAccount, AdministratorRole, Hlc, Incarnation, Key, Kind, Object, ObjectId,
    OneTimeSecret, Password, SecondFactor, Timestamp, Value, Version, administrator_fields,
};
use ledger::Ledger;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use store::{Options, Sealer};

const SECRET: &[u8] = b"twenty secret octets";

/// No cipher, but for these tests as good as one: it hides, and knows its own.
#[derive(Debug)]
struct Mask(u8);

impl Sealer for Mask {
    fn seal(&self, of: &ObjectId, secret: &[u8]) -> Vec<u8> {
        let masked = secret.iter().map(|byte| byte ^ self.0);
        [self.0, of.as_bytes()[0]]
            .into_iter()
            .chain(masked)
            .collect()
    }

    fn open(&self, of: &ObjectId, sealed: &[u8]) -> Option<Vec<u8>> {
        let masked = sealed.strip_prefix(&[self.0, of.as_bytes()[0]])?;
        Some(masked.iter().map(|byte| byte ^ self.0).collect())
    }
}

fn one(_: &Path) -> io::Result<Arc<dyn Sealer>> {
    Ok(Arc::new(Mask(0x80)))
}

fn other(_: &Path) -> io::Result<Arc<dyn Sealer>> {
    Ok(Arc::new(Mask(0x81)))
}

fn sealing(sealer: store::MakeSealer) -> Options {
    Options {
        sealer: Some(sealer),
        ..Options::default()
    }
}

fn mira() -> ObjectId {
    AdministratorAccount::id("mira")
}

fn version(hlc: u64) -> Version {
    Version {
        hlc: Hlc(hlc),
        incarnation: Incarnation(1),
    }
}

/// The account of mira, who has a second factor.
fn account() -> Object {
    let mut object = Object::new(Kind::ADMINISTRATOR, None, None);
    let password = Password::new("$argon2id$x".into(), Timestamp(5));
    let role = AdministratorRole::Administrator;
    for (key, value) in AdministratorAccount::registers("mira", role, &password, 0) {
        object.set(key, version(1), value);
    }
    let secret = OneTimeSecret {
        bytes: SECRET.to_vec(),
        confirmed: true,
    };
    let value = SecondFactor::Plain(secret).value();
    object.set(SecondFactor::KEY, version(2), value);
    object
}

/// Whether the secret stands in any file of the store.
fn is_told(dir: &Path) -> bool {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let mut files = files.filter(|path| path.is_file());
    files.any(|path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(SECRET.len()).any(|part| part == SECRET)
    })
}

/// As a reader, a list and the writer see it: all the same.
fn seen(site: &mut Site) -> Object {
    let read = site.readers.object(&mira()).unwrap().unwrap();
    let listed = site.readers.snapshot(|view| view.administrators()).unwrap();
    assert_eq!(listed, [(mira(), read.clone())]);
    let written = site.commit(|tx| tx.object(&mira()).unwrap().unwrap());
    assert_eq!(written, read);
    read
}

fn factor(object: &Object) -> SecondFactor {
    let account = AdministratorAccount::of(object).unwrap();
    account.second_factor().unwrap()
}

#[test]
fn a_secret_lies_sealed_in_all_places_for_objects_and_is_open_to_all_who_read() {
    let mut site = Site::with(sealing(one));
    site.commit(|tx| {
        tx.put(&mira(), &account()).unwrap();
        tx.stage(&mira(), Some(&account())).unwrap();
        tx.keep(&mira(), &account()).unwrap();
        let staged = tx.staged(&mira()).unwrap();
        assert_eq!(staged, Some(account()));
        assert_eq!(tx.kept_after(None, 9).unwrap(), [(mira(), account())]);
    });
    assert_eq!(seen(&mut site), account());
    assert!(!is_told(site.dir.path()));
    let mut site = site.reopen_after(sealing(one), |_| {});
    assert_eq!(seen(&mut site), account());
}

#[test]
fn what_an_earlier_release_left_plain_is_sealed_at_the_start_and_reads_the_same() {
    let mut site = Site::new();
    site.commit(|tx| {
        tx.put(&mira(), &account()).unwrap();
        tx.keep(&mira(), &account()).unwrap();
    });
    assert!(is_told(site.dir.path()), "without a sealer");
    let digest = account().digest(&mira());
    let mut site = site.reopen_after(sealing(one), |_| {});
    assert!(!is_told(site.dir.path()), "not even in what is free");
    assert_eq!(seen(&mut site), account());
    assert_eq!(seen(&mut site).digest(&mira()), digest);
    // Whoever reads it without the key finds it sealed.
    let mut site = site.reopen();
    assert!(matches!(factor(&seen(&mut site)), SecondFactor::Sealed(_)));
}

#[test]
fn what_another_key_has_sealed_stays_sealed_and_opens_when_the_key_is_back() {
    let mut site = Site::with(sealing(one));
    site.commit(|tx| tx.put(&mira(), &account()).unwrap());
    let mut site = site.reopen_after(sealing(other), |_| {});
    let mut changed = seen(&mut site);
    assert!(matches!(factor(&changed), SecondFactor::Sealed(_)));
    assert!(
        AdministratorAccount::of(&changed)
            .unwrap()
            .has_unreadable_second_factor()
    );
    // The rest of the account is there, and can be changed.
    let locked = Key::field(administrator_fields::LOCKED);
    changed.set(locked, version(3), Value::Bool(true));
    site.commit(|tx| tx.put(&mira(), &changed).unwrap());
    let mut site = site.reopen_after(sealing(one), |_| {});
    assert_eq!(factor(&seen(&mut site)), factor(&account()));
    // What the partner gives is sealed by the key that there is now.
    let mut site = site.reopen_after(sealing(other), |_| {});
    let mut healed = seen(&mut site);
    assert!(healed.join(&account()).changed);
    site.commit(|tx| tx.put(&mira(), &healed).unwrap());
    assert_eq!(factor(&seen(&mut site)), factor(&account()));
    assert!(!is_told(site.dir.path()));
}

#[test]
fn a_store_whose_key_cannot_be_used_does_not_open() {
    fn none(_: &Path) -> io::Result<Arc<dyn Sealer>> {
        Err(io::Error::other("secrets.key is not a key"))
    }
    let dir = tempfile::tempdir().unwrap();
    let fault = store::Store::open(dir.path(), sealing(none)).err().unwrap();
    let source = std::error::Error::source(&fault).unwrap().to_string();
    assert_eq!(source, "secrets.key is not a key");
}
