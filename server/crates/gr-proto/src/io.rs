//! The waist of the engine: what goes in, and what comes out.

use crate::{Message, Mono, TaskView, Verdicts};
use domain::{Incarnation, Kind, ObjectId, ReplicationConstraints, ServerId, Timestamp};
use ledger::{Deletions, Outcome, Reason, TaskId, TaskKind};

/// What the driver tells the engine, besides local changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A message from the partner, opened and decoded. The bodies that came beside it have been appended to the store in the
    /// same transaction, before this.
    Received(Box<Message>),
    /// The partner's door has opened: a connection was made. What was under way before may be lost.
    LinkUp,
    /// The link is broken, and trying again failed.
    LinkDown,
    /// What decides which users are on both servers is different now (R9).
    Constraints(Box<ReplicationConstraints>),
    /// Somebody has logged in here: is the mailbox whole (R13)? Nobody waits for the answer.
    LoggedIn(ObjectId),
}

/// What an administrator asks for, or the night; see [`crate::Engine::command`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Puts right what has come apart (R10, R11, R12, R14). This server drives it.
    Start {
        /// Drawn by whoever starts it.
        id: TaskId,
        /// What it is.
        kind: TaskKind,
        /// Only count what it would do.
        dry: bool,
        /// The deletions that the administrator was shown and has agreed to.
        agreed: Option<Deletions>,
        /// For [`TaskKind::Mailboxes`]: whose; none at all means everybody's.
        mailboxes: Vec<ObjectId>,
    },
    /// Agrees to the deletions that a task waits with (E19).
    Agree(TaskId),
    /// Stops a task: of this server or of the partner.
    Abort(TaskId),
    /// Brings back what tasks have removed from this server.
    Undo,
    /// Tries everything that is held again.
    RetryHeld,
    /// Courtesy down (R18): nothing is left to be sent, and the partner is told that this server is out of service.
    CourtesyDown {
        /// Even if something is left, or the partner does not hear of it.
        force: bool,
    },
    /// Courtesy up: back in service.
    CourtesyUp,
}

/// Why an order is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// There is no partner, or it is not running.
    NotRunning,
    /// A task is open already: here or there.
    Busy(TaskId),
    /// One of the servers went back in time, and is being recovered.
    Recovering,
    /// What a stopped rebuild or an undo has left is still being cleared away.
    Clearing,
    /// Too much is still on its way to the partner: so many objects.
    Backlog(u64),
    /// No such task is open, or it waits for nothing.
    NoSuchTask,
    /// Nothing is kept that could be brought back.
    NothingKept,
    /// Too many mailboxes are named.
    TooMany(usize),
    /// This server is in courtesy down.
    CourtesyDown,
}

/// What the engine tells the driver. Nothing of it may leave before the transaction has been committed (E3, E16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A message for the partner; see [`Message::bodies`] for what goes beside it.
    Send(Box<Message>),
    /// The partner holds these objects durably, each at least up to the change with this number ([`crate::Engine::change`]
    /// says which number a change got).
    Safe(Vec<(ObjectId, u64)>),
    /// These objects are different now, by a local change or by the partner.
    Changed(Vec<Changed>),
    /// How the partner is.
    Status(PartnerStatus),
    /// How tasks are.
    Task(Box<TaskView>),
    /// Something that belongs in the log.
    Event(Event),
}

/// An object that is different now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which one.
    pub id: ObjectId,
    /// What it is, or was.
    pub kind: Kind,
    /// The user it belongs to, or belonged to.
    pub owner: Option<ObjectId>,
    /// What happened.
    pub how: ObjectChange,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectChange {
    /// It was not here before.
    Arrived,
    /// Other values.
    Altered,
    /// Deleted for good.
    Gone,
}

/// The partner's state (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartnerState {
    /// There is no partner.
    NotConfigured,
    /// "?": not heard for a while, or never.
    Unknown,
    /// Check mark: proof of two-way life is fresh.
    Running,
    /// X: not heard for a considerable time.
    Down,
}

