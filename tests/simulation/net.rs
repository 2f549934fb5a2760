//! The mail between the two servers: it may be lost, doubled, late, out of order, or come again long after.

use crate::dials::Dials;
use crate::dice::Dice;
use crate::slow::Link;
use crate::sometimes::{Counters, Sometimes};
use gr_proto::Message;
use std::collections::{BTreeMap, VecDeque};

/// A message on its way, and how many of its bodies will arrive.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: usize,
    pub message: Box<Message>,
    pub bodies: bool,
    sent: u64,
    /// When it was handed to the link, which may carry it much later.
    said_at: u64,
}

/// All mail on its way, in order of arrival.
#[derive(Debug, Default)]
pub struct Net {
    under_way: BTreeMap<(u64, u64), Mail>,
    sequence: u64,
    /// Copies that a relay may still hold.
    old: VecDeque<Mail>,
    /// Nothing arrives on the way to this side before this time.
    cut_until: [u64; 2],
    /// Since when.
    cut_since: [u64; 2],
    /// When the newest mail was handed to the link that has arrived at a side.
    heard: [u64; 2],
    /// The newest mail that has arrived at a side, by its sequence.
    newest: [u64; 2],
    /// All mail ever sent.
    pub sent: u64,
    /// Faults are over.
    pub good: bool,
    /// What carries the mail of widened histories.
    link: Link,
}

const OLD_COPIES_MAX: usize = 64;

impl Net {
    pub fn send(
        &mut self,
        now: u64,
        to: usize,
        message: Box<Message>,
        dials: &Dials,
        dice: &mut Dice,
        counters: &mut Counters,
    ) {
        self.sent += 1;
        let said_at = now;
        let mut now = now;
        if dials.wide.bytes_per_s > 0 {
            match self.link.carries(now, to, &message, &dials.wide) {
                Some(at) => now = at,
                None => return counters.hit(Sometimes::LinkFull),
            }
        }
        if self.good {
            let at = now + 1 + dice.below(4);
            self.put(
                at,
                Mail {
                    to,
                    message,
                    bodies: true,
                    sent: self.sent,
                    said_at,
                },
            );
            return;
        }
        if now < self.cut_until[to] {
            counters.hit(Sometimes::MailCut);
            return;
        }
        if dice.chance(dials.loss) {
            counters.hit(Sometimes::MailLost);
            return;
        }
        let mut bodies = true;
        let with_body = !message.bodies().is_empty() || !message.pieces().is_empty();
        if with_body && dice.chance(dials.body_lost) {
            counters.hit(Sometimes::BodyLost);
            bodies = false;
        }
        let mail = Mail {
            to,
            message,
            bodies,
            sent: self.sent,
            said_at,
        };
        if dice.chance(dials.old_copy) && self.old.len() < OLD_COPIES_MAX {
            self.old.push_back(mail.clone());
        }
        if dice.chance(dials.double) {
            counters.hit(Sometimes::MailDoubled);
            let at = now + 1 + dice.below(dials.delay_ms * 4);
            self.put(at, mail.clone());
        }
        let delay = if dice.chance(dials.late) {
            counters.hit(Sometimes::MailLate);
            [30_000, 600_000, 20_000_000][dice.below(3) as usize] / (1 + dice.below(20))
        } else {
            dice.below(dials.delay_ms)
        };
        self.put(now + 1 + delay, mail);
    }

    fn put(&mut self, at: u64, mail: Mail) {
        self.sequence += 1;
        self.under_way.insert((at, self.sequence), mail);
    }

    /// When the next mail arrives.
    pub fn next_at(&self) -> Option<u64> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes mail that has arrived by `now`.
    pub fn arrived(&mut self, now: u64, counters: &mut Counters) -> Option<Mail> {
        let ((at, _), _) = self.under_way.first_key_value()?;
        if *at > now {
            return None;
        }
        let (_, mail) = self.under_way.pop_first()?;
        if mail.sent < self.newest[mail.to] {
            counters.hit(Sometimes::MailOvertaken);
        }
        self.newest[mail.to] = self.newest[mail.to].max(mail.sent);
        self.heard[mail.to] = self.heard[mail.to].max(mail.said_at);
        Some(mail)
    }

    /// Takes mail for `to` that has arrived by `now`, for the same transaction.
    pub fn arrived_for(&mut self, now: u64, to: usize, counters: &mut Counters) -> Option<Mail> {
        let ((at, _), mail) = self.under_way.first_key_value()?;
        if *at > now || mail.to != to {
            return None;
        }
        self.arrived(now, counters)
    }

    /// A relay finds an old copy.
    pub fn deliver_old(&mut self, now: u64, dice: &mut Dice, counters: &mut Counters) {
        if self.old.is_empty() {
            return;
        }
        let at = dice.below(self.old.len() as u64) as usize;
        if let Some(mail) = self.old.remove(at) {
            counters.hit(Sometimes::OldCopy);
            self.put(now + 1, mail);
        }
    }

    /// A relay holds all mail to a side until then, and releases it in any order.
    pub fn stall(&mut self, to: usize, until: u64, dice: &mut Dice) {
        let queue = std::mem::take(&mut self.under_way);
        for ((at, sequence), mail) in queue {
            if mail.to == to {
                self.put(at.max(until) + dice.below(30_000), mail);
            } else {
                self.under_way.insert((at, sequence), mail);
            }
        }
    }

    /// Whether a slow way has not carried yet all that it holds.
    pub fn is_busy(&self, now: u64) -> bool {
        self.link.is_busy(now)
    }

    /// What is on the way to a side is lost.
    pub fn break_link(&mut self, now: u64, to: usize) {
        self.link.breaks(to);
        self.under_way
            .retain(|(at, _), mail| mail.to != to || *at <= now);
    }

    /// Cuts the way to a side for some time.
    pub fn cut(&mut self, to: usize, now: u64, until: u64) {
        if self.cut_until[to] <= now {
            self.cut_since[to] = now;
        }
        self.cut_until[to] = until;
    }

    /// Since when nothing that was handed to the link has arrived at a side, if its way is cut now. What a slow way carries between two cuts
    /// arrives in the second.
    pub fn silent_since(&self, to: usize, now: u64) -> Option<u64> {
        (!self.good && now < self.cut_until[to]).then_some(self.cut_since[to].max(self.heard[to]))
    }

    /// When the newest mail was handed to the link that has arrived at a side.
    pub fn heard(&self, side: usize) -> u64 {
        self.heard[side]
    }

    /// From now on nothing is lost or late. What a relay still holds may come at any time.
    pub fn heal(&mut self) {
        self.good = true;
    }

    /// Everything that is still somewhere arrives now.
    pub fn flush(&mut self, now: u64) {
        let late = std::mem::take(&mut self.under_way);
        for (_, mail) in late {
            self.put(now + 1, mail);
        }
        for mail in std::mem::take(&mut self.old) {
            self.put(now + 1, mail);
        }
    }
}
