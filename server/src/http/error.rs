//! How the API refuses: the one mapping from what went wrong to what a client is told.
//!
//! Outside go one or two plain sentences and a reference; the whole chain of causes goes to the log under that reference.

use super::request;
use crate::operations::OpError;
use crate::password::Busy;
use crate::site::{SiteError, WriteError};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::{ApiError, ErrorCode};
use domain::Unfit;
use std::error::Error;
use std::time::Duration;

/// Why a request is refused.
#[derive(Debug)]
pub enum Problem {
    /// The request itself is wrong; a sentence says how.
    BadRequest(String),
    /// Mailbox number or password is wrong.
    WrongPassword {
        /// Before the mailbox is locked.
        tries_left: u32,
    },
    /// Name or password of the administrator, or the token, is missing or wrong.
    NotAdministrator,
    /// No session, or one that has ended.
    NotLoggedIn(&'static str),
    /// Known, but not allowed; a sentence says why.
    Forbidden(String),
    /// Not there; a sentence says what.
    NotFound(String),
    /// There already, or changed in between; a sentence says what.
    Conflict(String),
    /// More than the server takes.
    TooLarge {
        /// The limit in bytes.
        size_max: usize,
    },
    /// Cannot be decoded; a sentence says what.
    Unsupported(String),
    /// Locked after wrong passwords.
    Locked {
        /// How many it takes.
        tries_max: u32,
    },
    /// Locked by an administrator.
    LockedByAdministrator,
    /// Too many requests of one kind; a sentence says which.
    TooMany {
        /// What was too much.
        what: &'static str,
        /// How long to wait.
        wait: Duration,
    },
    /// Wrong method for this path.
    Method,
    /// Out of service, or too busy: ask the partner.
    Unavailable {
        /// Why, in one sentence.
        why: &'static str,
        /// How long to wait.
        wait: Duration,
    },
    /// No room on the disk for anything new.
    NoRoom,
    /// The range asked for lies outside of the content.
    Range {
        /// Bytes that there are.
        size: u64,
    },
    /// The server's own fault.
    Internal(Box<dyn Error + Send + Sync>),
}

/// What every handler returns.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// The server's own fault.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    fn code(&self) -> (StatusCode, ErrorCode) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, ErrorCode::BadRequest),
            Self::WrongPassword { .. } => (StatusCode::UNAUTHORIZED, ErrorCode::WrongPassword),
            Self::NotAdministrator | Self::NotLoggedIn(_) => {
                (StatusCode::UNAUTHORIZED, ErrorCode::NotLoggedIn)
            }
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, ErrorCode::Forbidden),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, ErrorCode::NotFound),
            Self::Conflict(_) => (StatusCode::CONFLICT, ErrorCode::Conflict),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge),
            Self::Unsupported(_) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorCode::UnsupportedMedia,
            ),
            Self::Locked { .. } | Self::LockedByAdministrator => {
                (StatusCode::LOCKED, ErrorCode::Locked)
            }
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadRequest),
            Self::Range { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BadRequest),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
            Self::NoRoom => (StatusCode::INSUFFICIENT_STORAGE, ErrorCode::NoRoom),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::BadRequest(text)
            | Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::Unsupported(text) => text.clone(),
            Self::WrongPassword { tries_left: 1 } => "Mailbox number or password is wrong. 1 try is left.".into(),
            Self::WrongPassword { tries_left } => {
                format!("Mailbox number or password is wrong. {tries_left} tries are left.")
            }
            Self::NotAdministrator => "This needs an administrator's name and password.".into(),
            Self::NotLoggedIn(why) => format!("{why} Log in again."),
            Self::TooLarge { size_max } => format!("The request is larger than the {size_max} bytes that are taken."),
            Self::Locked { tries_max: 1 } => {
                "This mailbox is locked after a wrong password. An administrator can unlock it.".into()
            }
            Self::Locked { tries_max } => format!(
                "This mailbox is locked after {tries_max} wrong passwords. An administrator can unlock it."
            ),
            Self::LockedByAdministrator => {
                "This mailbox was locked by an administrator. An administrator can unlock it.".into()
            }
            Self::TooMany { what, wait } => format!("{what} Try again in {} seconds.", seconds(*wait)),
            Self::Method => "This address does not take that method.".into(),
            Self::Unavailable { why, .. } => (*why).into(),
            Self::NoRoom => {
                "The disk of this server is nearly full, so it takes nothing new. Deleting messages for good makes room; tell an administrator."
                    .into()
            }
            Self::Range { size } => format!("The range lies outside of the {size} bytes of this content."),
            Self::Internal(_) => {
                "The server could not do this; your messages are safe. Try again. If it stays, tell an administrator the reference."
                    .into()
            }
        }
    }

    fn wait(&self) -> Option<u32> {
        match self {
            Self::TooMany { wait, .. } | Self::Unavailable { wait, .. } => Some(seconds(*wait)),
            _ => None,
        }
    }
}

