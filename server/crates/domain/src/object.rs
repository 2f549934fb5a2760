//! What is replicated: objects made of versioned registers, and how two copies meet.

use crate::{ServerId, Version};
use contract::ObjectId;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What an object is. Unknown kinds of later levels are kept and passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Kind(pub u8);

impl Kind {
    /// A user with mailbox; see [`crate::User`].
    pub const USER: Self = Self(1);
    /// A mailbox message; see [`crate::Message`].
    pub const MESSAGE: Self = Self(2);
    /// A greeting or recorded name.
    pub const GREETING: Self = Self(3);
    /// An entry of a personal distribution list.
    pub const LIST_ENTRY: Self = Self(4);
    /// A replicated system setting (R4).
    pub const SETTING: Self = Self(5);
    /// The account of an administrator; see [`crate::AdministratorAccount`].
    pub const ADMINISTRATOR: Self = Self(6);
    /// A message that is being composed; see [`crate::Draft`].
    pub const DRAFT: Self = Self(7);
    /// A piece of what is recorded or attached for a draft; see [`crate::DraftPiece`].
    pub const DRAFT_PIECE: Self = Self(8);
    /// What a user has handed in to be sent; see [`crate::Submission`].
    pub const SUBMISSION: Self = Self(9);
    /// What was accepted for other systems and is on its way there; see [`crate::OutgoingMessage`].
    pub const OUTGOING: Self = Self(10);
}

/// Which register of an object: a field, and a sub-key for fields that have one register per server or entry (0 otherwise).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub u16, pub u64);

impl Key {
    /// The single register of a field.
    pub const fn field(field: u16) -> Self {
        Self(field, 0)
    }

    /// The register of a field for one server.
    pub const fn per_server(field: u16, server: ServerId) -> Self {
        Self(field, server.0)
    }
}

/// The content of a register. What belongs together is one register, as a [`Value::List`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    #[serde(rename = "0")]
    Null,
    /// Yes or no.
    #[serde(rename = "b")]
    Bool(bool),
    /// A whole number, a [`contract::Timestamp`], a [`ServerId`] (bit for bit).
    #[serde(rename = "i")]
    Int(i64),
    /// Text.
    #[serde(rename = "t")]
    Text(String),
    /// Bytes.
    #[serde(rename = "y")]
    Bytes(#[serde(with = "raw_bytes")] Vec<u8>),
    /// Several values that make sense only together.
    #[serde(rename = "l")]
    List(#[serde(deserialize_with = "grown")] Vec<Value>),
}

/// A value and when it was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// When and by whom it was set.
    #[serde(rename = "v")]
    pub version: Version,
    /// What it holds.
    #[serde(rename = "x")]
    pub value: Value,
}

/// Where an immutable body is found: by the hash of its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BodyRef {
    /// BLAKE3 of the bytes.
    #[serde(rename = "h")]
    pub hash: [u8; 32],
    /// Number of bytes.
    #[serde(rename = "n")]
    pub len: u32,
}

/// One replicated thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What it is.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// The user it belongs to; `None` for users, settings and administrators.
    #[serde(rename = "o")]
    pub owner: Option<ObjectId>,
    /// Its immutable body, if it has one.
    #[serde(rename = "b")]
    pub body: Option<BodyRef>,
    /// Its registers.
    #[serde(rename = "f")]
    pub registers: BTreeMap<Key, Register>,
}

/// What a join did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Mine has changed: theirs had something newer.
    pub changed: bool,
    /// Mine now holds more than what arrived: theirs lacked something.
    pub ahead: bool,
}

/// Bytes that are not an object.
#[derive(Debug, thiserror::Error)]
#[error("stored object cannot be read: {0}")]
pub struct DecodeError(String);

impl BodyRef {
    /// The reference of these bytes. A body is at most 4 GiB long; the limits on messages are far below that.
    pub fn of(bytes: &[u8]) -> Self {
        let len = u32::try_from(bytes.len()).expect("bodies are limited long before 4 GiB");
        Self {
            hash: *blake3::hash(bytes).as_bytes(),
            len,
        }
    }
}

impl std::fmt::Debug for BodyRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}…/{}",
            blake3::Hash::from_bytes(self.hash)
                .to_hex()
                .get(..8)
                .unwrap_or(""),
            self.len
        )
    }
}

impl Object {
    /// An object without registers.
    pub fn new(kind: Kind, owner: Option<ObjectId>, body: Option<BodyRef>) -> Self {
        Self {
            kind,
            owner,
            body,
            registers: BTreeMap::new(),
        }
    }

    /// The value of a register.
    pub fn get(&self, key: Key) -> Option<&Value> {
        self.registers.get(&key).map(|r| &r.value)
    }

    /// The version of a register; the lowest version if it was never set.
    pub fn version(&self, key: Key) -> Version {
        self.registers
            .get(&key)
            .map_or(Version::default(), |r| r.version)
    }

    /// Sets a register if `version` is newer than what it has. Returns whether it did.
    pub fn set(&mut self, key: Key, version: Version, value: Value) -> bool {
        if self
            .registers
            .get(&key)
            .is_some_and(|r| r.version >= version)
        {
            return false;
        }
        self.registers.insert(key, Register { version, value });
        true
    }

