//! How the API refuses: the one mapping from what went wrong to what a client is told.
//!
//! Outside go one or two plain sentences and a reference; the whole chain of causes goes to the log under that reference.

use super::reference;
use crate::counted::counted;
use crate::operations::OpError;
use crate::password::Busy;
use crate::server::{WriteError, WriterError};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::{ApiError, ErrorCode};
use domain::ValidationError;
use std::error::Error;
use std::time::Duration;

/// Why a request is refused: because of what was asked, or because of how it was asked over HTTP.
#[derive(Debug)]
pub enum Problem {
    /// The operation did not happen.
    Operation(OpError),
    /// Name or password of the administrator, or the token, is missing or wrong.
    NotAdministrator,
    /// More than the server takes.
    TooLarge {
        /// The limit in bytes.
        size_max: usize,
    },
    /// Cannot be decoded; a sentence says what.
    Unsupported(String),
    /// It is for a server of another name.
    Misdirected,
    /// Wrong method for this path.
    Method,
    /// The range asked for lies outside of the content.
    Range {
        /// Bytes that there are.
        size: u64,
    },
}

/// What every handler returns.
pub type HttpResult<T> = Result<T, Problem>;

impl Problem {
    /// The request itself is wrong; a sentence says how.
    pub fn invalid(sentence: String) -> Self {
        OpError::Invalid(sentence).into()
    }

    /// It is not there; a sentence says what.
    pub fn not_found(sentence: String) -> Self {
        OpError::NotFound(sentence).into()
    }

    /// The server's own fault.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        OpError::internal(cause).into()
    }

    fn code(&self) -> (StatusCode, ErrorCode) {
        match self {
            Self::Operation(error) => code(error),
            Self::NotAdministrator => (StatusCode::UNAUTHORIZED, ErrorCode::NotLoggedIn),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge),
            Self::Unsupported(_) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorCode::UnsupportedMedia,
            ),
            Self::Misdirected => (StatusCode::MISDIRECTED_REQUEST, ErrorCode::BadRequest),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadRequest),
            Self::Range { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BadRequest),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Operation(error) => sentence(error),
            Self::NotAdministrator => {
                "This needs an administrator: sign in by POST /api/v1/admin/session.".into()
            }
            Self::TooLarge { size_max } => {
                format!("The request is larger than the {size_max} bytes that are taken.")
            }
            Self::Unsupported(text) => text.clone(),
            Self::Misdirected => {
                "This server has another name. If it is called so, its administrator adds the name to http.hosts.".into()
            }
            Self::Method => "This address does not take that method.".into(),
            Self::Range { size } => {
                format!("The range lies outside of the {size} bytes of this content.")
            }
        }
    }

    fn wait(&self) -> Option<u32> {
        match self {
            Self::Operation(
                OpError::TooMany { wait, .. }
                | OpError::Unavailable { wait, .. }
                | OpError::NotHere { wait, .. },
            ) => Some(seconds(*wait)),
            _ => None,
        }
    }
}

/// What an operation's error is over HTTP.
fn code(error: &OpError) -> (StatusCode, ErrorCode) {
    match error {
        OpError::Invalid(_) => (StatusCode::BAD_REQUEST, ErrorCode::BadRequest),
        OpError::WrongPassword { .. } => (StatusCode::UNAUTHORIZED, ErrorCode::WrongPassword),
        OpError::CodeNeeded => (StatusCode::UNAUTHORIZED, ErrorCode::CodeNeeded),
        OpError::SecondFactorNeeded => (StatusCode::FORBIDDEN, ErrorCode::SecondFactorNeeded),
        OpError::PasswordChangeNeeded(_) => {
            (StatusCode::FORBIDDEN, ErrorCode::PasswordChangeNeeded)
        }
        OpError::SessionOver(_) => (StatusCode::UNAUTHORIZED, ErrorCode::NotLoggedIn),
        OpError::Forbidden(_) => (StatusCode::FORBIDDEN, ErrorCode::Forbidden),
        OpError::NotFound(_) => (StatusCode::NOT_FOUND, ErrorCode::NotFound),
        OpError::Conflict(_) => (StatusCode::CONFLICT, ErrorCode::Conflict),
        OpError::PreconditionFailed(_) => (
            StatusCode::PRECONDITION_FAILED,
            ErrorCode::PreconditionFailed,
        ),
        OpError::LockedByAdministrator => (StatusCode::LOCKED, ErrorCode::Locked),
        OpError::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests),
        OpError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
        // Not a 5xx: neither clients nor proxies shall take the server for one that fails.
        OpError::NotHere { .. } => (StatusCode::CONFLICT, ErrorCode::NotHere),
        OpError::NoRoom => (StatusCode::INSUFFICIENT_STORAGE, ErrorCode::NoRoom),
        OpError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal),
    }
}

