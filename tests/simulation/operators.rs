//! What administrators do: tasks are started, agreed to, stopped and undone, on both servers, at any moment; conditions change; and
//! damage is done to stores, which tasks have to put right.

use crate::node::{NAMES, server};
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::transaction::Work;
use crate::users::{self, of_kind};
use crate::world::World;
use domain::{
    Conditions, Deletions, Kind, Ledger, ObjectId, Phase, Shortcut, TaskId, TaskKind, User,
};
use gr_proto::{Declined, Input, Order};

/// An administrator who has seen the numbers, and agrees to any.
const ANY: Deletions = Deletions {
    here: u64::MAX,
    there: u64::MAX,
};
/// A task that is started when all is well ends within this time.
const TASK_WITHIN_MS: u64 = 3_600_000;

impl World {
    /// Something that an administrator does.
    pub(crate) fn somebody_orders(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        if self.nodes[side].engine.is_none() {
            return Ok(());
        }
        let open = self.tasks_open(side);
        let mut work = Work::default();
        match self.dice.below(12) {
            0..=4 => work.orders.push(self.some_task(side)),
            5 | 6 => {
                let id = self.dice.pick(&open).copied().unwrap_or(TaskId(1));
                work.orders.push(Order::Abort(id));
            }
            7 => {
                let id = self.dice.pick(&open).copied().unwrap_or(TaskId(1));
                work.orders.push(Order::Agree(id));
            }
            8 => work.orders.push(Order::Undo),
            9 if self.dials.conditions > 0 => {
                self.counters.hit(Sometimes::ConditionsChange);
                let conditions = self.some_conditions();
                work.inputs.push(Input::Conditions(Box::new(conditions)));
            }
            9 => work.orders.push(Order::RetryHeld),
            _ => {
                let users = of_kind(&self.nodes[side].ledger, Kind::USER);
                let Some(user) = self.dice.pick(&users).copied() else {
                    return Ok(());
                };
                self.counters.hit(Sometimes::LoggedIn);
                work.inputs.push(Input::LoggedIn(user));
            }
        }
        self.transact(side, work)
    }

    fn tasks_open(&self, side: usize) -> Vec<TaskId> {
        let engine = self.nodes[side].engine.as_ref();
        let tasks = engine.map(gr_proto::Engine::tasks).unwrap_or_default();
        let mine = tasks.open.map(|task| task.id);
        let theirs = tasks.serving.map(|serving| serving.id);
        mine.into_iter().chain(theirs).collect()
    }

    fn some_task(&mut self, side: usize) -> Order {
        let kinds = [
            TaskKind::Resync,
            TaskKind::Audit,
            TaskKind::Rebuild,
            TaskKind::Mailboxes,
        ];
        let kind = kinds[self.dice.below(4) as usize];
        let mut mailboxes = Vec::new();
        if kind == TaskKind::Mailboxes && self.dice.chance(500) {
            mailboxes = of_kind(&self.nodes[side].ledger, Kind::USER);
            mailboxes.truncate(5);
        }
        Order::Start {
            id: TaskId(self.dice.roll()),
            kind,
            dry: self.dice.chance(150),
            agreed: self.dice.chance(500).then_some(ANY),
            mailboxes,
        }
    }

    fn some_conditions(&mut self) -> Conditions {
        let number = |dice: &mut crate::dice::Dice| users::number(dice.below(users::NUMBERS));
        let mut conditions = Conditions::default();
        for _ in 0..self.dice.below(4) {
            conditions.remote_users.insert(number(&mut self.dice));
        }
        if self.dice.chance(300) {
            conditions.classes = Some([1 + self.dice.below(2) as i64].into());
        }
        if self.dice.chance(200) {
            conditions.users_max = Some(self.dice.below(20));
        }
        if self.dice.chance(200) {
            conditions.shortcuts.push(Shortcut {
                prefix: "127".to_owned(),
                overlap: 1,
            });
        }
        conditions
    }

