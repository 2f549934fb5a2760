//! A short name for everything a server holds, kept up to date by every write, so that comparing costs what differs (R15).
//!
//! Each object has a digest of its identity and the versions of its registers. The digests of all objects in a *bucket* are summed,
//! and so are those of the 256 buckets of a *part*. A sum follows a change by one subtraction and one addition; two servers that
//! hold the same have the same sums, and where they do not, three questions lead to the objects that differ.

use crate::{Object, Version};
use contract::ObjectId;

/// What is compared: users and settings, or what belongs to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// Objects without owner, each in the bucket of its own id.
    Users,
    /// Objects with an owner, each in the bucket of the owner's id: so a mailbox lies in one bucket, that of its user.
    Contents,
}

/// A sum of digests, modulo 2^128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

/// Where an object is in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// Which tree.
    pub tree: Tree,
    /// Which bucket; the upper 8 bits are its part.
    pub no: u16,
}

impl Digest {
    /// Another one comes to the sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// One leaves it.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    /// The lower half, as it is said to the partner: two that differ look the same once in 2^64.
    pub fn short(self) -> u64 {
        self.0 as u64
    }
}

impl Bucket {
    /// Where an object is.
    pub fn of(id: &ObjectId, object: &Object) -> Self {
        match &object.owner {
            None => Self {
                tree: Tree::Users,
                no: Self::number(id),
            },
            Some(owner) => Self {
                tree: Tree::Contents,
                no: Self::number(owner),
            },
        }
    }

    /// The bucket number of an id: 16 bits of its BLAKE3, because ids of one day begin alike.
    pub fn number(id: &ObjectId) -> u16 {
        let hash = blake3::hash(id.as_bytes());
        u16::from_be_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])
    }

    /// The part of a bucket.
    pub fn part(no: u16) -> u8 {
        (no >> 8) as u8
    }
}

impl Object {
    /// Equal for two copies exactly if their registers have the same versions (up to a chance of 2^-128).
    pub fn digest(&self, id: &ObjectId) -> Digest {
        let mut bytes = Vec::with_capacity(16 + self.registers.len() * 26);
        bytes.extend_from_slice(id.as_bytes());
        for (key, register) in &self.registers {
            let Version { hlc, life } = register.version;
            bytes.extend_from_slice(&key.0.to_be_bytes());
            for word in [key.1, hlc.0, life.0] {
                bytes.extend_from_slice(&word.to_be_bytes());
            }
        }
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
        Digest(u128::from_be_bytes(half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Key, Kind, Life, Value};

    fn object(key: Key, hlc: u64, life: u64) -> Object {
        let mut object = Object::new(Kind::USER, None, None);
        let version = |hlc, life| Version {
            hlc: Hlc(hlc),
            life: Life(life),
        };
        object.set(Key::field(1), version(1, 1), Value::Null);
        object.set(key, version(hlc, life), Value::Null);
        object
    }

    #[test]
    fn copies_with_other_versions_or_other_ids_have_other_digests() {
        let (id, other) = (ObjectId::from_bytes([1; 16]), ObjectId::from_bytes([2; 16]));
        let one = object(Key::field(2), 2, 1);
        assert_eq!(one.digest(&id), one.clone().digest(&id));
        assert_ne!(one.digest(&id), one.digest(&other));
        for changed in [
            object(Key::field(2), 3, 1),
            object(Key::field(2), 2, 2),
            object(Key(2, 1), 2, 1),
        ] {
            assert_ne!(one.digest(&id), changed.digest(&id));
        }
    }

    #[test]
    fn sums_do_not_depend_on_the_order_and_return_to_nothing() {
        let (a, b) = (Digest(u128::MAX), Digest(7));
        assert_eq!(a.plus(b), b.plus(a));
        assert_eq!(a.plus(b).minus(a).minus(b), Digest::default());
    }

    #[test]
    fn a_mailbox_lies_in_the_bucket_of_its_user() {
        let user = ObjectId::from_bytes([5; 16]);
        let message = Object::new(Kind::MESSAGE, Some(user), None);
        let at = Bucket::of(&ObjectId::from_bytes([6; 16]), &message);
        let home = Bucket::of(&user, &Object::new(Kind::USER, None, None));
        assert_eq!((at.no, at.tree), (home.no, Tree::Contents));
        assert_eq!(home.tree, Tree::Users);
    }
}