/// Whole seconds, at least one.
fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000))
        .unwrap_or(u32::MAX)
        .max(1)
}

/// An error with all its causes, from the outermost to the innermost.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let reference = request::reference();
        if let Self::Internal(cause) = &self {
            tracing::error!(%reference, cause = %chain(cause.as_ref()), "a request failed");
        }
        let tries_left = match self {
            Self::WrongPassword { tries_left } => Some(tries_left),
            _ => None,
        };
        let retry_after_s = self.wait();
        let body = ApiError {
            code,
            message: self.sentence(),
            reference,
            tries_left,
            retry_after_s,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = retry_after_s {
            headers.insert(header::RETRY_AFTER, wait.into());
        }
        match self {
            Self::NotAdministrator => {
                let realm = HeaderValue::from_static(
                    "Basic realm=\"CallPilot administration\", charset=\"UTF-8\"",
                );
                headers.insert(header::WWW_AUTHENTICATE, realm);
            }
            Self::NotLoggedIn(_) | Self::WrongPassword { .. } => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Range { size } => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            _ => {}
        }
        response
    }
}

impl From<OpError> for Problem {
    fn from(error: OpError) -> Self {
        match error {
            OpError::Invalid(sentence) => Self::BadRequest(sentence),
            OpError::WrongPassword { tries_left } => Self::WrongPassword { tries_left },
            OpError::SessionOver(why) => Self::NotLoggedIn(why),
            OpError::Forbidden(sentence) => Self::Forbidden(sentence),
            OpError::NotFound(sentence) => Self::NotFound(sentence),
            OpError::Conflict(sentence) => Self::Conflict(sentence),
            OpError::Locked { tries_max } => Self::Locked { tries_max },
            OpError::LockedByAdministrator => Self::LockedByAdministrator,
            OpError::TooMany { what, wait } => Self::TooMany { what, wait },
            OpError::Unavailable { why, wait } => Self::Unavailable { why, wait },
            OpError::NoRoom => Self::NoRoom,
            OpError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<SiteError> for Problem {
    fn from(error: SiteError) -> Self {
        OpError::from(error).into()
    }
}

impl From<Unfit> for Problem {
    fn from(Unfit(sentence): Unfit) -> Self {
        Self::BadRequest(sentence)
    }
}

impl From<WriteError<Problem>> for Problem {
    fn from(error: WriteError<Problem>) -> Self {
        match error {
            WriteError::Refused(problem) => problem,
            WriteError::Failed(error) => error.into(),
        }
    }
}

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        OpError::from(busy).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(problem: Problem) -> (StatusCode, ApiError) {
        let response = problem.into_response();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn what_is_internal_stays_inside() {
        let cause = std::io::Error::other("/var/lib/callpilot/callpilot.db is a directory");
        let (status, error) = told(Problem::internal(cause)).await;
        assert_eq!((status.as_u16(), error.code), (500, ErrorCode::Internal));
        assert!(!error.message.contains("/var") && !error.reference.is_empty());
    }

    #[tokio::test]
    async fn wrong_passwords_say_how_many_tries_are_left() {
        let (status, error) = told(Problem::WrongPassword { tries_left: 2 }).await;
        assert_eq!((status.as_u16(), error.tries_left), (401, Some(2)));
        assert_eq!(
            error.message,
            "Mailbox number or password is wrong. 2 tries are left."
        );
        let (_, error) = told(Problem::WrongPassword { tries_left: 1 }).await;
        assert_eq!(
            error.message,
            "Mailbox number or password is wrong. 1 try is left."
        );
        let (status, error) = told(Problem::Locked { tries_max: 5 }).await;
        assert_eq!(status.as_u16(), 423);
        assert_eq!(
            error.message,
            "This mailbox is locked after 5 wrong passwords. An administrator can unlock it."
        );
    }

    #[tokio::test]
    async fn who_has_to_wait_is_told_how_long() {
        let wait = Duration::from_millis(2_100);
        let (status, error) = told(Problem::TooMany {
            what: "Too many log-ins from here.",
            wait,
        })
        .await;
        assert_eq!((status.as_u16(), error.retry_after_s), (429, Some(3)));
    }
}
