//! What the client needs of the world: requests, sleep, the time, random bits, a little storage, a place to run tasks.
//!
//! One implementation for browsers (`browser`, wasm32) and one for native programs (`native`, the feature of that name).
//! Everything is single-threaded: nothing here is `Send`.

use crate::connector::Millis;
use contract::{REQUEST_HEADER, Timestamp};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;
use std::rc::Rc;

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
    /// The time of day, for display and for ids.
    fn wall(&self) -> Timestamp;
    /// Bits that nobody else draws: they make ids unique, and spread retries.
    fn random(&self) -> [u8; 16];
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
    /// Say what it is from now on.
    Put,
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
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One HTTP request.
#[derive(Clone)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// The value of the header `Authorization`.
    pub authorization: Option<String>,
    /// What is sent.
    pub body: Body,
    /// Told how many bytes of the body have been handed to the network so far; for a short body perhaps never. The same number may be told
    /// again while nothing moves.
    pub on_sent: Option<Rc<dyn Fn(u64)>>,
}

impl Request {
    /// Reads what is at a URL.
    pub fn get(url: String) -> Self {
        Self {
            method: Method::Get,
            url,
            authorization: None,
            body: Body::Empty,
            on_sent: None,
        }
    }
}

impl Request {
    /// The headers that it has, with names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let authorization = self.authorization.as_deref();
        // What a browser would add by itself (HTTP Basic) says beside it that no form of another page has sent it. A session needs no such
        // word, and servers of before would not let a page of their partner say it.
        let is_session = authorization.is_none_or(|value| value.starts_with("Bearer "));
        let changes = self.method != Method::Get;
        let word = (changes && !is_session).then_some((REQUEST_HEADER, "1"));
        let authorization = authorization.map(|value| ("authorization", value));
        let media_type = self.body.media_type();
        let media_type = media_type.map(|value| ("content-type", value));
        authorization.into_iter().chain(word).chain(media_type)
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.url)
    }
}

/// What a request carries. Copies share the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// JSON.
    Json(Rc<str>),
    /// A file of another kind.
    Bytes {
        /// Its media type, for example `audio/wav`.
        media_type: &'static str,
        /// The file.
        bytes: Rc<[u8]>,
    },
}

impl Body {
    /// The media type, if there is a body.
    pub fn media_type(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Json(_) => Some("application/json"),
            Self::Bytes { media_type, .. } => Some(media_type),
        }
    }

    /// What is sent.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Json(text) => text.as_bytes(),
            Self::Bytes { bytes, .. } => bytes,
        }
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
    /// No connection was made, so no server has the request: refused, unreachable, name unknown, certificate not trusted.
    #[error("no connection to the server")]
    Refused,
    /// The connection broke after it was made: a server may have the request. Browsers do not tell more than this of any failure.
    #[error("the connection broke")]
    Cut,
    /// What came is not HTTP, or the URL is none.
    #[error("{0}")]
    Broken(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_add_by_itself_says_that_no_form_has_sent_it() {
        let says = |method, authorization: Option<&str>| {
            let request = Request {
                method,
                authorization: authorization.map(str::to_owned),
                ..Request::get("http://localhost/".into())
            };
            request.headers().any(|(name, _)| name == REQUEST_HEADER)
        };
        assert!(says(Method::Post, Some("Basic YQ==")));
        assert!(says(Method::Delete, Some("Basic YQ==")));
        assert!(!says(Method::Get, Some("Basic YQ==")));
        assert!(!says(Method::Post, Some("Bearer token")));
        assert!(!says(Method::Post, None));
    }
}
