//! What is sent in a session: which marks are under way, and what an acknowledgement does to them (E2, E8).

use crate::batch::{Batch, Flying, held_back};
use crate::entropy::Entropy;
use crate::limits;
use crate::select::Selection;
use crate::tx::Tx;
use crate::{Ack, Item, Mono, Rule, Timers};
use domain::{Errand, LedgerError, Mark, ObjectId, Reason, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The sending half of a session: volatile, because what is lost with it still has its marks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// Data messages without acknowledgement, by number.
    flights: BTreeMap<u64, Flight>,
    /// The objects in them.
    flying: BTreeSet<ObjectId>,
    /// Their bytes.
    bytes: u64,
    /// Objects that the partner refused, each with the change that it refused and how often.
    tries: BTreeMap<ObjectId, (u64, u8)>,
    /// Users that were held and are tried again: when the partner takes one, its mailbox may follow.
    retried: BTreeSet<ObjectId>,
    /// Everything up to here is settled.
    settled: u64,
    /// Smoothed round trip, in milliseconds.
    srtt_ms: Option<u64>,
    /// How often the retransmission time has doubled.
    doublings: u32,
    /// Added to the retransmission time, drawn anew at each doubling, so that two servers do not keep in step.
    jitter: u64,
    /// Data messages written in this session.
    turn: u64,
}

/// A data message under way.
#[derive(Clone, Debug)]
struct Flight {
    at: Mono,
    wall: Timestamp,
    bytes: u64,
    items: Vec<Flying>,
}

/// What an acknowledgement brought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acknowledged {
    /// Objects that the partner holds now, each up to this change.
    pub(crate) safe: Vec<(ObjectId, u64)>,
    /// Objects that are held from now on.
    pub(crate) held: Vec<(ObjectId, Reason)>,
    /// Something under way was acknowledged or given up, so more may be sent.
    pub(crate) progress: bool,
}

impl Outbox {
    /// Fills the window: reads marks in the order of sending and hands each full message, with the tick that it tells of,
    /// to `write`, which returns its number.
    pub(crate) fn fill(
        &mut self,
        tx: &mut Tx<'_>,
        mut write: impl FnMut(u64, Vec<Item>) -> u64,
    ) -> Result<(), LedgerError> {
        let mut selection = Selection::new(tx, self.flying.len());
        let mut sent = false;
        // Usually nothing is held and no shortcut has an overlap, and then no item need be looked at for it.
        let overlaps = tx.config.conditions.shortcuts.iter().any(|s| s.overlap > 0);
        let may_hold = overlaps || !tx.ledger.held_after(None, 1)?.is_empty();
        while self.bytes < tx.config.limits.window_bytes
            && self.flying.len() < tx.config.limits.window_items
        {
            self.turn += 1;
            let mut batch = Batch::default();
            while !batch.is_full(&tx.config.limits) {
                let Some((id, mark)) = selection.next(tx, self.turn.is_multiple_of(4))? else {
                    break;
                };
                if self.flying.contains(&id) {
                    continue;
                }
                if may_hold && let Some(reason) = held_back(tx, &id)? {
                    tx.hold(&id, mark, reason)?;
                    sent = true; // there may be more marks behind it
                    continue;
                }
                if batch.add(tx, id, mark)? {
                    self.flying.insert(id);
                } else {
                    sent = true;
                }
            }
            if batch.items.is_empty() {
                if !sent || !selection.is_cut() {
                    return Ok(());
                }
                sent = false;
                selection = Selection::new(tx, self.flying.len());
                continue;
            }
            sent = true;
            let Batch {
                items,
                flying,
                bytes,
            } = batch;
            self.bytes += bytes;
            let no = write(tx.state.tick, items);
            let (at, wall) = (tx.now.mono, tx.now.wall);
            self.flights.insert(
                no,
                Flight {
                    at,
                    wall,
                    bytes,
                    items: flying,
                },
            );
        }
        Ok(())
    }

    /// Takes an acknowledgement: what is in `done` arrived; what is below its highest number and not in it is lost.
    pub(crate) fn acknowledge(
        &mut self,
        tx: &mut Tx<'_>,
        ack: &Ack,
    ) -> Result<Acknowledged, LedgerError> {
        let mut said = Acknowledged::default();
        let top = ack.done.top().unwrap_or(ack.floor);
        self.settled = self.settled.max(top);
        let refused: BTreeMap<(u64, ObjectId), Reason> = ack
            .refused
            .iter()
            .map(|r| ((r.no, r.id), r.reason))
            .collect();
        let open = self.flights.split_off(&top.saturating_add(1));
        for (no, flight) in std::mem::replace(&mut self.flights, open) {
            said.progress = true;
            self.release(&flight);
            if !ack.done.contains(no) {
                continue;
            }
            self.doublings = 0;
            self.measure(tx.now.mono.since(flight.at));
            for item in &flight.items {
                match refused.get(&(no, item.id)) {
                    None => {
                        self.tries.remove(&item.id);
                        if self.retried.remove(&item.id) {
                            tx.walk(Errand::Retry);
                        }
                        said.safe.push((item.id, item.n));
                        clear(tx, item, flight.wall)?;
                    }
                    Some(reason) => self.refused(tx, item, *reason, &mut said)?,
                }
            }
        }
        Ok(said)
    }

