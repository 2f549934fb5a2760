//! Waiting for a state, with a limit.

use std::time::{Duration, Instant};

/// No state is waited for longer than this; far more than anything takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How often a state that nobody announces is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The first answer of `look` that is one.
///
/// # Panics
/// If there is none within [`LIMIT`]; `what` says what was waited for.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for: {what}");
        std::thread::park_timeout(LOOK);
    }
}
