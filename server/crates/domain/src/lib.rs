//! Users, mailboxes, messages and their versions: what a CallPilot server is about.
//!
//! No IO, no clock, no randomness. An [`Object`] is a set of registers, each with the [`Version`] of its last change; two
//! copies of an object meet by [`Object::join`]. [`User`], [`Message`], [`Greeting`], [`ListEntry`], [`Setting`], [`DraftPiece`], [`Submission`], [`OutgoingMessage`] and [`AdministratorAccount`] are
//! typed views of objects. Every mutation is a [`Change`].

mod administrator;
mod change;
mod constraints;
mod contact_settings;
mod derived;
mod digest;
mod draft;
mod ended_sessions;
mod greeting;
mod list;
mod mail_digest;
mod message;
mod object;
mod outgoing;
mod server_id;
mod setting;
mod submission;
mod user;
mod validation_error;
mod version;

pub use administrator::{
    AdministratorAccount, HeldSession, OneTimeSecret, SecondFactor, administrator_fields,
};
pub use change::Change;
pub use constraints::{ReplicationConstraints, Shortcut};
pub use contact_settings::{
    Device, Forwarding, Hours, Notification, NotificationTarget, PhoneDelivery,
};
pub use contract::{AdministratorRole, ObjectId, Timestamp};
pub use digest::Digest;
pub use draft::{
    Addressee, Draft, DraftPart, DraftPiece, DraftSource, PartKind, PiecePlace, SourceAction,
    draft_fields, draft_piece_fields,
};
pub use greeting::{Greeting, Slot, greeting_fields};
pub use list::{DistributionList, ListEntry, list_fields};
pub use mail_digest::{MailDigest, SaidDigest};
pub use message::{Envelope, FolderState, Message, MessageFolder, Sender, message_fields};
pub use object::{BodyRef, DecodeError, Joined, Key, Kind, Object, Register, Value};
pub use outgoing::{
    DeliveryState, NewOutgoing, OutgoingMessage, OutgoingRecipient, outgoing_fields,
};
pub use server_id::ServerId;
pub use setting::{
    EmailServer, NameDialing, NameOrder, Setting, SettingName, broadcast_value, setting_fields,
};
pub use submission::{Submission, submission_fields};
pub use user::{Password, User, user_fields};
pub use validation_error::{
    ValidationError, check_address, check_mailbox_number, check_name, check_telephone_number,
};
pub use version::{Hlc, Incarnation, Version};
