//! The messages of the replication engine.

use crate::objects;
use gr_proto::wire::{decode, encode};
use gr_proto::{Message, Payload};

/// Reads a message.
pub fn read(octets: &[u8]) {
    let Ok(message) = decode(octets) else {
        return;
    };
    if let Payload::Data(items) = &message.payload {
        for item in items {
            let _ = item.weight();
            if let Some(object) = &item.object {
                objects::look(object);
            }
        }
    }
    // A later level may say more; what is known of it is read the same again.
    let again = decode(&encode(&message));
    let known = Message {
        payload: match message.payload {
            Payload::Unknown => return,
            known => known,
        },
        ..message
    };
    assert_eq!(again, Ok(known));
}
