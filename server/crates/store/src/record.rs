//! How a body lies in a segment: a header of 48 bytes, then the body.
//!
//! ```text
//!  0  magic "CPB1"
//!  4  length of the body, 32 bits, little endian
//!  8  BLAKE3 of the body, 32 bytes
//! 40  first 8 bytes of the BLAKE3 of the 40 bytes before
//! 48  the body
//! ```
//!
//! So a segment can be walked without the database, and a torn record is told from a whole one.

use crate::Disk;
use domain::BodyRef;
use std::fs::File;
use std::io;

/// Bytes before the body.
pub(crate) const HEADER: usize = 48;
const MAGIC: &[u8; 4] = b"CPB1";
/// Bytes hashed at a time by [`walk`].
const CHUNK: usize = 1 << 20;

/// What a body takes in its segment.
pub(crate) fn size(body: &BodyRef) -> u64 {
    HEADER as u64 + u64::from(body.len)
}

/// The header of a body.
pub(crate) fn header(body: &BodyRef) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..4].copy_from_slice(MAGIC);
    bytes[4..8].copy_from_slice(&body.len.to_le_bytes());
    bytes[8..40].copy_from_slice(&body.hash);
    let check = check(&bytes);
    bytes[40..].copy_from_slice(&check);
    bytes
}

/// The body a header announces; `None` if this is no header.
pub(crate) fn read_header(bytes: &[u8; HEADER]) -> Option<BodyRef> {
    if &bytes[..4] != MAGIC || bytes[40..] != check(bytes) {
        return None;
    }
    Some(BodyRef {
        len: u32::from_le_bytes(bytes[4..8].try_into().ok()?),
        hash: bytes[8..40].try_into().ok()?,
    })
}

fn check(bytes: &[u8; HEADER]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(&bytes[..40]).as_bytes()[..8]);
    first
}

/// Walks the records between two offsets and returns where the last whole one ends. One that has its header and not its body, because
/// it was damaged or its room was given back, is passed over; the walk stops where there is no header, or one that promises more than
/// there is.
pub(crate) fn walk(
    disk: &dyn Disk,
    file: &File,
    from: u64,
    to: u64,
    mut found: impl FnMut(u64, BodyRef),
) -> io::Result<u64> {
    let (mut at, mut whole) = (from, from);
    let mut head = [0; HEADER];
    while at + HEADER as u64 <= to {
        disk.read(file, &mut head, at)?;
        let Some(body) = read_header(&head) else {
            break;
        };
        let end = at + size(&body);
        if end > to {
            break;
        }
        if hash(disk, file, at + HEADER as u64, end)? == body.hash {
            found(at, body);
            whole = end;
        }
        at = end;
    }
    Ok(whole)
}

fn hash(disk: &dyn Disk, file: &File, from: u64, to: u64) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK.min(usize::try_from(to - from).unwrap_or(CHUNK))];
    let mut at = from;
    while at < to {
        let rest = usize::try_from(to - at).unwrap_or(CHUNK);
        let part = &mut chunk[..rest.min(CHUNK)];
        disk.read(file, part, at)?;
        hasher.update(part);
        at += part.len() as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealDisk;
    use std::io::Write;

    fn record(bytes: &[u8]) -> Vec<u8> {
        [&header(&BodyRef::of(bytes))[..], bytes].concat()
    }

    #[test]
    fn a_header_reads_back_and_any_flipped_bit_is_noticed() {
        let body = BodyRef::of(b"sound");
        let good = header(&body);
        assert_eq!(read_header(&good), Some(body));
        for bit in 0..HEADER * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_header(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_walk_ends_after_the_last_whole_record_wherever_the_file_is_cut() {
        let whole = [record(b"one"), record(&[7; 3000])].concat();
        let first = record(b"one").len() as u64;
        for cut in [0, 1, 47, 50, 51, 52, 98, 99, whole.len() - 1, whole.len()] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&whole[..cut]).unwrap();
            let mut seen = 0;
            let end = walk(&RealDisk, &file, 0, cut as u64, |_, _| seen += 1).unwrap();
            let expected = match cut as u64 {
                c if c < first => (0, 0),
                c if c < whole.len() as u64 => (first, 1),
                c => (c, 2),
            };
            assert_eq!((end, seen), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_walk_passes_over_a_body_that_is_not_what_its_header_says() {
        let mut damaged = record(b"one");
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        let both = [damaged.clone(), record(b"two")].concat();
        for (bytes, whole) in [(damaged, vec![]), (both, vec![BodyRef::of(b"two")])] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let mut found = Vec::new();
            let to = bytes.len() as u64;
            let end = walk(&RealDisk, &file, 0, to, |_, body| found.push(body)).unwrap();
            assert_eq!(end, if whole.is_empty() { 0 } else { to });
            assert_eq!(found, whole);
        }
    }
}
