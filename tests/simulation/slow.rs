//! Slow links and long bodies, in widened histories: a link that carries so many bytes a second, holds so many messages and drops what comes
//! after them, and breaks with all that it holds; and messages whose bodies go in pieces.

use crate::group::Asked;
use crate::node::NAMES;
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::wide::Wide;
use crate::world::World;
use domain::{BodyRef, Change, Key, Kind, ObjectId, Value};
use gr_proto::{
    AvailableBodies, Input, Item, Limits, Message, PartnerState, Payload, ResponseBody, Timers,
};
use std::collections::VecDeque;

/// What a message takes on the wire beside its items: headers of the mail, and of the message.
const MAIL_BYTES: u64 = 1_500;
/// So many messages the link of a server holds.
const ROOM: usize = 256;

/// For so long a server puts off what grows when a transaction has found no room. Milliseconds.
pub const PUT_OFF_MS: u64 = 10_000;

/// The way to each side: when what it holds will have been carried.
#[derive(Debug, Default)]
pub struct Link([VecDeque<u64>; 2]);

impl Link {
    /// When a message to a side that is sent now has been carried; `None`: the link is full, and it is dropped.
    pub fn carries(&mut self, now: u64, to: usize, message: &Message, wide: &Wide) -> Option<u64> {
        let queue = &mut self.0[to];
        while queue.front().is_some_and(|at| *at <= now) {
            queue.pop_front();
        }
        let room = match wide.link_room {
            0 => ROOM,
            room => room as usize,
        };
        if queue.len() >= room {
            return None;
        }
        let free_at = queue.back().copied().unwrap_or(now);
        let at = free_at + bytes(message) * 1_000 / wide.bytes_per_s;
        queue.push_back(at);
        Some(at)
    }

    /// Whether something is under way on it that it has not carried yet.
    pub fn is_busy(&self, now: u64) -> bool {
        let carries = |queue: &VecDeque<u64>| queue.back().is_some_and(|at| *at > now);
        self.0.iter().any(carries)
    }

    /// What the way to a side holds is lost.
    pub fn breaks(&mut self, to: usize) {
        self.0[to].clear();
    }
}

/// About how many bytes a message takes on the wire.
fn bytes(message: &Message) -> u64 {
    let items: &[Item] = match &message.payload {
        Payload::Data(items) => items,
        Payload::Response(answer) => match &answer.reply {
            ResponseBody::Page(items, _)
            | ResponseBody::Bodies(items)
            | ResponseBody::Rows(items, _) => items,
            ResponseBody::Found(found) => return MAIL_BYTES + bytes_found(found),
            _ => &[],
        },
        _ => &[],
    };
    MAIL_BYTES + items.iter().map(Item::weight).sum::<u64>()
}

fn bytes_found(found: &AvailableBodies) -> u64 {
    let whole = found.whole.iter().map(|body| u64::from(body.len));
    let piece = found.piece.map_or(0, |(_, piece)| u64::from(piece.len));
    whole.sum::<u64>() + piece
}

impl World {
    /// The link breaks with all that it holds, and is made anew at once.
    pub(crate) fn link_breaks(&mut self) -> Result<(), Failure> {
        if !self.dice.chance(self.dials.wide.link_breaks) {
            return Ok(());
        }
        let side = self.dice.below(2) as usize;
        self.counters.hit(Sometimes::LinkBroke);
        self.tell(|| format!("the link of {} breaks", NAMES[side]));
        self.net.break_link(self.time, 1 - side);
        if self.nodes[side].process.is_none() {
            return Ok(());
        }
        let inputs = vec![Input::LinkUp];
        self.transact(
            side,
            Asked {
                inputs,
                ..Asked::default()
            },
        )
    }

    /// Some of the messages that somebody is about to leave are long.
    pub(crate) fn lengthen(&mut self, side: usize, changes: &mut [Change]) {
        for change in changes {
            if let Change::Create {
                body: Some(body), ..
            } = change
                && self.own.chance(self.dials.wide.long)
            {
                self.counters.hit(Sometimes::LongBody);
                body.len = self.own.between(300_000, 2_000_000) as u32;
                self.nodes[side].ledger.receive_body(*body);
            }
        }
    }

