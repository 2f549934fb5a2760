//! How many connections there are: of one address, and altogether.

use crate::network::household;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// If an operator does not say how many connections one address may hold, it is this part of all, so that none can keep out all others.
const SHARE_OF_ONE_ADDRESS: usize = 2;

/// The places of one protocol, shared by all its listeners. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Shared>);

struct Shared {
    max: usize,
    per_address_max: usize,
    /// The gauge of what is taken.
    gauge: &'static str,
    counts: Mutex<Counts>,
    left: Notify,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place. Leaving it makes room.
pub struct Place {
    places: Places,
    /// Whose it is, once that is known.
    owner: Option<IpAddr>,
}

/// This address holds as many connections as one may.
#[derive(Debug)]
pub struct TooManyOfOne;

impl Places {
    /// `max` places, of which one address may hold `per_address_max`; 0: half of them. `gauge` names the metric of how many are taken.
    pub fn new(max: usize, per_address_max: usize, gauge: &'static str) -> Self {
        let half = max.div_ceil(SHARE_OF_ONE_ADDRESS);
        Self(Arc::new(Shared {
            max,
            per_address_max: if per_address_max == 0 {
                half
            } else {
                per_address_max
            },
            gauge,
            counts: Mutex::default(),
            left: Notify::new(),
        }))
    }

    /// Takes a place if there is one; whose it is can be said later.
    pub fn enter(&self) -> Option<Place> {
        let mut counts = self.counts();
        if counts.all >= self.0.max {
            return None;
        }
        counts.all += 1;
        metrics::gauge!(self.0.gauge).set(counts.all as f64);
        Some(Place {
            places: self.clone(),
            owner: None,
        })
    }

    /// Waits for a place.
    pub async fn wait(&self) -> Place {
        loop {
            // Asked for before looking, so that nobody who leaves in between is missed.
            let left = self.0.left.notified();
            if let Some(place) = self.enter() {
                return place;
            }
            left.await;
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Says whose place it is.
    ///
    /// # Errors
    /// [`TooManyOfOne`] if that address may have no more.
    pub fn belongs_to(&mut self, address: IpAddr) -> Result<(), TooManyOfOne> {
        let address = household(address);
        let mut counts = self.places.counts();
        let of_one = counts.by_address.entry(address).or_insert(0);
        if *of_one >= self.places.0.per_address_max {
            return Err(TooManyOfOne);
        }
        *of_one += 1;
        drop(counts);
        self.disown();
        self.owner = Some(address);
        Ok(())
    }

    fn disown(&mut self) {
        let Some(owner) = self.owner.take() else {
            return;
        };
        let mut counts = self.places.counts();
        match counts.by_address.get_mut(&owner) {
            Some(n) if *n > 1 => *n -= 1,
            _ => drop(counts.by_address.remove(&owner)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.disown();
        let mut counts = self.places.counts();
        counts.all -= 1;
        metrics::gauge!(self.places.0.gauge).set(counts.all as f64);
        drop(counts);
        self.places.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(places: &Places, ip: &str) -> Option<Place> {
        let mut place = places.enter()?;
        place.belongs_to(ip.parse().unwrap()).ok().map(|()| place)
    }

    #[test]
    fn one_address_holds_half_of_the_connections_and_leaving_makes_room() {
        let places = Places::new(4, 0, "test");
        let first = taken(&places, "10.0.0.1").unwrap();
        let _second = taken(&places, "::ffff:10.0.0.1").unwrap();
        assert!(taken(&places, "10.0.0.1").is_none());
        let _third = taken(&places, "2001:db8::1").unwrap();
        let fourth = taken(&places, "2001:db8::2").unwrap();
        assert!(taken(&places, "10.0.0.2").is_none(), "all places are taken");
        drop(fourth);
        assert!(taken(&places, "10.0.0.1").is_none(), "still half of all");
        drop(first);
        assert!(taken(&places, "10.0.0.1").is_some());
        assert_eq!(
            places.counts().by_address.len(),
            2,
            "nobody is remembered who has left"
        );
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_its_number_can_be_said() {
        let places = Places::new(10, 1, "test");
        let _first = taken(&places, "2001:db8::1").unwrap();
        assert!(taken(&places, "2001:db8::2").is_none());
        assert!(taken(&places, "2001:db8:0:1::1").is_some());
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_next_place() {
        let places = Places::new(1, 0, "test");
        let first = places.wait().await;
        let waiting = tokio::spawn({
            let places = places.clone();
            async move { places.wait().await }
        });
        drop(first);
        drop(waiting.await.unwrap());
        assert!(places.enter().is_some());
    }
}
