//! How a server refuses.

use serde::{Deserialize, Serialize};

/// The body of every answer with a status of 400 or above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiError {
    /// What a program decides by.
    pub code: ErrorCode,
    /// One or two plain sentences for a person: what was wrong, where, what to do.
    pub message: String,
    /// Finds the full story in the server's log.
    pub reference: String,
    /// Tries left before the mailbox is locked, with `wrong_password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    /// Seconds to wait, with `too_many_requests`, `unavailable` and `not_here`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

/// What a program decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the request itself is wrong.
    BadRequest,
    /// 401: mailbox number or password is wrong.
    WrongPassword,
    /// 401: no token, or one that is not or no longer valid.
    NotLoggedIn,
    /// 401: the password is right, and a code of the second factor is wanted besides.
    CodeNeeded,
    /// 403: a second factor has to be set up before anything else.
    SecondFactorNeeded,
    /// 403: the password has to be changed before anything else.
    PasswordChangeNeeded,
    /// 403: logged in, but not allowed.
    Forbidden,
    /// 404: no such message, user or page.
    NotFound,
    /// 409: it is there already, with another content.
    Conflict,
    /// 409: this one thing cannot be read on this server at present, lost by its disk or not here yet. It is asked from the partner, which may be
    /// asked by the client, too; everything else works, so the server is not out of service.
    NotHere,
    /// 412: it is not as the request says that it is, so nothing was done.
    PreconditionFailed,
    /// 413: more than the server takes.
    TooLarge,
    /// 415: sound or content of a kind that cannot be decoded.
    UnsupportedMedia,
    /// 423: the mailbox is locked.
    Locked,
    /// 429: too many requests.
    TooManyRequests,
    /// 500: the server's own fault; the message is safe.
    Internal,
    /// 507: the disk is nearly full, so nothing new is taken; deleting goes on.
    NoRoom,
    /// 503: out of service; ask the partner.
    Unavailable,
    /// A code that this reader does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// Whether the same request may be done later as it is: what stands in its way is of the moment, and a change that waits for it is kept.
    pub fn is_passing(self) -> bool {
        match self {
            Self::TooManyRequests
            | Self::Internal
            | Self::NoRoom
            | Self::Unavailable
            | Self::Locked
            | Self::NotHere
            | Self::NotLoggedIn
            | Self::PasswordChangeNeeded
            | Self::SecondFactorNeeded => true,
            Self::BadRequest
            | Self::WrongPassword
            | Self::CodeNeeded
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::PreconditionFailed
            | Self::TooLarge
            | Self::UnsupportedMedia
            | Self::Unknown => false,
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
