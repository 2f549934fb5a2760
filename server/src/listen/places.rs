//! How many connections there are: of one address, and altogether; and who makes room when there are too many.
//!
//! A connection that only waits for its client costs a stranger nothing, so it is worth little: when all places of an address are taken, or
//! all places, the newcomer gets the place of the connection that has waited longest, of the address that has most of them waiting. Thus
//! silent connections cannot keep anybody out, not even from the same address, while one for which something is being done is never cut. Only
//! where nothing waits is the newcomer turned away. The opposite, refusing newcomers from greedy addresses, would lock out the command
//! line and everybody behind the same proxy or NAT for as long as the greedy one likes.
//!
//! Some places are kept back for the partner: no stranger gets the last of them. Who is the partner is known by proof, a mail that opened with
//! the key of the pair, on this connection or lately from the same address, or by the networks that the operator names.

mod counts;

use crate::network::{Network, household};
use counts::Counts;
use metrics::Gauge;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use writer::RateLimitedLog;

/// If an operator does not say how many connections one address may hold, it is this part of all, so that none can keep out all others.
const SHARE_OF_ONE_ADDRESS: usize = 2;
/// Not more than this part of all places is kept back for the partner.
const SHARE_OF_PARTNER: usize = 8;
/// Connections that were asked to leave and have not closed yet. Each still holds a file handle, so no more are asked meanwhile.
const LEAVING_MAX: usize = 64;

static MADE_ROOM: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// The places of one protocol, shared by all its listeners. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<PlacesInAll>);

/// How many places there are.
#[derive(Clone, Debug, Default)]
pub struct PlaceLimits {
    /// Altogether.
    pub max: usize,
    /// For one address; 0: half of them.
    pub per_address_max: usize,
    /// Kept back for the partner.
    pub for_partner: usize,
    /// Where the partner is, if the operator says so.
    pub partner: Vec<Network>,
}

struct PlacesInAll {
    limits: PlaceLimits,
    /// What is served, for the log and the metrics.
    name: &'static str,
    taken: Gauge,
    busy: Gauge,
    waiting: Gauge,
    counts: Mutex<Counts>,
    left: Notify,
}

/// One connection's place. Leaving it makes room.
pub struct Place(Presence);

/// How a connection says what it is doing. Cheap to clone.
#[derive(Clone)]
pub struct Presence {
    places: Places,
    id: u64,
    leave: CancellationToken,
}

/// While this lives, something is being done for the connection, which makes no room for others.
pub struct UnderWay(Presence);

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// This address holds as many connections as one may, and something is being done for each.
    OfOne,
    /// All places are taken, and something is being done for each.
    Full,
    /// Many were asked to leave, and have not left yet: there is room in a moment.
    Leaving,
}

impl Places {
    /// The places of the protocol `name`. `gauge` names the metric of how many are taken.
    pub fn new(mut limits: PlaceLimits, name: &'static str, gauge: &'static str) -> Self {
        if limits.per_address_max == 0 {
            limits.per_address_max = limits.max.div_ceil(SHARE_OF_ONE_ADDRESS);
        }
        limits.for_partner = limits.for_partner.min(limits.max / SHARE_OF_PARTNER);
        let state = |state: &'static str| metrics::gauge!("callpilot_connections", "listener" => name, "state" => state);
        Self(Arc::new(PlacesInAll {
            limits,
            name,
            taken: metrics::gauge!(gauge),
            busy: state("busy"),
            waiting: state("waiting"),
            counts: Mutex::default(),
            left: Notify::new(),
        }))
    }

    /// Takes a place for a connection from an address. Whose it is can also be said later, where a proxy speaks for somebody.
    ///
    /// # Errors
    /// [`NoPlace`] if none can be had.
    pub fn enter(&self, owner: Option<IpAddr>) -> Result<Place, NoPlace> {
        let now = Instant::now();
        let mut counts = self.counts();
        let known = owner.is_some_and(|owner| self.knows(&counts, owner, now));
        let limits = &self.0.limits;
        if let Some(owner) = owner {
            self.room_of_one(&mut counts, household(owner), known, now)?;
        }
        let most = limits.max - if known { 0 } else { limits.for_partner };
        if counts.all >= most {
            may_evict(&counts)?;
            let made = counts.make_room(now);
            self.made_room(made.ok_or(NoPlace::Full)?);
        }
        let (id, leave) = counts.add();
        if let Some(owner) = owner {
            counts.own(id, household(owner), now);
        }
        self.show(&counts);
        let places = self.clone();
        Ok(Place(Presence { places, id, leave }))
    }

    /// [`Self::enter`] as soon as those have left that were asked to; if all places are taken, waits for one where that is wanted.
    ///
    /// # Errors
    /// [`NoPlace::OfOne`], and [`NoPlace::Full`] if nobody is to wait for a place.
    pub async fn enter_or_wait(
        &self,
        owner: Option<IpAddr>,
        waits: bool,
    ) -> Result<Place, NoPlace> {
        loop {
            // Asked for before looking, so that nobody who leaves in between is missed.
            let left = self.0.left.notified();
            match self.enter(owner) {
                Err(NoPlace::Leaving) => left.await,
                Err(NoPlace::Full) if waits => left.await,
                entered => return entered,
            }
        }
    }

