//! Who holds which places, and whose connection makes room.
//!
//! Pure bookkeeping under one lock. Every step takes time logarithmic in the number of connections, for strangers decide how often it is taken.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Addresses that are remembered as the partner's.
const PROVED_MAX: usize = 4;
/// How long they are.
const PROVED_FOR: Duration = Duration::from_secs(24 * 3_600);
/// Among so many of the greediest addresses one is looked for that has a connection to spare.
const LOOKED_AT_MAX: usize = 8;

/// Since when a connection waits for its client, or from when on it counts as waiting; with its number, so that no two are equal.
type Waits = (Instant, u64);
/// The greediest last: most waiting connections; of equal ones, the longest waiting.
type Rank = (usize, Reverse<Waits>, IpAddr);

/// The places that are taken.
#[derive(Default)]
pub(super) struct Counts {
    /// Places that are taken.
    pub all: usize,
    /// Of those, by connections that are served at this moment.
    pub busy: usize,
    /// Connections that have given up their place and whose sockets may still be open.
    pub leaving: usize,
    next: u64,
    seats: HashMap<u64, Seat>,
    holders: HashMap<IpAddr, Holder>,
    ranks: BTreeSet<Rank>,
    proved: VecDeque<(IpAddr, Instant)>,
}

/// One connection.
#[derive(Default)]
struct Seat {
    owner: Option<IpAddr>,
    /// What is being done for it at this moment.
    under_way: usize,
    waits: Option<Waits>,
    /// It has proved that it is the partner's.
    proved: bool,
    /// It was asked to leave, and is counted nowhere any more.
    leaves: bool,
    leave: CancellationToken,
}

/// One address.
#[derive(Default)]
struct Holder {
    count: usize,
    waiting: BTreeSet<Waits>,
}

impl Holder {
    fn rank(&self, address: IpAddr) -> Option<Rank> {
        let longest = self.waiting.first()?;
        Some((self.waiting.len(), Reverse(*longest), address))
    }
}

impl Counts {
    /// A new connection, whose owner is not known yet; its number and what asks it to leave.
    pub fn add(&mut self) -> (u64, CancellationToken) {
        let (id, seat) = (self.next, Seat::default());
        self.next += 1;
        self.all += 1;
        let leave = seat.leave.clone();
        self.seats.insert(id, seat);
        (id, leave)
    }

    /// The connection has an owner from now on, and waits for him to say something.
    pub fn own(&mut self, id: u64, owner: IpAddr, now: Instant) {
        self.disown(id);
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| !seat.leaves) else {
            return;
        };
        seat.owner = Some(owner);
        self.holders.entry(owner).or_default().count += 1;
        self.wait(id, now);
    }

    /// Connections of one address.
    pub fn of(&self, address: IpAddr) -> usize {
        self.holders.get(&address).map_or(0, |holder| holder.count)
    }

    /// Addresses that hold something.
    #[cfg(test)]
    pub fn holders(&self) -> usize {
        self.holders.len()
    }

    /// The connection waits, from `from` on.
    pub fn wait(&mut self, id: u64, from: Instant) {
        self.forget_waiting(id);
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        let Some(owner) = seat.owner else { return };
        if seat.leaves || seat.proved || seat.under_way > 0 {
            return;
        }
        seat.waits = Some((from, id));
        self.change(owner, |holder| {
            holder.waiting.insert((from, id));
        });
    }

    /// Something is done for the connection: it makes no room for others.
    pub fn begin(&mut self, id: u64) {
        self.forget_waiting(id);
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| !seat.leaves) else {
            return;
        };
        seat.under_way += 1;
        self.busy += usize::from(seat.under_way == 1);
    }

    /// It is done.
    pub fn end(&mut self, id: u64, now: Instant) {
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| !seat.leaves) else {
            return;
        };
        seat.under_way = seat.under_way.saturating_sub(1);
        if seat.under_way == 0 {
            self.busy = self.busy.saturating_sub(1);
            self.wait(id, now);
        }
    }

    /// The connection is the partner's: it makes no room for anybody, and its address is known for a while.
    pub fn prove(&mut self, id: u64, now: Instant) {
        self.forget_waiting(id);
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        seat.proved = true;
        let Some(owner) = seat.owner else { return };
        self.proved.retain(|(address, _)| *address != owner);
        if self.proved.len() >= PROVED_MAX {
            self.proved.pop_front();
        }
        self.proved.push_back((owner, now));
    }

    /// Whether the partner has lately proved that it has this address.
    pub fn has_proved(&self, address: IpAddr, now: Instant) -> bool {
        self.proved
            .iter()
            .any(|(a, at)| *a == address && now.saturating_duration_since(*at) < PROVED_FOR)
    }

    /// The longest waiting connection of this address makes room, if it has one.
    pub fn make_room_of(&mut self, address: IpAddr, now: Instant) -> Option<IpAddr> {
        let holder = self.holders.get(&address)?;
        let (from, id) = *holder.waiting.first()?;
        (from <= now).then(|| self.evict(id, address))
    }

    /// The longest waiting connection of the greediest address makes room; whose it was.
    pub fn make_room(&mut self, now: Instant) -> Option<IpAddr> {
        let mut greediest = self.ranks.iter().rev().take(LOOKED_AT_MAX);
        let (_, Reverse((_, id)), address) =
            *greediest.find(|(_, Reverse((from, _)), _)| *from <= now)?;
        Some(self.evict(id, address))
    }

    /// The connection is gone.
    pub fn remove(&mut self, id: u64) {
        self.disown(id);
        let Some(seat) = self.seats.remove(&id) else {
            return;
        };
        if seat.leaves {
            self.leaving -= 1;
        } else {
            self.all -= 1;
            self.busy -= usize::from(seat.under_way > 0);
        }
    }

    fn evict(&mut self, id: u64, address: IpAddr) -> IpAddr {
        self.disown(id);
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.leaves = true;
            self.all -= 1;
            self.leaving += 1;
            seat.leave.cancel();
        }
        address
    }

    fn disown(&mut self, id: u64) {
        self.forget_waiting(id);
        let Some(owner) = self.seats.get_mut(&id).and_then(|seat| seat.owner.take()) else {
            return;
        };
        if let Some(holder) = self.holders.get_mut(&owner) {
            holder.count -= 1;
            if holder.count == 0 {
                self.holders.remove(&owner);
            }
        }
    }

    fn forget_waiting(&mut self, id: u64) {
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        let (Some(owner), Some(waits)) = (seat.owner, seat.waits.take()) else {
            return;
        };
        self.change(owner, |holder| {
            holder.waiting.remove(&waits);
        });
    }

    /// Changes what an address has waiting, and its rank with it.
    fn change(&mut self, owner: IpAddr, change: impl FnOnce(&mut Holder)) {
        let Some(holder) = self.holders.get_mut(&owner) else {
            return;
        };
        let before = holder.rank(owner);
        change(holder);
        let after = holder.rank(owner);
        if let Some(before) = before {
            self.ranks.remove(&before);
        }
        self.ranks.extend(after);
    }
}
