//! Whose mail to the replication engine is taken, and how much of it before it is known to be the partner's.
//!
//! Such a mail may be long, and only when it is whole can it be opened and so prove that it is the partner's. Until then it is a stranger's. So
//! an address that has proved nothing sends one such mail at a time, and all of these addresses together keep no more than one and a half of
//! the longest here: a partner proves itself by a short one. An operator who
//! knows where the partner is names its networks; others are then refused before they send anything.
//!
//! Whole mails are opened off the threads that serve others, a few at once; the partner's have places of their own.

use super::{Reply, Status};
use crate::listen::{Budget, Presence, Share, TooMuch};
use crate::network::{Network, household};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use writer::RateLimitedLog;

/// What is kept beside a mail while its last octets are read.
const AHEAD: usize = 2 << 20;

/// Mails that are opened at once: of addresses that have proved to be the partner's, and as many of all others.
const OPENED_AT_ONCE: usize = 2;

static ELSEWHERE: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// What the buffers of a mail of so many octets take: a quarter more than has come, at most.
fn taken_by(size: usize) -> usize {
    size + size / 4 + AHEAD
}

/// The gate before the replication engine. Cheap to clone.
#[derive(Clone)]
pub struct GrGate {
    networks: Arc<[Network]>,
    unproved: Budget,
    sending: Arc<Mutex<HashSet<IpAddr>>>,
    opening_proved: Arc<Semaphore>,
    opening_others: Arc<Semaphore>,
}

/// While a mail to the engine comes in from an address that has proved nothing.
pub struct Turn {
    gate: GrGate,
    address: IpAddr,
    share: Share,
}

impl GrGate {
    /// Mail comes from these networks; if there are none, from anywhere. The longest has `size_max` octets.
    pub fn new(networks: &[Network], size_max: usize) -> Self {
        let longest = taken_by(size_max);
        Self {
            networks: networks.into(),
            unproved: Budget::new(longest + longest / 2, longest),
            sending: Arc::default(),
            opening_proved: Arc::new(Semaphore::new(OPENED_AT_ONCE)),
            opening_others: Arc::new(Semaphore::new(OPENED_AT_ONCE)),
        }
    }

    /// Whether mail to the engine is taken from this address at all.
    ///
    /// # Errors
    /// The refusal.
    pub fn admits(&self, address: IpAddr) -> Result<(), Reply> {
        let networks = &self.networks;
        if networks.is_empty() || networks.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        metrics::counter!("callpilot_gr_mail_refused_total", "why" => "address").increment(1);
        if let Some(times) = ELSEWHERE.now() {
            tracing::warn!(times, %address, "GR mail was refused: it comes from an address outside of gr.partner_networks");
        }
        let text = "Mail to this address is taken from the partner's networks only";
        Err(Reply::new(550, Status(5, 7, 1), text))
    }

    /// The turn of a client to send content to the engine; `None` if it is known as the partner, and needs none.
    ///
    /// # Errors
    /// [`TooMuch`] while another such mail comes from the same address.
    pub fn turn(&self, address: IpAddr, presence: &Presence) -> Result<Option<Turn>, TooMuch> {
        if presence.is_known(address) {
            return Ok(None);
        }
        let owner = household(address);
        if !self.sending().insert(owner) {
            metrics::counter!("callpilot_gr_mail_refused_total", "why" => "one_at_a_time")
                .increment(1);
            return Err(TooMuch);
        }
        Ok(Some(Turn {
            gate: self.clone(),
            address: owner,
            share: self.unproved.share(address),
        }))
    }

