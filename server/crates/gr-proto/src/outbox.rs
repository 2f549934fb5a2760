//! What is sent in a session: which marks are under way, and what an acknowledgement does to them (E2, E8).

use crate::batch::{Batch, Flying};
use crate::entropy::Entropy;
use crate::limits;
use crate::select::Selection;
use crate::tx::Tx;
use crate::{Ack, Item, Mono, Reason, Rule, Timers};
use domain::{LedgerError, Mark, ObjectId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The sending half of a session: volatile, because what is lost with it still has its marks.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Data messages without acknowledgement, by number.
    flights: BTreeMap<u64, Flight>,
    /// The objects in them.
    flying: BTreeSet<ObjectId>,
    /// Their bytes.
    bytes: u64,
    /// Objects that the partner refused.
    aside: BTreeMap<ObjectId, Aside>,
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
#[derive(Debug)]
struct Flight {
    at: Mono,
    wall: Timestamp,
    bytes: u64,
    items: Vec<Flying>,
}

/// An object that the partner refused.
#[derive(Clone, Copy, Debug)]
struct Aside {
    n: u64,
    tries: u8,
    /// It is not sent before.
    until: Option<Mono>,
}

/// What an acknowledgement brought.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// Objects that the partner holds now, each up to this change.
    pub(crate) safe: Vec<(ObjectId, u64)>,
    /// Objects that were set aside.
    pub(crate) aside: Vec<(ObjectId, Reason)>,
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
        let mut selection = Selection::new(self.flying.len() + self.aside.len());
        let mut sent = false;
        while self.bytes < limits::WINDOW_BYTES_MAX && self.flying.len() < limits::WINDOW_ITEMS_MAX
        {
            self.turn += 1;
            let mut batch = Batch::default();
            while !batch.is_full() {
                let Some((id, mark)) = selection.next(tx, self.turn.is_multiple_of(4))? else {
                    break;
                };
                if self.flying.contains(&id) || self.is_aside(&id, &mark, tx.now.mono) {
                    continue;
                }
                self.flying.insert(id);
                batch.add(tx, id, mark)?;
            }
            if batch.items.is_empty() {
                if !sent || !selection.is_cut() {
                    return Ok(());
                }
                sent = false;
                selection = Selection::new(self.flying.len() + self.aside.len());
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

    fn is_aside(&self, id: &ObjectId, mark: &Mark, now: Mono) -> bool {
        self.aside
            .get(id)
            .is_some_and(|aside| aside.n == mark.n && aside.until.is_some_and(|until| until > now))
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
                        self.aside.remove(&item.id);
                        said.safe.push((item.id, item.n));
                        clear(tx, item, flight.wall)?;
                    }
                    Some(reason) => self.refused(tx, item, *reason, &mut said)?,
                }
            }
        }
        Ok(said)
    }

    /// The partner did not apply an item. Its mark stays; after some tries it is set aside, so that it stops nobody (E21).
    fn refused(
        &mut self,
        tx: &mut Tx<'_>,
        item: &Flying,
        reason: Reason,
        said: &mut Acknowledged,
    ) -> Result<(), LedgerError> {
        if reason == Reason::NEED_BODY
            && let Some(mark) = tx.ledger.mark(&item.id)?
        {
            if !tx.config.rules.hold(Rule::AskForBody) {
                return clear(tx, item, tx.now.wall);
            }
            tx.ledger.set_mark(&item.id, &Mark { body: true, ..mark })?;
        }
        if !tx.config.rules.hold(Rule::SetAside) {
            return Ok(());
        }
        let now = tx.now.mono;
        let known = self.aside.get(&item.id).filter(|aside| aside.n == item.n);
        let tries = known.map_or(0, |aside| aside.tries) + 1;
        let given_up = tries >= limits::REFUSED_TRIES_MAX;
        let aside = Aside {
            n: item.n,
            tries: if given_up { 0 } else { tries },
            until: given_up.then(|| now.plus(limits::ASIDE_MS)),
        };
        self.aside.insert(item.id, aside);
        if given_up {
            said.aside.push((item.id, reason));
        }
        if self.aside.len() > limits::ASIDE_MAX {
            let first = self
                .aside
                .iter()
                .min_by_key(|(id, aside)| (aside.until, **id))
                .map(|(id, _)| *id);
            first.and_then(|id| self.aside.remove(&id));
        }
        Ok(())
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

    /// When something that was set aside is tried again.
    pub(crate) fn retry_at(&self) -> Option<Mono> {
        self.aside.values().filter_map(|aside| aside.until).min()
    }

    /// Takes back what has been aside for long enough. Says whether there was any.
    pub(crate) fn retry(&mut self, now: Mono) -> bool {
        let mut any = false;
        for aside in self.aside.values_mut() {
            if aside.until.is_some_and(|until| until <= now) {
                aside.until = None;
                any = true;
            }
        }
        any
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
