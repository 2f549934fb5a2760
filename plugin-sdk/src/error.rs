//! What can go wrong for a caller: one variant for each thing that a caller does differently.

use contract::{ApiError, Timestamp};

/// Why a call did not bring what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server understood and said no: show its sentence. Carries the reason as a code, tries left, seconds to wait.
    #[error("{0}")]
    Refused(ApiError),
    /// There is no session, or it is over (password changed, logged out everywhere, too old): ask for the log-in.
    #[error("Your session has ended. Log in again.")]
    SessionEnded,
    /// No server answers. What the caller keeps is all there is for now; a later call tries again by itself.
    #[error("Neither server answers.")]
    NoServer {
        /// The computer itself says that it has no network.
        network_offline: bool,
        /// When the next try is due, if one is planned.
        next_try_at: Option<Timestamp>,
    },
    /// A server is there but did not answer this call in time, nor did its partner.
    #[error("No answer after {} seconds.", after_ms / 1000)]
    Timeout {
        /// How long the call waited, all tries together.
        after_ms: u64,
    },
    /// The connection broke before the answer of a call that is not repeated ([`crate::Replay::Never`]): the server may have done
    /// it. Look how things are before trying again.
    #[error(
        "The connection broke before the answer: it may have been done. Look before you try again."
    )]
    OutcomeUnknown,
    /// The answer is not what the protocol promises: a proxy's page, a cut body, another protocol level.
    #[error("The server's answer cannot be understood: {what}.")]
    Malformed {
        /// What was wrong with it, and where.
        what: String,
    },
    /// The configuration cannot be used.
    #[error("{what}")]
    BadConfig {
        /// What is wrong and what would be right.
        what: String,
    },
}
