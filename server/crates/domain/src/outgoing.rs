//! What was accepted for other systems and is on its way there: objects of kind [`Kind::OUTGOING`].
//!
//! Its body is the message as it lies in Sent. It belongs to its sender and goes with that user. Each recipient has registers of its own, so what the
//! two servers learn of different recipients meets, and what is known for certain is never overwritten by a later doubt: a recipient that one server
//! has served is served, whatever the other tried meanwhile.

use crate::derived::derived_id;
use crate::{BodyRef, Key, Kind, Object, ServerId, Timestamp, Value};
use contract::ObjectId;

/// The registers of an outgoing message. Numbers are never reused.
pub mod outgoing_fields {
    /// What it is, one register: `[message in Sent, accepted at, reverse path, subject]`. Set at creation.
    pub const MESSAGE: u16 = 1;
    /// A recipient: `[address, name]`. The sub-key counts them. Set at creation.
    pub const RECIPIENT: u16 = 2;
    /// The server that delivers it.
    pub const CARRIER: u16 = 3;
    /// Another system has taken it for the recipient of this sub-key: `[at, what it said]`.
    pub const DELIVERED: u16 = 4;
    /// It cannot be delivered to the recipient of this sub-key: `[at, why]`.
    pub const FAILED: u16 = 5;
    /// What was tried for the recipient of this sub-key: `[attempts, next one at, what came of the last one]`.
    pub const ATTEMPTS: u16 = 6;
    /// An administrator holds it back.
    pub const HELD: u16 = 7;
    /// When its sender was told that it takes long.
    pub const DELAY_TOLD: u16 = 8;
}

use outgoing_fields::{ATTEMPTS, CARRIER, DELAY_TOLD, DELIVERED, FAILED, HELD, MESSAGE, RECIPIENT};

/// An outgoing message, read from its object.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingMessage<'a>(&'a Object);

/// What is to be sent, as it is said at creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOutgoing {
    /// The message in Sent.
    pub message: ObjectId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The reverse path: the sender's address.
    pub from: String,
    /// Its subject; may be empty.
    pub subject: String,
    /// To whom: address and name.
    pub recipients: Vec<(String, String)>,
    /// The server that delivers it.
    pub carrier: ServerId,
}

/// How it stands with one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not yet delivered.
    Waiting {
        /// How often it was tried.
        attempts: u32,
        /// When it is tried next; the beginning of time, if it never was.
        next: Timestamp,
        /// What came of the last attempt; empty if there was none.
        said: String,
    },
    /// Another system has taken it.
    Delivered {
        /// When.
        at: Timestamp,
        /// What it said.
        said: String,
    },
    /// It cannot be delivered.
    Failed {
        /// Since when that is known.
        at: Timestamp,
        /// Why.
        said: String,
    },
}

/// A recipient of an outgoing message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRecipient {
    /// Counts the recipients of the message.
    pub n: u64,
    /// `local-part@domain`.
    pub address: String,
    /// Display name; may be empty.
    pub name: String,
    /// How it stands.
    pub state: DeliveryState,
}

impl<'a> OutgoingMessage<'a> {
    /// Characters of what another system said that are kept.
    pub const SAID_CHARS_MAX: usize = 300;

