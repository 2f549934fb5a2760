//! One history: two servers, the mail between them, and time.

use crate::answers::Answers;
use crate::at_rest::AtRest;
use crate::checks::Checks;
use crate::dials::Dials;
use crate::dice::Dice;
use crate::group::Asked;
use crate::group::Fact;
use crate::net::Net;
use crate::node::{NAMES, Node};
use crate::on_disk::OnDisk;
use crate::oracle::{Failure, Oracle, failed};
use crate::sometimes::Counters;
use crate::users;
use crate::wide::{self, Wide};
use bytes::Bytes;
use domain::{BodyRef, ObjectId};
use gr_proto::Rules;
use ledger::{Phase, TaskId};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a history is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Write down what happens.
    pub story: bool,
    /// The rules of the engines.
    pub rules: Rules,
    /// Break rule E3 in the driver: messages leave before the commit.
    pub leave_early: bool,
    /// Faults that do not happen, by their number ([`crate::dials::fault_name`]).
    pub calm: BTreeSet<usize>,
    /// Happenings that are left out: [`PARTS`] to each pause.
    pub skip: BTreeSet<u64>,
    /// The history ends after so many pauses.
    pub pauses_max: Option<u64>,
    /// Of many histories: go on when one has failed.
    pub go_on: bool,
    /// Of many histories: run each of them once, not twice.
    pub once: bool,
    /// No history is widened ([`crate::wide`]).
    pub narrow: bool,
    /// The stores are real ones on disks that fail ([`crate::on_disk`]).
    pub disk: bool,
}

impl Options {
    /// The dials of a seed.
    pub fn dials(&self, seed: u64) -> Dials {
        match self.disk {
            true => Dials::on_disk(seed),
            false => Dials::of(seed, self.narrow),
        }
    }

    /// How `gr-sim` is told of them.
    pub fn flags(&self) -> &'static str {
        match (self.narrow, self.disk) {
            (_, true) => " --disk",
            (true, false) => " --narrow",
            (false, false) => "",
        }
    }
}

/// What may happen after a pause, each from dice of its own: so that any of it can be left out, and the rest stays as it is.
pub const PARTS: u64 = 6;

/// So many of them have the dice that all histories have; the others belong to widened ones.
const PLAIN_PARTS: u64 = 5;

/// What happens as part so-and-so.
pub const PART_NAMES: [&str; PARTS as usize] =
    ["pause", "trouble", "order", "damage", "act", "wear"];

/// What a history came to.
#[derive(Debug)]
pub struct Outcome {
    /// The check that failed, if one did.
    pub result: Result<(), Failure>,
    /// A hash of everything that happened.
    pub trace: u64,
    pub counters: Counters,
    pub story: Vec<String>,
    /// Transactions.
    pub steps: u64,
    /// Pauses that have begun.
    pub pauses: u64,
}

/// A history that does not end within so many transactions never comes to rest.
const STEPS_MAX: u64 = 100_000;
/// Where months pass it may have so many more: what cannot be replicated is tried again every ten minutes, some ten transactions each time.
const STEPS_OF_MONTHS: u64 = 500_000;
/// So many objects and numbers can be made after each pause.
const SERIALS: u64 = 64;

