//! The audit trail: who signed in or was refused, and what administrators did; as lines of the log and in the store.
//!
//! Sign-ins never wait for the disk: they go through a queue of bounded length, and those of one address that are alike are counted together
//! after the first of a minute ([`Fold`]), so that strangers fill neither the disk nor the log. Administrative acts are in the transaction of
//! what they do ([`crate::act`]); their lines in the log are written here. The nightly audit of the pair is something else (`audit.rs`).

use crate::network::household;
use crate::operations::principal::Origin;
use crate::server::{Abort, Server, Wait, WriteError, WriterError};
use domain::Timestamp;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::{TrailEntry, TrailKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Entries that wait for the writer; more are in the log only.
const QUEUE_MAX: usize = 1_024;
/// Entries of one transaction.
const BATCH_MAX: usize = 128;
/// Alike entries of one address that are written one by one in a minute.
const ALIKE_MAX: u32 = 5;
/// Entries of all addresses that are written one by one in a minute.
const EACH_MAX: u32 = 120;
/// Addresses whose further entries are counted apart in a minute; those of all others are counted together.
const COUNTED_MAX: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);
/// An administrator who sends name and password with every request has signed in once in so long.
const SAME_SIGN_IN: Duration = Duration::from_secs(15 * 60);
/// Administrators that are remembered for it.
const SAME_MAX: usize = 1_000;
/// Entries that one step of the house-keeping forgets.
const TRIM_MAX: usize = 500;
const DAY_MS: i64 = 86_400_000;

/// Where entries go; cheap to clone.
#[derive(Clone)]
pub struct AuditTrail(Arc<TrailParts>);

struct TrailParts {
    server: Server,
    fold: Mutex<Fold>,
    lately: Mutex<HashMap<(String, IpAddr), Instant>>,
    queue: mpsc::Sender<TrailEntry>,
}

/// The other end of the queue.
pub struct EntryQueue(mpsc::Receiver<TrailEntry>);

/// Somebody tries to get in, or a user leaves.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// `sign-in`, `administrator.sign-in`, `own-password` for the old password of a user who changes it, `sign-out` for a user who leaves.
    pub action: &'static str,
    /// Who it says to be.
    pub who: &'a str,
    /// From where.
    pub from: Origin,
    /// How it ended: `right`, `wrong-password`, …; of who leaves `done`, or `everywhere`.
    pub result: &'static str,
    /// Whether it got in.
    pub is_right: bool,
}

impl AuditTrail {
    /// The trail of a server, and what [`run`] takes.
    pub fn new(server: Server) -> (Self, EntryQueue) {
        let (queue, entries) = mpsc::channel(QUEUE_MAX);
        let inner = TrailParts {
            server,
            fold: Mutex::new(Fold::new(Instant::now())),
            lately: Mutex::default(),
            queue,
        };
        (Self(Arc::new(inner)), EntryQueue(entries))
    }

    /// Enters a try to get in. It does not wait for anything.
    pub fn attempt(&self, attempt: &Attempt<'_>) {
        let entry = TrailEntry {
            at: self.0.server.now(),
            kind: match attempt.is_right {
                true => TrailKind::SignIn,
                false => TrailKind::Refusal,
            },
            action: attempt.action.to_owned(),
            who: attempt.who.to_owned(),
            origin: attempt.from.to_string(),
            target: String::new(),
            result: attempt.result.to_owned(),
            times: 1,
        };
        let alike = (
            household(attempt.from.address()),
            attempt.action,
            attempt.result,
        );
        let mut fold = self.0.fold.lock().unwrap_or_else(PoisonError::into_inner);
        let (counted, one) = fold.take(alike, entry, Instant::now());
        drop(fold);
        counted.into_iter().chain(one).for_each(|e| self.enter(e));
    }

    /// Enters that an administrator has signed in, unless it did a moment ago from the same place.
    pub fn administrator(&self, who: &str, from: IpAddr) {
        let now = Instant::now();
        let mut lately = self.0.lately.lock().unwrap_or_else(PoisonError::into_inner);
        if lately.len() >= SAME_MAX {
            lately.retain(|_, at| now.saturating_duration_since(*at) < SAME_SIGN_IN);
            if lately.len() >= SAME_MAX {
                lately.clear();
            }
        }
        let before = lately.insert((who.to_owned(), from), now);
        drop(lately);
        if before.is_none_or(|at| now.saturating_duration_since(at) >= SAME_SIGN_IN) {
            self.attempt(&Attempt {
                action: "administrator.sign-in",
                who,
                from: Origin::Network(from),
                result: "right",
                is_right: true,
            });
        }
    }

