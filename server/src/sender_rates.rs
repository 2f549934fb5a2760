//! How much mail strangers may leave in a minute: for each network address, and for each sender at one network address; and how many
//! recipients an address may name in an hour that are not here.
//!
//! A token bucket of one minute for messages and one for bytes. A mail is taken while something is left of both, whatever its own length:
//! so the longest message is taken, too, and what it was too long for is waited for afterwards.

use crate::config::Rates;
use crate::network::household;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered, and senders; those that have left least are forgotten first.
const REMEMBERED_MAX: usize = 50_000;
/// In these, what a bucket holds flows in again.
const MINUTE_S: f64 = 60.0;
/// The same for recipients that are not here.
const HOUR_S: f64 = 3_600.0;

/// A sender at an address: the digest of the reverse path, so that none takes more memory than another.
type SenderAt = (IpAddr, [u8; 32]);

/// What each address and each sender may still leave.
pub struct SenderRates {
    rates: Rates,
    state: Mutex<(Buckets<IpAddr>, Buckets<SenderAt>)>,
    unknown: Mutex<Buckets<IpAddr>>,
}

/// What may be left in so many seconds. 0: no bound.
#[derive(Clone, Copy, Debug)]
struct Rate {
    messages: f64,
    bytes: f64,
    seconds: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    messages: f64,
    bytes: f64,
    at: Instant,
}

struct Buckets<K>(HashMap<K, Bucket>);

impl SenderRates {
    /// By a configuration.
    pub fn new(rates: Rates) -> Self {
        let state = Mutex::new((Buckets(HashMap::new()), Buckets(HashMap::new())));
        let unknown = Mutex::new(Buckets(HashMap::new()));
        Self {
            rates,
            state,
            unknown,
        }
    }

    /// Whether a network address may name further recipients, known or not: whoever has named too many that are not here may not.
    ///
    /// # Errors
    /// How long to wait.
    pub fn may_name(&self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        if self.is_exempt(peer) {
            return Ok(());
        }
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.look(&household(peer), self.of_unknown(), now)
    }

    /// Counts a recipient that is not here.
    pub fn named_nobody(&self, peer: IpAddr, now: Instant) {
        if !self.is_exempt(peer) {
            let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            unknown.take(household(peer), self.of_unknown(), 0, now);
        }
    }

    fn is_exempt(&self, peer: IpAddr) -> bool {
        let mut exempt = self.rates.exempt.iter();
        exempt.any(|network| network.contains(peer))
    }

    fn of_unknown(&self) -> Rate {
        Rate {
            messages: self.rates.unknown_recipients_per_hour as f64,
            bytes: 0.0,
            seconds: HOUR_S,
        }
    }

    /// Whether mail of a sender may come now; it is not counted yet. `None` is the sender of reports: only its address counts.
    ///
    /// # Errors
    /// How long to wait.
    pub fn look(&self, peer: IpAddr, sender: Option<&str>, now: Instant) -> Result<(), Duration> {
        self.ask(peer, sender, None, now)
    }

    /// Counts a mail of so many bytes, if it may come now.
    ///
    /// # Errors
    /// How long to wait. It is not counted then.
    pub fn take(
        &self,
        peer: IpAddr,
        sender: Option<&str>,
        bytes: usize,
        now: Instant,
    ) -> Result<(), Duration> {
        self.ask(peer, sender, Some(bytes), now)
    }

    fn ask(
        &self,
        peer: IpAddr,
        sender: Option<&str>,
        counted: Option<usize>,
        now: Instant,
    ) -> Result<(), Duration> {
        if self.is_exempt(peer) {
            return Ok(());
        }
        let (address, of_address) = (household(peer), self.of_address());
        let sender = sender.map(|sender| {
            let digest = blake3::hash(sender.to_ascii_lowercase().as_bytes());
            (address, *digest.as_bytes())
        });
        let of_sender = self.of_sender();
        let mut state = self.lock();
        let (addresses, senders) = &mut *state;
        addresses.look(&address, of_address, now)?;
        if let Some(sender) = &sender {
            senders.look(sender, of_sender, now)?;
        }
        if let Some(bytes) = counted {
            addresses.take(address, of_address, bytes, now);
            if let Some(sender) = sender {
                senders.take(sender, of_sender, bytes, now);
            }
        }
        Ok(())
    }

    fn of_address(&self) -> Rate {
        Rate {
            messages: self.rates.address_messages_per_minute as f64,
            bytes: self.rates.address_bytes_per_minute as f64,
            seconds: MINUTE_S,
        }
    }

