//! Listening in a session: what comes in under a number. What goes out is in [`crate::session::outbound`].

use crate::engine::Engine;
use crate::objects::apply::{Applied, apply};
use crate::objects::transaction::{Tx, tx};
use crate::reconcile::task::{Refused, class_of};
use crate::session::Verdict;
use crate::session::inbox::Admitted;
use crate::{
    Ack, Event, Header, Item, Judged, List, NewIncarnation, Now, Payload, Report, RequestBody,
    Response, Rule, limits,
};
use domain::User;
use ledger::{Known, Ledger, LedgerError, Reason};

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
        let ours = header.from == session.peer && header.to == self.incarnation;
        if (!ours && rules.hold(Rule::Incarnation)) || payload == Payload::Unknown {
            return Ok(());
        }
        match session.inbox.admit(header, &payload, rules) {
            Admitted::Yes => {}
            Admitted::No => return Ok(()),
            Admitted::NumberReuse => {
                self.state.partner_rolled_back = true;
                self.event(Event::PartnerRolledBack);
                self.new_incarnation(now, NewIncarnation::NumberReuse);
                return Ok(());
            }
        }
        match session.numbers.echoed(header, rules) {
            Ok(Some(moment)) => {
                self.trim_unconfirmed();
                self.status_mut(now).prove(moment);
            }
            Ok(None) => {}
            Err(Verdict::AckRegression) => {
                self.ack_regressed(now);
                return Ok(());
            }
            Err(_) => {
                self.unknown_echo(now);
                return Ok(());
            }
        }
        self.meet(header);
        if header.rolled_back && !self.state.partner_rolled_back {
            self.state.partner_rolled_back = true;
            self.event(Event::PartnerRolledBack);
        }
        match payload {
            Payload::Data(items) => self.data(now, ledger, header, &items)?,
            Payload::Ack(ack) => self.ack(now, ledger, header, &ack)?,
            Payload::List(list) => self.list(now, ledger, header, &list)?,
            Payload::Judged(judged) => self.judged(now, ledger, header, &judged)?,
            Payload::Request(ask) => {
                if matches!(ask.question, RequestBody::Forget(_)) {
                    self.state.csn += 1;
                    self.know(header);
                }
                self.asked(now, ledger, header.no, *ask);
            }
            Payload::Response(answer) => self.answered(now, ledger, header, &answer)?,
            Payload::Heartbeat(report) => self.report(now, ledger, header.no, report)?,
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
            let Applied::Refused(reason) = apply(&mut self.tx(now, ledger), item)? else {
                self.refused.remove(&item.id);
                continue;
            };
            if reason != Reason::NEED_BODY {
                self.show_refused(now, item, reason);
            }
            let have = body_part(ledger, item)?.filter(|_| reason == Reason::NEED_BODY);
            if let Some(session) = &mut self.session {
                session.inbox.refuse(header.no, item.id, reason, have);
            }
            // A body that comes piece by piece is nothing to be told of.
            if reason != Reason::NEED_BODY || item.with_body {
                self.event(Event::Refused(
                    item.id,
                    reason,
                    class_of(item.object.as_ref()),
                ));
            }
        }
        self.state.csn += 1;
        self.know(header);
        if let Some(session) = &mut self.session {
            session.inbox.applied();
        }
        Ok(())
    }

    /// The partner has heard something from this very incarnation that was never said here: another branch of this past has said it, which
    /// went on from a snapshot or runs beside this one (E13). What it said and had confirmed is missing here.
    fn unknown_echo(&mut self, now: Now) {
        if self.config.rules.hold(Rule::EchoShows) && !self.state.rolled_back {
            self.state.rolled_back = true;
            self.event(Event::RolledBack);
        }
        self.new_incarnation(now, NewIncarnation::UnknownEcho);
    }

    /// The partner has said by an acknowledgement or an echo that it had not heard what it had said before that it had: it was resumed from
    /// a snapshot (E13).
    fn ack_regressed(&mut self, now: Now) {
        self.state.partner_rolled_back = true;
        self.event(Event::PartnerRolledBack);
        self.new_incarnation(now, NewIncarnation::AckRegression);
    }

    /// What is refused is listed on both servers (R9).
    fn show_refused(&mut self, now: Now, item: &Item, reason: Reason) {
        let user = item.object.as_ref().and_then(User::of);
        let shown = Refused {
            reason,
            number: user
                .map(|user| user.number().to_owned())
                .unwrap_or_default(),
            name: user.map(|user| user.name().to_owned()).unwrap_or_default(),
            class: class_of(item.object.as_ref()),
            at: now.wall,
        };
        let before = self.refused.get(&item.id);
        if before.is_some_and(|before| before.reason == reason && before.number == shown.number) {
            return;
        }
        if self.refused.len() < self.config.limits.refused_shown {
            self.refused.insert(item.id, shown);
        }
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
            Verdict::UnknownAck => {
                self.unknown_echo(now);
                return Ok(());
            }
            Verdict::AckRegression => {
                self.ack_regressed(now);
                return Ok(());
            }
        }
        session.inbox.acknowledged(header.no);
        let mut tx = tx!(self, now, &mut *ledger);
        let mut said = session.outbox.acknowledge(&mut tx, ack)?;
        self.ready |= said.progress;
        self.safe.append(&mut said.safe);
        // What the partner holds by its own word is part of what is known of it (E10).
        if self.config.rules.hold(Rule::KnownByAck) {
            self.know(header);
        }
        for (id, reason) in said.held {
            let class = class_of(ledger.object(&id)?.as_ref());
            self.event(Event::Held(id, reason, class));
        }
        self.report(now, ledger, header.no, ack.report)
    }

    /// The partner has answered a question.
    fn answered(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        header: &Header,
        answer: &Response,
    ) -> Result<(), LedgerError> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        if answer.reply.lists() {
            // What is below a list is dropped from now on: the list tells of a later state (E7).
            session.inbox.acknowledged(header.no);
        }
        let mut tx = tx!(self, now, &mut *ledger);
        if session.repair.waits_for(answer) {
            session.repair.answered(&mut tx, answer)?;
        } else {
            session.requests.answered(&mut tx, header.no, answer)?;
        }
        let events = std::mem::take(&mut session.requests.events);
        events.into_iter().for_each(|event| self.event(event));
        self.state.csn += 1;
        self.know(header);
        self.report(now, ledger, header.no, answer.report)
    }

    /// The partner lists what it holds, because this server went back in time.
    fn list(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        header: &Header,
        list: &List,
    ) -> Result<(), LedgerError> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        // What is below a list is dropped from now on, as with an acknowledgement: the list tells of a later state (E7).
        session.inbox.acknowledged(header.no);
        let mut tx = tx!(self, now, ledger);
        if let Some(verdicts) = session.recovery.judge(&mut tx, header, list)? {
            self.state.csn += 1;
            self.know(header);
            self.event(Event::Judged(verdicts));
        }
        Ok(())
    }

    /// The partner has judged a list.
    fn judged(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        header: &Header,
        judged: &Judged,
    ) -> Result<(), LedgerError> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        session.inbox.acknowledged(header.no);
        let mut tx = tx!(self, now, ledger);
        if session.recovery.answered(&mut tx, judged)? {
            self.state.partner_rolled_back = false;
            self.event(Event::PartnerRecovered);
        }
        self.know(header);
        Ok(())
    }

    /// What was seen of the partner, and must be part of its past for ever (E10). Mail that was overtaken tells of an older state.
    fn know(&mut self, header: &Header) {
        let incarnation = header.from;
        let before = self
            .state
            .known
            .filter(|known| known.incarnation == incarnation);
        let (csn, id) = (header.csn, header.id);
        let newer = |known: Known| known.csn < csn || (known.csn == csn && known.id == 0);
        if before.is_none_or(newer) {
            self.state.known = Some(Known {
                incarnation,
                csn,
                id,
            });
        }
    }

    /// Whoever says something in a session has judged what its partner knows of it, and forgets its older incarnations when it hears that this
    /// was heard, be it a heartbeat (E11, E22; test `an_incarnation_that_has_said_nothing_but_heartbeats_was_met`).
    fn meet(&mut self, header: &Header) {
        let met = |known: Known| known.incarnation == header.from;
        if !self.state.known.is_some_and(met) {
            self.state.known = Some(Known {
                incarnation: header.from,
                csn: header.csn,
                // What is said without being remembered over a restart is no witness.
                id: 0,
            });
        }
    }

    pub(crate) fn report(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
        no: u64,
        report: Report,
    ) -> Result<(), LedgerError> {
        if report.wall.0.abs_diff(now.wall.0) >= limits::CLOCKS_AGREE_MS {
            self.clocks_disagree(now);
        }
        if let Some(session) = &mut self.session {
            let difference = report.wall.0.saturating_sub(now.wall.0);
            let (before, taken) = session.hear(no, report, difference, now.mono);
            if taken && session.recovery.is_over(no, &report) {
                self.state.rolled_back = false; // what was lost and is known there is here again
            }
            if taken && before.is_none_or(|before| before.causes != report.causes) {
                self.retry(now, ledger)?;
            }
            // Back from courtesy: what waited may go.
            self.ready |= before.is_some_and(|before| before.courtesy) && !report.courtesy;
        }
        Ok(())
    }
}

/// How much is here of a body that is not whole.
fn body_part(ledger: &mut dyn Ledger, item: &Item) -> Result<Option<u32>, LedgerError> {
    let body = item.object.as_ref().and_then(|object| object.body);
    body.map(|body| ledger.body_part(&body)).transpose()
}
