//! Guessing is limited so that it leads nowhere and locks nobody else out.
//!
//! Wrong passwords are counted for each account *and* network ([`Attempts`]): after some of them that network waits for that account, a
//! little longer each time, and after [`FORGET_AFTER`] all is forgotten. Whoever guesses from elsewhere delays himself, not the owner. One
//! account has a bucket over all networks besides, against those who have many; networks that have lately signed in to it are past it.
//! One network has a bucket over all accounts ([`AddressLimit`]). All of it is in memory and the same whether or not an account exists,
//! so that no answer tells which do. Times are passed in.

use crate::network::household;
use domain::{Hlc, Timestamp};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

/// A wrong password is forgotten after so long without another.
pub const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);
/// The first wait; each wrong password after it doubles it, up to [`FORGET_AFTER`].
pub const FIRST_WAIT: Duration = Duration::from_secs(15);
/// Networks of which a bucket is kept; the fullest are forgotten first.
const ADDRESSES_MAX: usize = 50_000;
/// Accounts and networks whose wrong passwords are kept; the oldest are forgotten first.
const PAIRS_MAX: usize = 50_000;
/// Accounts whose buckets are kept; the emptiest are forgotten first.
const ACCOUNTS_MAX: usize = 50_000;
/// Accounts and networks that belong together; only a right password makes one. The oldest are forgotten first.
const FAMILIAR_MAX: usize = 50_000;
/// For so long a network is known to belong to an account that has signed in from it.
const FAMILIAR_FOR: Duration = Duration::from_secs(30 * 86_400);
/// Of what is kept, this part is forgotten at once when there is no room, so that room need not be made each time.
const MAKE_ROOM: usize = 8;
/// Tries of one network that are looked at together; those behind have to come again.
const AT_ONCE_MAX: usize = 16;
/// Turns that are kept before those that nobody holds are looked for.
const TURNS_SOME: usize = 1_024;

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
    ///
    /// # Errors
    /// How long.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= ADDRESSES_MAX {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
            // Those that have tried least lately lose least.
            let order = |bucket: &Bucket| (self.burst - self.filled(*bucket, now)) * 1_000.0;
            make_room(&mut buckets, ADDRESSES_MAX, |bucket| order(bucket) as u64);
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

/// What somebody says to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// The owner of a mailbox number, whether or not there is such a mailbox.
    Mailbox(String),
    /// An administrator of this name.
    Administrator(String),
    /// A VPIM peer of this name.
    Peer(String),
}

/// An account and a network.
type Pair = (Account, IpAddr);

/// Wrong passwords of one network for one account.
#[derive(Clone, Copy)]
struct Guesses {
    wrong: u32,
    last: Instant,
    /// The same moment by the wall clock, to compare with what an administrator has done on the other server.
    last_wall: Timestamp,
}

/// Wrong passwords for one account, from everywhere: a bucket that leaks.
#[derive(Clone, Copy)]
struct Level {
    wrong: f64,
    at: Instant,
}

/// The moment of a try, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the clock that only goes on.
    pub now: Instant,
    /// By the wall clock.
    pub wall: Timestamp,
}

/// What a wrong password leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It may be tried again at once, so many times.
    TriesLeft(u32),
    /// It may be tried again after so long.
    Wait(Duration),
}

/// The wrong passwords of every account.
pub struct Attempts {
    tries_max: u32,
    account_tries_max: u32,
    turns: Mutex<Turns>,
    at_once: Arc<Mutex<HashMap<IpAddr, usize>>>,
    guesses: Mutex<HashMap<Pair, Guesses>>,
    levels: Mutex<HashMap<Account, Level>>,
    familiar: Mutex<HashMap<Pair, Instant>>,
}

#[derive(Default)]
struct Turns {
    running: HashMap<Pair, Weak<tokio::sync::Mutex<()>>>,
    /// So many and those that nobody holds are looked for.
    look_at: usize,
}

impl Attempts {
    /// `tries_max` wrong passwords of one network for one account before it waits; `account_tries_max` for one account from everywhere in
    /// [`FORGET_AFTER`], 0: any number.
    pub fn new(tries_max: u32, account_tries_max: u32) -> Self {
        Self {
            tries_max,
            account_tries_max,
            turns: Mutex::default(),
            at_once: Arc::default(),
            guesses: Mutex::default(),
            levels: Mutex::default(),
            familiar: Mutex::default(),
        }
    }

    /// A place among the tries of a network that are looked at together; `None` if it has too many under way.
    pub fn enter(&self, from: IpAddr) -> Option<Entered> {
        let from = household(from);
        let mut at_once = lock(&self.at_once);
        let count = at_once.entry(from).or_default();
        if *count >= AT_ONCE_MAX {
            return None;
        }
        *count += 1;
        let all = Arc::clone(&self.at_once);
        Some(Entered { all, from })
    }

