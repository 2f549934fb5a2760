//! Mailbox classes, VPIM shortcuts, Temporary Remote Users and system settings, as administrators see and set them.
//!
//! The first three are each server's own. They decide which users of the partner are taken (R9); settings are on both (R4).

use serde::{Deserialize, Serialize};

/// `GET`, `POST /api/v1/admin/classes`: a mailbox class. What a class allows is set on each server; a user carries its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MailboxClass {
    /// Its number: 1 to 999. Class 1 is always there.
    pub number: u32,
    /// What it is called: 1 to 60 characters.
    pub name: String,
}

/// `PUT /api/v1/admin/classes/{number}`: another name for a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassName {
    /// What it is called: 1 to 60 characters.
    pub name: String,
}

/// `GET`, `POST /api/v1/admin/shortcuts`: a VPIM shortcut. If shortcuts have an overlap, only mailboxes whose first digits one of
/// them matches are replicated: with prefix 1272 and overlap 2, mailbox 7200 is and 7300 is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VpimShortcut {
    /// 1 to 20 digits, dialled before a mailbox number.
    pub prefix: String,
    /// So many of the prefix's last digits are the mailbox number's first; 0 to the length of the prefix.
    pub overlap: u8,
}

/// `GET`, `POST /api/v1/admin/remote-users`: a Temporary Remote User, a stub for a user of another server of the network. A user
/// of the partner with its number is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RemoteUser {
    /// Mailbox number: 3 to 20 digits.
    pub mailbox: String,
    /// Display name.
    pub name: String,
    /// Where its mail goes: `local-part@domain`.
    pub address: String,
}

/// `GET /api/v1/admin/settings`: the system settings that both servers of a pair share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemSettings {
    /// E-mail servers on which users may read their e-mail.
    pub email_servers: Vec<EmailServer>,
    /// How callers dial somebody by name.
    pub name_dialing: NameDialing,
    /// Local broadcast mailbox: the number that reaches all users of one server; `null`: none.
    pub broadcast_mailbox: Option<String>,
}

/// `PATCH /api/v1/admin/settings`: what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    /// The whole list of e-mail servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_servers: Option<Vec<EmailServer>>,
    /// How callers dial somebody by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_dialing: Option<NameDialing>,
    /// Local broadcast mailbox; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast_mailbox: Option<String>,
}

/// An e-mail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmailServer {
    /// What it is called; each name once.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// Its IMAP port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// How callers dial somebody by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NameDialing {
    /// What is dialled before the name: at most 8 digits; empty: names cannot be dialled.
    pub prefix: String,
    /// In which order a name is dialled.
    pub order: NameOrder,
}

/// In which order a name is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NameOrder {
    /// Last name, then first name.
    LastFirst,
    /// First name, then last name.
    FirstLast,
}
