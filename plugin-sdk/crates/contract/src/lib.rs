//! The wire types between CallPilot clients and servers: a published promise.
//!
//! Everything here is JSON over HTTP. Fields may be added; none is renamed, removed or given another meaning while the
//! [`LEVEL`] stays. A reader ignores fields that it does not know. This crate holds no behaviour and depends on nothing of ours.

mod admin;
mod administrator;
mod compose;
mod conditions;
mod discovery;
mod error;
mod event;
mod ids;
mod message;
mod own;
mod queue;
mod read;
mod session;
mod task;

pub use admin::{
    AuditTrailEntry, Damage, DiskStatus, GrPair, GrStatus, GrTls, LaneBacklog, NewGrPassword,
    NewPassword, NewUser, PartnerState, UpkeepStatus, UserKind, UserPatch, UserRow, clocks_differ,
};
pub use administrator::{
    AdministratorLogin, AdministratorPatch, AdministratorRole, AdministratorRow,
    AdministratorSession, AdministratorSessionRow, NewAdministrator, PasswordChange, SecondFactor,
    SecondFactorCode,
};
pub use compose::{
    AddressQuery, Addressee, Draft, DraftContent, DraftPart, DraftRow, DraftSource, NewSubmission,
    PartKind, ResolvedAddress, SourceAction, Submission,
};
pub use conditions::{
    ClassName, EmailServer, MailboxClass, NameDialing, NameOrder, RemoteUser, SettingsPatch,
    SystemSettings, VpimShortcut,
};
pub use discovery::{Discovery, GrPartner, ServerAddress, WELL_KNOWN};
pub use error::{ApiError, ErrorCode};
pub use event::Event;
pub use ids::{ObjectId, ParseIdError, Timestamp};
pub use message::{
    Counts, Emptied, Folder, Kind, MailboxLimits, MessageDetail, MessageList, MessagePatch,
    MessageRow, Part, Party, Recipient, VoicePurpose,
};
pub use own::{
    ContactSettings, DistributionList, Forwarding, GreetingEnd, GreetingRow, GreetingSlot, Hours,
    ListContent, Notification, NotificationDevice, NotificationTarget, PhoneDelivery,
};
pub use queue::{QueuedMessage, QueuedRecipient, QueuedState};
pub use session::{Login, Mailbox, Session};
pub use task::{
    GrTask, GrTasks, HeldMailbox, HeldMailboxes, KeptObjects, NewTask, TaskCounts, TaskDeletions,
    TaskErrand, TaskKind, TaskOutcome, TaskPhase,
};

/// A header that no form of another page can send: administrative calls by name and password carry it, or JSON. Its value does not matter.
pub const REQUEST_HEADER: &str = "x-callpilot-request";

/// The level of this protocol. A client speaks to a server of its own level and of the two before.
pub const LEVEL: u32 = 1;