    /// Enters an administrative act that no transaction has, and waits until it is durable. The act has been done; if its entry finds no
    /// place in the store, it is in the log.
    pub async fn enter_act(&self, entry: TrailEntry) {
        if let Err(error) = store(&self.0.server, vec![entry]).await {
            metrics::counter!("callpilot_audit_trail_lost_total").increment(1);
            tracing::error!(%error, "an administrative act is in the log but not in the audit trail of the store");
        }
    }

    /// Writes the line, and queues the entry.
    fn enter(&self, entry: TrailEntry) {
        let entry = entry.cut();
        say(&entry);
        if self.0.queue.try_send(entry).is_err() {
            metrics::counter!("callpilot_audit_trail_lost_total").increment(1);
        }
    }

    /// What was counted together in a minute that is over.
    fn minute(&self) {
        let mut fold = self.0.fold.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = fold.over(Instant::now());
        drop(fold);
        counted.into_iter().for_each(|entry| self.enter(entry));
    }
}

/// The line in the log. Its form is a promise: docs/security.md has the rules by which other programs read it. What strangers can choose
/// stands at its end and in quotes.
pub fn say(entry: &TrailEntry) {
    let TrailEntry {
        action,
        result,
        origin,
        times,
        target: on,
        who,
        ..
    } = entry;
    // Without the span of a request: it would stand in between.
    tracing::info!(target: "audit_trail", parent: None, %action, %result, from = %origin, times, ?on, ?who);
}

/// Writes what is queued, until `stop`; then the rest.
pub async fn run(trail: AuditTrail, queue: EntryQueue, stop: CancellationToken) {
    let mut entries = queue.0;
    let mut minute = tokio::time::interval(MINUTE);
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = minute.tick() => trail.minute(),
            _ = entries.recv_many(&mut batch, BATCH_MAX) => {
                keep(&trail.0.server, std::mem::take(&mut batch)).await;
            }
        }
    }
    entries.close();
    while entries.recv_many(&mut batch, BATCH_MAX).await > 0 {
        keep(&trail.0.server, std::mem::take(&mut batch)).await;
    }
}

async fn keep(server: &Server, batch: Vec<TrailEntry>) {
    let lost = batch.len() as u64;
    if let Err(error) = store(server, batch).await {
        metrics::counter!("callpilot_audit_trail_lost_total").increment(lost);
        tracing::warn!(%error, lost, "entries are in the log but not in the audit trail of the store");
    }
}

async fn store(server: &Server, entries: Vec<TrailEntry>) -> Result<(), WriterError> {
    let written = server.write_anyway(Wait::Local, move |scope| {
        for entry in entries {
            scope.tx().add_to_trail(entry)?;
        }
        Ok::<_, Abort<Infallible>>(())
    });
    match written.await {
        Ok(_) => Ok(()),
        Err(WriteError::Failed(error)) => Err(error),
        Err(WriteError::Refused(never)) => match never {},
    }
}

/// Forgets what is older than `trail.keep_days`, and the oldest of what is more than `trail.entries_max` of a kind.
///
/// # Errors
/// What the writer cannot do.
pub async fn trim(server: &Server) -> Result<(), WriterError> {
    let rules = &server.config().trail;
    let age_ms = i64::try_from(rules.keep_days).unwrap_or(365) * DAY_MS;
    let entries_max = rules.entries_max;
    let aged = server.oldest_destroyable(age_ms).await?;
    for kind in TrailKind::ALL {
        let over = server
            .read(move |readers| readers.snapshot(|view| view.trail_over(kind, entries_max)))
            .await?;
        // That one, too.
        let over = over.map(|at| Timestamp(at.0.saturating_add(1)));
        let Some(before) = aged.max(over) else {
            continue;
        };
        loop {
            let step = server.write_anyway(Wait::Local, move |scope| {
                Ok::<_, Abort<Infallible>>(scope.tx().trim_trail(kind, before, TRIM_MAX)?)
            });
            match step.await {
                Ok(gone) if gone.value == TRIM_MAX => {}
                Ok(_) => break,
                Err(WriteError::Failed(error)) => return Err(error),
                Err(WriteError::Refused(never)) => match never {},
            }
        }
    }
    Ok(())
}

