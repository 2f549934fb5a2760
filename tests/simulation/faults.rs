//! Faults that come from neither mail nor transactions: crashes, partitions, clocks, and everything by which a server goes back in time.

use crate::group::Asked;
use crate::node::{Backup, NAMES};
use crate::oracle::Failure;
use crate::sometimes::Sometimes;
use crate::world::World;
use gr_proto::Input;

/// So often servers go back in time in one history.
const RESTORES_MAX: u64 = 3;

impl World {
    /// Faults that come from neither mail nor transactions.
    pub(crate) fn trouble(&mut self) -> Result<(), Failure> {
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
            self.net.cut(first, self.time, until);
            if self.dice.chance(700) {
                self.net.cut(1 - first, self.time, until);
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
            self.back_up(side);
        }
        if self.dice.chance(self.dials.backup / 2) {
            self.restore(side);
        }
        if self.dice.chance(self.dials.crash) && self.nodes[side].process.is_some() {
            self.counters.hit(Sometimes::CrashIdle);
            self.kill(side);
        }
        if self.dice.chance(self.dials.relay) {
            self.relay_restarts(1 - side);
        }
        if self.dice.chance(self.dials.rewind) {
            self.nodes[side].freeze(self.time);
        }
        if self.dice.chance(self.dials.rewind / 2) {
            self.rewind(side);
        }
        if self.dice.chance(self.dials.off) {
            self.pair(side, !self.nodes[side].paired);
        }
        if self.dice.chance(self.dials.twin) {
            self.twins(side);
        }
        Ok(())
    }

    /// The relay before a server is down for some time; then it releases all it has, in any order.
    fn relay_restarts(&mut self, to: usize) {
        self.counters.hit(Sometimes::RelayRestart);
        let until = self.time + self.dice.below(3_600_000);
        self.tell(|| format!("the relay to {} releases its queue at {until}", NAMES[to]));
        self.net.stall(to, until, &mut self.dice);
    }

    /// GR is taken off a server, or put on: a new incarnation with another configuration.
    fn pair(&mut self, side: usize, paired: bool) {
        self.counters.hit(if paired {
            Sometimes::GrOn
        } else {
            Sometimes::GrOff
        });
        self.tell(|| format!("GR of {} is on: {paired}", NAMES[side]));
        self.nodes[side].paired = paired;
        if self.nodes[side].process.is_some() {
            self.begin_anew(side);
        }
    }

    /// The process goes on with a new incarnation.
    pub(crate) fn begin_anew(&mut self, side: usize) {
        self.loses_sight(side);
        self.answers.hung_up(side);
        let incarnation = self.dice.roll();
        let node = &mut self.nodes[side];
        node.end_incarnation(self.time);
        node.start(self.time, incarnation, &self.dials, self.options.rules);
    }

    /// A group was undone: the process goes on with a new incarnation, which the writer has begun. Clients are still served; GR mail is
    /// dropped until the engine has rested.
    pub(crate) fn begins_anew(&mut self, side: usize) {
        self.loses_sight(side);
        let time = self.time;
        let node = &mut self.nodes[side];
        node.end_incarnation(time);
        let began = node.process.as_ref().map(|p| p.view().incarnation());
        node.incarnations.extend(began.map(|began| (began, None)));
        (node.started, node.last_up) = (time, time);
        node.broken_at = None;
    }

    /// The disk could not sync, and the process has ended; after a while it is started again.
    pub(crate) fn rests(&mut self, side: usize) {
        self.loses_sight(side);
        self.answers.hung_up(side);
        let rest = 1_000 << self.dice.below(5);
        self.disk_dies(side);
        self.nodes[side].die(self.time, self.time + rest);
    }

    /// A machine is resumed from a snapshot of its memory and its disk.
    fn rewind(&mut self, side: usize) {
        let Some(frozen) = self.nodes[side].frozen.clone() else {
            return;
        };
        if self.restores >= RESTORES_MAX {
            return;
        }
        self.counters.hit(Sometimes::Rewound);
        self.tell(|| format!("{} is resumed from a snapshot", NAMES[side]));
        self.goes_back(side, &frozen.backup);
        let seed = self.dice.roll();
        let node = &mut self.nodes[side];
        let mut process = frozen.process;
        process.reseed(seed);
        node.end_incarnation(self.time);
        node.incarnations.push((process.view().incarnation(), None));
        node.resumed = Some(process.view().incarnation());
        node.broken_at = None;
        node.runs(process);
        node.started = frozen.started;
        // What the partner has lost since then, nobody in this session can know.
        (node.session_at, node.session_with) = (frozen.session_at, frozen.session_with);
        node.paired = frozen.paired;
        (node.told, node.constraints) = (frozen.told, frozen.constraints);
    }

