//! One transaction of a server, exactly as its driver does it: changes and inputs, the pump, the commit, and only then what leaves.

use crate::checks;
use crate::net::Mail;
use crate::node::{NAMES, Node, server};
use crate::oracle::{Failure, failed};
use crate::outputs::brief;
use crate::sometimes::Sometimes;
use crate::store::Failing;
use crate::witness::Only;
use crate::world::World;
use domain::{Change, Kind, Object, User};
use gr_proto::{Command, Engine, Input, Now, Output};
use ledger::{Ledger, LedgerError, Phase, TaskKind};

/// What a transaction is about.
#[derive(Default)]
pub(crate) struct TaskRun {
    pub(crate) changes: Vec<Change>,
    pub(crate) mails: Vec<Mail>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) orders: Vec<Command>,
}

/// Changes that were made: each with its number, and the object after it.
type Facts = Vec<(Change, Option<u64>, Option<Object>)>;

/// Why a transaction was not carried out to its end.
enum Stop {
    Store(LedgerError),
    Broken(Failure),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    LostBeforeCommit,
    /// The disk is full: the transaction is undone, and a new incarnation begins at once.
    Undone,
    /// The same, but clients are still served.
    NoRoom,
    /// The process dies after this many of its messages have left.
    DiedAfter(usize),
}

impl World {
    pub(crate) fn transact(&mut self, side: usize, work: TaskRun) -> Result<(), Failure> {
        self.steps += 1;
        let TaskRun {
            changes,
            mails,
            inputs,
            ..
        } = &work;
        if changes.len() + mails.len() + inputs.len() > 1 {
            self.counters.hit(Sometimes::Grouped);
        }
        let fate = match self.lacks_room(side, &work) {
            true => Fate::NoRoom,
            false => self.fate(),
        };
        self.mix(
            side as u64,
            changes.len() as u64,
            mails.len() as u64,
            fate != Fate::Kept,
        );
        let now = self.nodes[side].now(self.time);
        let only = match mails.as_slice() {
            [mail] => Only::of(side, &mail.message),
            _ => None,
        };
        let Some(mut engine) = self.nodes[side].engine.take() else {
            return Ok(());
        };
        let before = self.before(side, only.as_ref());
        self.look_into_damage(side);
        self.nodes[side].ledger.begin();
        let kept = self.nodes[side].ledger.kept.len();
        let mut left = self.calls_until_the_store_fails();
        let done = self.carry_out(side, &mut engine, now, work, &mut left);
        let (facts, outputs) = match done {
            Ok(done) => done,
            Err(Stop::Broken(failure)) => return Err(failure),
            Err(Stop::Store(error)) => {
                assert_eq!(left, Some(0), "memory does not fail: {error}");
                self.counters.hit(Sometimes::StoreFailed);
                self.tell(|| format!("the store of {} fails", NAMES[side]));
                self.nodes[side].ledger.roll_back();
                self.nodes[side].runs(engine);
                self.rests_awake(side);
                return Ok(());
            }
        };
        if fate == Fate::Undone {
            self.counters.hit(Sometimes::DiskFull);
            self.tell(|| format!("the disk of {} is full", NAMES[side]));
            self.nodes[side].ledger.roll_back();
            self.rests(side);
            return Ok(());
        }
        if fate == Fate::NoRoom {
            self.tell(|| format!("there is no room on the disk of {}", NAMES[side]));
            self.nodes[side].ledger.roll_back();
            self.nodes[side].runs(engine);
            self.rests_awake(side);
            return Ok(());
        }
        if fate == Fate::LostBeforeCommit {
            self.counters.hit(Sometimes::CrashBeforeCommit);
            self.tell(|| format!("{} dies before the commit", NAMES[side]));
            self.nodes[side].ledger.roll_back();
            if self.options.leave_early {
                self.leave(side, outputs, usize::MAX, engine.view().status().state)?;
            }
            self.kill(side);
            return Ok(());
        }
        self.nodes[side].ledger.commit();
        self.deletes_last(side, kept)?;
        self.keeps_long_enough(side)?;
        self.record(side, facts);
        self.compare(side, before, only.as_ref());
        self.keeps_what_it_removes(side, &outputs)?;
        let (incarnation, state) = (engine.view().incarnation(), engine.view().status().state);
        self.nodes[side].runs(engine);
        if self.nodes[side]
            .incarnations
            .last()
            .is_some_and(|(last, _)| *last != incarnation)
        {
            self.nodes[side].end_incarnation(self.time);
            self.nodes[side].incarnations.push((incarnation, None));
        }
        let sends = if let Fate::DiedAfter(n) = fate {
            n
        } else {
            usize::MAX
        };
        self.leave(side, outputs, sends, state)?;
        if fate != Fate::Kept {
            self.counters.hit(Sometimes::CrashAfterCommit);
            self.kill(side);
        }
        if self.steps.is_multiple_of(512) {
            checks::recount(&mut self.nodes[side].ledger)?;
        }
        let honest =
            self.dials.damage == 0 && self.dials.off == 0 && !self.dials.wide.damages_at_rest();
        if self.steps.is_multiple_of(16) && !self.oracle.any_restored() && honest {
            self.oracle
                .marked([&self.nodes[0].ledger, &self.nodes[1].ledger])?;
        }
        Ok(())
    }