/// What makes entries alike: a network, an action and a result.
type Alike = (IpAddr, &'static str, &'static str);

/// Counts together what is alike, so that a crowd of failures is a few entries each minute.
struct Fold {
    began: Instant,
    each: u32,
    seen: HashMap<Alike, u32>,
    counted: HashMap<Alike, TrailEntry>,
    others: Option<TrailEntry>,
}

impl Fold {
    fn new(now: Instant) -> Self {
        Self {
            began: now,
            each: 0,
            seen: HashMap::new(),
            counted: HashMap::new(),
            others: None,
        }
    }

    /// Takes an entry. Returns what a minute that is over has counted, and the entry, if it stands for itself.
    fn take(
        &mut self,
        alike: Alike,
        entry: TrailEntry,
        now: Instant,
    ) -> (Vec<TrailEntry>, Option<TrailEntry>) {
        let counted = self.over(now);
        let seen = self.seen.get(&alike).copied().unwrap_or(0);
        if seen < ALIKE_MAX && self.each < EACH_MAX {
            self.each += 1;
            self.seen.insert(alike, seen + 1);
            return (counted, Some(entry));
        }
        let several = |mut entry: TrailEntry| {
            (entry.who, entry.times) = ("(several)".into(), 0);
            entry
        };
        let place = if self.counted.contains_key(&alike) || self.counted.len() < COUNTED_MAX {
            let count = self.counted.entry(alike);
            count.or_insert_with(|| several(entry))
        } else {
            self.others.get_or_insert_with(|| TrailEntry {
                origin: "(several)".into(),
                result: "refused".into(),
                ..several(entry)
            })
        };
        place.times = place.times.saturating_add(1);
        (counted, None)
    }

    /// What was counted together, if the minute is over.
    fn over(&mut self, now: Instant) -> Vec<TrailEntry> {
        if now.saturating_duration_since(self.began) < MINUTE {
            return Vec::new();
        }
        let old = std::mem::replace(self, Self::new(now));
        old.counted.into_values().chain(old.others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u32) -> TrailEntry {
        TrailEntry {
            at: Timestamp(i64::from(n)),
            kind: TrailKind::Refusal,
            action: "sign-in".into(),
            who: n.to_string(),
            origin: "192.0.2.1".into(),
            target: String::new(),
            result: "wrong-password".into(),
            times: 1,
        }
    }

    fn alike(n: u32) -> Alike {
        let address = IpAddr::from((u128::from(n) << 64).to_be_bytes());
        (address, "sign-in", "wrong-password")
    }

    #[test]
    fn the_first_of_a_minute_stand_for_themselves_and_the_rest_are_counted() {
        let now = Instant::now();
        let mut fold = Fold::new(now);
        let each: u32 = (0..1_000)
            .map(|n| fold.take(alike(1), entry(n), now).1.map_or(0, |e| e.times))
            .sum();
        assert_eq!(each, ALIKE_MAX);
        assert!(fold.take(alike(2), entry(0), now).1.is_some(), "of another");
        let (counted, next) = fold.take(alike(1), entry(5), now + MINUTE);
        assert_eq!(counted.len(), 1);
        assert_eq!(
            (counted[0].times, counted[0].who.as_str()),
            (1_000 - ALIKE_MAX, "(several)")
        );
        assert!(next.is_some(), "a new minute");
    }

    #[test]
    fn a_crowd_of_addresses_makes_few_entries_and_none_is_lost() {
        let now = Instant::now();
        let mut fold = Fold::new(now);
        let crowd = 100_000;
        let each = (0..crowd).filter(|n| fold.take(alike(*n), entry(*n), now).1.is_some());
        let each = each.count() as u32;
        assert_eq!(each, EACH_MAX);
        assert!(fold.seen.len() + fold.counted.len() <= EACH_MAX as usize + COUNTED_MAX);
        let counted = fold.over(now + MINUTE);
        assert_eq!(counted.len(), COUNTED_MAX + 1);
        let times: u32 = counted.iter().map(|entry| entry.times).sum();
        assert_eq!(each + times, crowd);
    }
}
