//! How many octets strangers may make the server keep: of one address, and altogether, over all listeners.
//!
//! Limits of each message and each connection do not add up to a limit: two hundred connections with half a message each are two
//! hundred half messages. Whoever would exceed the budget is put off; nobody waits for it, since those who wait would hold what they have.

use crate::network::household;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A connection may always keep this much. It is bounded by the number of connections, and commands work when the budget is spent.
const FREE: usize = 64 << 10;
/// Shares grow in steps, so that most reads need no look at the accounts.
const STEP: usize = 256 << 10;

/// The accounts. Cheap to clone.
#[derive(Clone)]
pub struct Budget(Arc<BudgetInAll>);

struct BudgetInAll {
    max: usize,
    per_address_max: usize,
    accounts: Mutex<Accounts>,
}

#[derive(Default)]
struct Accounts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// What one client has taken of the budget. Dropping it gives that back.
pub struct Share {
    budget: Budget,
    owner: IpAddr,
    taken: usize,
}

/// The budget is spent: of this address, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much is being transferred at present")]
pub struct TooMuch;

impl Budget {
    /// `max` octets, of which one address may hold `per_address_max`.
    pub fn new(max: usize, per_address_max: usize) -> Self {
        Self(Arc::new(BudgetInAll {
            max,
            per_address_max,
            accounts: Mutex::default(),
        }))
    }

    /// A share of a client, empty at first.
    pub fn share(&self, address: IpAddr) -> Share {
        Share {
            budget: self.clone(),
            owner: household(address),
            taken: 0,
        }
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// So many octets are kept for this connection now; a few are free.
    ///
    /// # Errors
    /// [`TooMuch`] if that is more than before and the budget has no room; the share stays as it was.
    pub fn hold(&mut self, octets: usize) -> Result<(), TooMuch> {
        self.set(if octets <= FREE {
            0
        } else {
            octets.next_multiple_of(STEP)
        })
    }

    /// So many octets are kept, and none of them is free: of content that has left its connection there may be many.
    ///
    /// # Errors
    /// As [`Share::hold`].
    pub fn hold_all(&mut self, octets: usize) -> Result<(), TooMuch> {
        self.set(octets)
    }

    fn set(&mut self, wanted: usize) -> Result<(), TooMuch> {
        if wanted == self.taken {
            return Ok(());
        }
        let shared = &self.budget.0;
        let mut accounts = self.budget.accounts();
        let of_one = accounts.by_address.get(&self.owner).copied().unwrap_or(0);
        let (all, of_one) = (
            accounts.all - self.taken + wanted,
            of_one - self.taken + wanted,
        );
        if wanted > self.taken && (all > shared.max || of_one > shared.per_address_max) {
            metrics::counter!("callpilot_transfers_put_off_total").increment(1);
            return Err(TooMuch);
        }
        accounts.all = all;
        match of_one {
            0 => drop(accounts.by_address.remove(&self.owner)),
            more => drop(accounts.by_address.insert(self.owner, more)),
        }
        self.taken = wanted;
        metrics::gauge!("callpilot_bytes_in_flight").set(all as f64);
        Ok(())
    }

    /// Another share that takes over all of this one: for content that goes on without its connection.
    pub fn take(&mut self) -> Self {
        let taken = std::mem::take(&mut self.taken);
        Self {
            budget: self.budget.clone(),
            owner: self.owner,
            taken,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Giving back cannot fail.
        let _ = self.hold(0);
    }
}

/// Names the metrics for those who read them.
pub(super) fn describe_metrics() {
    use metrics::{describe_counter, describe_gauge};
    describe_gauge!(
        "callpilot_bytes_in_flight",
        "Octets that are kept for clients that are sending"
    );
    describe_counter!(
        "callpilot_transfers_put_off_total",
        "Transfers that were put off because too much was being transferred"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: usize = STEP;

    #[test]
    fn one_address_and_all_together_have_their_limit_and_what_is_given_back_can_be_taken() {
        let budget = Budget::new(4 * STEPS, 2 * STEPS);
        let share = |ip: &str| budget.share(ip.parse().unwrap());
        let (mut a, mut b) = (share("10.0.0.1"), share("10.0.0.1"));
        assert_eq!((a.hold(STEPS), b.hold(STEPS)), (Ok(()), Ok(())));
        assert_eq!(a.hold(STEPS + 1), Err(TooMuch), "this address has its half");
        assert_eq!(b.hold(FREE), Ok(()));
        assert_eq!(a.hold(STEPS + 1), Ok(()), "what the other one gave back");
        let mut c = share("10.0.0.2");
        assert_eq!(c.hold(2 * STEPS), Ok(()));
        let mut d = share("10.0.0.3");
        assert_eq!(
            (d.hold(FREE), d.hold(FREE + 1)),
            (Ok(()), Err(TooMuch)),
            "all is spent"
        );
        drop(c);
        assert_eq!(d.hold(FREE + 1), Ok(()));
        drop((a, b, d));
        let accounts = budget.accounts();
        assert_eq!((accounts.all, accounts.by_address.len()), (0, 0));
    }

    #[test]
    fn content_that_goes_on_alone_takes_its_share_along() {
        let budget = Budget::new(2 * STEPS, 2 * STEPS);
        let mut connection = budget.share("10.0.0.1".parse().unwrap());
        connection.hold(2 * STEPS).unwrap();
        let mut mail = connection.take();
        assert_eq!(connection.hold(STEPS), Err(TooMuch));
        assert_eq!(mail.hold_all(2 * STEPS - 1), Ok(()));
        assert_eq!(mail.hold_all(2 * STEPS + 1), Err(TooMuch));
        drop(mail);
        assert_eq!(connection.hold(STEPS), Ok(()));
    }
}