fn sentence(error: &OpError) -> String {
    match error {
        OpError::Invalid(text)
        | OpError::Forbidden(text)
        | OpError::NotFound(text)
        | OpError::Conflict(text)
        | OpError::PreconditionFailed(text) => text.clone(),
        OpError::WrongPassword { what, tries_left: 1 } => {
            format!("{what} is wrong. 1 try is left.")
        }
        OpError::WrongPassword { what, tries_left } => {
            format!("{what} is wrong. {tries_left} tries are left.")
        }
        OpError::CodeNeeded => {
            "Enter the code that your application shows now, with name and password.".into()
        }
        OpError::SecondFactorNeeded => {
            "This server asks administrators for a second factor, and you have none yet. Set one up first.".into()
        }
        OpError::PasswordChangeNeeded(why) => format!("{why} Choose a new password first."),
        OpError::SessionOver(why) => format!("{why} Log in again."),
        OpError::LockedByAdministrator => {
            "This mailbox was locked by an administrator. An administrator can unlock it.".into()
        }
        OpError::TooMany { what, wait } => format!("{what} Try again in {}.", counted(seconds(*wait).into(), "second", "seconds")),
        OpError::Unavailable { why, .. } | OpError::NotHere { why, .. } => (*why).into(),
        OpError::NoRoom => {
            "The disk of this server is nearly full, so it takes nothing new. Deleting messages for good makes room; tell an administrator."
                .into()
        }
        OpError::Internal(_) => {
            "The server could not do this; your messages are safe. Try again. If it stays, tell an administrator the reference."
                .into()
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
        let said = cause.to_string();
        // Many an error says its cause itself.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let reference = reference::reference();
        if let Self::Operation(OpError::Internal(cause)) = &self {
            tracing::error!(%reference, cause = %chain(cause.as_ref()), "a request failed");
        }
        let tries_left = match self {
            Self::Operation(OpError::WrongPassword { tries_left, .. }) => Some(tries_left),
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
            Self::Operation(
                OpError::SessionOver(_) | OpError::WrongPassword { .. } | OpError::CodeNeeded,
            ) => {
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
        Self::Operation(error)
    }
}

impl From<WriterError> for Problem {
    fn from(error: WriterError) -> Self {
        OpError::from(error).into()
    }
}

impl From<ValidationError> for Problem {
    fn from(error: ValidationError) -> Self {
        OpError::from(error).into()
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

    fn wrong(tries_left: u32) -> Problem {
        let what = "Mailbox number or password";
        OpError::WrongPassword { what, tries_left }.into()
    }

    #[tokio::test]
    async fn wrong_passwords_say_how_many_tries_are_left() {
        let (status, error) = told(wrong(2)).await;
        assert_eq!((status.as_u16(), error.tries_left), (401, Some(2)));
        assert_eq!(
            error.message,
            "Mailbox number or password is wrong. 2 tries are left."
        );
        let (_, error) = told(wrong(1)).await;
        assert_eq!(
            error.message,
            "Mailbox number or password is wrong. 1 try is left."
        );
        let (status, error) = told(OpError::LockedByAdministrator.into()).await;
        assert_eq!((status.as_u16(), error.code), (423, ErrorCode::Locked));
    }

    #[tokio::test]
    async fn who_has_to_wait_is_told_how_long() {
        let wait = Duration::from_millis(2_100);
        let (status, error) = told(
            OpError::TooMany {
                what: "Too many log-ins from here.",
                wait,
            }
            .into(),
        )
        .await;
        assert_eq!((status.as_u16(), error.retry_after_s), (429, Some(3)));
    }
}
