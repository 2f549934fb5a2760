//! When the faults have ended, administrators put right what is left; and what their tasks promise is checked in the calm.

use crate::group::Asked;
use crate::node::server;
use crate::operators::ANY;
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::users::{self, of_kind};
use crate::world::World;
use domain::{Kind, Object, ObjectId, ReplicationConstraints, User};
use gr_proto::{Command, Input};
use ledger::{Phase, TaskId, TaskKind};
use std::collections::BTreeMap;

/// A task that is started when all is well ends within this time.
const TASK_WITHIN_MS: u64 = 3_600_000;

impl World {
    /// Whether somebody has to put something right before both can hold the same.
    pub(crate) fn needs_repair(&self) -> bool {
        self.dials.orders > 0 || self.dials.damage > 0 || self.dials.off > 0 || self.blind
    }

    /// When the faults have ended, administrators put everything right.
    pub(crate) fn put_right(&mut self) -> Result<(), Failure> {
        while self.nodes.iter().any(|node| node.process.is_none()) {
            let until = self.time + self.dials.timers.heartbeat_ms;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        for side in [0, 1] {
            let input = Input::Constraints(Box::default());
            let work = Asked {
                inputs: vec![input],
                orders: vec![Command::RetryHeld],
                ..Asked::default()
            };
            self.nodes[side].constraints = ReplicationConstraints::default();
            self.transact(side, work)?;
        }
        self.give_numbers()?;
        self.settle_tasks()?;
        let demanded = !self.oracle.damaged.is_empty() || self.dials.off > 0 || self.blind;
        if demanded || self.dice.chance(300) {
            let side = self.dice.below(2) as usize;
            if self.dials.wide.damages_at_rest() {
                // Local users whose rows cannot be read come back by themselves.
                self.become_still()?;
            }
            let local = self.locals();
            self.task(side, TaskKind::Resync)?;
            self.become_still()?;
            self.mirror(TaskKind::Resync)?;
            if !self.oracle.may_have_gone_back() && self.locals() != local {
                return failed("a resync leaves local users alone", format!("{local:?}"));
            }
            let other = self.dice.below(2) as usize;
            self.task(other, TaskKind::Mailboxes)?;
        }
        if self.dice.chance(200) {
            self.calm_rebuild()?;
        }
        Ok(())
    }

    /// I14, I15: a rebuild while nothing else happens gives what the partner holds; one that is stopped changes nothing.
    fn calm_rebuild(&mut self) -> Result<(), Failure> {
        self.become_quiet()?;
        let side = self.dice.below(2) as usize;
        let before = [0, 1].map(|side| self.nodes[side].ledger.objects.clone());
        self.begin(side, TaskKind::Rebuild)?;
        let patience = self.dice.below(12);
        if self.dice.chance(500) {
            for _ in 0..patience {
                let until = self.time + 1;
                self.pass(until)?;
                self.time = until;
            }
            if let Some(task) = &self.nodes[side].ledger.state.task {
                self.counters.hit(Sometimes::CalmAbort);
                let orders = vec![Command::Abort(task.id)];
                let work = Asked {
                    orders,
                    ..Asked::default()
                };
                self.transact(side, work)?;
                self.settle_tasks()?;
                let now = &self.nodes[side].ledger;
                // What belongs to somebody who can only be on one server is tried again all the while.
                let good = |objects: &BTreeMap<ObjectId, Object>| {
                    let good = objects.iter().filter(|(id, _)| !self.oracle.is_doomed(id));
                    good.map(|(id, object)| (*id, object.clone()))
                        .collect::<BTreeMap<_, _>>()
                };
                let same = good(&now.objects) == good(&before[side]);
                return match same && now.staged.is_empty() {
                    true => Ok(()),
                    false => failed("a stopped rebuild changes nothing", format!("{side}")),
                };
            }
        }
        self.settle_tasks()?;
        self.counters.hit(Sometimes::CalmRebuild);
        // What has no original on the other side may be salvaged, and sent.
        let whole = self.oracle.doomed.is_empty() && self.oracle.bad.is_empty();
        if whole && self.nodes[1 - side].ledger.objects != before[1 - side] {
            return failed(
                "a rebuild leaves the partner alone",
                format!("{}", 1 - side),
            );
        }
        self.mirror(TaskKind::Rebuild)
    }

    /// Users that are local, by server.
    pub(crate) fn locals(&self) -> [Vec<ObjectId>; 2] {
        [0, 1].map(|side| {
            let ledger = &self.nodes[side].ledger;
            let mut users = of_kind(ledger, Kind::USER);
            users.retain(|id| {
                User::of(&ledger.objects[id]).and_then(|u| u.home()) == Some(server(side))
            });
            users
        })
    }

    /// Mailbox numbers that two have become one again.
    fn give_numbers(&mut self) -> Result<(), Failure> {
        for side in [0, 1] {
            let ledger = &self.nodes[side].ledger;
            let users = of_kind(ledger, Kind::USER);
            let mut changes = Vec::new();
            for id in users {
                if User::of(&ledger.objects[&id]).and_then(|u| u.home()) == Some(server(side)) {
                    self.serial += 1;
                    changes.push(users::renumber(id, self.serial));
                }
            }
            self.transact(
                side,
                Asked {
                    changes,
                    ..Asked::default()
                },
            )?;
        }
        Ok(())
    }

    /// Open tasks come to their ends, or are stopped if they wait for somebody.
    fn settle_tasks(&mut self) -> Result<(), Failure> {
        let end = self.time + TASK_WITHIN_MS;
        while self.time < end {
            let mut waiting = false;
            for side in [0, 1] {
                let task = self.nodes[side].ledger.state.task.clone();
                let Some(task) = task else { continue };
                waiting = true;
                if task.phase == Phase::Waiting {
                    let work = Asked {
                        orders: vec![Command::Agree(task.id)],
                        ..Asked::default()
                    };
                    self.transact(side, work)?;
                }
            }
            let walking = self
                .nodes
                .iter()
                .any(|node| !node.ledger.state.scans.is_empty());
            if !waiting && !walking {
                return Ok(());
            }
            let until = self.time + self.dials.timers.heartbeat_ms;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        let open = [0, 1].map(|side| self.nodes[side].ledger.state.task.clone());
        failed("tasks end", format!("{open:?}"))
    }

    /// A task from its beginning to its end, while nothing else happens.
    fn task(&mut self, side: usize, kind: TaskKind) -> Result<(), Failure> {
        self.begin(side, kind)?;
        self.settle_tasks()
    }

    /// Starts a task as soon as that is possible.
    fn begin(&mut self, side: usize, kind: TaskKind) -> Result<(), Failure> {
        let id = TaskId(self.dice.roll());
        let end = self.time + TASK_WITHIN_MS;
        let mut begun = false;
        while self.time < end && !begun {
            let order = Command::Start {
                id,
                kind,
                dry: false,
                agreed: Some(ANY),
                mailboxes: vec![],
            };
            let work = Asked {
                orders: vec![order],
                ..Asked::default()
            };
            self.transact(side, work)?;
            begun = self.nodes[side]
                .ledger
                .state
                .task
                .as_ref()
                .is_some_and(|task| task.id == id);
            if !begun {
                let until = self.time + self.dials.timers.heartbeat_ms;
                self.pass(until)?;
                self.time = self.time.max(until);
            }
        }
        match begun {
            true => Ok(()),
            false => failed("tasks begin", format!("{kind:?}")),
        }
    }
}
