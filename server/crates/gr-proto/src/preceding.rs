//! What a message says of the ones before it (E13).
//!
//! A machine that was resumed from a snapshot goes on with numbers that it has used. What it says under such a number may be lost, and then
//! nothing shows that the partner has something else under it. So each message names the ones before it.

use crate::limits::PRECEDING_MAX;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Fingerprints of the messages that came just before one and are not settled, newest first: of their ids, 16 bits each; at most
/// [`PRECEDING_MAX`].
///
/// Empty from a server that does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preceding {
    count: u8,
    prints: [u16; PRECEDING_MAX],
}

/// What stands for the id of a message among [`Preceding`].
pub(crate) fn fingerprint(id: u64) -> u16 {
    (id & 0xffff) as u16
}

impl Preceding {
    /// Nothing is told.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// After a message with this id.
    pub(crate) fn push(&mut self, id: u64) {
        self.prints.copy_within(..PRECEDING_MAX - 1, 1);
        self.prints[0] = fingerprint(id);
        self.count = (self.count + 1).min(PRECEDING_MAX as u8);
    }

    /// The newest `most` of them.
    pub(crate) fn newest(mut self, most: u64) -> Self {
        let most = u8::try_from(most).unwrap_or(u8::MAX);
        self.count = self.count.min(most);
        self.prints[usize::from(self.count)..].fill(0);
        self
    }

    /// Whether it says what `other` says, and perhaps more.
    pub(crate) fn begins_with(&self, other: &Self) -> bool {
        let count = usize::from(other.count);
        other.count <= self.count && self.prints[..count] == other.prints[..count]
    }

    /// The first number that message `no` names; `no` itself if it names none.
    pub(crate) fn first(&self, no: u64) -> u64 {
        no.saturating_sub(u64::from(self.count)).max(1).min(no)
    }

    /// What message `no` says of the number `before`, if it names it.
    pub(crate) fn of(&self, before: u64, no: u64) -> Option<u16> {
        let back = usize::try_from(no.checked_sub(before)?.checked_sub(1)?).ok()?;
        self.prints[..usize::from(self.count)].get(back).copied()
    }
}

impl Serialize for Preceding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut octets = [[0; 2]; PRECEDING_MAX];
        for (pair, print) in octets.iter_mut().zip(&self.prints) {
            *pair = print.to_be_bytes();
        }
        serializer.serialize_bytes(octets[..usize::from(self.count)].as_flattened())
    }
}

impl<'de> Deserialize<'de> for Preceding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Octets)
    }
}

struct Octets;

impl de::Visitor<'_> for Octets {
    type Value = Preceding;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {PRECEDING_MAX} pairs of octets")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Preceding, E> {
        let (pairs, []) = bytes.as_chunks::<2>() else {
            return Err(E::invalid_length(bytes.len(), &self));
        };
        if pairs.len() > PRECEDING_MAX {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let mut told = Preceding {
            count: pairs.len() as u8,
            ..Preceding::default()
        };
        for (print, pair) in told.prints.iter_mut().zip(pairs) {
            *print = u16::from_be_bytes(*pair);
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let mut told = Preceding::default();
        for id in 1..=PRECEDING_MAX as u64 + 3 {
            told.push(id << 16 | id);
        }
        let next = PRECEDING_MAX as u64 + 4;
        assert_eq!(told.newest(3).first(next), next - 3);
        assert!(told.newest(0).is_empty());
        assert!(told.begins_with(&told.newest(3)) && !told.newest(3).begins_with(&told));
        assert!(told.begins_with(&told), "it says what it says itself");
        assert!(!told.begins_with(&Preceding {
            count: 1,
            ..Preceding::default()
        }));
        // Of a message whose fingerprint is 0.
        let zero = Preceding {
            count: 1,
            ..Preceding::default()
        };
        assert!(!Preceding::default().begins_with(&zero));
        assert_eq!(told.newest(u64::MAX), told);
        assert_eq!(told.first(next), next - PRECEDING_MAX as u64);
        for before in 1..=next {
            let named = (told.first(next)..next).contains(&before);
            let print = told.of(before, next).map(u64::from);
            assert_eq!(print, named.then_some(before));
        }
    }

    #[test]
    fn nothing_stands_before_the_first() {
        let mut told = Preceding::default();
        told.push(9);
        told.push(8);
        assert_eq!((told.first(2), told.of(1, 2)), (1, Some(8)));
        assert_eq!((told.first(1), told.first(0)), (1, 0));
        assert_eq!((told.of(1, 1), told.of(0, 0)), (None, None));
    }

    #[test]
    fn it_is_read_as_it_was_written_and_not_when_it_is_too_long_or_torn() {
        let mut told = Preceding::default();
        let read = |bytes: &[u8]| ciborium::from_reader::<Preceding, _>(bytes).ok();
        for id in 0..PRECEDING_MAX as u64 {
            told.push(id * 7919);
            let mut bytes = Vec::new();
            ciborium::into_writer(&told, &mut bytes).unwrap();
            assert_eq!(read(&bytes), Some(told));
        }
        // A byte string of CBOR, its length in the second octet.
        let long = |length: usize| [&[0x58, length as u8][..], &vec![1; length]].concat();
        assert!(read(&long(PRECEDING_MAX * 2)).is_some());
        assert!(read(&long(PRECEDING_MAX * 2 + 2)).is_none());
        assert!(read(&long(PRECEDING_MAX * 2 - 1)).is_none());
    }
}