    /// Something is lost from a store, and nothing says so.
    pub(crate) fn damage(&mut self) {
        let side = self.dice.below(2) as usize;
        let ledger = &self.nodes[side].ledger;
        let sound = |id: &ObjectId| {
            self.nodes.iter().all(|node| {
                let ledger = &node.ledger;
                !ledger.marks.contains_key(id)
                    && !ledger.held.contains_key(id)
                    && ledger.objects.contains_key(id)
            })
        };
        let all: Vec<_> = ledger.objects.keys().copied().filter(sound).collect();
        let Some(id) = self.dice.pick(&all).copied() else {
            return;
        };
        let object = &ledger.objects[&id];
        let local = User::of(object).is_some_and(|user| user.home() == Some(server(side)));
        if local && !self.dice.chance(300) {
            return;
        }
        self.counters.hit(Sometimes::Damaged);
        self.tell(|| format!("{} loses {id}", NAMES[side]));
        self.oracle.damaged.insert(id);
        if local {
            // Its copy is a GR user without an original now, and may be deleted with all that belongs to it.
            self.counters.hit(Sometimes::OriginalLost);
            self.oracle.doomed.insert(id);
        }
        let take_along = self.dice.chance(500);
        let owned = self.nodes[side].ledger.owned_by(&id);
        let mut owned = owned.expect("memory does not fail");
        owned.retain(|content| take_along && all.contains(content));
        self.tell(|| format!("{} loses with it {owned:?}", NAMES[side]));
        let ledger = &mut self.nodes[side].ledger;
        for content in owned {
            self.oracle.damaged.insert(content);
            ledger.remove(&content).expect("memory does not fail");
        }
        ledger.remove(&id).expect("memory does not fail");
    }

    /// When the faults have ended, administrators put everything right.
    pub(crate) fn put_right(&mut self) -> Result<(), Failure> {
        while self.nodes.iter().any(|node| node.engine.is_none()) {
            let until = self.time + self.dials.timers.heartbeat_ms;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        for side in [0, 1] {
            let input = Input::Conditions(Box::default());
            let work = Work {
                inputs: vec![input],
                orders: vec![Order::RetryHeld],
                ..Work::default()
            };
            self.nodes[side].conditions = Conditions::default();
            self.transact(side, work)?;
        }
        self.give_numbers()?;
        self.settle_tasks()?;
        if self.oracle.damaged.is_empty() && !self.dice.chance(300) {
            return Ok(());
        }
        let side = self.dice.below(2) as usize;
        let local = self.locals();
        self.task(side, TaskKind::Resync)?;
        if !self.oracle.any_restored() && self.locals() != local {
            return failed("a resync leaves local users alone", format!("{local:?}"));
        }
        let other = self.dice.below(2) as usize;
        self.task(other, TaskKind::Mailboxes)
    }

    /// Users that are local, by server.
    fn locals(&self) -> [Vec<ObjectId>; 2] {
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
                Work {
                    changes,
                    ..Work::default()
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
                    let work = Work {
                        orders: vec![Order::Agree(task.id)],
                        ..Work::default()
                    };
                    self.transact(side, work)?;
                }
            }
            let walking = self
                .nodes
                .iter()
                .any(|node| !node.ledger.state.walks.is_empty());
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
        let id = TaskId(self.dice.roll());
        let end = self.time + TASK_WITHIN_MS;
        let mut begun = false;
        while self.time < end && !begun {
            let order = Order::Start {
                id,
                kind,
                dry: false,
                agreed: Some(ANY),
                mailboxes: vec![],
            };
            let work = Work {
                orders: vec![order],
                ..Work::default()
            };
            self.transact(side, work)?;
            begun = self.nodes[side]
                .ledger
                .state
                .task
                .as_ref()
                .is_some_and(|task| task.id == id);
            let until = self.time + self.dials.timers.heartbeat_ms;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        if !begun {
            return failed("tasks begin", format!("{kind:?}"));
        }
        self.settle_tasks()
    }

    pub(crate) fn declined(&mut self, declined: Declined) {
        self.counters.hit(match declined {
            Declined::NotRunning => Sometimes::DeclinedNotRunning,
            Declined::Busy(_) => Sometimes::DeclinedBusy,
            Declined::Recovering => Sometimes::DeclinedRecovering,
            Declined::Clearing => Sometimes::DeclinedClearing,
            Declined::NothingKept => Sometimes::NothingKept,
            Declined::NoSuchTask
            | Declined::Backlog(_)
            | Declined::TooMany(_)
            | Declined::CourtesyDown => return,
        });
    }
}
