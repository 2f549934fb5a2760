//! What an answer means: what was asked for, a refusal, or a failure of the server.

use super::call::Caller;
use super::driver::Driver;
use crate::Error;
use crate::connector::{Fate, ServerFault};
use crate::json;
use contract::{ApiError, ErrorCode};

/// A complete answer.
pub(super) struct RawResponse {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// How one try ended, and what it means.
pub(super) enum Try {
    /// With an answer that the server meant.
    Done(Result<(), Error>),
    /// The server failed; the error is what the caller gets if nothing better comes.
    Failed(Fate, ServerFault, Error),
    /// The server was left.
    Moved,
}

impl Driver {
    /// What an answer means.
    pub(super) fn judge(
        &self,
        caller: &Caller,
        answer: RawResponse,
        read: &mut dyn FnMut(RawResponse) -> Result<(), String>,
    ) -> Try {
        let status = answer.status;
        if (200..300).contains(&status) {
            return match read(answer) {
                Ok(()) => Try::Done(Ok(())),
                Err(what) => Try::Failed(Fate::Unknown, ServerFault::Broken, malformed(what)),
            };
        }
        let refusal: Option<ApiError> = json::read(&answer.body).ok();
        match (status, refusal) {
            // Also what a proxy says whose server may have done it.
            (502..=504, refusal) => {
                let error = refusal.map_or_else(|| self.no_server(), Error::Refused);
                Try::Failed(Fate::Unknown, ServerFault::OutOfService, error)
            }
            (401, Some(refusal)) if refusal.code == ErrorCode::NotLoggedIn => {
                Try::Done(Err(match caller {
                    Caller::Administrator(_) => Error::Refused(refusal),
                    Caller::User(token) => {
                        self.session_ended(token);
                        Error::SessionEnded
                    }
                    Caller::Anybody => Error::SessionEnded,
                }))
            }
            (_, Some(refusal)) => Try::Done(Err(Error::Refused(refusal))),
            // No CallPilot server says this, so it decides nothing about the session either: a proxy or a captive portal answers in its place.
            (_, None) => {
                let what = format!("HTTP {status} without a reason");
                Try::Failed(Fate::Unknown, ServerFault::Broken, malformed(what))
            }
        }
    }

    pub(super) fn no_server(&self) -> Error {
        let status = self.status();
        Error::NoServer {
            network_offline: status.network_offline,
            next_try_at: status.next_try_at,
        }
    }
}

pub(super) fn malformed(what: impl Into<String>) -> Error {
    let what = what.into();
    Error::Malformed { what }
}
