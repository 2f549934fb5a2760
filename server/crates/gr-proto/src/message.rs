//! What two engines say to each other.
//!
//! A message is a header and a payload. Bodies are not part of it: an item names its body and says whether the body, or a piece of it,
//! goes along, and whoever carries the message puts those bytes beside it: first the whole ones ([`Message::bodies`]), then the pieces
//! ([`Message::pieces`]).

use crate::{AvailableBodies, Piece, Preceding, RangeSet, Request, Response, ResponseBody};
use domain::{BodyRef, Incarnation, Object, ObjectId, ServerId, Timestamp, Value};
use ledger::{HistoryEntry, Known, Reason};
use serde::{Deserialize, Serialize};

/// One message between the two servers of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks to whom, and where in their conversation.
    pub header: Header,
    /// What is said.
    pub payload: Payload,
}

/// The beginning of every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The incarnation that speaks.
    #[serde(rename = "f")]
    pub from: Incarnation,
    /// The incarnation that is meant; 0 in a HELLO to a stranger.
    #[serde(rename = "t")]
    pub to: Incarnation,
    /// The message's number in this session and direction, from 1; 0 in a HELLO, which belongs to no session.
    #[serde(rename = "n", default)]
    pub no: u64,
    /// Random, so that an acknowledgement can prove what it acknowledges.
    #[serde(rename = "i", default)]
    pub id: u64,
    /// The sender's CSN when it wrote this.
    #[serde(rename = "k", default)]
    pub csn: u64,
    /// The newest message of the other direction that the sender has processed: proof that it lived after that was sent.
    #[serde(rename = "s", default)]
    pub seen: Seen,
    /// All the sender's numbers up to here are settled: acknowledged, or given up and free to be sent again under a new number.
    #[serde(rename = "l", default)]
    pub settled: u64,
    /// The sender went back in time and has not been recovered yet: a recovery is owed to it.
    #[serde(rename = "b", default)]
    pub rolled_back: bool,
    /// The messages before it, so that another one under one of their numbers is known to be of another past (E13).
    #[serde(rename = "p", default, skip_serializing_if = "Preceding::is_empty")]
    pub preceding: Preceding,
}

/// A processed message, by its number and id; 0 and 0 if there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its number.
    #[serde(rename = "n")]
    pub no: u64,
    /// Its id.
    #[serde(rename = "i")]
    pub id: u64,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Two incarnations get to know each other.
    Hello(Box<Hello>),
    /// Objects as they are now.
    Data(Vec<Item>),
    /// What has been processed.
    Ack(Ack),
    /// What its sender holds in a range of ids: one step of a recovery.
    List(List),
    /// How the receiver of a list judged it, and what it lacks.
    Judged(Judged),
    /// A question of the server that drives a task.
    Request(Box<Request>),
    /// The answer to it.
    Response(Box<Response>),
    /// Nothing to say but: I am here, and this is how far behind I am.
    Heartbeat(Report),
    /// Of a later level, or damaged beyond its header: not processed, so never acknowledged.
    Unknown,
}

/// Two incarnations get to know each other (E6, E11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The server that speaks.
    #[serde(rename = "s")]
    pub server: ServerId,
    /// Protocol levels that it speaks: lowest and highest.
    #[serde(rename = "v")]
    pub levels: (u8, u8),
    /// Its open challenge: who echoes it is alive now.
    #[serde(rename = "c", default)]
    pub challenge: Option<u64>,
    /// The challenge that it read.
    #[serde(rename = "e", default)]
    pub echo: Option<u64>,
    /// Its newest incarnations, oldest first; the last one is the incarnation that speaks, once it has echoed a challenge.
    #[serde(rename = "l", default)]
    pub history: Vec<HistoryEntry>,
    /// It has had more incarnations, older than those.
    #[serde(rename = "x", default)]
    pub cut: bool,
    /// What it knew of the other when it met this incarnation of it.
    #[serde(rename = "k", default)]
    pub known: Option<Known>,
    /// It went back in time and has not been recovered yet.
    #[serde(rename = "b", default)]
    pub rolled_back: bool,
}

/// One object, as it is at the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its identity.
    #[serde(rename = "i")]
    pub id: ObjectId,
    /// Itself; `None`: it was deleted for good.
    #[serde(rename = "o", default)]
    pub object: Option<Object>,
    /// Its body goes along, beside the message.
    #[serde(rename = "b", default)]
    pub with_body: bool,
    /// This piece of its body goes along, beside the message: the body is too long to travel whole.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<Piece>,
    /// The receiver may have lost it by going back in time (E25).
    #[serde(rename = "r", default)]
    pub recovery: bool,
}

impl Item {
    /// About how many bytes it takes on the wire, with what goes along of its body.
    pub fn weight(&self) -> u64 {
        fn of(value: &Value) -> u64 {
            match value {
                Value::Null | Value::Bool(_) => 1,
                Value::Int(_) => 9,
                Value::Text(text) => text.len() as u64 + 3,
                Value::Bytes(bytes) => bytes.len() as u64 + 3,
                Value::List(values) => values.iter().map(of).sum::<u64>() + 3,
            }
        }
        let Some(object) = &self.object else {
            return 24;
        };
        let registers = object.registers.values();
        let body = object.body.filter(|_| self.with_body);
        80 + registers.map(|r| of(&r.value) + 48).sum::<u64>()
            + body.map_or(0, |b| u64::from(b.len))
            + self.piece.map_or(0, |p| u64::from(p.len))
    }
}

