//! A short name for what an object holds: equal for two copies exactly if their registers have the same versions.

use crate::{Object, ObjectId, Version};

/// A sum of digests, modulo 2^128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

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

impl Object {
    /// Equal for two copies exactly if their registers have the same versions (up to a chance of 2^-128).
    pub fn digest(&self, id: &ObjectId) -> Digest {
        let mut bytes = Vec::with_capacity(16 + self.registers.len() * 26);
        bytes.extend_from_slice(id.as_bytes());
        for (key, register) in &self.registers {
            let Version { hlc, incarnation } = register.version;
            bytes.extend_from_slice(&key.0.to_be_bytes());
            for word in [key.1, hlc.0, incarnation.0] {
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
    use crate::{Hlc, Incarnation, Key, Kind, Value};

    fn object(key: Key, hlc: u64, incarnation: u64) -> Object {
        let mut object = Object::new(Kind::USER, None, None);
        let version = |hlc, incarnation| Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(incarnation),
        };
        object.set(Key::field(1), version(1, 1), Value::Null);
        object.set(key, version(hlc, incarnation), Value::Null);
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
}
