//! What is sent in a session: which marks are under way, and what an acknowledgement does to them (E2, E8).

use crate::limits;
use crate::objects::batch::{Batch, InFlight, NextItem, held_back};
use crate::objects::select::Selection;
use crate::objects::transaction::Tx;
use crate::session::entropy::Entropy;
use crate::session::pace::{Pace, Sample};
use crate::session::pieces::Pieces;
use crate::{Ack, Config, Item, Limits, Mono, Refusal, Rule, Timers};
use domain::{ObjectId, Timestamp};
use ledger::{BackgroundJob, LedgerError, Mark, Reason};
use std::collections::{BTreeMap, BTreeSet};

/// The sending half of a session: volatile, because what is lost with it still has its marks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// Data messages without acknowledgement, by number.
    flights: BTreeMap<u64, Flight>,
    /// Those that were taken for lost. If they were only late, their acknowledgement counts all the same: on a link that has become slow
    /// everything would be sent twice otherwise.
    late: BTreeMap<u64, Flight>,
    /// The objects in them.
    in_flight: BTreeSet<ObjectId>,
    /// Their bytes.
    bytes: u64,
    /// How much may be under way.
    pace: Pace,
    /// What the partner has of bodies that travel in pieces.
    pieces: Pieces,
    /// Objects that the partner refused, each with the change that it refused and how often.
    tries: BTreeMap<ObjectId, (u64, u8)>,
    /// Users that were held and are tried again: when the partner takes one, its mailbox may follow.
    retried: BTreeSet<ObjectId>,
    /// Everything up to here is settled.
    settled: u64,
    /// Smoothed round trip, in milliseconds.
    srtt_ms: Option<u64>,
    /// How often the retransmission time has doubled.
    backoff: u32,
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
    /// The bytes that were under way when it had been written, its own included.
    ahead: u64,
    items: Vec<InFlight>,
}

impl Flight {
    /// It is at the partner now; that it took no longer than `most` milliseconds is known.
    fn sample(&self, now: Mono, most: u64) -> Sample {
        let ms = now.since(self.at).min(most);
        Sample {
            ahead: self.ahead,
            ms,
        }
    }
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
    /// Fills the window: reads marks in the order of sending and hands each full message, with the CSN that it tells of,
    /// to `write`, which returns its number.
    pub(crate) fn fill(
        &mut self,
        tx: &mut Tx<'_>,
        mut write: impl FnMut(u64, Vec<Item>) -> u64,
    ) -> Result<(), LedgerError> {
        let mut selection = Selection::new(tx, self.in_flight.len());
        let mut sent = false;
        // Usually nothing is held and no shortcut has an overlap, and then no item need be looked at for it.
        let overlaps = tx
            .config
            .constraints
            .shortcuts
            .iter()
            .any(|s| s.overlap > 0);
        let may_hold = overlaps || !tx.ledger.held_after(None, 1)?.is_empty();
        // A piece of a body that waits for a message of its own.
        let mut piece: Option<NextItem> = None;
        while self.has_room(&tx.config.limits) {
            self.turn += 1;
            let most = self.pace.message_bytes(&tx.config.limits);
            let mut batch = Batch::default();
            while !batch.is_full(most, &tx.config.limits) {
                if let Some(next) = piece.take() {
                    self.in_flight.insert(next.id);
                    batch.add(tx, next)?;
                    break;
                }
                let Some((id, mark)) = selection.next(tx, self.turn.is_multiple_of(4))? else {
                    break;
                };
                if self.in_flight.contains(&id) {
                    continue;
                }
                if may_hold && let Some(reason) = held_back(tx, &id)? {
                    tx.hold(&id, mark, reason)?;
                    sent = true; // there may be more marks behind it
                    continue;
                }
                let Some(next) = NextItem::read(tx, id, mark, &self.pieces, most)? else {
                    sent = true;
                    continue;
                };
                if next.is_piece() && !batch.items.is_empty() {
                    piece = Some(next);
                    break;
                }
                self.in_flight.insert(id);
                batch.add(tx, next)?;
            }
            if batch.items.is_empty() {
                if !sent || !selection.is_cut() {
                    return Ok(());
                }
                sent = false;
                selection = Selection::new(tx, self.in_flight.len());
                continue;
            }
            sent = true;
            self.fly(tx, batch, &mut write);
        }
        Ok(())
    }

