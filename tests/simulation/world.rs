//! One history: two servers, the mail between them, and time.

use crate::dials::Dials;
use crate::dice::Dice;
use crate::net::Net;
use crate::node::{Backup, NAMES, Node};
use crate::oracle::{Failure, Oracle, failed};
use crate::sometimes::{Counters, Sometimes};
use crate::transaction::Work;
use crate::users;
use domain::ObjectId;
use gr_proto::{Input, Rules};
use std::collections::BTreeMap;

/// How a history is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Write down what happens.
    pub story: bool,
    /// The rules of the engines.
    pub rules: Rules,
    /// Break rule E3 in the driver: messages leave before the commit.
    pub leave_early: bool,
}

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
}

/// A history that does not end within so many transactions never comes to rest.
const STEPS_MAX: u64 = 100_000;
/// So often servers are restored in one history.
const RESTORES_MAX: u64 = 3;

/// A history in the making.
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) dice: Dice,
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
}

/// Runs the history of a seed.
pub fn run(seed: u64, options: Options) -> Outcome {
    let mut dice = Dice::new(seed);
    let dials = Dials::draw(&mut dice);
    let mut world = World {
        options,
        dice,
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
    };
    let dials = format!("{:?}", world.dials);
    world.tell(|| dials);
    let result = world.live();
    let World {
        trace,
        counters,
        story,
        steps,
        ..
    } = world;
    Outcome {
        result,
        trace,
        counters,
        story,
        steps,
    }
}

impl World {
    fn live(&mut self) -> Result<(), Failure> {
        for _ in 0..self.dials.actions {
            let pause = if self.dice.chance(40) { 20 } else { 1 };
            let until = self.time + self.dice.below(self.dials.pause_ms * pause);
            self.pass(until)?;
            self.time = until.max(self.time);
            self.trouble()?;
            if self.dice.chance(self.dials.orders) {
                self.somebody_orders()?;
            }
            if self.dice.chance(self.dials.damage) {
                self.damage();
            }
            self.somebody_acts()?;
        }
        self.tell(|| "the faults end".to_owned());
        self.net.heal();
        self.come_to_rest()?;
        if self.dials.orders > 0 || self.dials.damage > 0 {
            self.put_right()?;
        }
        self.become_quiet()?;
        self.tell(|| "all late mail arrives".to_owned());
        self.net.flush(self.time);
        let until = self.time + 10;
        self.pass(until)?;
        self.become_quiet()?;
        self.rest()
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
            if still > 5_000 || self.steps > STEPS_MAX {
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
        }
    }

    fn deliver(&mut self) -> Result<(), Failure> {
        let Some(mail) = self.net.arrived(self.time, &mut self.counters) else {
            return Ok(());
        };
        let to = mail.to;
        let mut mails = vec![mail];
        while self.dice.chance(self.dials.group)
            && let Some(mail) = self.net.arrived_for(self.time, to, &mut self.counters)
        {
            mails.push(mail);
        }
        if self.nodes[to].engine.is_none() {
            return Ok(()); // nobody opens the door
        }
        self.transact(
            to,
            Work {
                mails,
                ..Work::default()
            },
        )
    }

    fn wake(&mut self, side: usize) -> Result<(), Failure> {
        if self.nodes[side].engine.is_none() {
            let life = self.dice.roll();
            let (dials, rules) = (self.dials.clone(), self.options.rules);
            self.tell(|| format!("{} starts", NAMES[side]));
            self.nodes[side].start(self.time, life, &dials, rules);
        }
        self.transact(side, Work::default())
    }

    /// Faults that come from neither mail nor transactions.
    fn trouble(&mut self) -> Result<(), Failure> {
        if self.dice.chance(self.dials.old_copy) {
            self.net
                .deliver_old(self.time, &mut self.dice, &mut self.counters);
        }
        if self.dice.chance(self.dials.partition) {
            let length = self
                .dice
                .below([500, 5_000, 100_000, 400_000][self.dice.clone().below(4) as usize]);
            let until = self.time + length;
            let first = self.dice.below(2) as usize;
            self.net.cut(first, until);
            if self.dice.chance(700) {
                self.net.cut(1 - first, until);
            }
            self.tell(|| format!("the way to {} is cut for {length} ms", NAMES[first]));
            self.link(Input::LinkDown, Sometimes::LinkDown)?;
        }
        if self.dice.chance(self.dials.partition) {
            self.link(Input::LinkUp, Sometimes::LinkUp)?;
        }
        let side = self.dice.below(2) as usize;
        if self.dice.chance(self.dials.clock) {
            self.counters.hit(Sometimes::ClockJump);
            let far = [1_000, 3_600_000, 86_400_000, 315_360_000_000][self.dice.below(4) as usize];
            let offset = self.dice.below(2 * far) as i64 - far as i64;
            self.nodes[side].wall_offset = offset;
            self.tell(|| format!("the clock of {} is {offset} ms ahead", NAMES[side]));
        }
        if self.dice.chance(self.dials.backup) {
            let node = &mut self.nodes[side];
            let (ledger, history) = (node.ledger.snapshot(), node.history.clone());
            node.backup = Some(Backup { ledger, history });
            self.tell(|| format!("{} is backed up", NAMES[side]));
        }
        if self.dice.chance(self.dials.backup / 2) && self.restores < RESTORES_MAX {
            self.restore(side);
        }
        if self.dice.chance(self.dials.crash) && self.nodes[side].engine.is_some() {
            self.counters.hit(Sometimes::CrashIdle);
            self.kill(side);
        }
        Ok(())
    }

    /// A server dies, and comes back as it was when its backup was taken.
    fn restore(&mut self, side: usize) {
        let Some(backup) = self.nodes[side].backup.clone() else {
            return;
        };
        self.restores += 1;
        self.counters.hit(Sometimes::Restored);
        let partner = &self.nodes[1 - side].ledger;
        self.oracle
            .goes_back(side, &self.nodes[side].history, &backup.history, partner);
        if self.oracle.restored == [true, true] {
            self.counters.hit(Sometimes::BothRestored);
        }
        if self.nodes[side].engine.is_some() {
            self.kill(side);
        }
        self.tell(|| format!("{} is restored from its backup", NAMES[side]));
        // Numbers of changes after it will be given again.
        self.oracle.as_of[side].retain(|(_, n), _| *n <= backup.ledger.state.tick);
        let node = &mut self.nodes[side];
        node.restored_at = Some(self.time);
        node.ledger = backup.ledger;
        node.history = backup.history;
    }

    fn link(&mut self, input: Input, what: Sometimes) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        if self.nodes[side].engine.is_none() || self.dice.chance(500) {
            return Ok(());
        }
        self.counters.hit(what);
        self.transact(
            side,
            Work {
                inputs: vec![input],
                ..Work::default()
            },
        )
    }

    pub(crate) fn kill(&mut self, side: usize) {
        let pause = self
            .dice
            .below([50, 3_000, 400_000][self.dice.clone().below(3) as usize]);
        self.nodes[side].die(self.time, self.time + pause);
        self.tell(|| format!("{} dies for {pause} ms", NAMES[side]));
    }

    fn somebody_acts(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        if self.nodes[side].engine.is_none() {
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
            if !self.dice.chance(self.dials.group) {
                break;
            }
        }
        self.transact(
            side,
            Work {
                changes,
                ..Work::default()
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
