//! Questions and answers of tasks, as they are said (R10 to R15).

use crate::{Item, Piece, Report};
use domain::{BodyRef, ObjectId, ServerId};
use ledger::{Outcome, TaskCounts, TaskId, TaskKind};
use serde::{Deserialize, Serialize};

/// A question of the server that drives a task, or whose user has just logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
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
    /// With [`RequestBody::Bodies`]: bodies may come in pieces, and of these so many bytes are here. `None`: from a server that takes bodies
    /// only whole.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub have: Option<Vec<(ObjectId, u32)>>,
    /// What is asked.
    #[serde(rename = "w")]
    pub question: RequestBody,
}

impl Request {
    /// A request that belongs to no task: for a mailbox of somebody who has just logged in, or for what was damaged at rest.
    pub(crate) fn of_no_task(question: RequestBody) -> Self {
        Self {
            task: TaskId(0),
            kind: TaskKind::Mailboxes,
            dry: false,
            agreed: false,
            counts: TaskCounts::default(),
            have: None,
            question,
        }
    }
}

/// A place where objects are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ListScope {
    /// Users and settings in a leaf.
    #[serde(rename = "u")]
    Users(u16),
    /// Contents of the mailboxes in a leaf.
    #[serde(rename = "c")]
    Contents(u16),
    /// The contents of one mailbox.
    #[serde(rename = "m")]
    Mailbox(ObjectId),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestBody {
    /// How many users and objects are there?
    #[serde(rename = "n")]
    Census,
    /// The sum of a tree: users, or contents.
    #[serde(rename = "r")]
    Root(bool),
    /// The sums of all parts of a tree.
    #[serde(rename = "p")]
    Nodes(bool),
    /// The sums of the leaves of these parts.
    #[serde(rename = "b")]
    Leaves(bool, Vec<u8>),
    /// What is on these scopes, each after an id.
    #[serde(rename = "l")]
    Lists(Vec<(ListScope, Option<ObjectId>)>),
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
    /// These objects, with their bodies, or the next pieces of them.
    #[serde(rename = "y")]
    Bodies(Vec<ObjectId>),
    /// These bodies are missing here, but for so many bytes: which of them are there?
    #[serde(rename = "v")]
    Lost(Vec<(BodyRef, u32)>),
    /// The rows of these objects cannot be read here: what are they?
    #[serde(rename = "i")]
    Unreadable(Vec<ObjectId>),
    /// The task has ended so.
    #[serde(rename = "e")]
    End(Outcome),
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The task.
    #[serde(rename = "t")]
    pub task: TaskId,
    /// The number of the message with the question; 0 if nothing was asked.
    #[serde(rename = "n")]
    pub to: u64,
    /// What is answered.
    #[serde(rename = "r")]
    pub reply: ResponseBody,
    /// How far behind the answerer is now: what was asked for counts already.
    #[serde(rename = "b")]
    pub report: Report,
}

/// What is there of the bodies that somebody has lost. What is in no list is to be asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvailableBodies {
    /// These go along, as many as fit.
    #[serde(rename = "b")]
    pub whole: Vec<BodyRef>,
    /// The next piece of a long one goes along, and nothing beside it.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<(BodyRef, Piece)>,
    /// These are lacking there, too.
    #[serde(rename = "l")]
    pub lacking: Vec<BodyRef>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseBody {
    /// Users that are local there, GR users there, and no more.
    #[serde(rename = "n")]
    Census(u64, u64),
    /// Sums, in the order of the question: one; 256; or 256 for each part.
    #[serde(rename = "s")]
    Sums(Vec<u64>),
    /// What is on the scopes; of what does not fit, nothing, and of the last one perhaps not all.
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
    /// Which lost bodies are there.
    #[serde(rename = "v")]
    Found(AvailableBodies),
    /// These objects are there, without bodies, or were deleted there; and these are not known. What is in neither list is to be asked
    /// for again.
    #[serde(rename = "i")]
    Rows(Vec<Item>, Vec<ObjectId>),
    /// The task has no business here any more.
    #[serde(rename = "x")]
    Closed(Outcome),
}

/// What is on a scope, read in the transaction that drew the message's number (E24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Which.
    #[serde(rename = "s")]
    pub scope: ListScope,
    /// What is listed begins after this id.
    #[serde(rename = "a", default)]
    pub after: Option<ObjectId>,
    /// It ends with this id; `None`: with the last on the scope.
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
    /// Contents of a leaf: whose they are.
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

impl ResponseBody {
    /// Whether it lists what is held: what is not in such a list counts as absent.
    pub fn lists(&self) -> bool {
        matches!(self, Self::Lists(_))
    }
}