    /// Whether another message may leave.
    fn has_room(&self, limits: &Limits) -> bool {
        self.bytes < self.pace.window(limits)
            && self.in_flight.len() < limits.window_items
            && self.flights.len() < limits.flights
    }

    /// A full message leaves.
    fn fly(&mut self, tx: &Tx<'_>, batch: Batch, write: &mut impl FnMut(u64, Vec<Item>) -> u64) {
        self.bytes += batch.bytes;
        let flight = Flight {
            at: tx.now.mono,
            wall: tx.now.wall,
            bytes: batch.bytes,
            ahead: self.bytes,
            items: batch.in_flight,
        };
        let no = write(tx.state.csn, batch.items);
        self.flights.insert(no, flight);
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
        let refused = ack.refused.iter().map(|r| ((r.no, r.id), *r));
        let refused: BTreeMap<(u64, ObjectId), Refusal> = refused.collect();
        let (mut best, now) = (None, tx.now.mono);
        // It may have been acknowledged long ago, by what was lost on its way: so it tells less of the time that it took than it seems to.
        let most = self.retransmit_ms(&tx.config.timers);
        for (no, flight) in take_to(&mut self.late, top) {
            if !ack.done.contains(no) {
                continue;
            }
            best = Some(Sample::better(best, flight.sample(now, most)));
            for item in &flight.items {
                match refused.get(&(no, item.id)) {
                    None => self.taken(tx, item, flight.wall, &mut said)?,
                    Some(refusal) => self.refused_late(tx, item, refusal)?,
                }
            }
        }
        for (no, flight) in take_to(&mut self.flights, top) {
            said.progress = true;
            self.release(&flight);
            if !ack.done.contains(no) {
                continue;
            }
            best = Some(Sample::better(best, flight.sample(now, u64::MAX)));
            for item in &flight.items {
                match refused.get(&(no, item.id)) {
                    None => self.taken(tx, item, flight.wall, &mut said)?,
                    Some(refusal) => self.refused(tx, item, refusal, &mut said)?,
                }
            }
        }
        if let Some(sample) = best {
            let Config { timers, limits, .. } = tx.config;
            self.backoff = 0;
            self.measure(sample.ms);
            self.pace.acknowledged(sample, tx.now.mono, timers, limits);
        }
        Ok(said)
    }

    /// The partner has taken an item.
    fn taken(
        &mut self,
        tx: &mut Tx<'_>,
        item: &InFlight,
        sent: Timestamp,
        said: &mut Acknowledged,
    ) -> Result<(), LedgerError> {
        self.tries.remove(&item.id);
        self.pieces.done(&item.id);
        if self.retried.remove(&item.id) {
            tx.scan(BackgroundJob::Retry);
        }
        said.safe.push((item.id, item.n));
        clear(tx, item, sent)
    }

    /// The partner did not apply an item. What may be right the next time is sent again some times; then, or at once if the reason is
    /// one that time alone does not heal, it is held, so that it stops nobody (E21).
    fn refused(
        &mut self,
        tx: &mut Tx<'_>,
        item: &InFlight,
        refusal: &Refusal,
        said: &mut Acknowledged,
    ) -> Result<(), LedgerError> {
        let reason = refusal.reason;
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
                self.pieces.done(&item.id);
                tx.hold(&item.id, mark, Reason::BODY_LOST)?;
                said.held.push((item.id, Reason::BODY_LOST));
                return Ok(());
            }
            let on_its_way = self
                .pieces
                .refused(refusal.no, item.id, item.part, refusal.have);
            if on_its_way || !asked_before {
                return Ok(()); // it goes along the next time, or its next piece does: this was no try in vain
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
        self.pieces.done(&item.id);
        tx.hold(&item.id, mark, reason)?;
        said.held.push((item.id, reason));
        Ok(())
    }