    /// The view, if the object is an outgoing message.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::OUTGOING).then_some(Self(object))
    }

    /// The identity of the one that goes with a message in Sent: the same on both servers.
    pub fn id(message: &ObjectId) -> ObjectId {
        derived_id("CallPilot 2026 outgoing message", &[message.as_bytes()])
    }

    /// What it is; `None` if that cannot be read.
    pub fn new_outgoing(&self) -> Option<NewOutgoing> {
        let [message, at, from, subject, ..] = self.0.get(Key::field(MESSAGE))?.as_list()? else {
            return None;
        };
        let recipients = self.recipients().into_iter();
        Some(NewOutgoing {
            message: ObjectId::from_bytes(message.as_bytes()?.try_into().ok()?),
            accepted_at: Timestamp(at.as_int()?),
            from: from.as_text()?.to_owned(),
            subject: subject.as_text()?.to_owned(),
            recipients: recipients.map(|its| (its.address, its.name)).collect(),
            carrier: self.carrier()?,
        })
    }

    /// The server that delivers it.
    pub fn carrier(&self) -> Option<ServerId> {
        let number = self.0.get(Key::field(CARRIER))?.as_int()?;
        Some(ServerId(number.cast_unsigned()))
    }

    /// An administrator holds it back.
    pub fn is_held(&self) -> bool {
        let held = self.0.get(Key::field(HELD)).and_then(Value::as_bool);
        held.unwrap_or(false)
    }

    /// Its sender was told that it takes long.
    pub fn delay_is_told(&self) -> bool {
        self.0.get(Key::field(DELAY_TOLD)).is_some()
    }

    /// Whose it is.
    pub fn sender(&self) -> Option<ObjectId> {
        self.0.owner
    }

    /// The message.
    pub fn body(&self) -> Option<BodyRef> {
        self.0.body
    }

    /// Its recipients in their order.
    pub fn recipients(&self) -> Vec<OutgoingRecipient> {
        let all = self
            .0
            .registers
            .range(Key(RECIPIENT, 0)..=Key(RECIPIENT, u64::MAX));
        let read = |(key, register): (&Key, &'a crate::Register)| {
            let [address, name, ..] = register.value.as_list()? else {
                return None;
            };
            Some(OutgoingRecipient {
                n: key.1,
                address: address.as_text()?.to_owned(),
                name: name.as_text()?.to_owned(),
                state: self.state(key.1),
            })
        };
        all.filter_map(read).collect()
    }

    /// How it stands with recipient `n`. What is certain comes before what was tried.
    pub fn state(&self, n: u64) -> DeliveryState {
        if let Some((at, said)) = self.ended(DELIVERED, n) {
            return DeliveryState::Delivered { at, said };
        }
        if let Some((at, said)) = self.ended(FAILED, n) {
            return DeliveryState::Failed { at, said };
        }
        let tried = || {
            let [attempts, next, said, ..] = self.0.get(Key(ATTEMPTS, n))?.as_list()? else {
                return None;
            };
            Some(DeliveryState::Waiting {
                attempts: u32::try_from(attempts.as_int()?).ok()?,
                next: Timestamp(next.as_int()?),
                said: said.as_text()?.to_owned(),
            })
        };
        tried().unwrap_or(DeliveryState::Waiting {
            attempts: 0,
            next: Timestamp(0),
            said: String::new(),
        })
    }

    /// When all recipients have ended, the moment at which the last one did.
    pub fn ended_at(&self) -> Option<Timestamp> {
        let ends = self.recipients().into_iter().map(|its| match its.state {
            DeliveryState::Waiting { .. } => None,
            DeliveryState::Delivered { at, .. } | DeliveryState::Failed { at, .. } => Some(at),
        });
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    fn ended(&self, field: u16, n: u64) -> Option<(Timestamp, String)> {
        let [at, said, ..] = self.0.get(Key(field, n))?.as_list()? else {
            return None;
        };
        Some((Timestamp(at.as_int()?), said.as_text()?.to_owned()))
    }
}

impl NewOutgoing {
    /// The registers of the new object.
    pub fn registers(&self) -> Vec<(Key, Value)> {
        let message = vec![
            Value::Bytes(self.message.as_bytes().to_vec()),
            Value::Int(self.accepted_at.0),
            Value::Text(self.from.clone()),
            Value::Text(self.subject.clone()),
        ];
        let recipient = |(n, (address, name)): (u64, &(String, String))| {
            let texts = [address, name].map(|text| Value::Text(text.clone()));
            (Key(RECIPIENT, n), Value::List(texts.into()))
        };
        let recipients = (0..).zip(&self.recipients).map(recipient);
        [
            (Key::field(MESSAGE), Value::List(message)),
            (Key::field(CARRIER), self.carrier.into()),
        ]
        .into_iter()
        .chain(recipients)
        .collect()
    }
}

