//! The only place where the server reads clocks and entropy. Everything below is given `now` and random bytes.

use domain::{ObjectId, Timestamp};
use gr_proto::{Mono, Now};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The server's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock whose monotonic reading begins at 0.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// The wall clock.
    pub fn wall(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Both clocks, as the engine takes them.
    pub fn now(&self) -> Now {
        let mono = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now {
            wall: self.wall(),
            mono: Mono(mono),
        }
    }
}

/// Bytes from the operating system's generator.
///
/// # Panics
/// If the operating system has no entropy to give: nothing safe can be done without.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A new identity (UUIDv7) of this moment.
pub fn new_id(now: Timestamp) -> ObjectId {
    ObjectId::new(now, random())
}
