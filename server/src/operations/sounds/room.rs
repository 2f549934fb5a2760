//! How much of message contents may be held at once for those who hear them.

use crate::operations::{OpError, OpResult};
use domain::ObjectId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Octets of contents that all sounds hold together.
const OCTETS_MAX: usize = 128 << 20;
/// Of these, what the sounds that one user has opened hold.
const OCTETS_PER_USER_MAX: usize = 48 << 20;
/// So long a sound waits for others to end.
const WAIT: Duration = Duration::from_secs(10);
/// Who has waited in vain may try again after this.
const AGAIN: Duration = Duration::from_secs(2);

/// The room for contents of sounds.
#[derive(Default)]
pub(super) struct SoundRoom(Arc<RoomInAll>);

#[derive(Default)]
struct RoomInAll {
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_user: HashMap<ObjectId, usize>,
}

/// Room that is taken until this is dropped.
pub(super) struct Held {
    shared: Arc<RoomInAll>,
    user: ObjectId,
    octets: usize,
}

impl SoundRoom {
    /// Takes room, and waits for it if need be. A content larger than a user's share takes all of it.
    ///
    /// # Errors
    /// [`OpError::Unavailable`] when others did not end in time.
    pub async fn hold(&self, user: ObjectId, octets: usize) -> OpResult<Held> {
        self.hold_within(WAIT, user, octets).await
    }

    async fn hold_within(&self, wait: Duration, user: ObjectId, octets: usize) -> OpResult<Held> {
        let octets = octets.min(OCTETS_PER_USER_MAX);
        let held = async {
            loop {
                let freed = self.0.freed.notified();
                if self.0.take(user, octets) {
                    break;
                }
                freed.await;
            }
        };
        let waited = tokio::time::timeout(wait, held).await;
        waited.map_err(|_| OpError::Unavailable {
            why: "Too many long messages are being heard at present. Try again.",
            wait: AGAIN,
        })?;
        Ok(Held {
            shared: Arc::clone(&self.0),
            user,
            octets,
        })
    }
}

impl RoomInAll {
    fn take(&self, user: ObjectId, octets: usize) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_user.get(&user).copied().unwrap_or(0);
        if taken.all + octets > OCTETS_MAX || own + octets > OCTETS_PER_USER_MAX {
            return false;
        }
        taken.all += octets;
        taken.by_user.insert(user, own + octets);
        metrics::gauge!("callpilot_sound_octets_held").set(taken.all as f64);
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let shared = &self.shared;
        let mut taken = shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= self.octets;
        if let Some(own) = taken.by_user.get_mut(&self.user) {
            *own -= self.octets;
            if *own == 0 {
                taken.by_user.remove(&self.user);
            }
        }
        metrics::gauge!("callpilot_sound_octets_held").set(taken.all as f64);
        drop(taken);
        shared.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    #[tokio::test]
    async fn who_hears_too_much_waits_and_others_do_not() {
        let room = SoundRoom::default();
        let at_once = |user, octets| room.hold_within(Duration::ZERO, user, octets);
        let share = at_once(user(1), usize::MAX).await.unwrap();
        let refused = at_once(user(1), 1).await;
        assert!(matches!(refused, Err(OpError::Unavailable { .. })));
        let other = at_once(user(2), OCTETS_PER_USER_MAX).await.unwrap();
        let rest = OCTETS_MAX - 2 * OCTETS_PER_USER_MAX;
        assert!(at_once(user(3), rest + 1).await.is_err());
        let third = at_once(user(3), rest).await.unwrap();
        let waiting = room.hold(user(1), OCTETS_PER_USER_MAX);
        let (waited, ()) = tokio::join!(waiting, async { drop(share) });
        drop((waited.unwrap(), other, third));
        let taken = room.0.taken.lock().unwrap();
        assert_eq!((taken.all, taken.by_user.len()), (0, 0));
    }
}
