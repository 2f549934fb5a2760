//! What goes out in a session at the end of a transaction.

use crate::engine::Engine;
use crate::objects::transaction::{Tx, tx};
use crate::reconcile::recovery::Recovery;
use crate::reconcile::repair::Repair;
use crate::reconcile::requests::{NextRequest, Requests};
use crate::reconcile::responses::answer;
use crate::session::entropy::Entropy;
use crate::session::inbox::Inbox;
use crate::session::outbox::Outbox;
use crate::session::{HeaderContext, Numbers, Session};
use crate::{Event, Mono, NewIncarnation, Now, Output, Payload, Report, Response, ResponseBody};
use ledger::{Lane, Ledger, LedgerError, ReplicaState, SentRecord};

impl Engine {
    /// What is said at the end of a transaction: the one acknowledgement of the group, what a recovery has to say, then data,
    /// then a heartbeat if there is something to report. Acknowledgements and lists go first, because what they overtake on their
    /// way is dropped (E7).
    pub(crate) fn write_messages(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
    ) -> Result<(), LedgerError> {
        let (alive, may_send) = (self.is_alive(), self.may_send());
        let lacking = !self.damage.is_none();
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        // What is asked for may still be on its way, but no other list is needed.
        let rolled_back = self.state.rolled_back && !session.recovery.is_judged();
        let header = session.pen(self.incarnation, rolled_back, now.mono);
        let heard = session.report();
        let Session {
            inbox,
            outbox,
            recovery,
            requests,
            repair,
            numbers,
            spoke,
            reported,
            ..
        } = session;
        self.ready |= outbox.time_out(now.mono, &self.config, &mut self.entropy);
        let frames = FrameWriter {
            header,
            csn: self.state.csn,
            numbers,
            spoke,
            entropy: &mut self.entropy,
            outputs: &mut self.outputs,
            said: Vec::new(),
        };
        let mut outbound = Outbound {
            retransmit_ms: outbox.retransmit_ms(&self.config.timers),
            tx: tx!(self, now, ledger),
            frames,
            reported,
        };
        outbound.acknowledge(inbox, repair)?;
        outbound.recover(recovery, may_send)?;
        let mut switched = false;
        if may_send {
            let most = outbox.message_bytes(&outbound.tx.config.limits);
            outbound.respond(requests, repair, most)?;
            switched = outbound.request(requests, heard)?;
            outbound.ask_for_repairs(repair)?;
            if let Some(end) = requests.end_notice.take() {
                outbound.frames.emit(Payload::Request(Box::new(end)));
            }
            outbound.send_data(outbox)?;
        }
        outbound.remember_what_was_said();
        if alive {
            outbound.heartbeat(lacking, repair)?;
        }
        let mut events = std::mem::take(&mut requests.events);
        events.append(&mut repair.events);
        events.into_iter().for_each(|event| self.event(event));
        if switched {
            self.event(Event::Rebuilt);
            self.new_incarnation(now, NewIncarnation::Rebuilt);
        }
        Ok(())
    }
}

/// What it takes to write the messages of one transaction.
struct Outbound<'a> {
    tx: Tx<'a>,
    frames: FrameWriter<'a>,
    /// What was last reported.
    reported: &'a mut Option<Report>,
    /// How long an answer is waited for, in milliseconds.
    retransmit_ms: u64,
}

