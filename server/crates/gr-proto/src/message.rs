//! What two engines say to each other.
//!
//! A message is a header and a payload. Bodies are not part of it: an item names its body and says whether the body goes along,
//! and whoever carries the message puts those bytes beside it ([`Message::bodies`]).

use crate::RangeSet;
use domain::{
    BodyRef, Known, Life, LineageEntry, Object, ObjectId, Outcome, Reason, ServerId, TaskCounts,
    TaskId, TaskKind, Timestamp, Value,
};
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
    /// The life that speaks.
    #[serde(rename = "f")]
    pub from: Life,
    /// The life that is meant; 0 in a HELLO to a stranger.
    #[serde(rename = "t")]
    pub to: Life,
    /// The message's number in this session and direction, from 1; 0 in a HELLO, which belongs to no session.
    #[serde(rename = "n", default)]
    pub no: u64,
    /// Random, so that an acknowledgement can prove what it acknowledges.
    #[serde(rename = "i", default)]
    pub id: u64,
    /// The sender's tick when it wrote this.
    #[serde(rename = "k", default)]
    pub tick: u64,
    /// The newest message of the other direction that the sender has processed: proof that it lived after that was sent.
    #[serde(rename = "s", default)]
    pub seen: Seen,
    /// All the sender's numbers up to here are settled: acknowledged, or given up and free to be sent again under a new number.
    #[serde(rename = "l", default)]
    pub settled: u64,
    /// The sender went back in time and has not been recovered yet: a recovery is owed to it.
    #[serde(rename = "b", default)]
    pub went_back: bool,
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
    /// Two lives get to know each other.
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
    Ask(Box<Ask>),
    /// The answer to it.
    Answer(Box<Answer>),
    /// Nothing to say but: I am here, and this is how far behind I am.
    Heartbeat(Report),
    /// Of a later level, or damaged beyond its header: not processed, so never acknowledged.
    Unknown,
}

/// Two lives get to know each other (E6, E11).
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
    /// Its newest lives, oldest first; the last one is the life that speaks, once it has echoed a challenge.
    #[serde(rename = "l", default)]
    pub lineage: Vec<LineageEntry>,
    /// What it knew of the other when it met this life of it.
    #[serde(rename = "k", default)]
    pub known: Option<Known>,
    /// It went back in time and has not been recovered yet.
    #[serde(rename = "b", default)]
    pub went_back: bool,
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
    /// The receiver may have lost it by going back in time (E25).
    #[serde(rename = "r", default)]
    pub recovery: bool,
}

impl Item {
    /// About how many bytes it takes on the wire, its body included.
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

/// A question of the server that drives a task, or whose user has just logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The task; 0 for the mailbox of a user who has just logged in.
    #[serde(rename = "t")]
    pub task: TaskId,
    /// What the task is.
    #[serde(rename = "k")]
    pub kind: TaskKind,
    /// It only counts.
    #[serde(rename = "d", default)]
    pub dry: bool,
    /// An administrator has agreed to the deletions that it asks for (E19).
    #[serde(rename = "g", default)]
    pub agreed: bool,
    /// How far it is, to be shown.
    #[serde(rename = "c", default)]
    pub counts: TaskCounts,
    /// What is asked.
    #[serde(rename = "w")]
    pub question: Question,
}

