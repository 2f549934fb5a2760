//! What a client tells its subscribers, and what keeps a subscription alive.

use crate::Status;
use contract::{Event, Session};

/// What a client tells its subscribers.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// The connection has changed.
    Status(Status),
    /// The server in use says that something happened. `Resync` and `Ended` are not among them: they come as
    /// [`ClientEvent::ListStale`] and [`ClientEvent::SessionEnded`].
    Server(Event),
    /// Events may have been missed (another server, a gap in the stream): read the list again.
    ListStale,
    /// The session was renewed by itself: keep the new token for the next start.
    SessionRenewed(Session),
    /// The session is over: ask for the log-in. Said once.
    SessionEnded,
}

/// Keeps a subscription alive; dropping it ends it.
#[must_use = "dropping it ends the subscription; call `forever` to keep it"]
pub struct Subscription {
    end: Option<Box<dyn FnOnce()>>,
}

impl Subscription {
    /// A subscription that ends with `end`.
    pub(super) fn ending_with(end: impl FnOnce() + 'static) -> Self {
        Self {
            end: Some(Box::new(end)),
        }
    }

    /// Keeps it as long as the client lives.
    pub fn forever(mut self) {
        self.end = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}
