//! Who hears sounds: how many one user hears at once, and whose turn it is to have some of it decoded.

use crate::operations::{OpError, OpResult};
use crate::processor_turns::{ProcessorTurns, UserProcessorTurns};
use domain::ObjectId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Sounds that are sent to one user at once, on all devices. Each takes some hundred kilobytes while its client does not read on.
const SOUNDS_PER_USER_MAX: usize = 32;
/// So long one more waits for another to end.
const WAIT: Duration = Duration::from_secs(10);
/// Who has waited in vain may try again after this.
const AGAIN: Duration = Duration::from_secs(2);

/// The users to whom sounds are sent.
pub(super) struct Listeners {
    turns: ProcessorTurns,
    users: Mutex<HashMap<ObjectId, Weak<Semaphore>>>,
}

/// A user who hears one sound, until this is dropped.
pub(super) struct Listener {
    pub turns: UserProcessorTurns,
    _place: Option<OwnedSemaphorePermit>,
}

impl Listeners {
    pub fn new(turns: ProcessorTurns) -> Self {
        Self {
            turns,
            users: Mutex::default(),
        }
    }

    /// One more sound for `user`, who waits if it is one too many.
    ///
    /// # Errors
    /// [`OpError::Unavailable`] when none of the others has ended in time.
    pub async fn admit(&self, user: ObjectId) -> OpResult<Listener> {
        self.admit_within(WAIT, user).await
    }

    async fn admit_within(&self, wait: Duration, user: ObjectId) -> OpResult<Listener> {
        let place = self.places(user).acquire_owned();
        match tokio::time::timeout(wait, place).await {
            Ok(Ok(place)) => Ok(Listener {
                turns: self.turns.of(user),
                _place: Some(place),
            }),
            Ok(Err(_)) | Err(_) => Err(OpError::Unavailable {
                why: "So many of your messages are being heard at present. Close some pages, and try again.",
                wait: AGAIN,
            }),
        }
    }

    fn places(&self, user: ObjectId) -> Arc<Semaphore> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = users.get(&user).and_then(Weak::upgrade) {
            return places;
        }
        users.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(SOUNDS_PER_USER_MAX));
        users.insert(user, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
impl Listener {
    /// Nobody else hears anything.
    pub fn alone() -> Self {
        Self {
            turns: ProcessorTurns::new(1).of(ObjectId::from_bytes([1; 16])),
            _place: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_user_hears_so_many_at_once_and_others_hear_all_the_same() {
        let listeners = Listeners::new(ProcessorTurns::new(1));
        let user = |n| ObjectId::from_bytes([n; 16]);
        let at_once = |n| listeners.admit_within(Duration::ZERO, user(n));
        let mut heard = Vec::new();
        for _ in 0..SOUNDS_PER_USER_MAX {
            heard.push(at_once(1).await.expect("a place"));
        }
        assert!(matches!(at_once(1).await, Err(OpError::Unavailable { .. })));
        assert!(at_once(2).await.is_ok());
        heard.pop();
        assert!(at_once(1).await.is_ok());
    }
}