/// What has been processed, and what of it was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Everything up to here was called settled by the other and is forgotten.
    #[serde(rename = "f")]
    pub floor: u64,
    /// The numbers above `floor` that have been processed and are durable.
    #[serde(rename = "d")]
    pub done: RangeSet,
    /// The sum, modulo 2^64, of the ids of the messages in `done`.
    #[serde(rename = "s")]
    pub sum: u64,
    /// Items of those messages that were not applied.
    #[serde(rename = "r", default)]
    pub refused: Vec<Refusal>,
    /// How far behind the sender of the acknowledgement is.
    #[serde(rename = "b")]
    pub report: Report,
}

/// An item that was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The message it came in.
    #[serde(rename = "n")]
    pub no: u64,
    /// The object.
    #[serde(rename = "i")]
    pub id: ObjectId,
    /// Why.
    #[serde(rename = "r")]
    pub reason: Reason,
    /// With [`Reason::NEED_BODY`]: so many bytes of the body are here, from its beginning on. `None`: from a server that takes bodies only
    /// whole.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub have: Option<u32>,
}

/// What its sender holds in a range of ids, read in the transaction that drew the message's number (E24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The recovery it belongs to.
    #[serde(rename = "r")]
    pub run: u64,
    /// The range begins after this id; `None`: at the very first.
    #[serde(rename = "a", default)]
    pub after: Option<ObjectId>,
    /// It ends with this id; `None`: at the very last.
    #[serde(rename = "z", default)]
    pub to: Option<ObjectId>,
    /// All objects in it, ascending, each with a digest of its versions.
    #[serde(rename = "o")]
    pub objects: Vec<(ObjectId, u64)>,
}

/// How a list was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The recovery it belongs to.
    #[serde(rename = "r")]
    pub run: u64,
    /// The number of the message with the list.
    #[serde(rename = "n")]
    pub no: u64,
    /// It was judged up to this id; `None`: to the very last.
    #[serde(rename = "z", default)]
    pub to: Option<ObjectId>,
    /// Objects of the list that the receiver lacks.
    #[serde(rename = "w")]
    pub wanted: Vec<ObjectId>,
}

/// How far behind the sender is towards the receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Marks in the lane of users, lists and settings.
    #[serde(rename = "u", default)]
    pub users: u64,
    /// Marks in the lane of messages and greetings.
    #[serde(rename = "m", default)]
    pub messages: u64,
    /// The sender's wall clock; only to show how far the two differ.
    #[serde(rename = "w", default)]
    pub wall: Timestamp,
    /// Changes whenever something changes that made the sender refuse items: what it refused is worth another try (R9).
    #[serde(rename = "c", default)]
    pub causes: u64,
    /// The sender is in courtesy down (R18).
    #[serde(rename = "y", default)]
    pub courtesy: bool,
    /// The sender owes the receiver a recovery: not all of its lists have been judged, or it has not heard so.
    #[serde(rename = "o", default)]
    pub owing: bool,
    /// Bodies and objects that were damaged at the sender, and of which the receiver may have the only good copy.
    #[serde(rename = "z", default)]
    pub lacking: u64,
}

impl Report {
    /// All marks.
    pub fn backlog(&self) -> u64 {
        self.users.saturating_add(self.messages)
    }
}

impl Message {
    /// The whole bodies that go along with this message, each once, in the order of their items.
    pub fn bodies(&self) -> Vec<BodyRef> {
        if let Some(found) = self.found() {
            return found.whole.clone();
        }
        let mut bodies = Vec::new();
        for item in self.items().iter().filter(|item| item.with_body) {
            if let Some(body) = item.object.as_ref().and_then(|o| o.body)
                && !bodies.contains(&body)
            {
                bodies.push(body);
            }
        }
        bodies
    }

    /// The pieces of bodies that go along with this message, after the whole ones, in the order of their items.
    pub fn pieces(&self) -> Vec<(BodyRef, Piece)> {
        if let Some(found) = self.found() {
            return found.piece.into_iter().collect();
        }
        let with_piece = |item: &Item| Some((item.object.as_ref()?.body?, item.piece?));
        self.items().iter().filter_map(with_piece).collect()
    }

    fn found(&self) -> Option<&AvailableBodies> {
        match &self.payload {
            Payload::Response(answer) => match &answer.reply {
                ResponseBody::Found(found) => Some(found),
                _ => None,
            },
            _ => None,
        }
    }

    /// The items that may have something beside the message.
    fn items(&self) -> &[Item] {
        match &self.payload {
            Payload::Data(items) => items,
            Payload::Response(answer) => match &answer.reply {
                ResponseBody::Bodies(items) => items,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// Whether it is a HELLO, the only kind that is understood without a session.
    pub fn is_hello(&self) -> bool {
        matches!(self.payload, Payload::Hello(_))
    }
}