    /// I31: whatever waits to be sent, a fresh message is on the partner within a bound; and who can be reached is called running, however
    /// slow the way is. Asked when the faults are over, of a link that is slow.
    pub(crate) fn nobody_starves(&mut self) -> Result<(), Failure> {
        let side = self.own.below(2) as usize;
        let users = crate::users::of_kind(&self.nodes[side].ledger, Kind::USER);
        let known = |id: &&ObjectId| self.nodes[1 - side].ledger.objects.contains_key(id);
        let Some(owner) = users.iter().find(known).copied() else {
            return Ok(());
        };
        let wide = self.dials.wide.clone();
        // With bounds that are small on purpose nobody is promised how long it takes.
        if wide.bytes_per_s == 0 || wide.limits != Limits::default() {
            return Ok(());
        }
        if wide.full_long > 0 {
            // Who has just found no room puts off what grows, and says so.
            let until = self.time + PUT_OFF_MS + 1;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        self.tell(|| format!("{} has much to send", NAMES[side]));
        let long = self.own.between(1, 4);
        let short = self.own.below(60);
        let mut backlog = Vec::new();
        for n in 0..long + short {
            let len = match n < long {
                true => self.own.between(300_000, 2_000_000),
                false => self.own.between(4_000, 60_000),
            };
            backlog.push(self.mail_for(side, owner, n, len));
        }
        self.make(side, backlog)?;
        // Of what was left in one millisecond none is the freshest.
        let until = self.time + 1 + self.own.below(5_000);
        self.pass(until)?;
        self.time = self.time.max(until);
        let fresh = self.mail_for(side, owner, long + short, 4_000);
        let id = fresh.id();
        self.make(side, vec![fresh])?;
        let began = self.time;
        // What was under way before the link had shown how slow it is, and what went before it since: a second's worth, or where an answer
        // takes a minute, through relays, half a minute's.
        let first = Limits::default().window_bytes_first * 1_000 / wide.bytes_per_s;
        let queue = 1_000.max(self.dials.timers.retransmit_ms_min / 2);
        let mut end = began + 3 * first + 4 * queue + 2 * self.dials.delay_ms;
        let latest = began + 3 * (end - began);
        while !self.nodes[1 - side].ledger.objects.contains_key(&id) {
            if self.time >= end {
                let found = format!("{} has it not after {} ms", NAMES[1 - side], end - began);
                return failed("nobody starves", found);
            }
            let until = self.time + 50;
            self.pass(until)?;
            self.time = self.time.max(until);
            let state = self.nodes[side]
                .process
                .as_ref()
                .map(|e| e.view().status().state);
            if state != Some(PartnerState::Running) {
                if self.dials.timers == Timers::direct() {
                    return failed("a slow partner is running", format!("{state:?}"));
                }
                // With timers that are shorter than what a link holds the partner is unknown until it has carried that, and nothing is sent to
                // who is unknown.
                end = (end + 50).min(latest);
            }
        }
        self.counters.hit(Sometimes::FreshPassed);
        self.become_quiet()
    }

    fn make(&mut self, side: usize, changes: Vec<Change>) -> Result<(), Failure> {
        self.transact(
            side,
            Asked {
                changes,
                ..Asked::default()
            },
        )
    }

    /// A message with a body of so many bytes; `n` makes it differ from the others that are made so.
    fn mail_for(&mut self, side: usize, owner: ObjectId, n: u64, len: u64) -> Change {
        let mut bytes = [0xfe; 16];
        bytes[8..].copy_from_slice(&n.to_be_bytes());
        let id = ObjectId::from_bytes(bytes);
        let mut hash = [0xfe; 32];
        hash[..16].copy_from_slice(id.as_bytes());
        let body = BodyRef {
            hash,
            len: len as u32,
        };
        self.nodes[side].ledger.receive_body(body);
        Change::Create {
            id,
            kind: Kind::MESSAGE,
            owner: Some(owner),
            body: Some(body),
            registers: vec![(Key::field(1), Value::Bool(true))],
        }
    }
}
