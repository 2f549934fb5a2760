//! Buffers of content on its way: how they grow, and what they take.
//!
//! A buffer that doubles takes up to twice what has come, and a stranger decides when. Long ones grow by a quarter here, and what is counted
//! against a client's budget is what is taken, not what has come.

use bytes::BytesMut;

/// Buffers of at least so many octets grow by a quarter; smaller ones double.
const LONG: usize = 64 << 10;

/// Octets that a buffer takes once there is room for `room` more. No more than `missing` are known to come: for fewer than a quarter, no quarter
/// is taken.
pub fn taken_with(buffer: &BytesMut, room: usize, missing: usize) -> usize {
    if buffer.capacity() - buffer.len() >= room {
        return buffer.capacity();
    }
    let needed = buffer.len().saturating_add(room);
    match buffer.len() < LONG {
        true => needed.max(2 * buffer.capacity()),
        false => needed.max(buffer.len() + missing.min(buffer.len() / 4)),
    }
}

/// Makes room for `room` more octets, as [`taken_with`] says.
pub fn reserve(buffer: &mut BytesMut, room: usize, missing: usize) {
    if buffer.capacity() - buffer.len() >= room {
        return;
    }
    if buffer.len() < LONG {
        return buffer.reserve(room);
    }
    let mut larger = BytesMut::with_capacity(taken_with(buffer, room, missing));
    larger.extend_from_slice(buffer);
    *buffer = larger;
}

/// Puts octets at the end.
pub fn append(buffer: &mut BytesMut, octets: &[u8]) {
    reserve(buffer, octets.len(), usize::MAX);
    buffer.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_buffer_takes_at_most_a_quarter_more_than_has_come_and_loses_nothing() {
        let mut buffer = BytesMut::new();
        let mut said = Vec::new();
        let piece: Vec<u8> = (0..7_001_u32).map(|n| n as u8).collect();
        for n in 0..300 {
            let expected = taken_with(&buffer, piece.len(), usize::MAX);
            append(&mut buffer, &piece);
            said.extend_from_slice(&piece);
            assert!(buffer.capacity() <= expected.max(2 * LONG), "piece {n}");
            let most = buffer.len() + buffer.len() / 4 + piece.len();
            assert!(buffer.capacity() <= most.max(2 * LONG), "piece {n}");
        }
        assert_eq!(buffer, said);
    }

    #[test]
    fn what_is_announced_takes_no_more_than_was_announced() {
        const ANNOUNCED: usize = 1 << 20;
        let mut buffer = BytesMut::new();
        while buffer.len() < ANNOUNCED {
            let missing = ANNOUNCED - buffer.len();
            let piece = vec![b'A'; missing.min(9_999)];
            reserve(&mut buffer, piece.len(), missing);
            buffer.extend_from_slice(&piece);
            assert!(buffer.capacity() <= ANNOUNCED, "{}", buffer.len());
        }
    }
}