    fn of_sender(&self) -> Rate {
        Rate {
            messages: self.rates.sender_messages_per_minute as f64,
            bytes: self.rates.sender_bytes_per_minute as f64,
            seconds: MINUTE_S,
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Buckets<IpAddr>, Buckets<SenderAt>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// Whether something is left of a bucket.
    fn look(&self, key: &K, rate: Rate, now: Instant) -> Result<(), Duration> {
        let Some(bucket) = self.0.get(key) else {
            return Ok(());
        };
        let filled = bucket.filled(rate, now);
        let missing = |left: f64, least: f64, most: f64| match most > 0.0 {
            true => (least - left).max(0.0) * rate.seconds / most,
            false => 0.0,
        };
        let wait = missing(filled.messages, 1.0, rate.messages).max(missing(
            filled.bytes,
            1.0,
            rate.bytes,
        ));
        match wait > 0.0 {
            true => Err(Duration::from_secs_f64(wait)),
            false => Ok(()),
        }
    }

    fn take(&mut self, key: K, rate: Rate, bytes: usize, now: Instant) {
        if self.0.len() >= REMEMBERED_MAX && !self.0.contains_key(&key) {
            self.forget(rate, now);
        }
        let full = Bucket {
            messages: rate.messages,
            bytes: rate.bytes,
            at: now,
        };
        let filled = self.0.get(&key).copied().unwrap_or(full).filled(rate, now);
        let left = Bucket {
            messages: filled.messages - 1.0,
            bytes: filled.bytes - bytes as f64,
            at: now,
        };
        self.0.insert(key, left);
    }

    /// Makes room: full buckets say nothing, and half full ones little.
    fn forget(&mut self, rate: Rate, now: Instant) {
        for part in [1.0, 0.5] {
            self.0.retain(|_, bucket| {
                let filled = bucket.filled(rate, now);
                filled.messages < rate.messages * part || filled.bytes < rate.bytes * part
            });
            if self.0.len() < REMEMBERED_MAX / 2 {
                return;
            }
        }
        if self.0.len() >= REMEMBERED_MAX {
            self.0.clear();
        }
    }
}

impl Bucket {
    /// With what has flowed in since.
    fn filled(self, rate: Rate, now: Instant) -> Self {
        let part = now.saturating_duration_since(self.at).as_secs_f64() / rate.seconds;
        let filled = |left: f64, most: f64| match most > 0.0 {
            true => (left + part * most).min(most),
            false => 0.0, // no bound: nothing is counted
        };
        Self {
            messages: filled(self.messages, rate.messages),
            bytes: filled(self.bytes, rate.bytes),
            at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Option<&str> = Some("4711@client.example");

    fn rates() -> SenderRates {
        SenderRates::new(Rates {
            sender_messages_per_minute: 6,
            sender_bytes_per_minute: 60_000,
            address_messages_per_minute: 10,
            address_bytes_per_minute: 0,
            unknown_recipients_per_hour: 4,
            exempt: vec!["192.0.2.128/25".parse().unwrap()],
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_sender_has_so_many_messages_in_a_minute_and_gets_them_back_with_time() {
        let (rates, start, peer) = (rates(), Instant::now(), address("192.0.2.1"));
        let take = |s| rates.take(peer, SENDER, 10, start + Duration::from_secs(s));
        assert!((0..6).all(|_| take(0).is_ok()));
        assert_eq!(take(0), Err(Duration::from_secs(10)));
        assert!(rates.look(peer, SENDER, start).is_err());
        let shouted = Some("4711@CLIENT.example");
        assert!(
            rates.take(peer, shouted, 10, start).is_err(),
            "the same one"
        );
        assert_eq!(take(11), Ok(()));
        assert!(take(11).is_err());
        let elsewhere = address("192.0.2.2");
        assert_eq!(
            rates.take(elsewhere, SENDER, 10, start),
            Ok(()),
            "nobody can use up another's"
        );
    }

    #[test]
    fn bytes_are_waited_for_after_the_message_that_was_too_long() {
        let (rates, start, peer) = (rates(), Instant::now(), address("192.0.2.1"));
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(rates.take(peer, SENDER, 120_000, at(0)), Ok(()));
        assert!(rates.take(peer, SENDER, 1, at(59)).is_err());
        assert_eq!(rates.take(peer, SENDER, 1, at(61)), Ok(()));
    }

    #[test]
    fn many_senders_of_one_address_share_its_bound_and_so_does_a_network_of_ipv6() {
        let (rates, start) = (rates(), Instant::now());
        for n in 0..10 {
            let (peer, sender) = (address(&format!("2001:db8::{n}")), format!("{n}@x.example"));
            assert_eq!(rates.take(peer, Some(&sender), 1, start), Ok(()));
        }
        let peer = address("2001:db8::ffff");
        assert!(rates.take(peer, None, 1, start).is_err(), "reports, too");
        assert_eq!(
            rates.take(address("2001:db8:0:1::1"), None, 1, start),
            Ok(())
        );
        let own = address("192.0.2.200");
        assert!(
            (0..99).all(|_| rates.take(own, SENDER, 1, start).is_ok()),
            "exempt"
        );
    }

    #[test]
    fn an_address_that_names_many_who_are_not_here_waits_for_everybody_and_no_other_does() {
        let (rates, start, peer) = (rates(), Instant::now(), address("192.0.2.1"));
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        for _ in 0..4 {
            assert_eq!(rates.may_name(peer, at(0)), Ok(()));
            rates.named_nobody(peer, at(0));
        }
        assert_eq!(rates.may_name(peer, at(0)), Err(Duration::from_secs(900)));
        assert_eq!(rates.may_name(address("192.0.2.2"), at(0)), Ok(()));
        assert_eq!(
            rates.may_name(peer, at(16)),
            Ok(()),
            "one more in a quarter of an hour"
        );
        rates.named_nobody(peer, at(16));
        assert!(rates.may_name(peer, at(16)).is_err());
        assert_eq!(
            rates.take(peer, SENDER, 1, at(16)),
            Ok(()),
            "messages are counted apart"
        );
        let own = address("192.0.2.200");
        (0..9).for_each(|_| rates.named_nobody(own, start));
        assert_eq!(rates.may_name(own, start), Ok(()), "exempt");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (rates, start) = (rates(), Instant::now());
        for n in 0..=REMEMBERED_MAX as u32 {
            let peer = IpAddr::from(n.to_be_bytes());
            assert_eq!(rates.take(peer, SENDER, 1, start), Ok(()));
            rates.named_nobody(peer, start);
        }
        assert!(rates.unknown.lock().unwrap().0.len() <= REMEMBERED_MAX);
        let state = rates.lock();
        assert!(state.0.0.len() <= REMEMBERED_MAX && state.1.0.len() <= REMEMBERED_MAX);
    }
}