    /// The newest version of any register.
    pub fn newest(&self) -> Version {
        self.registers
            .values()
            .map(|r| r.version)
            .max()
            .unwrap_or_default()
    }

    /// Takes over what is newer in `theirs`, register by register (E4). Commutative, associative, idempotent.
    ///
    /// Kind, owner and body never change in the life of an object, so of two copies that differ there the first is kept. Two values under
    /// one version come from a machine that was resumed from a snapshot and wrote again under the life that it had: the greater one is
    /// taken on both sides, so that they come to the same.
    pub fn join(&mut self, theirs: &Object) -> Joined {
        let mut joined = Joined::default();
        for (key, register) in &theirs.registers {
            let Some(mine) = self.registers.get_mut(key) else {
                self.registers.insert(*key, register.clone());
                joined.changed = true;
                continue;
            };
            match (mine.version, &mine.value).cmp(&(register.version, &register.value)) {
                Ordering::Greater => joined.ahead = true,
                Ordering::Equal => {}
                Ordering::Less => {
                    *mine = register.clone();
                    joined.changed = true;
                }
            }
        }
        joined.ahead |= self
            .registers
            .keys()
            .any(|key| !theirs.registers.contains_key(key));
        joined
    }

    /// Its bytes, as CBOR.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        ciborium::into_writer(self, &mut bytes)
            .expect("an object is plain data and memory does not fail");
        bytes
    }

    /// Reads what [`Self::encode`] wrote: all of it, and nothing behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes;
        let object = ciborium::from_reader(&mut rest).map_err(|e| DecodeError(e.to_string()))?;
        match rest.len() {
            0 => Ok(object),
            more => Err(DecodeError(format!("{more} bytes too many"))),
        }
    }
}

impl Value {
    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(n) = self {
            Some(*n)
        } else {
            None
        }
    }

    /// The truth, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self {
            Some(*b)
        } else {
            None
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(t) = self {
            Some(t)
        } else {
            None
        }
    }

    /// The bytes, if they are.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(b) = self {
            Some(b)
        } else {
            None
        }
    }

    /// The members, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(l) = self {
            Some(l)
        } else {
            None
        }
    }
}

impl From<ServerId> for Value {
    fn from(server: ServerId) -> Self {
        Self::Int(server.0.cast_signed())
    }
}

/// Reads a list that grows with the values that are there: announcing a length takes no memory, however deep lists are in lists.
fn grown<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Value>, D::Error> {
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Vec<Value>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of values")
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, mut values: A) -> Result<Vec<Value>, A::Error> {
            let mut list = Vec::new();
            while let Some(value) = values.next_element()? {
                list.push(value);
            }
            Ok(list)
        }
    }
    d.deserialize_seq(Visitor)
}

/// Bytes as a byte string, not as a list of numbers.
mod raw_bytes {
    use serde::{Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a byte string")
            }
            fn visit_bytes<E: de::Error>(self, v: &[u8]) -> Result<Vec<u8>, E> {
                Ok(v.to_vec())
            }
            fn visit_byte_buf<E: de::Error>(self, v: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(v)
            }
        }
        d.deserialize_byte_buf(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation};
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            "[a-zé]{0,6}".prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..6).prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            proptest::collection::vec(inner, 0..3).prop_map(Value::List)
        })
    }

    fn object() -> impl Strategy<Value = Object> {
        // One version may have two values: a machine that was resumed from a snapshot writes again under the life that it had.
        proptest::collection::btree_map((0u16..4, 0u64..2), (0u64..4, 0u64..3, 0i64..2), 0..6)
            .prop_map(|m| {
                let mut o = Object::new(Kind::USER, None, None);
                for ((f, s), (hlc, life, value)) in m {
                    let version = Version {
                        hlc: Hlc(hlc),
                        incarnation: Incarnation(life),
                    };
                    o.set(Key(f, s), version, Value::Int(value));
                }
                o
            })
    }

    proptest! {
        #[test]
        fn joining_is_commutative_associative_and_idempotent(a in object(), b in object(), c in object()) {
            let join = |x: &Object, y: &Object| { let mut x = x.clone(); x.join(y); x };
            prop_assert_eq!(join(&a, &b), join(&b, &a));
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&a, &a), a);
        }

        #[test]
        fn a_join_says_whether_something_changed_and_whether_something_is_ahead(a in object(), b in object()) {
            let mut joined = a.clone();
            let said = joined.join(&b);
            prop_assert_eq!(said.changed, joined != a);
            prop_assert_eq!(said.ahead, joined != b);
        }

        #[test]
        fn an_object_survives_its_bytes(mut o in object(), v in value(), bytes in proptest::collection::vec(any::<u8>(), 0..9)) {
            o.owner = Some(ObjectId::from_bytes([3; 16]));
            o.body = Some(BodyRef::of(&bytes));
            o.set(Key(9, 9), Version { hlc: Hlc(9), incarnation: Incarnation(u64::MAX) }, v);
            prop_assert_eq!(Object::decode(&o.encode()).unwrap(), o);
        }
    }
}