/// How the partner is, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartnerStatus {
    /// Its state.
    pub state: PartnerState,
    /// It is alive, and down by courtesy (R18). Its state is [`PartnerState::Down`] then.
    pub courtesy: bool,
    /// It was heard a short while ago in an incarnation that it had left: it runs twice, or was resumed from a snapshot again (E13).
    pub runs_twice: bool,
    /// Since when, by the wall clock.
    pub since: Timestamp,
    /// The last moment after which it lived for certain; `None`: it was not heard yet. A change of this, or of what is measured, is not told by itself.
    pub heard: Option<Mono>,
    /// What it last said of its own marks towards this server; `None` if this session has not told yet.
    pub partner_backlog: Option<u64>,
    /// Time from sending to acknowledgement, smoothed, in milliseconds.
    pub round_trip_ms: Option<u64>,
    /// Bodies that are missing on both servers, as far as this one has asked; `None` if it has not.
    pub no_copy_left: Option<u64>,
    /// What was damaged at the partner, by its own word: of so many bodies and objects this server may have the only good copy.
    pub only_here: Option<u64>,
    /// It is running, but the link is slow: it carries little, or answers take long.
    pub slow: bool,
    /// Bytes a second that the link carried when there last was much to send, if that was within the last minute.
    pub bytes_per_s: Option<u64>,
    /// How far its wall clock is ahead, in milliseconds; only to be shown.
    pub clock_difference_ms: Option<i64>,
    /// By how many milliseconds something that the partner sent in this session is dated ahead of both clocks, if that is more than an hour
    /// (E20); only to be shown.
    pub dated_ahead_ms: Option<i64>,
}

impl PartnerStatus {
    /// Everything the partner had for this server is here, by its own word in this session.
    pub fn caught_up(&self) -> bool {
        self.state == PartnerState::Running && self.partner_backlog == Some(0)
    }
}

/// Something that belongs in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session with this incarnation of the partner begins.
    SessionBegan(Incarnation),
    /// This server takes a new incarnation.
    NewIncarnation(Incarnation, NewIncarnation),
    /// What this server knows of the partner is not part of the partner's past (E11).
    PartnerRolledBack,
    /// What the partner knows of this server is not part of this server's past (E11).
    RolledBack,
    /// What the partner knows of this server may not be part of this server's past: more was said than is remembered. It is compared as if
    /// it had gone back, which deletes nothing (E13).
    MayHaveRolledBack,
    /// A list of the partner was judged, because this server went back in time.
    Judged(Verdicts),
    /// The partner, which went back in time, has been told everything.
    PartnerRecovered,
    /// This server's wall clock has leapt by so many milliseconds: for some time age destroys nothing.
    ClockLeapt(i64),
    /// Something that the partner sent is dated so many milliseconds ahead of both clocks, by one that has been put back since. It is taken,
    /// and replaced by whatever is written after it (E20). Said once in a session.
    DatedAhead(i64),
    /// A HELLO names a server that is not the partner.
    Stranger(ServerId),
    /// The partner refused an object, or it may not be sent: it is held (R9). With the mailbox class, if it is a user's.
    Held(ObjectId, Reason, Option<i64>),
    /// A task begins; it is driven here.
    TaskBegan(TaskId, TaskKind, bool),
    /// A task that was driven here has ended.
    TaskEnded(TaskId, TaskKind, Outcome),
    /// More would be deleted than may be without an administrator's word (E19): so many users here, and there.
    GuardExceeded(u64, u64),
    /// Everything here has been replaced by what the partner holds (R10).
    Rebuilt,
    /// What was damaged here has come back from the partner: so many bodies, and so many objects.
    Repaired(u64, u64),
    /// The partner has been asked for all that is damaged here, and lacks so many bodies and objects itself: no copy is left.
    NoCopyLeft(u64, u64),
    /// An item of the partner was refused here. With the mailbox class, if it is a user's.
    Refused(ObjectId, Reason, Option<i64>),
    /// The partner speaks no level that is spoken here.
    NoCommonLevel(u8, u8),
}

/// Why a server takes a new incarnation without having been started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewIncarnation {
    /// The partner acknowledges or echoes something that was never sent.
    UnknownEcho,
    /// The partner takes back what it acknowledged.
    AckRegression,
    /// The partner says something else under a number that it has used: it was wound back in flight, or runs twice.
    NumberReuse,
    /// Too many numbers are unsettled.
    Unsettled,
    /// An incarnation of the partner is met that was met before: mail of that session may still be on its way.
    MetAgain,
    /// A rebuild has replaced what was here.
    Rebuilt,
}