    /// What happens before the commit: changes, mail, orders and inputs, and the pump.
    fn carry_out(
        &mut self,
        side: usize,
        engine: &mut Engine,
        now: Now,
        work: TaskRun,
        left: &mut Option<u64>,
    ) -> Result<(Facts, Vec<Output>), Stop> {
        let mut facts = Vec::new();
        for change in work.changes {
            let mut ledger = Failing::new(&mut self.nodes[side].ledger, left);
            let n = engine.change(now, &mut ledger, &change)?;
            let object = ledger.object(&change.id())?;
            if let (Change::Set { id, registers }, Some(object)) = (&change, &object)
                && let Some((key, _)) = registers
                    .iter()
                    .find(|(key, value)| object.get(*key) != Some(value))
            {
                failed("a local write takes effect", format!("{id} {key:?}"))?;
            }
            self.tell(|| format!("{}: {change:?} is change {n:?}", NAMES[side]));
            let unreadable = &self.nodes[side].ledger.unreadable;
            if matches!(change, Change::Delete { id } if unreadable.contains_key(&id)) {
                continue; // nobody can delete what cannot be read
            }
            facts.push((change, n, object));
        }
        for mail in work.mails {
            self.tell(|| format!("{} gets {}", NAMES[side], brief(&mail.message)));
            if mail.bodies {
                let mut bodies = mail.message.bodies();
                bodies.retain(|body| self.is_read(1 - side, body));
                let mut pieces = mail.message.pieces();
                pieces.retain(|(body, _)| self.is_read(1 - side, body));
                let ledger = &mut self.nodes[side].ledger;
                for body in bodies {
                    ledger.receive_body(body);
                }
                for (body, piece) in pieces {
                    ledger.receive_piece(body, piece.at, piece.len);
                }
            }
            let ledger = &mut self.nodes[side].ledger;
            let input = Input::Received(mail.message);
            engine.handle(now, &mut Failing::new(ledger, left), input)?;
        }
        for order in work.orders {
            if let Command::Agree(id)
            | Command::Start {
                id,
                agreed: Some(_),
                ..
            } = &order
            {
                self.checks.agreed.insert(*id);
            }
            self.tell(|| format!("{}: {order:?}", NAMES[side]));
            let mut ledger = Failing::new(&mut self.nodes[side].ledger, left);
            if let Err(declined) = engine.command(now, &mut ledger, order)? {
                self.tell(|| format!("{}: declined, {declined:?}", NAMES[side]));
                self.declined(declined);
            }
        }
        for input in work.inputs {
            self.tell(|| format!("{}: {input:?}", NAMES[side]));
            if let Input::Conditions(conditions) = &input {
                self.nodes[side].conditions = (**conditions).clone();
            }
            let mut ledger = Failing::new(&mut self.nodes[side].ledger, left);
            engine.handle(now, &mut ledger, input)?;
        }
        let mut ledger = Failing::new(&mut self.nodes[side].ledger, left);
        let outputs = engine.finish_transaction(now, &mut ledger)?;
        Ok((facts, outputs))
    }

    /// E17: a task deletes only in its last phase, and nothing but GR users with what belongs to them.
    fn deletes_last(&mut self, side: usize, kept: usize) -> Result<(), Failure> {
        let Node {
            ledger, seen_kept, ..
        } = &mut self.nodes[side];
        if ledger.kept.len() <= kept {
            return Ok(());
        }
        let before = std::mem::replace(seen_kept, ledger.kept.keys().copied().collect());
        let phase = ledger.state.task.as_ref().map(|task| task.phase);
        if phase.is_some_and(|phase| phase != Phase::Deleting) {
            return failed("a task deletes last", format!("{phase:?}"));
        }
        if ledger
            .state
            .kept
            .is_some_and(|kept| kept.kind == TaskKind::Rebuild)
        {
            self.oracle.rebuilt[side] = true;
            // Users that the partner has lost are lost here, too: that is what was asked for.
            let users = ledger
                .kept
                .iter()
                .filter(|(_, object)| object.kind == Kind::USER);
            let gone = users.filter(|(id, _)| !ledger.objects.contains_key(id));
            self.oracle.doomed.extend(gone.map(|(id, _)| *id));
            return Ok(());
        }
        let new = ledger.kept.iter().filter(|(id, _)| !before.contains(id));
        let users = new.clone().filter(|(_, object)| object.kind == Kind::USER);
        let (users, all) = (users.count() as u64, new.clone().count() as u64);
        if let Some(task) = ledger.state.kept.map(|kept| kept.task) {
            let taken = self.checks.taken[side].entry(task).or_default();
            (taken.0, taken.1) = (taken.0 + users, taken.1 + all - users);
            if !self.checks.agreed.contains(&task) {
                checks::deletion_guard_holds(self.dials.deletion_guard, ledger, *taken)?;
            }
        }
        let mut new = new;
        let local = new.find(|(_, object)| {
            User::of(object).is_some_and(|user| user.home() == Some(server(side)))
        });
        match local {
            Some((id, _)) => failed("no task deletes a local user", format!("{id}")),
            None => {
                self.counters.hit(Sometimes::GrUserDeleted);
                Ok(())
            }
        }
    }

    /// After how many calls the store fails in this transaction, if it does.
    fn calls_until_the_store_fails(&mut self) -> Option<u64> {
        let fails = !self.net.good && self.own.chance(self.dials.wide.store_fails);
        // Most transactions make some tens of calls, those that fill messages make hundreds.
        fails.then(|| self.own.below(8 << self.own.clone().below(6)))
    }

    fn fate(&mut self) -> Fate {
        if self.net.good {
            return Fate::Kept;
        }
        if self.dice.chance(self.dials.full) {
            return Fate::Undone;
        }
        if !self.dice.chance(self.dials.crash) {
            return Fate::Kept;
        }
        match self.dice.below(3) {
            0 => Fate::DiedAfter(self.dice.below(3) as usize),
            _ => Fate::LostBeforeCommit,
        }
    }
}
