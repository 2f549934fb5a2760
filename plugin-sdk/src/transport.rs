//! What the client needs of the world: fetch, sleep, the time, a little storage, a place to run tasks.
//!
//! One implementation for browsers (`browser`, wasm32) and one for native programs (`native`, the feature of that name).
//! Everything is single-threaded: nothing here is `Send`.

use crate::connector::Millis;
use contract::Timestamp;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;

#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod native;

/// The world as the client sees it.
pub trait Transport: 'static {
    /// Sends one request and returns when the head of the answer is there. Dropping the future, or the body, aborts it.
    fn fetch(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>>;
    /// Ends after `ms` milliseconds.
    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()>;
    /// Milliseconds of a clock that never goes back, from any beginning.
    fn now(&self) -> Millis;
    /// The time of day, for display only.
    fn wall(&self) -> Timestamp;
    /// A number that differs from client to client: spreads retries.
    fn seed(&self) -> u64;
    /// What was stored under `key`; `None` also where nothing can be stored.
    fn load(&self, key: &str) -> Option<String>;
    /// Stores a value, or removes it. Failing is silent: memory is a convenience.
    fn store(&self, key: &str, value: Option<&str>);
    /// Runs a task to its end beside the caller.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Make.
    Post,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One HTTP request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// The session's token, sent as `Authorization: Bearer`.
    pub bearer: Option<String>,
    /// A JSON body.
    pub json: Option<String>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.url)
    }
}

/// The head of an answer, and its body as it arrives.
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// Length of the body in bytes, if the server says it.
    pub length: Option<u64>,
    /// The body in pieces; it ends early with an error if the connection breaks.
    pub body: LocalBoxStream<'static, Result<Vec<u8>, FetchError>>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection: refused, unreachable, name unknown, certificate not trusted. Browsers tell no more than this.
    #[error("no connection to the server")]
    Refused,
    /// The connection broke after it was made.
    #[error("the connection broke")]
    Cut,
    /// What came is not HTTP, or the URL is none.
    #[error("{0}")]
    Broken(String),
}