    /// The partner did not apply an item. What may be right the next time is sent again some times; then, or at once if the reason is
    /// one that time alone does not heal, it is held, so that it stops nobody (E21).
    fn refused(
        &mut self,
        tx: &mut Tx<'_>,
        item: &Flying,
        reason: Reason,
        said: &mut Acknowledged,
    ) -> Result<(), LedgerError> {
        self.retried.remove(&item.id);
        let Some(mark) = tx.ledger.mark(&item.id)? else {
            return Ok(());
        };
        let mut mark = mark;
        if reason == Reason::NEED_BODY {
            if !tx.config.rules.hold(Rule::AskForBody) {
                return clear(tx, item, tx.now.wall);
            }
            let asked_before = mark.body;
            mark.body = true;
            tx.ledger.set_mark(&item.id, &mark)?;
            if mark.n == item.n && lacks_body(tx, &item.id)? {
                // Neither has it: sending again helps nobody, until it is back.
                tx.hold(&item.id, mark, Reason::BODY_LOST)?;
                said.held.push((item.id, Reason::BODY_LOST));
                return Ok(());
            }
            if !asked_before {
                return Ok(()); // it goes along the next time
            }
        }
        // It has changed since: as it is now it may be taken.
        if !tx.config.rules.hold(Rule::SetAside) || mark.n != item.n {
            return Ok(());
        }
        if reason == Reason::NEED_BODY || reason == Reason::FAULT {
            let before = self.tries.get(&item.id).filter(|(n, _)| *n == item.n);
            let tries = before.map_or(0, |(_, tries)| *tries) + 1;
            // More than can be counted is not tried again at once: it would go round and round.
            let counted = before.is_some() || self.tries.len() < limits::TRIES_MAX;
            if tries < tx.config.limits.refused_tries && counted {
                self.tries.insert(item.id, (item.n, tries));
                return Ok(());
            }
        }
        self.tries.remove(&item.id);
        tx.hold(&item.id, mark, reason)?;
        said.held.push((item.id, reason));
        Ok(())
    }

    /// A user that was held is tried again.
    pub(crate) fn retries(&mut self, id: ObjectId) {
        if self.retried.len() < limits::TRIES_MAX {
            self.retried.insert(id);
        }
    }

    /// Gives up on everything under way, if the retransmission time is over. Says whether it did.
    pub(crate) fn time_out(&mut self, now: Mono, timers: &Timers, entropy: &mut Entropy) -> bool {
        if self.deadline(timers).is_none_or(|at| at > now) {
            return false;
        }
        self.doublings = (self.doublings + 1).min(20);
        self.jitter = entropy.draw();
        self.give_up();
        true
    }

    /// The link is back: everything is sent again, and the retransmission time begins small.
    pub(crate) fn begin_anew(&mut self) {
        self.doublings = 0;
        self.give_up();
    }

    /// Everything under way may be lost: its objects are free to be sent again.
    fn give_up(&mut self) {
        self.flights.clear();
        self.flying.clear();
        self.bytes = 0;
    }

    /// How long to wait for an answer, in milliseconds.
    pub(crate) fn patience_ms(&self, timers: &Timers) -> u64 {
        let trips = self.srtt_ms.unwrap_or(0).saturating_mul(4);
        trips.max(timers.retransmit_ms_min)
    }

    /// When the retransmission time is over.
    pub(crate) fn deadline(&self, timers: &Timers) -> Option<Mono> {
        let oldest = self.flights.values().next()?.at;
        let longest = timers.retransmit_ms_max;
        let base = self.patience_ms(timers);
        let ms = base.saturating_mul(1 << self.doublings).min(longest);
        Some(oldest.plus(ms + self.jitter % (ms / 8 + 1)))
    }

    /// Everything up to this number is settled.
    pub(crate) fn settled(&self) -> u64 {
        self.settled
    }

    /// Smoothed round trip, in milliseconds.
    pub(crate) fn srtt_ms(&self) -> Option<u64> {
        self.srtt_ms
    }

    fn measure(&mut self, ms: u64) {
        self.srtt_ms = Some(self.srtt_ms.map_or(ms, |srtt| (srtt * 7 + ms) / 8));
    }

    fn release(&mut self, flight: &Flight) {
        self.bytes = self.bytes.saturating_sub(flight.bytes);
        for item in &flight.items {
            self.flying.remove(&item.id);
        }
    }
}

/// Whether an object is here, but not its body.
fn lacks_body(tx: &mut Tx<'_>, id: &ObjectId) -> Result<bool, LedgerError> {
    match tx.ledger.object(id)?.and_then(|object| object.body) {
        Some(body) => Ok(!tx.ledger.has_body(&body)?),
        None => Ok(false),
    }
}

/// Clears the mark, and the tombstone with it, if the object has not changed since it was sent (E2).
fn clear(tx: &mut Tx<'_>, item: &Flying, sent: Timestamp) -> Result<(), LedgerError> {
    let Some(mark) = tx.ledger.mark(&item.id)? else {
        return Ok(());
    };
    if mark.n == item.n || !tx.config.rules.hold(Rule::MarkByVersion) {
        tx.ledger.clear_mark(&item.id)?;
        return tx.ledger.clear_tomb(&item.id);
    }
    // It has changed since: what the partner lacks is younger than the message that it acknowledged, and the body is there.
    let since = mark.since.max(sent);
    let body = mark.body && !item.body;
    tx.ledger.set_mark(
        &item.id,
        &Mark {
            since,
            body,
            recovery: false,
            ..mark
        },
    )
}
