//! Why an operation did not happen, as far as a caller can do something about it.

use crate::password::Busy;
use crate::reading::Crowded;
use crate::server::{WriteError, WriterError};
use domain::ValidationError;
use std::error::Error;
use std::time::Duration;

/// So long it usually takes until the partner has sent what is asked from it.
const NOT_HERE: Duration = Duration::from_secs(2);

/// Why an operation did not happen. Each variant is something that a caller does differently; sentences are for people, and say what
/// is wrong and what to do.
#[derive(Debug)]
pub enum OpError {
    /// What was asked for cannot be; a sentence says why.
    Invalid(String),
    /// What somebody proves to be is wrong.
    WrongPassword {
        /// What of it, as the beginning of a sentence.
        what: &'static str,
        /// Before one has to wait.
        tries_left: u32,
    },
    /// The password is right, and a code of the second factor is wanted besides.
    CodeNeeded,
    /// A second factor has to be set up before anything else.
    SecondFactorNeeded,
    /// The password has to be changed before anything else; a sentence says why.
    PasswordChangeNeeded(&'static str),
    /// There is no session, or it has ended; a sentence says which.
    SessionOver(&'static str),
    /// Known, but not allowed; a sentence says why.
    Forbidden(String),
    /// Not there; a sentence says what.
    NotFound(String),
    /// There already, or changed in between; a sentence says what.
    Conflict(String),
    /// It is not as the caller said that it knows it; a sentence says how. Nothing was done.
    PreconditionFailed(String),
    /// Locked by an administrator.
    LockedByAdministrator,
    /// Too often; a sentence says what.
    TooMany {
        /// What was too much.
        what: &'static str,
        /// How long to wait.
        wait: Duration,
    },
    /// Not at present: ask again, or ask the partner.
    Unavailable {
        /// Why, in one sentence.
        why: &'static str,
        /// How long to wait.
        wait: Duration,
    },
    /// This one thing cannot be read here at present, and everything else can: ask again, or ask the partner for it.
    NotHere {
        /// Why, in one sentence.
        why: &'static str,
        /// How long to wait.
        wait: Duration,
    },
    /// No room on the disk for anything new.
    NoRoom,
    /// The server's own fault.
    Internal(Box<dyn Error + Send + Sync>),
}

/// What every operation returns.
pub type OpResult<T> = Result<T, OpError>;

impl OpError {
    /// The server's own fault.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The row of a user or an administrator cannot be read, and the partner is being asked for it: until it is here, nothing can be done for
    /// whom it is about, and the partner can do it.
    pub fn unreadable() -> Self {
        Self::Unavailable {
            why: "The disk of this server cannot read it at present; it is asked from the partner.",
            wait: Duration::from_secs(2),
        }
    }
}

impl OpError {
    /// The content of a message or a greeting is not here, and the partner is being asked for it.
    pub const CONTENT_NOT_HERE: Self = Self::NotHere {
        why: "Its content is not on this server at present; it is asked from the partner. Try again in a moment.",
        wait: NOT_HERE,
    };
    /// The row of a message cannot be read, and the partner is being asked for it: nothing can be said of it, least of all that it was deleted.
    pub const MESSAGE_NOT_HERE: Self = Self::NotHere {
        why: "The disk of this server cannot read this message at present; it is asked from the partner. Try again in a moment.",
        wait: NOT_HERE,
    };
}

impl From<WriterError> for OpError {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::Busy => Self::Unavailable {
                why: "The server has too much to do at the moment. Try again in a second.",
                wait: Duration::from_secs(1),
            },
            WriterError::OutOfService => Self::Unavailable {
                why: "The server is going out of service. The partner can help.",
                wait: Duration::from_secs(5),
            },
            load if load.is_too_many_files() => Self::Unavailable {
                why: "The server has too many files and connections open at the moment. Try again in a few seconds.",
                wait: Duration::from_secs(3),
            },
            full if full.is_full() => Self::NoRoom,
            other => Self::internal(other),
        }
    }
}

impl From<WriteError<Self>> for OpError {
    fn from(error: WriteError<Self>) -> Self {
        match error {
            WriteError::Refused(why) => why,
            WriteError::Failed(error) => error.into(),
        }
    }
}

impl From<ValidationError> for OpError {
    fn from(ValidationError(sentence): ValidationError) -> Self {
        Self::Invalid(sentence)
    }
}

impl From<Crowded> for OpError {
    fn from(_: Crowded) -> Self {
        Self::Unavailable {
            why: "Too many messages are being read at the moment. Try again in a few seconds.",
            wait: Duration::from_secs(3),
        }
    }
}

impl From<Busy> for OpError {
    fn from(_: Busy) -> Self {
        Self::Unavailable {
            why: "Too many people are logging in at the moment. Try again in a few seconds.",
            wait: Duration::from_secs(3),
        }
    }
}
