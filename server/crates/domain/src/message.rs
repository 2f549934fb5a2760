//! A mailbox message: the typed view of an object of kind [`Kind::MESSAGE`].
//!
//! Its envelope and its body never change; an edit is a new message. Only the flags do.

use crate::derived::derived_id;
use crate::{BodyRef, DeliveryState, Key, Kind, Object, Value};
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
    /// How it came, as text: the trace line of the server that took it (RFC 5321 section 4.4); set at creation. It does not stand in the
    /// body, so that a mail has the same body whichever server takes it. Earlier releases wrote it there.
    pub const TRACE: u16 = 17;
    /// The beginning of its texts, for whoever looks for words in it; set at creation. A message of an earlier release has none.
    pub const TEXT: u16 = 18;
    /// Of what its owner has sent: to whom, a list of `[name, address]`; set at creation. What has none was received.
    pub const SENT_TO: u16 = 19;
    /// Of what its owner has sent to another system: for whom that one has taken it, `[address, at, what it said]`. The sub-key counts the recipients on
    /// other systems.
    pub const ARRIVED: u16 = 20;
    /// The same: for whom it could not be delivered, and why.
    pub const NOT_ARRIVED: u16 = 21;
}

use message_fields::{ARRIVED, ENVELOPE, NOT_ARRIVED, PLACE, SENT_TO, TEXT, TRACE, UNREAD};

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

    /// The registers of a message that has just come by mail, and how it came: it lies in the inbox, unread, and no register says so. Where both
    /// servers have taken the same mail while they were apart, what its owner did with one of the two copies then counts for both,
    /// for a register that was never set gives way to one that was.
    ///
    /// `text` is the beginning of what can be read in it; empty if there is nothing.
    pub fn arrival(envelope: &Envelope, trace: String, text: String) -> Vec<(Key, Value)> {
        let mut registers = Self::registers(envelope, MessageFolder::Inbox, true);
        registers.retain(|(key, _)| *key == Key::field(ENVELOPE));
        registers.push((Key::field(TRACE), Value::Text(trace)));
        if !text.is_empty() {
            registers.push((Key::field(TEXT), Value::Text(text)));
        }
        registers
    }

    /// The registers of a message that its owner has sent, and to whom: `(name, address)`, of which the first [`Self::SENT_TO_MAX`] are kept
    /// for lists, the others stand in the body.
    ///
    /// `text` is the beginning of what can be read in it; empty if there is nothing.
    pub fn sent<'n>(
        envelope: &Envelope,
        text: String,
        to: impl IntoIterator<Item = (&'n str, &'n str)>,
    ) -> Vec<(Key, Value)> {
        let mut registers = Self::registers(envelope, MessageFolder::Sent, false);
        let pair = |(name, address): (&str, &str)| {
            Value::List(vec![Value::Text(name.into()), Value::Text(address.into())])
        };
        let to = to.into_iter().take(Self::SENT_TO_MAX).map(pair);
        registers.push((Key::field(SENT_TO), Value::List(to.collect())));
        if !text.is_empty() {
            registers.push((Key::field(TEXT), Value::Text(text)));
        }
        registers
    }

    /// The identity of the message that comes of a submission in a folder of `owner`: Sent for its sender, the inbox for who gets it. Both servers find the same
    /// one, so what was handed in to both, because the answer of the first was lost, is one message when they meet. What differs in its content
    /// is another one: the body of an object never changes.
    pub fn submitted_id(
        submission: &ObjectId,
        owner: &ObjectId,
        folder: MessageFolder,
        body: &BodyRef,
    ) -> ObjectId {
        let folder = folder.number().to_be_bytes();
        let parts: [&[u8]; 4] = [submission.as_bytes(), owner.as_bytes(), &folder, &body.hash];
        derived_id("CallPilot 2026 message of a submission", &parts)
    }

    /// Recipients that are kept beside what was sent.
    pub const SENT_TO_MAX: usize = 4;

    /// To whom its owner has sent it, as `(name, address)`, the first few; `None` if it was received.
    pub fn sent_to(&self) -> Option<Vec<(&'a str, &'a str)>> {
        let to = self.0.get(Key::field(SENT_TO))?.as_list()?;
        let pair = |value: &'a Value| match value.as_list()? {
            [name, address, ..] => Some((name.as_text()?, address.as_text()?)),
            _ => None,
        };
        Some(to.iter().filter_map(pair).collect())
    }

    /// The register of a sent message that says what became of it for recipient `n` on another system; `None` while that waits.
    pub fn became_of(n: u64, address: &str, state: &DeliveryState) -> Option<(Key, Value)> {
        let (field, at, said) = match state {
            DeliveryState::Waiting { .. } => return None,
            DeliveryState::Delivered { at, said } => (ARRIVED, at, said),
            DeliveryState::Failed { at, said } => (NOT_ARRIVED, at, said),
        };
        let said = said.chars().take(Self::SAID_CHARS_MAX).collect();
        let value = vec![
            Value::Text(address.to_owned()),
            Value::Int(at.0),
            Value::Text(said),
        ];
        Some((Key(field, n), Value::List(value)))
    }

    /// Characters of what another system said that are kept with a sent message.
    const SAID_CHARS_MAX: usize = 200;

    /// What became of it for recipients on other systems, as far as it has ended for them: address and state. What has arrived has, whatever was tried
    /// besides.
    pub fn deliveries(&self) -> Vec<(&'a str, DeliveryState)> {
        let of = |field: u16| {
            let all = self.0.registers.range(Key(field, 0)..=Key(field, u64::MAX));
            all.filter_map(|(key, register)| {
                let [address, at, said, ..] = register.value.as_list()? else {
                    return None;
                };
                let at = Timestamp(at.as_int()?);
                Some((key.1, address.as_text()?, at, said.as_text()?.to_owned()))
            })
        };
        let arrived = of(ARRIVED)
            .map(|(n, address, at, said)| (n, address, DeliveryState::Delivered { at, said }));
        let has_arrived = |n: u64| self.0.get(Key(ARRIVED, n)).is_some();
        let not = of(NOT_ARRIVED).filter(|(n, ..)| !has_arrived(*n));
        let not =
            not.map(|(n, address, at, said)| (n, address, DeliveryState::Failed { at, said }));
        let mut all: Vec<_> = arrived.chain(not).collect();
        all.sort_by_key(|(n, ..)| *n);
        all.into_iter()
            .map(|(_, address, state)| (address, state))
            .collect()
    }

    /// Where it lay before it was deleted: in Sent what its owner has sent, else in the inbox.
    pub fn home_folder(&self) -> MessageFolder {
        match self.sent_to() {
            Some(_) => MessageFolder::Sent,
            None => MessageFolder::Inbox,
        }
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

    /// The beginning of its texts, if there are any.
    pub fn text(&self) -> Option<&'a str> {
        self.0.get(Key::field(TEXT))?.as_text()
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

    #[test]
    fn what_was_sent_says_to_whom_and_where_it_belongs() {
        let envelope = Envelope {
            kind: contract::Kind::Text,
            sender: Sender::default(),
            subject: String::new(),
            received_at: Timestamp(5),
            duration_ms: 0,
            pages: None,
            attachments: 0,
            urgent: false,
            private: false,
        };
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        let object = |registers| {
            let mut object = Object::new(Kind::MESSAGE, None, None);
            for (key, value) in registers {
                object.set(key, version, value);
            }
            object
        };
        let to = ["Odo", "Mira", "Ina", "Per", "Ove"].map(|name| (name, "7204@a.example"));
        let sent = object(Message::sent(&envelope, "x".into(), to));
        let sent = Message::of(&sent).unwrap();
        assert_eq!(sent.sent_to().unwrap(), to[..Message::SENT_TO_MAX]);
        assert_eq!(sent.filing().place, MessageFolder::Sent);
        assert_eq!(sent.home_folder(), MessageFolder::Sent);
        assert!(!sent.unread());
        let came = object(Message::arrival(&envelope, String::new(), String::new()));
        let came = Message::of(&came).unwrap();
        assert_eq!(
            (came.sent_to(), came.home_folder()),
            (None, MessageFolder::Inbox)
        );
        let id = |submission, owner, body: &[u8]| {
            let [submission, owner] = [submission, owner].map(|n| ObjectId::from_bytes([n; 16]));
            Message::submitted_id(&submission, &owner, MessageFolder::Sent, &BodyRef::of(body))
        };
        let owner = ObjectId::from_bytes([2; 16]);
        let to_oneself = MessageFolder::Inbox;
        let submission = ObjectId::from_bytes([1; 16]);
        let to_oneself = Message::submitted_id(&submission, &owner, to_oneself, &BodyRef::of(b"x"));
        assert_ne!(id(1, 2, b"x"), to_oneself);
        assert_eq!(id(1, 2, b"x"), id(1, 2, b"x"));
        for other in [id(3, 2, b"x"), id(1, 3, b"x"), id(1, 2, b"y")] {
            assert_ne!(id(1, 2, b"x"), other);
        }
    }

    /// Both servers took the same mail while they were apart; on one of them it was read and deleted before the other one took it.
    #[test]
    fn what_was_done_with_one_copy_of_a_mail_counts_for_the_one_that_came_later() {
        let envelope = |at| Envelope {
            kind: contract::Kind::Text,
            sender: Sender::default(),
            subject: String::new(),
            received_at: Timestamp(at),
            duration_ms: 0,
            pages: None,
            attachments: 0,
            urgent: false,
            private: false,
        };
        let copy = |at, server| {
            let mut object = Object::new(Kind::MESSAGE, None, None);
            let version = Version {
                hlc: Hlc(at),
                incarnation: Incarnation(server),
            };
            let registers =
                Message::arrival(&envelope(at as i64), format!("by {server}"), "x".into());
            for (key, value) in registers {
                object.set(key, version, value);
            }
            object
        };
        let (mut first, later) = (copy(1, 1), copy(9, 2));
        let version = Version {
            hlc: Hlc(2),
            incarnation: Incarnation(1),
        };
        let since = Timestamp(2);
        let place = MessageFolder::Deleted;
        let deleted = FolderState { place, since }.value();
        first.set(Key::field(UNREAD), version, Value::Bool(false));
        first.set(Key::field(PLACE), version, deleted);
        let (mut here, mut there) = (first.clone(), later.clone());
        here.join(&later);
        there.join(&first);
        assert_eq!(here, there);
        let message = Message::of(&here).unwrap();
        assert!(!message.unread());
        assert_eq!(message.text(), Some("x"));
        assert_eq!(message.filing().place, MessageFolder::Deleted);
        assert_eq!(message.envelope().unwrap().received_at, Timestamp(9));
    }
}
