//! Secrets in rows: sealed on the disk, so that a copy of the database tells none of them, and open everywhere else.
//!
//! One register holds a secret that is needed as it is: the second factor of an administrator ([`SecondFactor`]). It is sealed when a row is
//! written and opened when it is read, here and nowhere else: the engine, the partner and the digests know nothing of it, and each server has a
//! key of its own. What cannot be opened stays sealed, and is written back as it was.

use domain::{Kind, Object, ObjectId, OneTimeSecret, SecondFactor};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Seals what a copy of the database must not tell. It opens what it has sealed for the same object, and nothing else.
pub trait Sealer: fmt::Debug + Send + Sync {
    /// Seals a secret of an object.
    fn seal(&self, of: &ObjectId, secret: &[u8]) -> Vec<u8>;

    /// Opens it again; `None` if another key has sealed it, for another object, or if it is not what was sealed.
    fn open(&self, of: &ObjectId, sealed: &[u8]) -> Option<Vec<u8>>;
}

/// Makes the sealer of a store, in whose directory its key lies. Called under the lock of the directory.
pub type MakeSealer = fn(&Path) -> io::Result<Arc<dyn Sealer>>;

/// How secrets go to the disk and come from it. Without a sealer they go as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(pub Option<Arc<dyn Sealer>>);

impl Secrets {
    /// Whether there is anything that seals.
    pub(crate) fn are_sealed(&self) -> bool {
        self.0.is_some()
    }

    /// An object as its row is written.
    pub(crate) fn sealed<'o>(&self, id: &ObjectId, object: &'o Object) -> Cow<'o, Object> {
        let Some(sealer) = &self.0 else {
            return Cow::Borrowed(object);
        };
        let sealed = match factor(object) {
            Some(SecondFactor::Plain(secret)) => SecondFactor::Sealed(OneTimeSecret {
                bytes: sealer.seal(id, &secret.bytes),
                ..secret
            }),
            Some(SecondFactor::Sealed(_)) | None => return Cow::Borrowed(object),
        };
        Cow::Owned(with(object.clone(), &sealed))
    }

    /// An object as it is used, from one as its row holds it.
    pub(crate) fn opened(&self, id: &ObjectId, object: Object) -> Object {
        let (Some(sealer), Some(SecondFactor::Sealed(secret))) = (&self.0, factor(&object)) else {
            return object;
        };
        match sealer.open(id, &secret.bytes) {
            Some(bytes) => with(
                object,
                &SecondFactor::Plain(OneTimeSecret { bytes, ..secret }),
            ),
            None => object,
        }
    }
}

fn factor(object: &Object) -> Option<SecondFactor> {
    let is_account = object.kind == Kind::ADMINISTRATOR;
    SecondFactor::read(object.get(SecondFactor::KEY).filter(|_| is_account)?)
}

/// The object with this in place of the second factor that it has, under the same version.
fn with(mut object: Object, factor: &SecondFactor) -> Object {
    if let Some(register) = object.registers.get_mut(&SecondFactor::KEY) {
        register.value = factor.value();
    }
    object
}