/// A place where objects are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shelf {
    /// Users and settings in a bucket.
    #[serde(rename = "u")]
    Users(u16),
    /// Contents of the mailboxes in a bucket.
    #[serde(rename = "c")]
    Contents(u16),
    /// The contents of one mailbox.
    #[serde(rename = "m")]
    Mailbox(ObjectId),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// How many users and objects are there?
    #[serde(rename = "n")]
    Census,
    /// The sum of a tree: users, or contents.
    #[serde(rename = "r")]
    Root(bool),
    /// The sums of all parts of a tree.
    #[serde(rename = "p")]
    Parts(bool),
    /// The sums of the buckets of these parts.
    #[serde(rename = "b")]
    Buckets(bool, Vec<u8>),
    /// What is on these shelves, each after an id.
    #[serde(rename = "l")]
    Lists(Vec<(Shelf, Option<ObjectId>)>),
    /// The contents of a mailbox, unless they sum to this.
    #[serde(rename = "m")]
    Mailbox(ObjectId, u64),
    /// These objects are missing here: mark them.
    #[serde(rename = "w")]
    Want(Vec<ObjectId>),
    /// These GR users have no original: delete them (R11).
    #[serde(rename = "f")]
    Forget(Vec<ObjectId>),
    /// Objects in order of their ids, after one, without bodies (R10).
    #[serde(rename = "o")]
    Page(Option<ObjectId>),
    /// These objects, with their bodies.
    #[serde(rename = "y")]
    Bodies(Vec<ObjectId>),
    /// The task has ended so.
    #[serde(rename = "e")]
    End(Outcome),
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The task.
    #[serde(rename = "t")]
    pub task: TaskId,
    /// The number of the message with the question; 0 if nothing was asked.
    #[serde(rename = "n")]
    pub to: u64,
    /// What is answered.
    #[serde(rename = "r")]
    pub reply: Reply,
    /// How far behind the answerer is now: what was asked for counts already.
    #[serde(rename = "b")]
    pub report: Report,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Users that are local there, GR users there, and no more.
    #[serde(rename = "n")]
    Census(u64, u64),
    /// Sums, in the order of the question: one; 256; or 256 for each part.
    #[serde(rename = "s")]
    Sums(Vec<u64>),
    /// What is on the shelves; of what does not fit, nothing, and of the last one perhaps not all.
    #[serde(rename = "l")]
    Lists(Vec<Listed>),
    /// The mailbox sums to the same.
    #[serde(rename = "e")]
    Same,
    /// It is done: for so many objects.
    #[serde(rename = "d")]
    Done(u64),
    /// It would delete more than may be without an administrator's word (E19).
    #[serde(rename = "f")]
    TooMany(u64),
    /// Objects, and after which id to go on; `None`: these were the last.
    #[serde(rename = "o")]
    Page(Vec<Item>, Option<ObjectId>),
    /// Objects with their bodies, as many as fit, at least one.
    #[serde(rename = "y")]
    Bodies(Vec<Item>),
    /// The task has no business here any more.
    #[serde(rename = "x")]
    Closed(Outcome),
}

/// What is on a shelf, read in the transaction that drew the message's number (E24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Which.
    #[serde(rename = "s")]
    pub shelf: Shelf,
    /// What is listed begins after this id.
    #[serde(rename = "a", default)]
    pub after: Option<ObjectId>,
    /// It ends with this id; `None`: with the last on the shelf.
    #[serde(rename = "z", default)]
    pub to: Option<ObjectId>,
    /// The objects, ascending.
    #[serde(rename = "o")]
    pub objects: Vec<ListedObject>,
}

/// What a list tells of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedObject {
    /// Its identity.
    #[serde(rename = "i")]
    pub id: ObjectId,
    /// The digest of its versions.
    #[serde(rename = "d")]
    pub digest: u64,
    /// Users: where they are local.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub home: Option<ServerId>,
    /// Contents of a bucket: whose they are.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ObjectId>,
    /// Whether the lister owes it to the reader.
    #[serde(rename = "m", default, skip_serializing_if = "Owed::is_nothing")]
    pub owed: Owed,
}

/// Whether whoever lists an object owes it, or something of it, to whoever reads the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owed {
    /// No: what is listed is the last word.
    #[default]
    #[serde(rename = "0")]
    Nothing,
    /// It is on its way.
    #[serde(rename = "1")]
    Marked,
    /// It is held.
    #[serde(rename = "2")]
    Held,
}

impl Owed {
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

impl Reply {
    /// Whether it lists what is held: what is not in such a list counts as absent.
    pub fn lists(&self) -> bool {
        matches!(self, Self::Lists(_))
    }
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
}

impl Report {
    /// All marks.
    pub fn backlog(&self) -> u64 {
        self.users.saturating_add(self.messages)
    }
}

impl Message {
    /// The bodies that go along with this message, each once, in the order of their items.
    pub fn bodies(&self) -> Vec<BodyRef> {
        let items = match &self.payload {
            Payload::Data(items) => items.as_slice(),
            Payload::Answer(answer) => match &answer.reply {
                Reply::Bodies(items) => items.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        let mut bodies = Vec::new();
        for item in items.iter().filter(|item| item.with_body) {
            if let Some(body) = item.object.as_ref().and_then(|o| o.body)
                && !bodies.contains(&body)
            {
                bodies.push(body);
            }
        }
        bodies
    }

    /// Whether it is a HELLO, the only kind that is understood without a session.
    pub fn is_hello(&self) -> bool {
        matches!(self.payload, Payload::Hello(_))
    }
}
