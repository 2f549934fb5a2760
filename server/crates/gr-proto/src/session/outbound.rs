//! Speaking in a session: what goes out at the end of a transaction.

use crate::engine::Engine;
use crate::objects::transaction::{Tx, tx};
use crate::reconcile::requests::Next;
use crate::reconcile::responses::answer;
use crate::session::entropy::Entropy;
use crate::session::{Numbers, Pen, Session};
use crate::{Answer, Event, Mono, NewLife, Now, Output, Payload, Reply, Report};
use ledger::{Lane, Ledger, LedgerError, ReplicaState, Said};

impl Engine {
    /// What is said at the end of a transaction: the one acknowledgement of the group, what a recovery has to say, then data,
    /// then a heartbeat if there is something to report. Acknowledgements and lists go first, because what they overtake on their
    /// way is dropped (E7).
    pub(crate) fn speak(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        let (alive, may_send) = (self.is_alive(), self.may_send());
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        let timers = self.config.timers;
        // What is asked for may still be on its way, but no other list is needed.
        let went_back = self.state.went_back && !session.recovery.is_judged();
        let pen = session.pen(self.life, went_back, now.mono);
        let heard = session.report();
        let Session {
            inbox,
            outbox,
            recovery,
            asking,
            repair,
            numbers,
            spoke,
            reported,
            ..
        } = session;
        let timed_out = outbox.time_out(now.mono, &self.config, &mut self.entropy);
        self.ready |= timed_out;
        let mut voice = Voice {
            pen,
            tick: self.state.tick,
            numbers,
            spoke,
            entropy: &mut self.entropy,
            outputs: &mut self.outputs,
            said: Vec::new(),
        };
        if inbox.ack_due() {
            let report = report(now, ledger, self.causes, &self.state, repair.no_copy)?;
            *reported = Some(report);
            voice.say(Payload::Ack(inbox.ack(report)));
        }
        for judged in recovery.answers.drain(..) {
            voice.say(Payload::Judged(judged));
        }
        if may_send && self.state.owes_recovery {
            let run = voice.entropy.draw();
            let patience_ms = outbox.patience_ms(&timers);
            let mut tx = tx!(self, now, &mut *ledger);
            if let Some(list) = recovery.next_list(&mut tx, patience_ms, run)? {
                let no = voice.say(Payload::List(list));
                recovery.asked(no, now.mono);
            }
        }
        let mut switched = false;
        if may_send {
            let patience_ms = outbox.patience_ms(&timers);
            let mut tx = tx!(self, now, &mut *ledger);
            let most = outbox.message_bytes(&self.config.limits);
            for (to, ask, ended) in std::mem::take(&mut asking.due) {
                let reply = match ended {
                    Some(outcome) => Reply::Closed(outcome),
                    None => match answer(&mut tx, &ask, most)? {
                        Some(reply) => reply,
                        None => continue, // not yet: it is asked again
                    },
                };
                let task = ask.task;
                voice.tick = tx.state.tick;
                let report = report(now, &mut *tx.ledger, *tx.causes, tx.state, repair.no_copy)?;
                *reported = Some(report);
                voice.say(Payload::Answer(Box::new(Answer {
                    task,
                    to,
                    reply,
                    report,
                })));
            }
            // Until nothing is left to ask: a mailbox and a task may have a question each.
            loop {
                match asking.next(&mut tx, heard, patience_ms)? {
                    Next::Nothing => break,
                    Next::Ask(ask) => {
                        let task = ask.task;
                        voice.tick = tx.state.tick;
                        let no = voice.say(Payload::Ask(Box::new(ask)));
                        asking.asked(task, no, now.mono);
                    }
                    Next::Switched => switched = true,
                }
            }
            if let Some(ask) = repair.next(&mut tx)? {
                voice.tick = tx.state.tick;
                let no = voice.say(Payload::Ask(Box::new(ask)));
                repair.asked(no);
            }
            if let Some(ask) = asking.farewell.take() {
                voice.say(Payload::Ask(Box::new(ask)));
            }
        }
        let mut events = std::mem::take(&mut asking.events);
        events.append(&mut repair.events);
        if may_send && std::mem::take(&mut self.ready) {
            let mut tx = tx!(self, now, &mut *ledger);
            outbox.fill(&mut tx, |tick, items| {
                voice.tick = tick;
                voice.say(Payload::Data(items))
            })?;
        }
        let ReplicaState {
            trail, trail_gap, ..
        } = &mut self.state;
        for said in std::mem::take(&mut voice.said) {
            if trail.len() < self.config.limits.trail {
                trail.push(said);
            } else {
                *trail_gap = said.tick;
            }
        }
        if alive {
            // The partner hears at once when it has everything, how far behind this server is when a session begins to run, and when
            // this server goes out of service.
            let lacking = !self.damage.is_none();
            let told = reported.filter(|told| {
                told.backlog() == 0
                    && (told.causes, told.courtesy) == (self.causes, self.state.courtesy)
                    && told.owing == self.state.owes_recovery
                    && !(lacking || told.lacking > 0)
            });
            let due = now.mono >= voice.spoke.plus(timers.heartbeat_ms);
            if told.is_none() || due {
                let report = report(now, ledger, self.causes, &self.state, repair.no_copy)?;
                let news = reported.is_none_or(|told| {
                    let of = |r: &Report| (r.causes, r.courtesy, r.owing, r.lacking > 0);
                    (report.backlog() == 0 && told.backlog() > 0) || of(&told) != of(&report)
                });
                if news || due {
                    *reported = Some(report);
                    voice.say(Payload::Heartbeat(report));
                }
            }
        }
        events.into_iter().for_each(|event| self.event(event));
        if switched {
            self.event(Event::Rebuilt);
            self.new_life(now, NewLife::Rebuilt);
        }
        Ok(())
    }
}

/// What it takes to say something in a session.
struct Voice<'a> {
    pen: Pen,
    tick: u64,
    numbers: &'a mut Numbers,
    spoke: &'a mut Mono,
    entropy: &'a mut Entropy,
    outputs: &'a mut Vec<Output>,
    /// What belongs into the trail.
    said: Vec<Said>,
}

impl Voice<'_> {
    /// Says something, and returns the number under which it is said.
    fn say(&mut self, payload: Payload) -> u64 {
        *self.spoke = self.pen.now;
        let telling = !matches!(payload, Payload::Heartbeat(_));
        let message = self
            .numbers
            .write(self.pen, self.tick, self.entropy, payload);
        let (no, id, tick) = (message.header.no, message.header.id, message.header.tick);
        if telling {
            self.said.push(Said { tick, id });
        }
        self.outputs.push(Output::Send(Box::new(message)));
        no
    }
}

/// How far behind this server is, and how it is.
fn report(
    now: Now,
    ledger: &mut dyn Ledger,
    causes: u64,
    state: &ReplicaState,
    no_copy: Option<u64>,
) -> Result<Report, LedgerError> {
    let damage = ledger.damage()?;
    let bodies = damage.bodies.saturating_sub(no_copy.unwrap_or(0));
    let users = ledger.backlog(Lane::Users)?.count;
    let messages = ledger.backlog(Lane::Messages)?.count;
    Ok(Report {
        users,
        messages,
        wall: now.wall,
        causes,
        courtesy: state.courtesy,
        owing: state.owes_recovery,
        lacking: bodies + damage.rows.saturating_sub(damage.lost_rows),
    })
}
