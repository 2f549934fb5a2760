//! A session: two incarnations that have proved to each other that they are alive, and the numbers of what they say.
//!
//! Everything in here is volatile. What was not acknowledged when a session ends still has its mark, and is sent again in the next.

pub(crate) mod age;
pub(crate) mod entropy;
pub(crate) mod handshake;
pub(crate) mod inbound;
pub(crate) mod inbox;
pub(crate) mod incarnation;
pub(crate) mod outbound;
pub(crate) mod outbox;
pub(crate) mod pace;
pub(crate) mod pieces;
pub(crate) mod ranges;
pub(crate) mod status;

use crate::reconcile::recovery::Recovery;
use crate::reconcile::repair::Repair;
use crate::reconcile::requests::Requests;
use crate::session::entropy::Entropy;
use crate::session::inbox::Inbox;
use crate::session::outbox::Outbox;
use crate::{
    Ack, Header, Limits, Message, Mono, Payload, Preceding, RangeSet, Report, Rule, Rules, Seen,
};
use domain::{Incarnation, Timestamp};
use std::collections::BTreeMap;

/// A session with one incarnation of the partner.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// That incarnation.
    pub(crate) peer: Incarnation,
    /// What it has said.
    pub(crate) inbox: Inbox,
    /// What is on its way to it.
    pub(crate) outbox: Outbox,
    /// What is being compared, because one of the two went back in time.
    pub(crate) recovery: Recovery,
    /// What is asked and answered for tasks.
    pub(crate) requests: Requests,
    /// What was damaged at rest, and is asked for.
    pub(crate) repair: Repair,
    /// The numbers of what is said to it.
    pub(crate) numbers: Numbers,
    /// When something was last said.
    pub(crate) spoke: Mono,
    /// Whether the link was slow at the end of the last transaction, and the bytes a second that it carried.
    pub(crate) speed: (bool, Option<u64>),
    /// What the partner's wall clock showed, and when that was heard.
    pub(crate) heard: Option<(Timestamp, Mono)>,
    /// What was last reported.
    pub(crate) reported: Option<Report>,
    /// The number of the newest report that came in.
    report_no: u64,
    /// What it said, and how far the partner's wall clock was ahead then, in milliseconds.
    pub(crate) report: Option<(Report, i64)>,
}

/// The own numbers of a session, and what the partner has said of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// The last number used.
    last: u64,
    /// Own numbers above `confirmed`: their ids, and when they were written.
    unsettled: BTreeMap<u64, Written>,
    /// The partner has forgotten everything up to here.
    confirmed: u64,
    /// What its last acknowledgement listed.
    acked: RangeSet,
    /// The CSN of the newest own message that it has acknowledged soundly: so far both surely tell the same story (E13).
    pub(crate) sound_csn: u64,
    /// The newest of them, as the next message names them.
    preceding: Preceding,
    /// The newest message of the partner, and how far it had seen then.
    echo: (u64, u64),
}

#[derive(Clone, Copy, Debug)]
struct Written {
    id: u64,
    at: Mono,
    csn: u64,
}

/// Who writes a message, and what its header tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderContext {
    pub(crate) from: Incarnation,
    pub(crate) to: Incarnation,
    pub(crate) seen: Seen,
    pub(crate) settled: u64,
    pub(crate) rolled_back: bool,
    pub(crate) now: Mono,
}

/// What an acknowledgement or echo says about the one who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It fits what was sent.
    Sound,
    /// It names something that was never sent: this server was wound back in flight, or runs twice (E13).
    UnknownAck,
    /// It takes back what it acknowledged before: the partner was wound back in flight (E13).
    AckRegression,
}

impl Session {
    pub(crate) fn new(peer: Incarnation, now: Mono, limits: Limits) -> Self {
        Self {
            peer,
            inbox: Inbox::new(limits),
            outbox: Outbox::default(),
            recovery: Recovery::default(),
            requests: Requests::default(),
            repair: Repair::new(),
            numbers: Numbers::default(),
            spoke: now,
            speed: (false, None),
            heard: None,
            reported: None,
            report_no: 0,
            report: None,
        }
    }

    /// What messages written now by `from` begin with.
    pub(crate) fn pen(&self, from: Incarnation, rolled_back: bool, now: Mono) -> HeaderContext {
        let (seen, settled) = (self.inbox.seen(), self.outbox.settled());
        HeaderContext {
            from,
            to: self.peer,
            seen,
            settled,
            rolled_back,
            now,
        }
    }

