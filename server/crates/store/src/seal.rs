//! The seal at the end of a row's `data`: a checksum over the object's identity and bytes, so that a flipped bit is noticed even where
//! the bytes still make an object.
//!
//! ```text
//! object as CBOR | magic, 4 bytes | first 8 bytes of the BLAKE3 of id and CBOR
//! ```
//! It is part of the column and not a column of its own: so no writer can change one without the other, an older release reads over it,
//! and what an older release wrote has none and is taken for what it says.

use domain::{Object, ObjectId};

/// No text ends so, and one flipped bit does not make a length reach over all of it.
const MAGIC: [u8; 4] = [0xff, b'S', 0xfe, b'1'];
/// Bytes of a seal.
const LEN: usize = MAGIC.len() + 8;

/// The bytes of an object, sealed.
pub(crate) fn seal(id: &ObjectId, object: &Object) -> Vec<u8> {
    let mut data = object.encode();
    let check = check(id, &data);
    data.extend_from_slice(&MAGIC);
    data.extend_from_slice(&check);
    data
}

/// The object, if its bytes are those that were written. Else what is wrong with them.
pub(crate) fn open(id: &ObjectId, data: &[u8]) -> Result<Object, String> {
    let end = data.len().saturating_sub(LEN);
    let (bytes, seal) = data.split_at(end);
    let Some(said) = seal.strip_prefix(&MAGIC) else {
        return Object::decode(data).map_err(|e| e.to_string());
    };
    if said != check(id, bytes) {
        return Err("its checksum is wrong".into());
    }
    Object::decode(bytes).map_err(|e| e.to_string())
}

fn check(id: &ObjectId, bytes: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id.as_bytes()).update(bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{BodyRef, Hlc, Incarnation, Key, Kind, Value, Version};

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    /// An object that ends with bytes, in which a wrong length could hide.
    fn object() -> Object {
        let body = Some(BodyRef::of(b"sound"));
        let mut object = Object::new(Kind::MESSAGE, Some(id(9)), body);
        let version = Version {
            hlc: Hlc(7),
            incarnation: Incarnation(3),
        };
        for (field, value) in [
            (1, Value::Bool(true)),
            (2, Value::Text("é".into())),
            (3, Value::Bytes(vec![0; 4])),
        ] {
            object.set(Key::field(field), version, value);
        }
        object
    }

    #[test]
    fn any_flipped_bit_of_a_sealed_row_is_noticed() {
        let data = seal(&id(1), &object());
        assert_eq!(open(&id(1), &data), Ok(object()));
        for bit in 0..data.len() * 8 {
            let mut bad = data.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&id(1), &bad).is_err(), "bit {bit}");
        }
        for cut in 0..data.len() {
            let whole = cut == data.len() - LEN; // as an older release would have written it
            assert_eq!(open(&id(1), &data[..cut]).is_ok(), whole, "{cut} bytes");
        }
        assert!(open(&id(2), &data).is_err(), "the row of another object");
    }

    #[test]
    fn what_an_older_release_wrote_is_read_without_a_seal() {
        assert_eq!(open(&id(1), &object().encode()), Ok(object()));
    }
}