impl Outbound<'_> {
    fn acknowledge(&mut self, inbox: &mut Inbox, repair: &Repair) -> Result<(), LedgerError> {
        if inbox.ack_due() {
            let report = self.report(repair)?;
            self.frames.emit(Payload::Ack(inbox.ack(report)));
        }
        Ok(())
    }

    /// What was judged of the partner's lists, and the next list of this server's own.
    fn recover(&mut self, recovery: &mut Recovery, may_send: bool) -> Result<(), LedgerError> {
        for judged in recovery.answers.drain(..) {
            self.frames.emit(Payload::Judged(judged));
        }
        if !may_send || !self.tx.state.partner_rolled_back {
            return Ok(());
        }
        let run = self.frames.entropy.draw();
        if let Some(list) = recovery.next_list(&mut self.tx, self.retransmit_ms, run)? {
            let no = self.frames.emit(Payload::List(list));
            recovery.asked(no, self.tx.now.mono);
        }
        Ok(())
    }

    /// Answers the partner's questions, each in a message of about `most` bytes.
    fn respond(
        &mut self,
        requests: &mut Requests,
        repair: &Repair,
        most: u64,
    ) -> Result<(), LedgerError> {
        for (to, ask, ended) in std::mem::take(&mut requests.due) {
            let reply = match ended {
                Some(outcome) => ResponseBody::Closed(outcome),
                None => match answer(&mut self.tx, &ask, most)? {
                    Some(reply) => reply,
                    None => continue, // not yet: it is asked again
                },
            };
            self.frames.csn = self.tx.state.csn;
            let answer = Response {
                task: ask.task,
                to,
                reply,
                report: self.report(repair)?,
            };
            self.frames.emit(Payload::Response(Box::new(answer)));
        }
        Ok(())
    }

    /// Asks until nothing is left to ask: a mailbox and a task may have a question each. Says whether live and staged objects have changed
    /// places.
    fn request(
        &mut self,
        requests: &mut Requests,
        heard: Option<(u64, Report)>,
    ) -> Result<bool, LedgerError> {
        let mut switched = false;
        loop {
            match requests.next(&mut self.tx, heard, self.retransmit_ms)? {
                NextRequest::Nothing => return Ok(switched),
                NextRequest::Request(ask) => {
                    let task = ask.task;
                    self.frames.csn = self.tx.state.csn;
                    let no = self.frames.emit(Payload::Request(Box::new(ask)));
                    requests.asked(task, no, self.tx.now.mono);
                }
                NextRequest::Switched => switched = true,
            }
        }
    }

    fn ask_for_repairs(&mut self, repair: &mut Repair) -> Result<(), LedgerError> {
        if let Some(ask) = repair.next(&mut self.tx)? {
            self.frames.csn = self.tx.state.csn;
            let no = self.frames.emit(Payload::Request(Box::new(ask)));
            repair.asked(no);
        }
        Ok(())
    }

    fn send_data(&mut self, outbox: &mut Outbox) -> Result<(), LedgerError> {
        if !std::mem::take(self.tx.ready) {
            return Ok(());
        }
        let frames = &mut self.frames;
        outbox.fill(&mut self.tx, |csn, items| {
            frames.csn = csn;
            frames.emit(Payload::Data(items))
        })
    }

    /// What was said goes into the durable unconfirmed log, until that is full (E13).
    fn remember_what_was_said(&mut self) {
        let ReplicaState {
            unconfirmed,
            unconfirmed_gap,
            ..
        } = &mut *self.tx.state;
        for said in std::mem::take(&mut self.frames.said) {
            if unconfirmed.len() < self.tx.config.limits.unconfirmed {
                unconfirmed.push(said);
            } else {
                *unconfirmed_gap = said.csn;
            }
        }
    }

    /// The partner hears at once when it has everything, how far behind this server is when a session begins to run, and when this server
    /// goes out of service; and now and then that it is alive.
    fn heartbeat(&mut self, lacking: bool, repair: &Repair) -> Result<(), LedgerError> {
        let (causes, state) = (*self.tx.causes, &*self.tx.state);
        let told = self.reported.filter(|told| {
            told.backlog() == 0
                && (told.causes, told.courtesy) == (causes, state.courtesy)
                && told.owing == state.partner_rolled_back
                && !(lacking || told.lacking > 0)
        });
        let timers = &self.tx.config.timers;
        let due = self.tx.now.mono >= self.frames.spoke.plus(timers.heartbeat_ms);
        if told.is_some() && !due {
            return Ok(());
        }
        let before = *self.reported;
        let report = self.report(repair)?;
        let news = before.is_none_or(|told| {
            let of = |r: &Report| (r.causes, r.courtesy, r.owing, r.lacking > 0);
            (report.backlog() == 0 && told.backlog() > 0) || of(&told) != of(&report)
        });
        if news || due {
            self.frames.emit(Payload::Heartbeat(report));
        } else {
            *self.reported = before;
        }
        Ok(())
    }

    /// How far behind this server is, and how it is: it is about to be reported.
    fn report(&mut self, repair: &Repair) -> Result<Report, LedgerError> {
        let ledger = &mut *self.tx.ledger;
        let damage = ledger.damage()?;
        let bodies = damage.bodies.saturating_sub(repair.no_copy.unwrap_or(0));
        let users = ledger.backlog(Lane::Users)?.count;
        let messages = ledger.backlog(Lane::Messages)?.count;
        let report = Report {
            users,
            messages,
            wall: self.tx.now.wall,
            causes: *self.tx.causes,
            courtesy: self.tx.state.courtesy,
            owing: self.tx.state.partner_rolled_back,
            lacking: bodies + damage.rows.saturating_sub(damage.lost_rows),
        };
        *self.reported = Some(report);
        Ok(report)
    }
}

/// Writes messages under the next numbers.
struct FrameWriter<'a> {
    header: HeaderContext,
    /// The CSN that the next message tells of.
    csn: u64,
    numbers: &'a mut Numbers,
    spoke: &'a mut Mono,
    entropy: &'a mut Entropy,
    outputs: &'a mut Vec<Output>,
    /// What belongs into the unconfirmed log.
    said: Vec<SentRecord>,
}

impl FrameWriter<'_> {
    /// Says something, and returns the number under which it is said.
    fn emit(&mut self, payload: Payload) -> u64 {
        *self.spoke = self.header.now;
        let telling = !matches!(payload, Payload::Heartbeat(_));
        let message = self
            .numbers
            .write(self.header, self.csn, self.entropy, payload);
        let (no, id, csn) = (message.header.no, message.header.id, message.header.csn);
        if telling {
            self.said.push(SentRecord { csn, id });
        }
        self.outputs.push(Output::Send(Box::new(message)));
        no
    }
}