    /// Compares an acknowledgement with what was sent and with the one before. A sound one is remembered.
    pub(crate) fn judge(&mut self, ack: &Ack) -> Verdict {
        if ack.floor > self.outbox.settled() {
            return Verdict::UnknownAck;
        }
        self.numbers.judge(ack)
    }

    /// Takes a report, unless a newer one came before it. Returns the one before, and whether this one was taken.
    pub(crate) fn hear(
        &mut self,
        no: u64,
        report: Report,
        difference_ms: i64,
        now: Mono,
    ) -> (Option<Report>, bool) {
        let before = self.report.map(|(report, _)| report);
        if no < self.report_no {
            return (before, false);
        }
        self.report_no = no;
        self.report = Some((report, difference_ms));
        self.heard = Some((report.wall, now));
        (before, true)
    }

    /// Whether the partner is down by courtesy, by its own word (R18).
    pub(crate) fn in_courtesy(&self) -> bool {
        self.report.is_some_and(|(report, _)| report.courtesy)
    }

    /// The newest report, and the number of the message it came in.
    pub(crate) fn report(&self) -> Option<(u64, Report)> {
        self.report.map(|(report, _)| (self.report_no, report))
    }
}

impl Numbers {
    /// Writes a message with the next number.
    pub(crate) fn write(
        &mut self,
        pen: HeaderContext,
        csn: u64,
        entropy: &mut Entropy,
        payload: Payload,
    ) -> Message {
        self.last += 1;
        let id = entropy.draw();
        self.unsettled.insert(
            self.last,
            Written {
                id,
                at: pen.now,
                csn,
            },
        );
        let HeaderContext {
            from,
            to,
            seen,
            settled,
            rolled_back,
            ..
        } = pen;
        let header = Header {
            from,
            to,
            no: self.last,
            id,
            csn,
            seen,
            settled,
            rolled_back,
            // What is settled the partner forgets when it reads this.
            preceding: self
                .preceding
                .newest(self.last - 1 - settled.min(self.last - 1)),
        };
        self.preceding.push(id);
        Message { header, payload }
    }

    /// When the message that the partner says it has seen was written: `None` if that is forgotten, or nothing was seen.
    pub(crate) fn echoed(
        &mut self,
        header: &Header,
        rules: Rules,
    ) -> Result<Option<Mono>, Verdict> {
        let (seen, newer) = (header.seen, header.no > self.echo.0);
        // What a partner has seen rises with the numbers of what it says, in whatever order that arrives.
        let fell = if newer {
            seen.no < self.echo.1
        } else {
            seen.no > self.echo.1
        };
        if fell && rules.hold(Rule::SeenRises) {
            return Err(Verdict::AckRegression);
        }
        if newer {
            self.echo = (header.no, seen.no);
        }
        match self.unsettled.get(&seen.no) {
            Some(written) if written.id == seen.id => {
                self.sound_csn = self.sound_csn.max(written.csn);
                Ok(Some(written.at))
            }
            None if seen.no <= self.confirmed => Ok(None),
            _ => Err(Verdict::UnknownAck),
        }
    }

    fn judge(&mut self, ack: &Ack) -> Verdict {
        let (mut sum, mut csn) = (0_u64, self.sound_csn);
        for &(first, last) in ack.done.ranges() {
            let mut count = 0;
            for written in self.unsettled.range(first..=last).map(|(_, w)| w) {
                sum = sum.wrapping_add(written.id);
                csn = csn.max(written.csn);
                count += 1;
            }
            if count != last - first + 1 {
                // Settled and forgotten before: only who was wound back lists it again.
                let forgotten = first <= self.confirmed;
                return if forgotten {
                    Verdict::AckRegression
                } else {
                    Verdict::UnknownAck
                };
            }
        }
        if sum != ack.sum {
            return Verdict::UnknownAck;
        }
        if ack.floor < self.confirmed || !ack.done.covers(&self.acked, ack.floor) {
            return Verdict::AckRegression;
        }
        self.sound_csn = csn;
        self.confirmed = ack.floor;
        self.acked = ack.done.clone();
        self.unsettled = self.unsettled.split_off(&(ack.floor + 1));
        Verdict::Sound
    }

    /// Whether more is unsettled than can be remembered.
    pub(crate) fn are_overgrown(&self, limits: &Limits) -> bool {
        self.unsettled.len() > limits.unsettled
    }
}
