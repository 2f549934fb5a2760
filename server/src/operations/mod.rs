//! What a person or a machine may do on this server, written once: the rules of the business stand here and nowhere else.
//!
//! An edge (HTTP, SMTP, the command line) parses what it was sent, calls an operation, and maps its result or its [`OpError`] to what its
//! protocol says. Nothing here knows a protocol, a status code or a header; nothing outside opens the store or makes a change of an object.

pub mod address_book;
pub mod addressing;
pub mod administrators;
pub mod classes;
pub mod contact_settings;
pub mod deposit;
pub mod drafts;
mod error;
mod gr_password;
pub mod greetings;
pub mod lists;
pub mod messages;
pub mod outgoing;
pub mod own_administrator;
pub mod own_password;
pub mod pair;
pub mod password_rules;
pub mod peers;
pub mod peers_file;
pub mod principal;
mod quota;
pub mod remote_users;
pub mod search;
pub mod sending;
pub mod settings;
pub mod shortcuts;
pub mod sign_in;
pub mod sounds;
pub mod tasks;
pub mod trail;
pub mod users;

pub use error::{OpError, OpResult};