impl DeliveryState {
    /// The register of recipient `n` that says so.
    pub fn register(&self, n: u64) -> (Key, Value) {
        let cut =
            |said: &str| Value::Text(said.chars().take(OutgoingMessage::SAID_CHARS_MAX).collect());
        let ended = |field, at: &Timestamp, said: &str| {
            (
                Key(field, n),
                Value::List(vec![Value::Int(at.0), cut(said)]),
            )
        };
        match self {
            Self::Waiting {
                attempts,
                next,
                said,
            } => {
                let numbers = [i64::from(*attempts), next.0].map(Value::Int);
                let tried = numbers.into_iter().chain([cut(said)]).collect();
                (Key(ATTEMPTS, n), Value::List(tried))
            }
            Self::Delivered { at, said } => ended(DELIVERED, at, said),
            Self::Failed { at, said } => ended(FAILED, at, said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    fn set(object: &mut Object, hlc: u64, registers: impl IntoIterator<Item = (Key, Value)>) {
        let version = Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(1),
        };
        for (key, value) in registers {
            object.set(key, version, value);
        }
    }

    fn new() -> NewOutgoing {
        NewOutgoing {
            message: id(4),
            accepted_at: Timestamp(9),
            from: "7200@a.example".into(),
            subject: "Keys".into(),
            recipients: vec![
                ("7@b.example".into(), "Odo".into()),
                ("8@b.example".into(), String::new()),
            ],
            carrier: ServerId(u64::MAX - 1),
        }
    }

    fn object() -> Object {
        let mut object = Object::new(Kind::OUTGOING, Some(id(1)), None);
        set(&mut object, 1, new().registers());
        object
    }

    fn delivered(at: i64) -> DeliveryState {
        DeliveryState::Delivered {
            at: Timestamp(at),
            said: "250 taken".into(),
        }
    }

    fn failed(at: i64) -> DeliveryState {
        DeliveryState::Failed {
            at: Timestamp(at),
            said: "550 nobody".into(),
        }
    }

    #[test]
    fn an_outgoing_message_reads_back_what_was_written() {
        let mut object = object();
        let read = |object: &Object| OutgoingMessage::of(object).unwrap().new_outgoing().unwrap();
        assert_eq!(read(&object), new());
        let tried = DeliveryState::Waiting {
            attempts: 3,
            next: Timestamp(77),
            said: "451 later".into(),
        };
        set(&mut object, 2, [tried.register(1)]);
        let outgoing = OutgoingMessage::of(&object).unwrap();
        assert_eq!(outgoing.state(1), tried);
        assert!(matches!(
            outgoing.state(0),
            DeliveryState::Waiting { attempts: 0, .. }
        ));
        assert_eq!(outgoing.ended_at(), None);
        set(
            &mut object,
            3,
            [delivered(5).register(0), failed(6).register(1)],
        );
        let outgoing = OutgoingMessage::of(&object).unwrap();
        assert_eq!(outgoing.ended_at(), Some(Timestamp(6)));
        assert!(!outgoing.is_held() && !outgoing.delay_is_told());
        assert!(OutgoingMessage::of(&Object::new(Kind::MESSAGE, None, None)).is_none());
    }

    /// One server has delivered, the other, which did not hear of it, has given up later: it was delivered.
    #[test]
    fn what_was_delivered_stays_delivered_however_the_servers_meet() {
        let (mut one, mut other) = (object(), object());
        set(&mut one, 2, [delivered(5).register(0)]);
        set(&mut other, 9, [failed(8).register(0)]);
        let (mut a, mut b) = (one.clone(), other.clone());
        a.join(&other);
        b.join(&one);
        assert_eq!(a, b);
        assert_eq!(OutgoingMessage::of(&a).unwrap().state(0), delivered(5));
    }

    #[test]
    fn what_another_system_says_at_length_is_cut() {
        let long = DeliveryState::Failed {
            at: Timestamp(1),
            said: "é".repeat(9_000),
        };
        let mut object = object();
        set(&mut object, 2, [long.register(0)]);
        let DeliveryState::Failed { said, .. } = OutgoingMessage::of(&object).unwrap().state(0)
        else {
            panic!("it failed")
        };
        assert_eq!(said.chars().count(), OutgoingMessage::SAID_CHARS_MAX);
    }
}
