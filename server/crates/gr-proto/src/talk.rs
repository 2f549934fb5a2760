//! Talking in a session: what comes in under a number, and what goes out at the end of a transaction.

use crate::apply::{Applied, apply};
use crate::engine::Engine;
use crate::session::{Session, Verdict};
use crate::tx::Tx;
use crate::{Ack, Event, Header, Item, NewLife, Now, Output, Payload, Report, Rule};
use domain::{Known, Lane, Ledger, LedgerError};

impl Engine {
    pub(crate) fn numbered(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        header: &Header,
        payload: Payload,
    ) -> Result<(), LedgerError> {
        let rules = self.config.rules;
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        let ours = header.from == session.peer && header.to == self.life;
        if (!ours && rules.hold(Rule::Life)) || payload == Payload::Unknown {
            return Ok(());
        }
        if !session.inbox.admit(header, rules) {
            return Ok(());
        }
        match session.numbers.echoed(header.seen) {
            Ok(Some(moment)) => self.status_mut(now).prove(moment),
            Ok(None) => {}
            Err(_) => {
                self.new_life(now, NewLife::StrangeEcho);
                return Ok(());
            }
        }
        match payload {
            Payload::Data(items) => self.data(now, ledger, header, &items)?,
            Payload::Ack(ack) => self.ack(now, ledger, header, &ack)?,
            Payload::Heartbeat(report) => self.report(now, header.no, report),
            Payload::Hello(_) | Payload::Unknown => {}
        }
        Ok(())
    }

    pub(crate) fn data(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        header: &Header,
        items: &[Item],
    ) -> Result<(), LedgerError> {
        for item in items {
            if let Applied::Refused(reason) = apply(&mut self.tx(now, ledger), item)? {
                if let Some(session) = &mut self.session {
                    session.inbox.refuse(header.no, item.id, reason);
                }
                self.event(Event::Refused(item.id, reason));
            }
        }
        self.state.tick += 1;
        self.state.known = Some(Known {
            life: header.from,
            tick: header.tick,
        });
        if let Some(session) = &mut self.session {
            session.inbox.applied();
        }
        Ok(())
    }

    pub(crate) fn ack(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        header: &Header,
        ack: &Ack,
    ) -> Result<(), LedgerError> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        match session.judge(ack) {
            Verdict::Sound => {}
            Verdict::Strange => {
                self.new_life(now, NewLife::StrangeEcho);
                return Ok(());
            }
            Verdict::TakenBack => {
                self.state.owes_recovery = true;
                self.event(Event::PartnerWentBack);
                self.new_life(now, NewLife::TakenBack);
                return Ok(());
            }
        }
        session.inbox.acknowledged(header.no);
        let mut tx = Tx {
            now,
            config: &self.config,
            life: self.life,
            ledger,
            state: &mut self.state,
            changed: &mut self.changed,
            ready: &mut self.ready,
        };
        let mut said = session.outbox.acknowledge(&mut tx, ack)?;
        self.ready |= said.progress;
        self.safe.append(&mut said.safe);
        // What the partner holds by its own word is part of what is known of it (E10).
        self.state.known = Some(Known {
            life: header.from,
            tick: header.tick,
        });
        for (id, reason) in said.aside {
            self.event(Event::SetAside(id, reason));
        }
        self.report(now, header.no, ack.report);
        Ok(())
    }

    pub(crate) fn report(&mut self, now: Now, no: u64, report: Report) {
        if let Some(session) = &mut self.session {
            let difference = report.wall.0.saturating_sub(now.wall.0);
            session.hear(no, report, difference);
        }
    }

    /// What is said at the end of a transaction: the one acknowledgement of the group, then data, then a heartbeat if there is
    /// something to report. The acknowledgement goes first, because what it overtakes on its way is dropped (E7).
    pub(crate) fn speak(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        let running = self.is_running();
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        let timers = self.config.timers;
        let pen = session.pen(self.life, now.mono);
        let Session {
            inbox,
            outbox,
            numbers,
            spoke,
            reported,
            ..
        } = session;
        let (outputs, entropy, tick) = (&mut self.outputs, &mut self.entropy, self.state.tick);
        let timed_out = outbox.time_out(now.mono, &timers, entropy);
        let retry = outbox.retry(now.mono);
        self.ready |= timed_out || retry;
        let silent_since = *spoke;
        let mut send = |payload| {
            *spoke = now.mono;
            let message = numbers.write(pen, tick, entropy, payload);
            let no = message.header.no;
            outputs.push_back(Output::Send(Box::new(message)));
            no
        };
        if inbox.ack_due() {
            let report = backlog(now, ledger)?;
            *reported = Some(report.backlog());
            send(Payload::Ack(inbox.ack(report)));
        }
        let may_send = running || !self.config.rules.hold(Rule::OnlyRunning);
        if may_send && std::mem::take(&mut self.ready) {
            let mut tx = Tx {
                now,
                config: &self.config,
                life: self.life,
                ledger: &mut *ledger,
                state: &mut self.state,
                changed: &mut self.changed,
                ready: &mut self.ready,
            };
            outbox.fill(&mut tx, |items| send(Payload::Data(items)))?;
        }
        if !running {
            return Ok(());
        }
        // The partner hears at once when it has everything, and how far behind this server is when a session begins to run.
        let report = match *reported {
            Some(0) => None,
            _ => Some(backlog(now, ledger)?),
        };
        let news = report.is_some_and(|r| reported.is_none() || r.backlog() == 0);
        if news || now.mono >= silent_since.plus(timers.heartbeat_ms) {
            let report = match report {
                Some(report) => report,
                None => backlog(now, ledger)?,
            };
            *reported = Some(report.backlog());
            send(Payload::Heartbeat(report));
        }
        Ok(())
    }
}

/// How far behind this server is.
fn backlog(now: Now, ledger: &mut dyn Ledger) -> Result<Report, LedgerError> {
    let users = ledger.backlog(Lane::Users)?.count;
    let messages = ledger.backlog(Lane::Messages)?.count;
    Ok(Report {
        users,
        messages,
        wall: now.wall,
    })
}