    /// Whether a machine was resumed and may not have heard yet that its past is another one.
    fn is_fork_unheard(&self) -> bool {
        self.nodes.iter().any(|node| {
            let incarnation = node
                .process
                .as_ref()
                .map(|engine| engine.view().incarnation());
            node.resumed.is_some() && node.resumed == incarnation
        })
    }

    /// Somebody dies, perhaps before that: what was said of it lasts.
    fn loses_sight(&mut self, side: usize) {
        if self.is_fork_unheard() {
            self.counters.hit(Sometimes::ForkUnheard);
        }
        self.nodes[side].resumed = None;
    }

    /// From now on nothing bad happens.
    pub(crate) fn end_faults(&mut self) -> Result<(), Failure> {
        self.net.heal();
        self.end_twin();
        self.read_through();
        if self.blind {
            // What was lost in the fork is found out only by a comparison, which takes what has no original away.
            self.oracle.doomed.extend(&self.oracle.doubtful);
        }
        for side in [0, 1] {
            if !self.nodes[side].paired {
                self.pair(side, true);
            }
        }
        // A resumed machine believes that all is well until it hears something.
        let until =
            self.time + 3 * self.dials.timers.heartbeat_ms * u64::from(self.dials.rewind > 0);
        self.pass(until)?;
        self.time = until;
        self.end_courtesy()
    }

    pub(crate) fn back_up(&mut self, side: usize) {
        self.nodes[side].backup = Some(self.nodes[side].snapshot(self.time));
        if self.dials.wide.apart > 0 && self.own.chance(500) {
            self.nodes[side].segments = self.nodes[side].ledger.bodies.clone();
        }
        self.tell(|| format!("{} is backed up", NAMES[side]));
    }

    /// A server dies, and comes back as it was when its backup was taken.
    pub(crate) fn restore(&mut self, side: usize) {
        let Some(backup) = self.nodes[side].backup.clone() else {
            return;
        };
        if self.restores >= RESTORES_MAX {
            return;
        }
        self.counters.hit(Sometimes::Restored);
        self.blind |= self.is_fork_unheard();
        if self.nodes[side].process.is_some() {
            self.kill(side);
        }
        self.tell(|| format!("{} is restored from its backup", NAMES[side]));
        let bodies = self.nodes[side].ledger.bodies.clone();
        self.goes_back(side, &backup);
        if self.own.chance(self.dials.wide.apart) {
            self.restored_apart(side, bodies);
        }
    }

    /// A server is as it was.
    fn goes_back(&mut self, side: usize, backup: &Backup) {
        // Both go back before they have spoken: then nobody is left who could tell.
        let partner = &self.nodes[1 - side];
        let back = partner.restored_at.is_some_and(|at| at >= partner.last_up);
        self.blind |=
            self.is_fork_unheard() || (back && partner.process.is_none() && self.dials.rewind > 0);
        self.answers.hung_up(side);
        self.restores += 1;
        let partner = &self.nodes[1 - side].ledger;
        self.oracle.goes_back(
            side,
            &self.nodes[side].history,
            &backup.history,
            [&backup.ledger, partner],
        );
        if self.oracle.restored == [true, true] {
            self.counters.hit(Sometimes::BothRestored);
        }
        // Numbers of changes after it will be given again. A backup of a branch that was left meanwhile gave others under the same numbers.
        let of_this_branch = self.nodes[side].history.starts_with(&backup.history);
        let known_to = backup.ledger.state.csn;
        self.oracle.as_of[side].retain(|(_, n), _| of_this_branch && *n <= known_to);
        self.checks.goes_back(side);
        self.forget_damage(side);
        let node = &mut self.nodes[side];
        node.restored_at = Some(self.time);
        *node.ledger = backup.ledger.clone();
        node.history.clone_from(&backup.history);
        node.seen_kept = node.ledger.kept.keys().copied().collect();
        node.kept_since = node.seen_kept.iter().map(|id| (*id, 0)).collect();
    }

    fn link(&mut self, input: Input, what: Sometimes) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        if self.nodes[side].process.is_none() || self.dice.chance(500) {
            return Ok(());
        }
        self.counters.hit(what);
        let broken = input == Input::LinkDown;
        let incarnation = self.nodes[side]
            .process
            .as_ref()
            .map(|engine| engine.view().incarnation());
        self.transact(
            side,
            Asked {
                inputs: vec![input],
                ..Asked::default()
            },
        )?;
        let node = &mut self.nodes[side];
        if let Some(engine) = &node.process
            && incarnation == Some(engine.view().incarnation())
        {
            node.broken_at = broken.then_some(self.time);
        }
        Ok(())
    }

    pub(crate) fn kill(&mut self, side: usize) {
        let pause = self
            .dice
            .below([50, 3_000, 400_000][self.dice.clone().below(3) as usize]);
        self.loses_sight(side);
        self.answers.hung_up(side);
        self.disk_dies(side);
        self.nodes[side].die(self.time, self.time + pause);
        self.tell(|| format!("{} dies for {pause} ms", NAMES[side]));
    }
}
