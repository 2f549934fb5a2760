//! ProcessorTurns for work that takes a processor: as many at once as there are processors, and one of each user.
//!
//! Decoding sound and looking for words take milliseconds each, and whoever has an account can ask for a thousand at a time. Without turns all of
//! them would stand before what anybody else asks for; with turns whoever asks for much waits for oneself.

use domain::ObjectId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of all users. Cheap to clone.
#[derive(Clone)]
pub struct ProcessorTurns(Arc<ProcessorTurnsOfAll>);

struct ProcessorTurnsOfAll {
    all: Arc<Semaphore>,
    users: Mutex<HashMap<ObjectId, Weak<Semaphore>>>,
}

/// The turns of one user.
#[derive(Clone)]
pub struct UserProcessorTurns {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// A turn, until it is dropped.
pub struct ProcessorTurn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl ProcessorTurns {
    /// As many at once as this, and at least one.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(ProcessorTurnsOfAll {
            all: Arc::new(Semaphore::new(at_once.max(1))),
            users: Mutex::default(),
        }))
    }

    /// Those of a user, who has one at a time however often this is called.
    pub fn of(&self, user: ObjectId) -> UserProcessorTurns {
        let mut users = self.0.users.lock().unwrap_or_else(PoisonError::into_inner);
        let all = Arc::clone(&self.0.all);
        if let Some(own) = users.get(&user).and_then(Weak::upgrade) {
            return UserProcessorTurns { own, all };
        }
        users.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(1));
        users.insert(user, Arc::downgrade(&own));
        UserProcessorTurns { own, all }
    }
}

impl UserProcessorTurns {
    /// Waits for a turn: first behind what the same user asked for before, then behind one turn of each other user.
    ///
    /// # Panics
    /// Never: nobody closes the turns.
    pub async fn take(&self) -> ProcessorTurn {
        let take = |of: &Arc<Semaphore>| Arc::clone(of).acquire_owned();
        let own = take(&self.own).await.expect("turns are never closed");
        let all = take(&self.all).await.expect("turns are never closed");
        ProcessorTurn {
            _own: own,
            _all: all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn user(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    fn now<T>(future: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    #[test]
    fn who_asks_for_much_waits_for_oneself_and_not_others_for_him() {
        let turns = ProcessorTurns::new(2);
        let (greedy, again, other) = (turns.of(user(1)), turns.of(user(1)), turns.of(user(2)));
        let first = now(&mut pin!(greedy.take())).expect("a turn");
        let mut second = pin!(again.take());
        assert!(now(&mut second).is_none(), "one at a time");
        let others = now(&mut pin!(other.take())).expect("another user's turn");
        let third = turns.of(user(3));
        let mut thirds = pin!(third.take());
        assert!(now(&mut thirds).is_none(), "two are busy");
        drop(first);
        assert!(now(&mut second).is_none(), "behind whoever came before");
        let thirds = now(&mut thirds).expect("the turn that was given back");
        drop(others);
        assert!(now(&mut second).is_some());
        drop(thirds);
    }

    #[test]
    fn users_who_ask_for_nothing_are_forgotten() {
        let turns = ProcessorTurns::new(1);
        for n in 0..100 {
            drop(turns.of(user(n)));
        }
        assert!(turns.0.users.lock().unwrap().len() <= 1);
    }
}