    /// How many connections wait for their clients.
    pub(super) fn waiting(&self) -> usize {
        let counts = self.counts();
        counts.all - counts.busy
    }

    /// Whether these are the same places.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The file handles are used up: the longest waiting connection of the greediest address makes room. False: none waits, or enough are
    /// leaving.
    pub(super) fn make_room(&self) -> bool {
        let mut counts = self.counts();
        if may_evict(&counts).is_err() {
            return false;
        }
        let Some(address) = counts.make_room(Instant::now()) else {
            return false;
        };
        self.made_room(address);
        self.show(&counts);
        true
    }

    /// Counts a connection that was ended for this reason.
    pub fn count_ended(&self, reason: &'static str) {
        let listener = self.0.name;
        metrics::counter!("callpilot_connections_ended_total", "listener" => listener, "reason" => reason).increment(1);
    }

    /// What is served.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    fn room_of_one(
        &self,
        counts: &mut Counts,
        owner: IpAddr,
        known: bool,
        now: Instant,
    ) -> Result<(), NoPlace> {
        let limits = &self.0.limits;
        let most = limits.per_address_max + if known { limits.for_partner } else { 0 };
        if counts.of(owner) < most {
            return Ok(());
        }
        may_evict(counts)?;
        let made = counts.make_room_of(owner, now);
        self.made_room(made.ok_or(NoPlace::OfOne)?);
        Ok(())
    }

    fn knows(&self, counts: &Counts, address: IpAddr, now: Instant) -> bool {
        let partner = &self.0.limits.partner;
        partner.iter().any(|network| network.contains(address))
            || counts.has_proved(household(address), now)
    }

    fn made_room(&self, address: IpAddr) {
        let listener = self.0.name;
        self.count_ended("made_room");
        if let Some(times) = MADE_ROOM.now() {
            tracing::warn!(listener, times, %address, "there are too many connections: those that wait longest make room, first of this address");
        }
    }

    fn show(&self, counts: &Counts) {
        let PlacesInAll {
            taken,
            busy,
            waiting,
            ..
        } = &*self.0;
        taken.set(counts.all as f64);
        busy.set(counts.busy as f64);
        waiting.set((counts.all - counts.busy) as f64);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not while too many are leaving.
fn may_evict(counts: &Counts) -> Result<(), NoPlace> {
    match counts.leaving < LEAVING_MAX {
        true => Ok(()),
        false => Err(NoPlace::Leaving),
    }
}

impl Place {
    /// Says whose place it is.
    ///
    /// # Errors
    /// [`NoPlace::OfOne`] if that address may have no more.
    pub fn belongs_to(&mut self, address: IpAddr) -> Result<(), NoPlace> {
        let Presence { places, id, .. } = &self.0;
        let now = Instant::now();
        let mut counts = places.counts();
        let known = places.knows(&counts, address, now);
        places.room_of_one(&mut counts, household(address), known, now)?;
        counts.own(*id, household(address), now);
        places.show(&counts);
        Ok(())
    }

    /// How its connection says what it is doing.
    pub fn presence(&self) -> &Presence {
        &self.0
    }
}

impl Presence {
    /// Something is done for the connection, for as long as what is returned lives.
    pub fn begin(&self) -> UnderWay {
        let mut counts = self.places.counts();
        counts.begin(self.id);
        self.places.show(&counts);
        UnderWay(self.clone())
    }

    /// The client has just got on: only after `grace` without anything more does the connection count as waiting.
    pub fn got_on(&self, grace: Duration) {
        self.places.counts().wait(self.id, Instant::now() + grace);
    }

    /// The client has proved to be the partner.
    pub fn prove(&self) {
        self.places.counts().prove(self.id, Instant::now());
    }

    /// Whether a client with this address is taken for the partner: by the operator's word, or because it has lately proved it.
    pub fn is_known(&self, address: IpAddr) -> bool {
        let counts = self.places.counts();
        self.places.knows(&counts, address, Instant::now())
    }

    /// Counts that the server has ended the connection, and why.
    pub fn count_ended(&self, reason: &'static str) {
        self.places.count_ended(reason);
    }

    /// Cancelled when the connection has to make room: it says good-bye then, and ends.
    pub fn leave(&self) -> &CancellationToken {
        &self.leave
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Presence { places, id, .. } = &self.0;
        let mut counts = places.counts();
        counts.end(*id, Instant::now());
        places.show(&counts);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Presence { places, id, .. } = &self.0;
        let mut counts = places.counts();
        counts.remove(*id);
        places.show(&counts);
        drop(counts);
        places.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests;
