//! What a message says of the ones before it (E13).
//!
//! A machine that was resumed from a snapshot goes on with numbers that it has used. What it says under such a number may be lost, and then
//! nothing shows that the partner has something else under it. So each message names the ones before it.

use crate::limits::PRECEDING_MAX;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Fingerprints of the messages that came just before one, newest first: of their ids, 16 bits each; at most [`PRECEDING_MAX`].
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

    /// The numbers before `no`, each with the fingerprint that it has by this message.
    pub(crate) fn of(&self, no: u64) -> impl Iterator<Item = (u64, u16)> + '_ {
        let told = &self.prints[..usize::from(self.count)];
        (1..no).rev().zip(told.iter().copied())
    }
}

impl Serialize for Preceding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = &self.prints[..usize::from(self.count)];
        let bytes: Vec<u8> = told.iter().flat_map(|print| print.to_be_bytes()).collect();
        serializer.serialize_bytes(&bytes)
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
        let named: Vec<_> = told.of(next).collect();
        assert_eq!(named.len(), PRECEDING_MAX);
        assert!(named.iter().all(|&(no, print)| no == u64::from(print)));
        assert_eq!(named.first().map(|named| named.0), Some(next - 1));
    }

    #[test]
    fn nothing_stands_before_the_first() {
        let mut told = Preceding::default();
        told.push(9);
        told.push(8);
        assert_eq!(told.of(2).collect::<Vec<_>>(), [(1, 8)]);
        assert_eq!(told.of(1).count(), 0);
        assert_eq!(told.of(0).count(), 0);
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
