//! What comes out of a server: mail, and words that are checked against what has really happened.

use crate::node::NAMES;
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::world::World;
use domain::{Incarnation, ObjectId};
use gr_proto::{
    Event, Message, NewIncarnation, Output, PartnerState, PartnerStatus, Payload, Reason, Verdicts,
};
use ledger::{Outcome, TaskKind};

impl World {
    /// What came out of a transaction leaves.
    pub(crate) fn leave(
        &mut self,
        side: usize,
        outputs: Vec<Output>,
        mut sends: usize,
        state: PartnerState,
    ) -> Result<(), Failure> {
        let mut data = 0;
        // A new session may have begun in this transaction, after an acknowledgement of the old one.
        let met = self.nodes[side].session_at;
        for output in outputs {
            match output {
                Output::Send(message) => {
                    if sends == 0 {
                        continue;
                    }
                    sends -= 1;
                    self.sent(side, &message, state)?;
                    data += usize::from(matches!(message.payload, Payload::Data(_)));
                    if data == 2 {
                        self.counters.hit(Sometimes::WindowFull);
                    }
                    self.tell(|| format!("{} sends {}", NAMES[side], brief(&message)));
                    let (dials, dice) = (&self.dials, &mut self.dice);
                    self.net.send(
                        self.time,
                        1 - side,
                        message,
                        dials,
                        dice,
                        &mut self.counters,
                    );
                }
                Output::Safe(safe) => {
                    for (id, n) in safe {
                        self.is_safe(side, id, n, met)?;
                        if self.nodes[side].ledger.marks.contains_key(&id) {
                            self.counters.hit(Sometimes::MarkOutlived);
                        }
                    }
                }
                Output::Changed(changed) => {
                    let incarnation = self.nodes[side]
                        .incarnations
                        .last()
                        .map(|(incarnation, _)| *incarnation);
                    let ledger = &self.nodes[side].ledger;
                    self.checks.versions_rise(
                        side,
                        incarnation.unwrap_or_default(),
                        &changed,
                        ledger,
                    )?;
                }
                Output::Task(_) => {}
                Output::Status(status) => self.status(side, &status),
                Output::Event(event) => self.event(side, event)?,
            }
        }
        Ok(())
    }

    /// I2: what a server calls safe is with its partner. `met`: when their session began.
    pub(crate) fn is_safe(
        &self,
        side: usize,
        id: ObjectId,
        n: u64,
        met: u64,
    ) -> Result<(), Failure> {
        // What a restored partner has lost it will be given again, once it is known.
        let partner = &self.nodes[1 - side];
        if partner.restored_at.is_some_and(|at| at >= met) {
            return Ok(());
        }
        // Of a server that runs twice, the copy that acknowledged it holds it; it may not be the one that stays.
        let twin = self.twin.iter().filter(|twin| twin.side != side);
        let mut copies = twin.map(|twin| &twin.ledger);
        if copies.any(|copy| self.oracle.safe(side, id, n, copy).is_ok()) {
            return Ok(());
        }
        self.oracle.safe(side, id, n, &partner.ledger)
    }

    pub(crate) fn status(&mut self, side: usize, status: &PartnerStatus) {
        self.tell(|| format!("{}: partner {:?}", NAMES[side], status.state));
        let node = &mut self.nodes[side];
        if node.told != status.state {
            node.told = status.state;
            match status.state {
                PartnerState::Unknown => self.counters.hit(Sometimes::Unknown),
                PartnerState::Down => self.counters.hit(Sometimes::Down),
                _ => {}
            }
        }
        if status.runs_twice {
            self.counters.hit(Sometimes::RunsTwice);
        }
        let node = &mut self.nodes[side];
        if node.behind && status.caught_up() {
            self.counters.hit(Sometimes::CaughtUp);
        }
        node.behind = status.partner_backlog.is_some_and(|n| n > 0);
    }

