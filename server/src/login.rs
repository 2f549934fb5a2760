//! Guessing is limited: by mailbox over both servers, and by network address.
//!
//! A mailbox is locked at a number of wrong passwords that is counted in its own registers. Numbers without a mailbox are counted
//! here, in memory, by the same rule, so that nobody learns from the answers which mailboxes exist.

use crate::network::household;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

/// Addresses that are remembered; the fullest buckets are forgotten first.
const ADDRESSES_MAX: usize = 50_000;
/// Numbers whose wrong passwords are counted in memory.
const NUMBERS_MAX: usize = 50_000;

/// How often one network address may try: a bucket of `burst` tries that fills again by `per_minute`.
pub struct AddressLimit {
    burst: f64,
    per_second: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tries: f64,
    at: Instant,
}

impl AddressLimit {
    /// A limit.
    pub fn new(burst: u32, per_minute: u32) -> Self {
        Self {
            burst: burst.into(),
            per_second: f64::from(per_minute) / 60.0,
            buckets: Mutex::default(),
        }
    }

    /// Takes one try, or says how long to wait for the next.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= ADDRESSES_MAX {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
            if buckets.len() >= ADDRESSES_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(household(address)).or_insert(Bucket {
            tries: self.burst,
            at: now,
        });
        let tries = self.filled(*bucket, now);
        if tries < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - tries) / self.per_second));
        }
        *bucket = Bucket {
            tries: tries - 1.0,
            at: now,
        };
        Ok(())
    }

    /// Gives a try back: it was no guess.
    pub fn give_back(&self, address: IpAddr) {
        if let Some(bucket) = lock(&self.buckets).get_mut(&household(address)) {
            bucket.tries = (bucket.tries + 1.0).min(self.burst);
        }
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tries + since * self.per_second).min(self.burst)
    }
}

/// The tries of one mailbox number, one after another.
#[derive(Default)]
pub struct Attempts {
    running: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    wrong: Mutex<HashMap<String, u32>>,
}

impl Attempts {
    /// Waits for its turn. Without turns, a thousand passwords tried at the same moment would all count as the first.
    pub async fn turn(&self, number: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut running = lock(&self.running);
            running.retain(|_, turn| turn.strong_count() > 0);
            match running.get(number).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    let turn = Arc::default();
                    running.insert(number.to_owned(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }

    /// Wrong passwords of a number that are counted here and nowhere else.
    pub fn wrong(&self, number: &str) -> u32 {
        lock(&self.wrong).get(number).copied().unwrap_or(0)
    }

    /// Counts one.
    pub fn count(&self, number: &str) {
        let mut wrong = lock(&self.wrong);
        if wrong.len() >= NUMBERS_MAX && !wrong.contains_key(number) {
            wrong.clear();
        }
        let count = wrong.entry(number.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// Forgets the count of a number.
    pub fn forget(&self, number: &str) {
        lock(&self.wrong).remove(number);
    }
}

/// None of these sections can be left half done, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_tries_too_often_is_told_how_long_to_wait() {
        let limit = AddressLimit::new(3, 60);
        let (now, here) = (Instant::now(), IpAddr::from([192, 0, 2, 1]));
        for _ in 0..3 {
            assert_eq!(limit.take(here, now), Ok(()));
        }
        assert_eq!(limit.take(here, now), Err(Duration::from_secs(1)));
        assert_eq!(limit.take(IpAddr::from([192, 0, 2, 2]), now), Ok(()));
        assert_eq!(limit.take(here, now + Duration::from_secs(1)), Ok(()));
        limit.give_back(here);
        assert_eq!(limit.take(here, now + Duration::from_secs(1)), Ok(()));
        assert!(limit.take(here, now + Duration::from_secs(1)).is_err());
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_count_as_one() {
        let limit = AddressLimit::new(1, 1);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let now = Instant::now();
        assert_eq!(limit.take(address("2001:db8:1:2::1"), now), Ok(()));
        assert!(limit.take(address("2001:db8:1:2:ffff::9"), now).is_err());
        assert_eq!(limit.take(address("2001:db8:1:3::1"), now), Ok(()));
        assert_eq!(limit.take(address("::ffff:192.0.2.1"), now), Ok(()));
        assert!(limit.take(address("192.0.2.1"), now).is_err());
    }

    #[tokio::test]
    async fn tries_of_one_number_go_one_after_another_and_of_others_beside_it() {
        let attempts = Attempts::default();
        let first = attempts.turn("7200").await;
        let mut second = Box::pin(attempts.turn("7200"));
        assert!(futures_poll(&mut second).is_none());
        drop(attempts.turn("7201").await);
        drop(first);
        assert!(futures_poll(&mut second).is_some());
        drop(second);
        drop(attempts.turn("7202").await);
        assert_eq!(
            lock(&attempts.running).len(),
            1,
            "turns that nobody holds are forgotten"
        );
    }

    /// Polls once.
    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn wrong_passwords_of_a_number_add_up_until_they_are_forgotten() {
        let attempts = Attempts::default();
        attempts.count("7999");
        attempts.count("7999");
        assert_eq!((attempts.wrong("7999"), attempts.wrong("7998")), (2, 0));
        attempts.forget("7999");
        assert_eq!(attempts.wrong("7999"), 0);
    }
}