/// A history in the making.
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) dice: Dice,
    /// For what only widened histories have, so that it changes nothing else.
    pub(crate) own: Dice,
    pub(crate) dials: Dials,
    pub(crate) time: u64,
    pub(crate) nodes: [Node; 2],
    pub(crate) net: Net,
    pub(crate) oracle: Oracle,
    pub(crate) counters: Counters,
    pub(crate) trace: u64,
    pub(crate) story: Vec<String>,
    pub(crate) steps: u64,
    pub(crate) serial: u64,
    pub(crate) restores: u64,
    /// The number of the change with which an object was last sent.
    pub(crate) sent_as: [BTreeMap<ObjectId, u64>; 2],
    pub(crate) checks: Checks,
    pub(crate) at_rest: AtRest,
    /// Whoever waits for an answer.
    pub(crate) answers: Answers,
    /// Writes that were asked for.
    pub(crate) asked: u64,
    /// The bytes of bodies, where there are any.
    pub(crate) contents: BTreeMap<BodyRef, Bytes>,
    /// What a transaction has made of which nobody knows yet whether it is durable.
    pub(crate) in_doubt: [Vec<Fact>; 2],
    pub(crate) pauses: u64,
    /// A second copy of a server, at the same address.
    pub(crate) twin: Option<Node>,
    /// A fork may not be noticed before the next comparison.
    pub(crate) blind: bool,
    /// What tasks were last seen at, here and there.
    pub(crate) aimed: [Option<(TaskId, Phase, bool)>; 2],
}

/// Runs the history of a seed.
pub fn run(seed: u64, options: &Options) -> Outcome {
    let mut dials = options.dials(seed);
    options.calm.iter().for_each(|fault| dials.without(*fault));
    let mut world = World {
        options: options.clone(),
        dice: Dice::part(seed, 0),
        own: wide::dice(seed, 0),
        dials,
        time: 1_000,
        nodes: [Node::new(0), Node::new(1)],
        net: Net::default(),
        oracle: Oracle::default(),
        counters: Counters::default(),
        trace: seed,
        story: Vec::new(),
        steps: 0,
        serial: 0,
        restores: 0,
        sent_as: [BTreeMap::new(), BTreeMap::new()],
        checks: Checks::default(),
        at_rest: AtRest::default(),
        answers: Answers::default(),
        asked: 0,
        contents: BTreeMap::new(),
        in_doubt: [Vec::new(), Vec::new()],
        pauses: 0,
        twin: None,
        blind: false,
        aimed: [None; 2],
    };
    if options.disk {
        world
            .nodes
            .iter_mut()
            .for_each(|node| node.ledger.disk = Some(Box::new(OnDisk::new())));
    }
    let dials = format!("{:?}", world.dials);
    world.tell(|| dials);
    let lived = catch_unwind(AssertUnwindSafe(|| world.live(seed)));
    let result = lived.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().map(ToString::to_string);
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        failed("nothing panics", words.unwrap_or_default())
    });
    Outcome {
        result,
        trace: world.trace,
        counters: world.counters,
        story: world.story,
        steps: world.steps,
        pauses: world.pauses,
    }
}

impl World {
    fn live(&mut self, seed: u64) -> Result<(), Failure> {
        let pauses = self.options.pauses_max.unwrap_or(u64::MAX);
        for pause in 0..self.dials.actions.min(pauses) {
            self.pauses += 1;
            self.serial = SERIALS * pause;
            for part in 0..PARTS {
                let at = PARTS * pause + part;
                if !self.options.skip.contains(&at) {
                    self.dice = match part {
                        ..PLAIN_PARTS => Dice::part(seed, 1 + PLAIN_PARTS * pause + part),
                        _ => wide::dice(seed, 2 + 2 * at),
                    };
                    self.own = wide::dice(seed, 1 + 2 * at);
                    self.happens(part)?;
                }
            }
        }
        self.serial = SERIALS * self.dials.actions;
        self.dice = Dice::part(seed, 0);
        self.own = wide::dice(seed, 0);
        self.tell(|| "the faults end".to_owned());
        self.end_faults()?;
        self.come_to_rest()?;
        if self.needs_repair() {
            self.put_right()?;
        }
        self.become_quiet()?;
        self.tell(|| "all late mail arrives".to_owned());
        self.net.flush(self.time);
        let until = self.time + 10;
        self.pass(until)?;
        self.become_quiet()?;
        self.rest()?;
        self.nobody_starves()?;
        self.keep_house()
    }

