//! What comes beside a message of the partner: bodies, and pieces of long ones.

use bytes::Bytes;
use domain::Timestamp;
use gr_proto::Message;
use store::{StoreError, Tx};

/// Appends what came beside a message: whole bodies, then the pieces of long ones. A piece that its sender could not read is empty.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    now: Timestamp,
    message: &Message,
    bodies: &[Bytes],
) -> Result<(), StoreError> {
    let announced = message.pieces();
    let (whole, pieces) = bodies.split_at(bodies.len().saturating_sub(announced.len()));
    for body in whole {
        tx.append_body(body)?;
    }
    for ((body, piece), bytes) in announced.iter().zip(pieces) {
        if bytes.len() == piece.len as usize {
            tx.append_piece(now, body, piece.at, bytes)?;
        }
    }
    Ok(())
}
