//! What administrators do: tasks are started, agreed to, stopped and undone, on both servers, at any moment; conditions change; and
//! damage is done to stores, which tasks have to put right.

use crate::group::Asked;
use crate::node::{NAMES, Node, server};
use crate::oracle::Failure;
use crate::sometimes::Sometimes;
use crate::users::{self, of_kind};
use crate::world::World;
use domain::{Change, Kind, ObjectId, ReplicationConstraints, Shortcut, User};
use gr_proto::{Command, Input, Rejected};
use ledger::{Deletions, Ledger, TaskId, TaskKind};

/// An administrator who has seen the numbers, and agrees to any.
pub(crate) const ANY: Deletions = Deletions {
    here: u64::MAX,
    there: u64::MAX,
};

/// The same order for another task.
fn with_id(order: Command, other: TaskId) -> Command {
    match order {
        Command::Start {
            kind,
            dry,
            agreed,
            mailboxes,
            ..
        } => Command::Start {
            id: other,
            kind,
            dry,
            agreed,
            mailboxes,
        },
        order => order,
    }
}

impl World {
    /// Something that an administrator does.
    pub(crate) fn somebody_orders(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        if self.nodes[side].process.is_none() {
            return Ok(());
        }
        let open = self.tasks_open(side);
        let mut work = Asked::default();
        match self.dice.below(16) {
            0..=4 => work.orders.push(self.some_task(side)),
            5 | 6 => {
                let id = self.dice.pick(&open).copied().unwrap_or(TaskId(1));
                work.orders.push(Command::Abort(id));
            }
            7 => {
                let id = self.dice.pick(&open).copied().unwrap_or(TaskId(1));
                work.orders.push(Command::Agree(id));
            }
            8 => work.orders.push(Command::Undo),
            9 if self.dials.constraints > 0 => {
                self.counters.hit(Sometimes::ConditionsChange);
                let constraints = self.some_conditions();
                work.inputs.push(Input::Constraints(Box::new(constraints)));
            }
            9 => work.orders.push(Command::RetryHeld),
            10 | 11 => return self.both_press(side),
            12 => return self.delete_in_task(),
            13 => return self.reuse_number(side),
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

    /// Both administrators start the same at the same moment.
    fn both_press(&mut self, side: usize) -> Result<(), Failure> {
        let order = self.some_task(side);
        let other = TaskId(self.dice.roll());
        let orders = [order.clone(), with_id(order, other)];
        for (side, order) in [side, 1 - side].into_iter().zip(orders) {
            let orders = vec![order];
            let work = Asked {
                orders,
                ..Asked::default()
            };
            self.transact(side, work)?;
        }
        if self.nodes.iter().all(|node| {
            let task = &node.ledger.state.task;
            task.is_some()
        }) {
            self.counters.hit(Sometimes::BothPressed);
        }
        Ok(())
    }

    /// A user is deleted while a task is open.
    fn delete_in_task(&mut self) -> Result<(), Failure> {
        let open = |node: &Node| node.ledger.state.task.is_some();
        let side = self.dice.below(2) as usize;
        let users = self.locals()[side].clone();
        let Some(id) = self.dice.pick(&users).copied() else {
            return Ok(());
        };
        if !self.nodes.iter().any(open) || self.nodes[side].process.is_none() {
            return Ok(());
        }
        self.counters.hit(Sometimes::DeletedInTask);
        self.change(side, vec![Change::Delete { id }])
    }

    /// A user is deleted, and another one gets its number.
    fn reuse_number(&mut self, side: usize) -> Result<(), Failure> {
        let users = self.locals()[side].clone();
        let Some(id) = self.dice.pick(&users).copied() else {
            return Ok(());
        };
        if self.nodes[side].process.is_none() {
            return Ok(());
        }
        let user = User::of(&self.nodes[side].ledger.objects[&id]);
        let number = user
            .map(|user| user.number().to_owned())
            .unwrap_or_default();
        self.counters.hit(Sometimes::NumberReused);
        self.serial += 1;
        let other = users::create_numbered(side, self.serial, &number);
        self.change(side, vec![Change::Delete { id }, other])
    }

    pub(crate) fn change(&mut self, side: usize, changes: Vec<Change>) -> Result<(), Failure> {
        let work = Asked {
            changes,
            ..Asked::default()
        };
        self.transact(side, work)
    }

    fn tasks_open(&self, side: usize) -> Vec<TaskId> {
        let engine = self.nodes[side].process.as_ref();
        let tasks = engine
            .map(|engine| engine.view().tasks())
            .unwrap_or_default();
        let mine = tasks.open.map(|task| task.id);
        let theirs = tasks.serving.map(|serving| serving.id);
        mine.into_iter().chain(theirs).collect()
    }

    fn some_task(&mut self, side: usize) -> Command {
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
        Command::Start {
            id: TaskId(self.dice.roll()),
            kind,
            dry: self.dice.chance(150),
            agreed: self.dice.chance(500).then_some(ANY),
            mailboxes,
        }
    }

    fn some_conditions(&mut self) -> ReplicationConstraints {
        let number = |dice: &mut crate::dice::Dice| users::number(dice.below(users::NUMBERS));
        let mut constraints = ReplicationConstraints::default();
        for _ in 0..self.dice.below(4) {
            constraints.remote_users.insert(number(&mut self.dice));
        }
        if self.dice.chance(300) {
            constraints.classes = Some([1 + self.dice.below(2) as i64].into());
        }
        if self.dice.chance(200) {
            constraints.users_max = Some(self.dice.below(20));
        }
        if self.dice.chance(200) {
            constraints.shortcuts.push(Shortcut {
                prefix: "127".to_owned(),
                overlap: 1,
            });
        }
        constraints
    }

    /// Something is lost from a store, and nothing says so.
    pub(crate) fn damage(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        // Now and then a server loses many at once: that is what the deletion guard is for.
        let times = if self.dice.chance(200) { 6 } else { 1 };
        for _ in 0..times {
            self.lose(side, times > 1);
        }
        let by = self.dice.below(2) as usize;
        if !self.dice.chance(500) || self.nodes[by].process.is_none() {
            return Ok(());
        }
        // The night comes, and with it the audit.
        let night = Command::Start {
            id: TaskId(self.dice.roll()),
            kind: TaskKind::Audit,
            dry: false,
            agreed: None,
            mailboxes: vec![],
        };
        let work = Asked {
            orders: vec![night],
            ..Asked::default()
        };
        self.transact(by, work)
    }

    fn is_local(&self, side: usize, id: &ObjectId) -> bool {
        let object = self.nodes[side].ledger.objects.get(id);
        let home = object.and_then(User::of).and_then(|user| user.home());
        home == Some(server(side))
    }

    fn lose(&mut self, side: usize, originals: bool) {
        let ledger = &self.nodes[side].ledger;
        // Where servers go back in time, nobody could say why a message is not there.
        let back = self.dials.backup + self.dials.rewind + self.dials.twin > 0;
        let sound = |id: &ObjectId| {
            self.nodes.iter().all(|node| {
                let ledger = &node.ledger;
                !ledger.marks.contains_key(id)
                    && !ledger.held.contains_key(id)
                    && ledger.objects.get(id) == self.nodes[side].ledger.objects.get(id)
            })
        };
        let mut all: Vec<_> = ledger.objects.keys().copied().filter(sound).collect();
        if originals {
            all.retain(|id| self.is_local(side, id));
        }
        let Some(id) = self.dice.pick(&all).copied() else {
            return;
        };
        let object = &ledger.objects[&id];
        let local = self.is_local(side, &id);
        let content = back && object.kind != Kind::USER;
        if (local && (back || !(originals || self.dice.chance(300))))
            || (content && self.dials.wide.damage_all == 0)
        {
            return;
        }
        if content {
            self.counters.hit(Sometimes::MessageDamaged);
        }
        self.counters.hit(Sometimes::Damaged);
        self.checks.forget(side);
        self.tell(|| format!("{} loses {id}", NAMES[side]));
        self.oracle.damaged.insert(id);
        if local {
            // Its copy is a GR user without an original now, and may be deleted with all that belongs to it.
            self.counters.hit(Sometimes::OriginalLost);
            self.oracle.doomed.insert(id);
        }
        let take_along = self.dice.chance(500) && (!back || self.dials.wide.damage_all > 0);
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

    pub(crate) fn declined(&mut self, declined: Rejected) {
        self.counters.hit(match declined {
            Rejected::NotRunning => Sometimes::DeclinedNotRunning,
            Rejected::Busy(_) => Sometimes::DeclinedBusy,
            Rejected::Recovering => Sometimes::DeclinedRecovering,
            Rejected::Clearing => Sometimes::DeclinedClearing,
            Rejected::NothingKept => Sometimes::NothingKept,
            Rejected::NoSuchTask
            | Rejected::Backlog(_)
            | Rejected::TooMany(_)
            | Rejected::CourtesyDown => return,
        });
    }
}