    fn happens(&mut self, part: u64) -> Result<(), Failure> {
        match part {
            0 => {
                let often = if self.dice.chance(40) { 20 } else { 1 };
                let until = self.time + self.dice.below(self.dials.pause_ms * often);
                self.pass(until)?;
                self.time = until.max(self.time);
            }
            1 => self.trouble()?,
            2 if self.dice.chance(self.dials.orders) => self.somebody_orders()?,
            3 if self.dice.chance(self.dials.damage) => self.damage()?,
            4 => self.somebody_acts()?,
            5 if self.dials.wide != Wide::default() => self.wear()?,
            _ => {}
        }
        Ok(())
    }

    /// Lets things happen until a time.
    pub(crate) fn pass(&mut self, until: u64) -> Result<(), Failure> {
        let mut still = 0;
        loop {
            let mail = self.net.next_at();
            let wakes = [0, 1].map(|side| self.nodes[side].next_at(self.time));
            let next = [mail, wakes[0], wakes[1]].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else {
                return Ok(());
            };
            still = if next > self.time { 0 } else { still + 1 };
            let months = if self.dials.wide.days > 0 {
                STEPS_OF_MONTHS
            } else {
                0
            };
            if still > 5_000 || self.steps > STEPS_MAX + months {
                return failed("they come to rest", format!("at {} ms", self.time));
            }
            self.time = self.time.max(next);
            if mail == Some(next) {
                self.deliver()?;
            } else {
                let side = usize::from(wakes[0] != Some(next));
                self.wake(side)?;
            }
            self.honest()?;
            self.agree_on_tasks()?;
            self.aim()?;
        }
    }

    fn deliver(&mut self) -> Result<(), Failure> {
        let Some(mail) = self.net.arrived(self.time, &mut self.counters) else {
            return Ok(());
        };
        let to = mail.to;
        self.swap_twins(to);
        let mut mails = vec![mail];
        while self.dice.chance(self.dials.group)
            && let Some(mail) = self.net.arrived_for(self.time, to, &mut self.counters)
        {
            mails.push(mail);
        }
        if self.nodes[to].process.is_none() {
            return Ok(()); // nobody opens the door
        }
        self.transact(
            to,
            Asked {
                mails,
                ..Asked::default()
            },
        )
    }

    fn wake(&mut self, side: usize) -> Result<(), Failure> {
        if self.nodes[side].process.is_none() {
            let incarnation = self.dice.roll();
            let (dials, rules) = (self.dials.clone(), self.options.rules);
            self.tell(|| format!("{} starts", NAMES[side]));
            self.opens(side)?;
            self.nodes[side].start(self.time, incarnation, &dials, rules);
        }
        self.transact(side, Asked::default())?;
        self.swap_twins(side);
        Ok(())
    }

    fn somebody_acts(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        self.acts(side)
    }

    /// Somebody does something on a side.
    pub(crate) fn acts(&mut self, side: usize) -> Result<(), Failure> {
        if self.nodes[side].process.is_none() || self.nodes[side].ledger.state.courtesy {
            return Ok(());
        }
        let mut changes = Vec::new();
        loop {
            self.serial += 1;
            let (ledger, oracle) = (&mut self.nodes[side].ledger, &mut self.oracle);
            let dials = &self.dials;
            changes.extend(users::act(
                side,
                self.serial,
                ledger,
                oracle,
                dials,
                &mut self.dice,
            ));
            if !self.dice.chance(self.dials.group) || changes.len() >= 60 {
                break;
            }
        }
        self.lengthen(side, &mut changes);
        self.fill(&mut changes);
        self.transact(
            side,
            Asked {
                changes,
                ..Asked::default()
            },
        )
    }

    pub(crate) fn mix(&mut self, a: u64, b: u64, c: u64, d: bool) {
        for n in [self.time, a, b, c, u64::from(d)] {
            self.trace = (self.trace ^ n)
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(23);
        }
    }

    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.options.story {
            self.story.push(format!("{:>9} {}", self.time, line()));
        }
    }
}
