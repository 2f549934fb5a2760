//! Identities that both servers find for themselves.
//!
//! Most ids are drawn by whoever makes an object. Some objects must be *the same* object although each server may make it by
//! itself while the two cannot talk: a system setting, an entry of a distribution list. Their ids follow from what they are,
//! so what was made twice meets by a join, register by register. Such an object is never deleted alone: an id that was
//! deleted once is not made again. What has been taken away says so in a register.

use contract::ObjectId;

/// The id of whatever `context` and `parts` name: 122 bits of their BLAKE3, in the form of a UUID of version 8 (RFC 9562
/// section 5.8).
pub(crate) fn derived_id(context: &str, parts: &[&[u8]]) -> ObjectId {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        // With its length, so that no two lists of parts give the same bytes.
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    ObjectId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_has_the_same_id_and_another_one_another() {
        let id = |context, parts: &[&[u8]]| derived_id(context, parts);
        assert_eq!(id("lists", &[b"ab", b"c"]), id("lists", &[b"ab", b"c"]));
        assert_ne!(id("lists", &[b"ab", b"c"]), id("lists", &[b"a", b"bc"]));
        assert_ne!(id("lists", &[b"ab"]), id("settings", &[b"ab"]));
        assert_eq!(
            id("lists", &[]).as_bytes()[6] >> 4,
            8,
            "a UUID of version 8"
        );
    }
}