    /// Waits for its turn. Without turns, a thousand passwords tried at the same moment would all count as the first.
    pub async fn turn(&self, account: &Account, from: IpAddr) -> OwnedMutexGuard<()> {
        let pair = (account.clone(), household(from));
        let turn = {
            let mut turns = lock(&self.turns);
            if turns.running.len() >= turns.look_at.max(TURNS_SOME) {
                turns.running.retain(|_, turn| turn.strong_count() > 0);
                turns.look_at = 2 * turns.running.len();
            }
            match turns.running.get(&pair).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    let turn = Arc::default();
                    turns.running.insert(pair, Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }

    /// Whether a password may be tried now. `forgiven` is when an administrator last forgave this account's wrong passwords, on either
    /// server.
    ///
    /// # Errors
    /// How long to wait.
    pub fn ask(
        &self,
        account: &Account,
        from: IpAddr,
        at: Moment,
        forgiven: Option<Timestamp>,
    ) -> Result<(), Duration> {
        let pair = (account.clone(), household(from));
        {
            let mut guesses = lock(&self.guesses);
            if let Some(known) = guesses.get(&pair).copied() {
                let since = at.now.saturating_duration_since(known.last);
                // What a wrong clock dated ahead forgives nothing for ever (E20).
                let believed = at.wall.0.saturating_add(Hlc::ABSORB_MS_MAX);
                let is_forgiven =
                    forgiven.is_some_and(|when| when >= known.last_wall && when.0 <= believed);
                if is_forgiven || since >= FORGET_AFTER {
                    guesses.remove(&pair);
                } else if let Some(wait) = self.wait(known.wrong)
                    && since < wait
                {
                    return Err(wait.saturating_sub(since));
                }
            }
        }
        let max = f64::from(self.account_tries_max);
        let level = lock(&self.levels).get(account).copied();
        let level = level.map_or(0.0, |level| self.level(level, at.now));
        if max > 0.0 && level + 1.0 > max && !self.is_familiar(account, from, at.now) {
            let per_second = max / FORGET_AFTER.as_secs_f64();
            return Err(Duration::from_secs_f64((level + 1.0 - max) / per_second));
        }
        Ok(())
    }

    /// Counts a wrong password.
    pub fn wrong(&self, account: &Account, from: IpAddr, at: Moment) -> Wrong {
        let mut levels = lock(&self.levels);
        let level = levels.get(account).copied();
        let wrong = level.map_or(0.0, |level| self.level(level, at.now)) + 1.0;
        make_room(&mut levels, ACCOUNTS_MAX, |level| level.wrong as u64);
        levels.insert(account.clone(), Level { wrong, at: at.now });
        drop(levels);

        let pair = (account.clone(), household(from));
        let mut guesses = lock(&self.guesses);
        let before = guesses.get(&pair).map_or(0, |known| known.wrong);
        if guesses.len() >= PAIRS_MAX {
            guesses.retain(|_, g| at.now.saturating_duration_since(g.last) < FORGET_AFTER);
            let age = |g: &Guesses| at.now.saturating_duration_since(g.last).as_millis() as u64;
            make_room(&mut guesses, PAIRS_MAX, |g| u64::MAX - age(g));
        }
        let wrong = before.saturating_add(1);
        let (last, last_wall) = (at.now, at.wall);
        guesses.insert(
            pair,
            Guesses {
                wrong,
                last,
                last_wall,
            },
        );
        match self.wait(wrong) {
            Some(wait) => Wrong::Wait(wait),
            None => Wrong::TriesLeft(self.tries_max.saturating_sub(wrong)),
        }
    }

    /// A right password: the network belongs to the account, and what it guessed before is forgotten.
    pub fn right(&self, account: &Account, from: IpAddr, now: Instant) {
        let pair = (account.clone(), household(from));
        lock(&self.guesses).remove(&pair);
        let mut familiar = lock(&self.familiar);
        let age = |seen: &Instant| now.saturating_duration_since(*seen).as_millis() as u64;
        make_room(&mut familiar, FAMILIAR_MAX, |seen| u64::MAX - age(seen));
        familiar.insert(pair, now);
    }

    /// Whether this network has lately signed in to the account.
    pub fn is_familiar(&self, account: &Account, from: IpAddr, now: Instant) -> bool {
        let pair = (account.clone(), household(from));
        let seen = lock(&self.familiar).get(&pair).copied();
        seen.is_some_and(|seen| now.saturating_duration_since(seen) < FAMILIAR_FOR)
    }

    /// Forgets the wrong passwords for an account, from everywhere.
    pub fn forget(&self, account: &Account) {
        lock(&self.guesses).retain(|(of, _), _| of != account);
        lock(&self.levels).remove(account);
    }

    /// How long after so many wrong passwords.
    fn wait(&self, wrong: u32) -> Option<Duration> {
        let times = wrong.checked_sub(self.tries_max)?;
        let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX));
        Some(doubled.min(FORGET_AFTER))
    }

    fn level(&self, level: Level, now: Instant) -> f64 {
        let since = now.saturating_duration_since(level.at);
        let leaked = since.as_secs_f64() / FORGET_AFTER.as_secs_f64();
        (level.wrong - leaked * f64::from(self.account_tries_max.max(1))).max(0.0)
    }
}

/// A try that is being looked at.
pub struct Entered {
    all: Arc<Mutex<HashMap<IpAddr, usize>>>,
    from: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        match all.get_mut(&self.from) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(all.remove(&self.from)),
        }
    }
}

/// Forgets a part of what is kept if there is no room for one more, those of the least `worth` first.
fn make_room<K: Clone + Eq + Hash, V>(
    map: &mut HashMap<K, V>,
    max: usize,
    worth: impl Fn(&V) -> u64,
) {
    if map.len() < max {
        return;
    }
    let mut all: Vec<(u64, K)> = map.iter().map(|(k, v)| (worth(v), k.clone())).collect();
    let some = (max / MAKE_ROOM).clamp(1, all.len());
    all.select_nth_unstable_by_key(some - 1, |(worth, _)| *worth);
    for (_, key) in &all[..some] {
        map.remove(key);
    }
}

/// None of these sections can be left half done, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
