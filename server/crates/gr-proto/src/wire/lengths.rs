//! Lengths that a text in CBOR says and that cannot be: whoever makes room by them makes room for what has not come.

/// Major types whose argument counts what follows (RFC 8949, section 3.1).
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;

/// Whether each list and map has no more entries than octets follow it. A text that ends too early is left to its reader, and so is all else
/// that is wrong with it.
pub(super) fn are_possible(mut rest: &[u8]) -> bool {
    while let Some((head, after)) = head(rest) {
        let Head { major, argument } = head;
        let left = u64::try_from(after.len()).unwrap_or(u64::MAX);
        let entries = match major {
            LIST => argument,
            MAP => argument.saturating_mul(2),
            _ => 0,
        };
        if entries > left {
            return false;
        }
        let skipped = match major {
            BYTES | TEXT => argument,
            _ => 0,
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        rest = after.get(skipped..).unwrap_or_default();
    }
    true
}

/// The head of a data item; one of indefinite length has no argument.
struct Head {
    major: u8,
    argument: u64,
}

/// The head in front, and what follows it; `None` at the end, or where none can be read.
fn head(octets: &[u8]) -> Option<(Head, &[u8])> {
    let (&first, rest) = octets.split_first()?;
    let size = match first & 0x1f {
        0..24 | 31 => 0,
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (argument, rest) = rest.split_at_checked(size)?;
    let argument = match first & 0x1f {
        small @ 0..24 => u64::from(small),
        _ => argument
            .iter()
            .fold(0, |sum, octet| sum << 8 | u64::from(*octet)),
    };
    let major = first >> 5;
    Some((Head { major, argument }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_or_map_is_not_longer_than_what_follows() {
        for possible in [
            &[][..],
            &[0x80],
            &[0x82, 1, 2],
            // A list without a length, and strings whose octets look like long lists.
            &[0x9f, 0x43, 0x9b, 0xff, 0xff, 0x63, 0x9a, 0xff, 0xff, 0xff],
            &[0xa1, 0x61, b'a', 0x81, 0xf6],
            // They end too early: their reader says so.
            &[0x5a, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x9b, 0xff],
        ] {
            assert!(are_possible(possible), "{possible:x?}");
        }
        for impossible in [
            &[0x83, 1, 2][..],
            &[0xa2, 1, 2, 3],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x82, 1, 0xa1, 0x61, b'a', 0x99, 0xa4, 0x61, 4],
        ] {
            assert!(!are_possible(impossible), "{impossible:x?}");
        }
    }
}
