//! The SDK's types as the pages use them, and its errors as what a page does about them.

pub use plugin_sdk::Error;
pub use plugin_sdk::client::{MessageQuery, PiecePlace};
pub use plugin_sdk::dialog::{Configure, Row, RowStatus};
pub use plugin_sdk::json;
pub use plugin_sdk::{FailbackWait, Health, Progress, ServerStatus, Side, State, Status, Why};

use contract::ErrorCode;

/// Why a page does not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No server answers, or not in time.
    NoAnswer,
    /// It is not there (any more).
    Gone,
    /// A server refused or failed.
    Refused {
        /// Its sentence.
        message: String,
        /// Finds the story in the server's log.
        reference: String,
        /// Later it may be done as it is.
        passing: bool,
    },
    /// The session is over; the log-in is shown anyway.
    Ended,
}

/// What was to be changed is not what it was.
pub fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.code == ErrorCode::Conflict)
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) if refusal.code == ErrorCode::NotFound => Self::Gone,
            Error::Refused(refusal) => Self::Refused {
                message: refusal.message,
                reference: refusal.reference,
                passing: refusal.code.is_passing(),
            },
            Error::SessionEnded => Self::Ended,
            Error::NoServer { .. } | Error::Timeout { .. } => Self::NoAnswer,
            other @ (Error::Malformed { .. } | Error::BadConfig { .. } | Error::OutcomeUnknown) => {
                Self::Refused {
                    message: other.to_string(),
                    reference: "client".into(),
                    // What a proxy says in place of a server decides nothing.
                    passing: !matches!(other, Error::BadConfig { .. }),
                }
            }
        }
    }
}