    /// The partner did not apply an item that had been given up: it is marked, and has been or will be sent again, with what of its body the
    /// partner lacks.
    fn refused_late(
        &mut self,
        tx: &mut Tx<'_>,
        item: &InFlight,
        refusal: &Refusal,
    ) -> Result<(), LedgerError> {
        if refusal.reason != Reason::NEED_BODY || !tx.config.rules.hold(Rule::AskForBody) {
            return Ok(());
        }
        let Some(mark) = tx.ledger.mark(&item.id)? else {
            return Ok(());
        };
        if !mark.body {
            tx.ledger.set_mark(&item.id, &Mark { body: true, ..mark })?;
        }
        self.pieces
            .refused_late(refusal.no, item.id, item.part, refusal.have);
        Ok(())
    }

    /// A user that was held is tried again.
    pub(crate) fn retries(&mut self, id: ObjectId) {
        if self.retried.len() < limits::TRIES_MAX {
            self.retried.insert(id);
        }
    }

    /// Gives up on everything under way, if the retransmission time is over. Says whether it did.
    pub(crate) fn time_out(&mut self, now: Mono, config: &Config, entropy: &mut Entropy) -> bool {
        if self.deadline(&config.timers).is_none_or(|at| at > now) {
            return false;
        }
        self.backoff = (self.backoff + 1).min(20);
        self.jitter = entropy.draw();
        // What has become slow would be flooded if all of it were sent again at once.
        self.pace.timed_out(&config.timers, &config.limits);
        self.give_up();
        true
    }

    /// The link is back: everything is sent again, and the retransmission time begins small.
    pub(crate) fn begin_anew(&mut self, limits: &Limits) {
        self.backoff = 0;
        self.pace.begin_anew(limits);
        self.give_up();
    }

    /// Everything under way may be lost: its objects are free to be sent again.
    fn give_up(&mut self) {
        self.late.append(&mut self.flights);
        while self.late.len() > limits::FLIGHTS_LATE_MAX {
            self.late.pop_first();
        }
        self.in_flight.clear();
        self.bytes = 0;
    }

    /// How long to wait for an answer, in milliseconds.
    pub(crate) fn retransmit_ms(&self, timers: &Timers) -> u64 {
        let trips = self.srtt_ms.unwrap_or(0).saturating_mul(4);
        trips.max(timers.retransmit_ms_min)
    }

    /// When the retransmission time is over.
    pub(crate) fn deadline(&self, timers: &Timers) -> Option<Mono> {
        let oldest = self.flights.values().next()?.at;
        let longest = timers.retransmit_ms_max;
        let base = self.retransmit_ms(timers);
        let ms = base.saturating_mul(1 << self.backoff).min(longest);
        Some(oldest.plus(ms + self.jitter % (ms / 8 + 1)))
    }

    /// Everything up to this number is settled.
    pub(crate) fn settled(&self) -> u64 {
        self.settled
    }

    /// So many bytes a message should have, if it can be helped.
    pub(crate) fn message_bytes(&self, limits: &Limits) -> u64 {
        self.pace.message_bytes(limits)
    }

    /// Bytes a second that the link carries, as far as that was measured lately.
    pub(crate) fn bytes_per_s(&self, now: Mono) -> Option<u64> {
        self.pace.bytes_per_s(now)
    }

    /// Whether the link is slow.
    pub(crate) fn is_slow(&self, now: Mono, timers: &Timers) -> bool {
        self.pace.is_slow(now, self.srtt_ms, timers)
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
            self.in_flight.remove(&item.id);
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

/// Takes what was sent under a number up to `top`.
fn take_to(flights: &mut BTreeMap<u64, Flight>, top: u64) -> BTreeMap<u64, Flight> {
    let open = flights.split_off(&top.saturating_add(1));
    std::mem::replace(flights, open)
}

/// Clears the mark, and the tombstone with it, if the object has not changed since it was sent (E2).
fn clear(tx: &mut Tx<'_>, item: &InFlight, sent: Timestamp) -> Result<(), LedgerError> {
    let Some(mark) = tx.ledger.mark(&item.id)? else {
        return Ok(());
    };
    if mark.n == item.n || !tx.config.rules.hold(Rule::MarkByVersion) {
        tx.taken_in.remove(&item.id);
        tx.ledger.clear_mark(&item.id)?;
        return tx.ledger.clear_tombstone(&item.id);
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
