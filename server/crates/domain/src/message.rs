//! A mailbox message: the typed view of an object of kind [`Kind::MESSAGE`].
//!
//! Its envelope and its body never change; an edit is a new message. Only the flags do.

use crate::{BodyRef, Key, Kind, Object, Value};
use contract::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// The registers of a message. Numbers are never reused.
pub mod message_fields {
    /// Not yet heard or read.
    pub const UNREAD: u16 = 1;
    /// Folder and since when, one register: `[folder, milliseconds]`.
    pub const PLACE: u16 = 2;
    /// Kept beyond the retention time by its owner.
    pub const SAVED: u16 = 3;
    /// The envelope, as CBOR bytes; set at creation.
    pub const ENVELOPE: u16 = 16;
}

use message_fields::{ENVELOPE, PLACE, UNREAD};

/// Where a message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageFolder {
    /// Received.
    Inbox,
    /// Sent by the owner.
    Sent,
    /// Deleted by the owner, kept for 7 days so that deleting can be undone.
    Deleted,
}

/// Where a message lies and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderState {
    /// The folder.
    pub place: MessageFolder,
    /// Since when.
    pub since: Timestamp,
}

/// Who sent a message, as shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Display name; may be empty.
    #[serde(rename = "n", default)]
    pub name: String,
    /// `local-part@domain`; may be empty.
    #[serde(rename = "a", default)]
    pub address: String,
    /// Mailbox or telephone number, if the address shows one.
    #[serde(rename = "t", default)]
    pub number: Option<String>,
    /// It is said to be a mailbox of this pair, and nothing proves it.
    #[serde(rename = "w", default, skip_serializing_if = "std::ops::Not::not")]
    pub unverified: bool,
}

/// What a list shows of a message, taken from its content once, when it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What it mainly is.
    #[serde(rename = "k")]
    pub kind: contract::Kind,
    /// Who sent it.
    #[serde(rename = "f")]
    pub sender: Sender,
    /// Its subject; may be empty.
    #[serde(rename = "s")]
    pub subject: String,
    /// When it was accepted by the first of the two servers.
    #[serde(rename = "r")]
    pub received_at: Timestamp,
    /// Length of all its sound, in milliseconds.
    #[serde(rename = "d")]
    pub duration_ms: u64,
    /// Fax pages, if they could be counted.
    #[serde(rename = "p")]
    pub pages: Option<u32>,
    /// Parts beyond the first voice.
    #[serde(rename = "x")]
    pub attachments: u32,
    /// Marked urgent by its sender.
    #[serde(rename = "u")]
    pub urgent: bool,
    /// Marked private by its sender.
    #[serde(rename = "v")]
    pub private: bool,
}

/// A message, read from its object.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a>(&'a Object);

impl<'a> Message<'a> {
    /// The view, if the object is a message.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::MESSAGE).then_some(Self(object))
    }

    /// The registers of a newly received message.
    pub fn registers(envelope: &Envelope, place: MessageFolder, unread: bool) -> Vec<(Key, Value)> {
        let mut bytes = Vec::with_capacity(160);
        ciborium::into_writer(envelope, &mut bytes).expect("an envelope is plain data");
        vec![
            (Key::field(UNREAD), Value::Bool(unread)),
            (
                Key::field(PLACE),
                FolderState {
                    place,
                    since: envelope.received_at,
                }
                .value(),
            ),
            (Key::field(ENVELOPE), Value::Bytes(bytes)),
        ]
    }

    /// Whose mailbox it lies in.
    pub fn owner(&self) -> Option<ObjectId> {
        self.0.owner
    }

    /// Its content.
    pub fn body(&self) -> Option<BodyRef> {
        self.0.body
    }

    /// Its envelope; `None` if it is missing or cannot be read.
    pub fn envelope(&self) -> Option<Envelope> {
        let bytes = self.0.get(Key::field(ENVELOPE))?.as_bytes()?;
        ciborium::from_reader(bytes).ok()
    }

    /// Not yet heard or read.
    pub fn unread(&self) -> bool {
        self.0
            .get(Key::field(UNREAD))
            .and_then(Value::as_bool)
            .unwrap_or(true)
    }

    /// Where it lies; in the inbox if it does not say.
    pub fn filing(&self) -> FolderState {
        let read = || {
            let parts = self.0.get(Key::field(PLACE))?.as_list()?;
            let place = MessageFolder::from_number(parts.first()?.as_int()?);
            Some(FolderState {
                place,
                since: Timestamp(parts.get(1)?.as_int()?),
            })
        };
        read().unwrap_or(FolderState {
            place: MessageFolder::Inbox,
            since: Timestamp(0),
        })
    }
}

impl FolderState {
    /// Its register.
    pub fn value(self) -> Value {
        Value::List(vec![
            Value::Int(self.place.number()),
            Value::Int(self.since.0),
        ])
    }
}

impl MessageFolder {
    /// The number it is stored under.
    pub fn number(self) -> i64 {
        match self {
            Self::Inbox => 0,
            Self::Sent => 1,
            Self::Deleted => 2,
        }
    }

    /// A number of a later level reads as the inbox, so that no message is out of sight.
    pub fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Sent,
            2 => Self::Deleted,
            _ => Self::Inbox,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};

    #[test]
    fn a_message_reads_back_what_was_written() {
        let envelope = Envelope {
            kind: contract::Kind::Voice,
            sender: Sender {
                name: "Mira Tandell".into(),
                ..Sender::default()
            },
            subject: "New delivery times".into(),
            received_at: Timestamp(1_700_000_000_000),
            duration_ms: 41_000,
            pages: None,
            attachments: 0,
            urgent: true,
            private: false,
        };
        let mut object = Object::new(Kind::MESSAGE, Some(ObjectId::from_bytes([1; 16])), None);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        for (key, value) in Message::registers(&envelope, MessageFolder::Inbox, true) {
            object.set(key, version, value);
        }
        let message = Message::of(&object).unwrap();
        assert_eq!(message.envelope(), Some(envelope));
        assert!(message.unread());
        assert_eq!(message.filing().place, MessageFolder::Inbox);
    }
}
