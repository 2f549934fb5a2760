//! The replication engine of a GR pair: two servers that hold the same users and messages, and both work while the other is away.
//!
//! A pure state machine. It has no clock, no randomness of its own, no IO, no threads: what it knows comes in through
//! [`Engine::change`], [`Engine::handle`] and [`Engine::command`], what it wants comes out of [`Engine::finish_transaction`], and what lasts is in a
//! [`ledger::Ledger`]. So one simulator can run two of them through every kind of misfortune (`tests/simulation`).
//!
//! # One message, from the caller to both servers
//!
//! 1. **A change.** Somebody leaves a message. The driver opens a transaction, appends the sound to a segment and calls
//!    [`Engine::change`]. The object gets its registers, each with a version, and a [`ledger::Mark`]: *the partner does not have this
//!    yet* (`local`; E1, E5). There is no log of changes: what is replicated is the present state of what is marked.
//! 2. **The end of the transaction.** [`Engine::finish_transaction`] looks for marks that are not under way (`select` knows the order), reads the
//!    objects *as they are now*, and writes a data message with the next number of the session (`outbox`, `session`). The driver
//!    commits; only then does the message leave (E3, E16).
//! 3. **At the partner.** The bodies are appended, [`Engine::handle`] joins each object with what is there (`apply`; E4), and the
//!    number joins the set *done* (`inbox`). The end of its transaction writes one acknowledgement for all that this transaction has
//!    processed; it leaves after the commit.
//! 4. **The acknowledgement.** It lists all processed numbers as ranges, with a checksum. The mark goes, if the object has not changed
//!    since it was sent (E2), and so does the tombstone, if it was a deletion (E8). [`Output::Safe`] tells who waits for it. What was
//!    not acknowledged in time is sent again, as it is by then.
//!
//! A body that is longer than a message should be goes in *pieces*, one at a time, and others pass between them: the partner refuses the
//! object until the body is whole, and the refusal says how much of it is there (`pieces`; E23). How much may be under way follows what
//! the link has shown that it carries (`pace`), so that whoever comes next never waits long, and what is lost costs little to repeat.
//!
//! # Two servers that know each other
//!
//! Each start of a process is a new *incarnation*, a random number. Two incarnations that have proved by challenge and echo that they are alive
//! form a session (`incarnation`, `handshake`; E6); mail of earlier incarnations counts for nothing. Numbers, what is under way, what was
//! acknowledged: all this belongs to the session and is forgotten with it, because what was not acknowledged still has its mark.
//! Whether the partner is running is decided by proof of two-way life (`status`); data is sent only then (E14).
//!
//! # A server that went back in time
//!
//! Each incarnation is entered, with the CSN at which it began, into a durable *incarnation history*; each server remembers the newest CSN that it has
//! seen of its partner. If that CSN is not part of the partner's past, the partner went back in time: its disk was restored from a
//! backup. It is owed a *recovery* (`recovery`; E11): it is told, range by range, what is here; it asks for what it lacks, and
//! sends what only it has: if that was deleted, the partner has a deletion record of it and answers with a tombstone. Absence deletes nothing.
//! The objects travel as always: marked. A machine that resumes from a snapshot of its memory keeps its incarnation; it hears of messages that
//! it never sent, or its partner hears two things under one number, or that less was seen than before, or knows a message that is not in
//! the *unconfirmed log* of what was said and not confirmed. Then it, too, is recovered (`inbox`, `session`, `handshake`; E13).
//!
//! # What cannot be on both servers
//!
//! A user whose mailbox number is taken there, or is a Temporary Remote User's; whose mailbox class is missing; whose number no VPIM
//! shortcut's overlap matches; for whom there is no room: such a user is *held*, with its mailbox and with the reason ([`Reason`];
//! R9). It stops nobody, is listed on both sides, counts as marked in every verdict, and is tried again when a cause goes (`batch`,
//! `outbox`, `scan`).
//!
//! # Putting right what has come apart
//!
//! Resync, audit, rebuild and mailbox resync are *tasks* (`task`; R10 to R14). One server drives; the other answers questions from its
//! ledger and remembers nothing (`responses`). Sums of digests lead in three questions to what differs (`diff`; R15); what is missing is
//! marked, and travels as always. GR users without an original are deleted last, into what is *kept* for a week; bringing them back
//! is a join like any other (`scan`). A rebuild fetches all that the partner has beside what is live, writes everything twice meanwhile,
//! and lets both change places in one transaction (`fetch`; E18): whoever stops it before that finds the original exactly.
//! When somebody logs in, the mailbox is compared in the same way (R13). No automatic step deletes many without an administrator's
//! word ([`DeletionGuard`]; E19).
//!
//! # What was damaged at rest
//!
//! A disk loses bits while nobody looks. A body that is gone is *missing*; an object whose row cannot be read is *unreadable*, which is
//! neither here nor absent: lists tell of it, nothing concludes from it that it was deleted ([`ledger::Ledger::unreadable`]). Both are
//! asked from the partner, a question at a time (`repair`), and what comes is joined like everything else. What neither server has is
//! counted and said.
//!
//! # Where to read
//!
//! | file | what it decides |
//! |---|---|
//! | `engine`, `io`, `config`, `message` | the waist: inputs, outputs, what is said |
//! | `limits` | everything that can grow, and how far (E22) |
//! | `wire` | messages as bytes |
//! | `rules` | what a test can turn off |
//! | **`session`** | numbers, and what a session knows |
//! | `handshake`, `incarnation` | sessions begin; who went back in time |
//! | `inbound`, `outbound` | what happens with each message, and what is said at the end of a transaction |
//! | `inbox`, `outbox` | what was processed; windows, acknowledgements, retransmission |
//! | `pace`, `pieces` | how much is under way at once, and bodies that are longer than that |
//! | `status`, `age` | running, unknown, down; when age may destroy |
//! | **`objects`** | |
//! | `local`, `apply`, `transaction` | changes to objects, marks, tombstones, deletion records |
//! | `select`, `batch` | what is sent first, and what fits a message |
//! | **`reconcile`** | |
//! | `recovery` | what a server that went back in time has lost |
//! | `admin`, `task`, `task_run`, `removal` | tasks: who may start and stop what, how they go, and what they may remove |
//! | `requests`, `open_request`, `responses`, `messages` | what is asked for them, and answered |
//! | `diff`, `verdict`, `fetch` | what differs, what is said of it, what a rebuild fetches |
//! | `repair` | what was damaged at rest comes back from the partner |
//! | `background`, `scan` | what is done a little at a time, beside what people do |
//!
//! # Two replicas
//!
//! ```
//! use domain::{Change, Incarnation, Key, Kind, ObjectId, ServerId, Timestamp, Value};
//! use gr_proto::{Config, Engine, Input, Mono, Now, Output};
//! use ledger::{Ledger, memory::Memory};
//!
//! let now = Now { wall: Timestamp(1_700_000_000_000), mono: Mono(0) };
//! let (north, south) = (ServerId(1), ServerId(2));
//! let mut engines = [
//!     Engine::new(Config::new(north, Some(south)), Incarnation(11), 1),
//!     Engine::new(Config::new(south, Some(north)), Incarnation(22), 2),
//! ];
//! let mut ledgers = [Memory::default(), Memory::default()];
//!
//! // Somebody leaves a message in the north: a change, in one transaction with whatever else there is to do.
//! let message = ObjectId::from_bytes([7; 16]);
//! let create = Change::Create {
//!     id: message,
//!     kind: Kind::MESSAGE,
//!     owner: None,
//!     body: None,
//!     registers: vec![(Key::field(1), Value::Text("hello".into()))],
//! };
//! let number = engines[0].change(now, &mut ledgers[0], &create)?.expect("it is marked");
//!
//! // Each side ends its transaction, commits, and only then lets its messages leave. Here the mail is two queues in memory.
//! let mut mail = [Vec::new(), Vec::new()];
//! let mut safe = false;
//! for round in 0..20 {
//!     let side = round % 2;
//!     for message in std::mem::take(&mut mail[side]) {
//!         engines[side].handle(now, &mut ledgers[side], Input::Received(message))?;
//!     }
//!     for output in engines[side].finish_transaction(now, &mut ledgers[side])? {
//!         match output {
//!             Output::Send(message) => mail[1 - side].push(message),
//!             Output::Safe(ids) => safe |= ids.contains(&(message, number)),
//!             _ => {}
//!         }
//!     }
//! }
//! assert!(safe, "the partner holds it: a caller who waits for both is answered now");
//! assert_eq!(ledgers[1].object(&message)?, ledgers[0].object(&message)?);
//! assert!(ledgers[0].marks.is_empty(), "nothing is owed any more");
//! # Ok::<(), ledger::LedgerError>(())
//! ```
//!
//! # Invariants, and the tests that hold them
//!
//! Names in quotes are checks of the simulator; the others are tests in `tests/`.
//!
//! - What the partner lacks is marked or held: "what the partner lacks is marked", after every step.
//! - What is called safe is durable at the partner: "safe is safe".
//! - When all is quiet both hold the same, nothing accepted is lost, nothing deleted is back, each register has its newest value,
//!   and no mark, tombstone or held object is left: "both hold the same", "nothing accepted is lost", "deleted is deleted", "the newest
//!   value wins", "marks drain", "tombstones drain", "what is held is filled in".
//! - Applying twice is applying once: `what_was_doubled_is_applied_once`.
//! - Nobody is called running who may be dead, and no data leaves otherwise: "running is honest", "data only while running".
//! - A session is only with the living: "only the living are adopted", `an_old_hello_opens_no_session`.
//! - A local write takes effect, whatever the clocks say: "a local write takes effect", "the logical clock is bounded".
//! - What a restored server lost and its partner had comes back, what was deleted stays deleted, and the recovery ends: "nothing
//!   accepted is lost", "deleted is deleted", "recoveries end", and the stories in `tests/recovery.rs`.
//! - Only its home creates a user: "only its home creates a user", `a_home_takes_back_its_own_user_after_a_restore_and_only_then`.
//! - What the partner has lost is not taken for deleted, and only a tombstone deletes:
//!   `what_the_partner_has_lost_is_not_taken_for_deleted`, `only_a_tombstone_deletes`.
//! - What is full can still hear what empties it: the stories in `tests/bounds.rs`.
//! - Age destroys only what is old by clocks that agreed: `one_leap_of_a_clock_destroys_nothing`.
//! - One bad item stops nobody: `an_item_that_is_refused_for_good_stops_nobody`.
//! - Nobody waits long for what is long or slow: "nobody starves", "a slow partner is running", and the stories in `tests/pieces.rs`.
//! - A task deletes last, and no local user: "a task deletes last", "no task deletes a local user", "a resync leaves local users alone",
//!   and the guide's numbers in `tests/tasks.rs`.
//! - Whoever stops a task finds what was there: `whoever_stops_a_resync_finds_every_user_there`,
//!   `whoever_stops_a_rebuild_finds_the_original_exactly`.
//! - Tasks begin and end: "tasks begin", "tasks end". Comparing costs what differs: `tests/cost`.
//! - Who is down by courtesy has nothing left to send: `courtesy_down_waits_for_the_backlog_and_is_told_to_the_partner`.
//! - Two servers with nothing to do say nothing but heartbeats: "a quiet pair is quiet".

mod config;
mod engine;
mod io;
pub mod limits;
mod message;
mod objects;
mod preceding;
mod reconcile;
mod rules;
mod session;
pub mod wire;

pub use config::{Config, DeletionGuard, Mono, Now, Timers};
pub use engine::{Engine, Savepoint, View};
pub use io::{
    Changed, Command, Event, Input, NewIncarnation, ObjectChange, Output, PartnerState,
    PartnerStatus, Rejected,
};
pub use ledger::Reason;
pub use limits::Limits;
pub use message::{
    Ack, Header, Hello, Item, Judged, List, Message, Payload, Refusal, Report, Seen,
};
pub use preceding::Preceding;
pub use reconcile::messages::{
    AvailableBodies, ListScope, Listed, ListedObject, Owed, Request, RequestBody, Response,
    ResponseBody,
};
pub use reconcile::recovery::Verdicts;
pub use reconcile::task::{Refused, Serving, TaskView};
pub use rules::{Rule, Rules};
pub use session::pieces::Piece;
pub use session::ranges::RangeSet;
