//! The reference of a request: what a client is told and the log says, so that one leads to the other.

use std::future::Future;

tokio::task_local! {
    static REFERENCE: String;
}

/// A new reference: 10 hexadecimal digits.
pub fn new() -> String {
    let bytes: [u8; 5] = crate::clock::random();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The reference of the request that this task answers; a new one outside of requests.
pub fn reference() -> String {
    REFERENCE.try_with(Clone::clone).unwrap_or_else(|_| new())
}

/// Runs a future as the one that answers the request of this reference.
pub fn within<F: Future>(reference: String, f: F) -> impl Future<Output = F::Output> {
    REFERENCE.scope(reference, f)
}