    pub(crate) fn sent(
        &mut self,
        side: usize,
        message: &Message,
        state: PartnerState,
    ) -> Result<(), Failure> {
        let header = &message.header;
        self.mix(header.no, header.id, header.csn, message.is_hello());
        if self.steps.is_multiple_of(16) {
            let bytes = gr_proto::wire::encode(message);
            if gr_proto::wire::decode(&bytes).as_ref() != Ok(message) {
                return failed("a message survives its bytes", brief(message));
            }
        }
        let Payload::Data(items) = &message.payload else {
            return Ok(());
        };
        if state != PartnerState::Running {
            return failed(
                "data only while running",
                format!("{state:?}: {}", brief(message)),
            );
        }
        if self.nodes[side].ledger.state.courtesy {
            return failed("who is out of service sends no data", brief(message));
        }
        if !message.pieces().is_empty() {
            self.counters.hit(Sometimes::PieceSent);
        }
        for item in items {
            let Some(mark) = self.nodes[side].ledger.marks.get(&item.id) else {
                continue;
            };
            if self.sent_as[side].insert(item.id, mark.n) == Some(mark.n) {
                self.counters.hit(Sometimes::Retransmitted);
            }
        }
        Ok(())
    }

    fn held(&mut self, reason: Reason) {
        self.counters.hit(match reason {
            Reason::TEMPORARY_REMOTE_USER => Sometimes::HeldForRemoteUser,
            Reason::NUMBER_TAKEN => Sometimes::HeldForNumber,
            Reason::CLASS_MISSING => Sometimes::HeldForClass,
            Reason::CAPACITY => Sometimes::HeldForCapacity,
            _ => Sometimes::Held,
        });
    }

    fn task_ended(&mut self, kind: TaskKind, outcome: Outcome) {
        self.counters.hit(match (kind, outcome) {
            (TaskKind::Resync, Outcome::Done) => Sometimes::ResyncDone,
            (TaskKind::Audit, Outcome::Done) => Sometimes::AuditDone,
            (TaskKind::Rebuild, Outcome::Done) => Sometimes::RebuildDone,
            (TaskKind::Mailboxes, Outcome::Done) => Sometimes::MailboxesDone,
            (_, Outcome::Aborted) => Sometimes::TaskAborted,
            (_, Outcome::AbortedThere) => Sometimes::TaskAbortedThere,
            (_, Outcome::GaveWay) => Sometimes::TaskGaveWay,
            (_, Outcome::RolledBack) => Sometimes::TaskWentBack,
            (_, Outcome::Expired) => Sometimes::TaskExpired,
        });
    }

    fn judged(&mut self, verdicts: Verdicts) {
        let Verdicts {
            only_here,
            differing,
            wanted,
        } = verdicts;
        for (count, what) in [
            (only_here, Sometimes::KeptInDoubt),
            (differing, Sometimes::Differing),
            (wanted, Sometimes::Wanted),
        ] {
            if count > 0 {
                self.counters.hit(what);
            }
        }
    }

    /// When an incarnation ended, if it ever lived. With two copies of a server, it lives as long as one of them does.
    fn end_of(&self, side: usize, incarnation: Incarnation) -> Option<Option<u64>> {
        let twin = self.twin.iter().filter(|twin| twin.side == side);
        let all = twin
            .chain([&self.nodes[side]])
            .flat_map(|node| &node.incarnations);
        let ends = all.filter(|(l, _)| *l == incarnation).map(|(_, end)| *end);
        ends.max_by_key(|end| end.unwrap_or(u64::MAX))
    }