    /// Opens a mail of this address by `open`, on the blocking pool, when it is its turn. `None`: the server is stopping.
    pub async fn open<T: Send + 'static>(
        &self,
        address: IpAddr,
        presence: &Presence,
        open: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let places = match presence.is_known(address) {
            true => &self.opening_proved,
            false => &self.opening_others,
        };
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        let opening = tokio::task::spawn_blocking(move || {
            let _place = place;
            open()
        });
        opening.await.ok()
    }

    fn sending(&self) -> std::sync::MutexGuard<'_, HashSet<IpAddr>> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// So many octets of the mail are kept.
    ///
    /// # Errors
    /// [`TooMuch`] if those of all strangers together are too many.
    pub fn hold(&mut self, octets: usize) -> Result<(), TooMuch> {
        self.share.hold_all(octets)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.gate.sending().remove(&self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::{PlaceLimits, Places};

    const SIZE: usize = 1_000_000;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn places() -> Places {
        let limits = PlaceLimits {
            max: 100,
            ..PlaceLimits::default()
        };
        Places::new(limits, "test", "test")
    }

    #[test]
    fn strangers_send_one_mail_at_a_time_and_little_altogether_and_the_partner_is_not_held_up() {
        let places = places();
        let gate = GrGate::new(&[], SIZE);
        let place = places.enter(Some(ip("10.0.0.1"))).unwrap();
        let presence = place.presence();
        let mut first = gate.turn(ip("10.0.0.1"), presence).unwrap().unwrap();
        assert!(gate.turn(ip("10.0.0.1"), presence).is_err());
        let mut second = gate.turn(ip("10.0.0.2"), presence).unwrap().unwrap();
        let mut third = gate.turn(ip("10.0.0.3"), presence).unwrap().unwrap();
        assert_eq!(first.hold(taken_by(SIZE)), Ok(()));
        assert_eq!(first.hold(taken_by(SIZE) + 1), Err(TooMuch));
        assert_eq!(second.hold(taken_by(SIZE)), Err(TooMuch));
        assert_eq!(second.hold(taken_by(SIZE) / 2), Ok(()));
        assert_eq!(third.hold(SIZE), Err(TooMuch), "all is spent");
        drop(first);
        assert_eq!(third.hold(SIZE), Ok(()));
        let again = gate.turn(ip("10.0.0.1"), presence).unwrap();
        presence.prove();
        assert!(gate.turn(ip("10.0.0.1"), presence).unwrap().is_none());
        drop(again);
    }

    /// Polls once.
    async fn waits(future: impl Future) -> bool {
        tokio::time::timeout(Duration::ZERO, future).await.is_err()
    }

    #[tokio::test]
    async fn mails_are_opened_on_other_threads_a_few_at_once_and_the_partner_does_not_wait_for_strangers()
     {
        let places = places();
        let gate = GrGate::new(&[], SIZE);
        let stranger = places.enter(Some(ip("10.0.0.1"))).unwrap();
        let partner = places.enter(Some(ip("10.0.0.2"))).unwrap();
        partner.presence().prove();
        let (from, presence) = (ip("10.0.0.1"), stranger.presence());
        let here = std::thread::current().id();
        let (ends, mut busy): (Vec<_>, Vec<_>) = (0..OPENED_AT_ONCE)
            .map(|_| {
                let (end, ended) = std::sync::mpsc::channel::<()>();
                let opening = gate.open(from, presence, move || ended.recv().is_err());
                (end, Box::pin(opening))
            })
            .unzip();
        for opening in &mut busy {
            assert!(waits(opening).await);
        }
        assert_eq!(gate.opening_others.available_permits(), 0);
        let mut waiting = std::pin::pin!(gate.open(from, presence, || ()));
        assert!(waits(&mut waiting).await);
        let of_the_partner = gate.open(ip("10.0.0.2"), partner.presence(), || {
            std::thread::current().id()
        });
        assert_ne!(of_the_partner.await, Some(here));
        drop(ends);
        for opening in busy {
            assert_eq!(opening.await, Some(true));
        }
        assert_eq!(waiting.await, Some(()));
    }

    #[test]
    fn where_the_partner_is_named_nobody_else_is_heard() {
        let gate = GrGate::new(&["10.0.0.0/24".parse().unwrap()], SIZE);
        assert!(gate.admits(ip("10.0.0.7")).is_ok());
        let refusal = gate.admits(ip("10.0.1.7")).unwrap_err();
        assert_eq!((refusal.code, refusal.status), (550, Some(Status(5, 7, 1))));
        assert!(GrGate::new(&[], SIZE).admits(ip("10.0.1.7")).is_ok());
    }
}