    pub(crate) fn event(&mut self, side: usize, event: Event) -> Result<(), Failure> {
        self.tell(|| format!("{}: {event:?}", NAMES[side]));
        match event {
            Event::SessionBegan(incarnation) => {
                let end = self.end_of(1 - side, incarnation);
                let Some(end) = end else {
                    return failed(
                        "only the living are adopted",
                        format!("{incarnation:?} never lived"),
                    );
                };
                // A challenge was issued after this process started, and echoed after that.
                if end.is_some_and(|end| end < self.nodes[side].started) {
                    return failed(
                        "only the living are adopted",
                        format!("{incarnation:?} is dead"),
                    );
                }
                self.nodes[side].session_at = self.time;
                self.nodes[side].session_with = Some(incarnation);
                if self.nodes[side].ledger.state.known.is_some() {
                    self.counters.hit(Sometimes::SessionRenewed);
                }
            }
            Event::Held(_, reason, _) => self.held(reason),
            Event::NewIncarnation(_, NewIncarnation::Rebuilt | NewIncarnation::Unsettled) => {}
            Event::Refused(_, Reason::NEED_BODY, _) => self.counters.hit(Sometimes::NeedBody),
            Event::Refused(..) => self.counters.hit(Sometimes::BadItem),
            Event::MayHaveRolledBack => {
                self.oracle.in_doubt = true;
                self.counters.hit(Sometimes::InDoubt);
            }
            Event::PartnerRolledBack | Event::NewIncarnation(..) if self.oracle.in_doubt => {}
            Event::PartnerRolledBack | Event::RolledBack | Event::NewIncarnation(..)
                if !self.oracle.any_restored() =>
            {
                return failed(
                    "nobody went back",
                    format!("{} says {event:?}", NAMES[side]),
                );
            }
            Event::PartnerRolledBack => self.counters.hit(Sometimes::PartnerRolledBack),
            Event::RolledBack => self.counters.hit(Sometimes::RolledBack),
            Event::PartnerRecovered => self.counters.hit(Sometimes::Recovered),
            Event::Judged(verdicts) => self.judged(verdicts),
            Event::Repaired(..) => self.counters.hit(Sometimes::Repaired),
            Event::NoCopyLeft(..) => self.counters.hit(Sometimes::NoCopyLeft),
            Event::NewIncarnation(..) => {}
            Event::TaskBegan(..) => self.counters.hit(Sometimes::TaskBegan),
            Event::TaskEnded(_, kind, outcome) => self.task_ended(kind, outcome),
            Event::GuardExceeded(..) => self.counters.hit(Sometimes::GuardExceeded),
            Event::Rebuilt => {
                self.oracle.rebuilt[side] = true;
                self.counters.hit(Sometimes::Rebuilt);
            }
            Event::ClockLeapt(_)
            | Event::DatedAhead(_)
            | Event::Stranger(_)
            | Event::NoCommonLevel(..) => {}
        }
        Ok(())
    }
}

/// A message in one line.
pub(crate) fn brief(message: &Message) -> String {
    let header = &message.header;
    let what = match &message.payload {
        Payload::Hello(h) => format!("HELLO challenge {:x?} echo {:x?}", h.challenge, h.echo),
        Payload::Data(items) => {
            let items = items.iter().map(|item| match (&item.object, item.piece) {
                (None, _) => format!("-{}", item.id),
                (_, Some(piece)) => format!("{} ({}+{})", item.id, piece.at, piece.len),
                (_, None) => format!("{}", item.id),
            });
            format!("data {}", items.collect::<Vec<_>>().join(" "))
        }
        Payload::Ack(ack) => {
            let refused = ack.refused.iter();
            let refused =
                refused.map(|r| format!("#{} {}: {} {:?}", r.no, r.id, r.reason.0, r.have));
            format!(
                "ack {:?} above {} refused {:?}",
                ack.done.ranges(),
                ack.floor,
                refused.collect::<Vec<_>>()
            )
        }
        Payload::List(list) => {
            format!(
                "list of {} from {:?} to {:?}",
                list.objects.len(),
                list.after,
                list.to
            )
        }
        Payload::Judged(judged) => {
            format!(
                "judged #{} to {:?}, wants {:?}",
                judged.no, judged.to, judged.wanted
            )
        }
        Payload::Request(ask) => format!("asks for {:x}: {:?}", ask.task.0, ask.question),
        Payload::Response(answer) => format!("answers #{}: {:?}", answer.to, answer.reply),
        Payload::Heartbeat(report) => format!("heartbeat, backlog {}", report.backlog()),
        Payload::Unknown => "something unknown".to_owned(),
    };
    format!("{:?}>{:?} #{} {what}", header.from, header.to, header.no)
}
