//! One group of a server: its jobs go through the writer that real servers have, and what comes of it is checked.

use crate::answers::{Call, Talk};
use crate::checks;
use crate::dice::Dice;
use crate::net::Mail;
use crate::node::{NAMES, Node, server};
use crate::oracle::{Failure, failed};
use crate::outputs::brief;
use crate::process::{Process, SimHost};
use crate::sometimes::Sometimes;
use crate::store::{Commit, SimStore, name_of};
use crate::witness::Only;
use crate::world::World;
use bytes::Bytes;
use domain::{Change, Kind, Object, User};
use gr_proto::{Command, Input, Output};
use ledger::{Ledger, LedgerError, Phase, TaskKind};
use std::collections::VecDeque;
use writer::{GroupOutcome, Needs, Wait, Work, WriteReply, WriteTx, WriterError};

type Job = writer::Job<SimHost>;

/// What is asked of a server at one moment.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) changes: Vec<Change>,
    pub(crate) mails: Vec<Mail>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) orders: Vec<Command>,
}

/// A change that was made: its number, and the object after it.
pub(crate) type Fact = (Change, Option<u64>, Option<Object>);

/// What becomes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    LostBeforeCommit,
    /// The disk cannot sync, and the process ends.
    Undone,
    /// The disk is full: the transaction is undone, and a new incarnation begins at once.
    NoRoom,
    /// The process dies after this many of its messages have left.
    DiedAfter(usize),
}

/// The bytes of pieces: nobody looks at them.
static ZEROS: [u8; 4 << 20] = [0; 4 << 20];

impl World {
    /// Asks something of a server. It is done in one transaction; where the history says so, in the groups that the writer makes of it.
    pub(crate) fn transact(&mut self, side: usize, asked: Asked) -> Result<(), Failure> {
        self.steps += 1;
        let Asked {
            changes,
            mails,
            inputs,
            ..
        } = &asked;
        if changes.len() + mails.len() + inputs.len() > 1 {
            self.counters.hit(Sometimes::Grouped);
        }
        let mut fate = match self.lacks_room(side, &asked) {
            true => Fate::NoRoom,
            false => self.fate(),
        };
        self.mix(
            side as u64,
            changes.len() as u64,
            mails.len() as u64,
            fate != Fate::Kept,
        );
        let mut only = match mails.as_slice() {
            [mail] => Only::of(side, &mail.message),
            _ => None,
        };
        if self.nodes[side].process.is_none() {
            return Ok(());
        }
        let mut jobs = self.jobs(side, asked);
        let gathers = self.dials.wide.gathers > 0;
        while let Some(mut process) = self.nodes[side].process.take() {
            let group = match gathers {
                true => match process.left_over().or_else(|| jobs.pop_front()) {
                    Some(first) => process.gather(first, || jobs.pop_front()),
                    None => Vec::new(),
                },
                false => Vec::from(std::mem::take(&mut jobs)),
            };
            self.write(side, process, group, fate, only.take())?;
            let left = self.nodes[side].process.as_ref();
            if jobs.is_empty() && left.is_none_or(|process| !process.has_left_over()) {
                break;
            }
            self.counters.hit(Sometimes::GroupSplit);
            self.steps += 1;
            fate = self.fate();
        }
        Ok(())
    }

    /// One group goes through the writer.
    fn write(
        &mut self,
        side: usize,
        mut process: Process,
        group: Vec<Job>,
        fate: Fate,
        only: Option<Only>,
    ) -> Result<(), Failure> {
        let now = self.nodes[side].now(self.time);
        let before = self.before(side, only.as_ref());
        self.look_into_damage(side);
        let kept = self.nodes[side].ledger.kept.len();
        let calls_left = self.calls_until_the_store_fails();
        self.plan(side, fate);
        let store = &mut self.nodes[side].ledger;
        store.calls_left = calls_left;
        store.commit = match fate {
            _ if store.disk.is_some() => Commit::Durable,
            Fate::Kept | Fate::DiedAfter(_) => Commit::Durable,
            Fate::LostBeforeCommit if self.options.leave_early => Commit::Lies,
            Fate::LostBeforeCommit | Fate::Undone => Commit::Dies,
            Fate::NoRoom => Commit::Full,
        };
        let (commit, seed) = (store.commit, self.trace ^ self.steps);
        let mut host = SimHost {
            now,
            outputs: Vec::new(),
            seed,
        };
        let ended = process.write_group(&mut host, store, group);
        let calls_left = store.calls_left;
        self.listen()?;
        match ended {
            GroupOutcome::Written | GroupOutcome::Stopped if commit != Commit::Lies => {
                self.written(side, process, host.outputs, fate, kept, (before, only))?;
            }
            GroupOutcome::Written | GroupOutcome::Stopped => {
                self.counters.hit(Sometimes::CrashBeforeCommit);
                let state = process.view().partner_state();
                let _ = self.answers.unsaid();
                self.leave(side, host.outputs, usize::MAX, state)?;
                self.kill(side);
            }
            GroupOutcome::DiskFailed => {
                self.in_doubt[side] = self.answers.unsaid()?;
                if fate == Fate::Undone {
                    self.counters.hit(Sometimes::DiskFull);
                    self.tell(|| format!("the disk of {} cannot sync", NAMES[side]));
                    self.rests(side);
                } else {
                    self.counters.hit(Sometimes::CrashBeforeCommit);
                    self.tell(|| format!("{} dies before the commit", NAMES[side]));
                    self.kill(side);
                }
            }
            GroupOutcome::Undone => self.undone(side, process, fate, calls_left),
        }
        self.hear(side)?;
        self.after_faults(side);
        Ok(())
    }

    /// A group was undone, and the process goes on.
    fn undone(&mut self, side: usize, process: Process, fate: Fate, calls_left: Option<u64>) {
        let in_memory = self.nodes[side].ledger.disk.is_none();
        if calls_left == Some(0) {
            self.counters.hit(Sometimes::StoreFailed);
            self.tell(|| format!("the store of {} fails", NAMES[side]));
        } else {
            assert!(fate == Fate::NoRoom || !in_memory, "memory does not fail");
            self.tell(|| format!("there is no room on the disk of {}", NAMES[side]));
        }
        self.answers.undone();
        self.nodes[side].runs(process);
        self.begins_anew(side);
    }

    /// A group is durable, and what it had to say leaves.
    fn written(
        &mut self,
        side: usize,
        process: Process,
        outputs: Vec<Output>,
        fate: Fate,
        kept: usize,
        (before, only): ((usize, u64), Option<Only>),
    ) -> Result<(), Failure> {
        self.deletes_last(side, kept)?;
        self.keeps_long_enough(side)?;
        let facts = self.answers.committed();
        self.record(side, facts);
        self.compare(side, before, only.as_ref());
        self.keeps_what_it_removes(side, &outputs)?;
        let (incarnation, state) = (process.view().incarnation(), process.view().partner_state());
        self.nodes[side].runs(process);
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
            self.hear(side)?;
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

    /// What is asked, as jobs of the writer: changes, mail, commands, inputs.
    fn jobs(&mut self, side: usize, asked: Asked) -> VecDeque<Job> {
        let mut jobs = VecDeque::new();
        let mut add = |work| jobs.push_back(Job::new(work, ()));
        for change in asked.changes {
            add(self.write_of(side, change));
        }
        for mail in asked.mails {
            self.tell(|| format!("{} gets {}", NAMES[side], brief(&mail.message)));
            let bodies = self.bodies_of(side, &mail);
            let message = mail.message;
            add(Work::GrMail { message, bodies });
        }
        for order in asked.orders {
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
            let talk = self.answers.command();
            add(Work::Command {
                command: Box::new(order),
                done: Box::new(move |answer| talk.commanded(answer)),
            });
        }
        for input in asked.inputs {
            self.tell(|| format!("{}: {input:?}", NAMES[side]));
            add(match input {
                Input::Constraints(constraints) => {
                    self.nodes[side].constraints = (*constraints).clone();
                    Work::Write {
                        needs: Needs::Nothing,
                        run: Box::new(
                            move |tx: Result<&mut WriteTx<'_, '_, SimStore>, WriterError>| {
                                if let Ok(tx) = tx {
                                    tx.set_conditions(*constraints)?;
                                }
                                Ok(None)
                            },
                        ),
                    }
                }
                input => Work::Input(input),
            });
        }
        jobs
    }

    /// Somebody's write: one change.
    fn write_of(&mut self, side: usize, change: Change) -> Work<SimHost> {
        self.asked += 1;
        let mut dice = Dice::new(self.trace ^ self.asked);
        let wait = match dice.chance(self.dials.wide.waits) {
            true => Wait::Partner,
            false => Wait::Local,
        };
        let fails = !self.net.good && dice.chance(self.dials.wide.write_fails);
        let refuses = fails && dice.chance(500);
        let needs = match change {
            Change::Create { .. } => Needs::Room(0),
            _ => Needs::Nothing,
        };
        let call = self.answers.call(Call::new(side, self.time, change.id()));
        let talk = self.answers.talk();
        let content = match &change {
            Change::Create {
                body: Some(body), ..
            } => self.contents.get(body).cloned(),
            _ => None,
        };
        let run = Box::new(
            move |tx: Result<&mut WriteTx<'_, '_, SimStore>, WriterError>| {
                let Ok(tx) = tx else {
                    talk.refused(call);
                    return Ok(None);
                };
                if let Some(content) = content
                    && let Err(error) = tx.append_body(&content)
                {
                    talk.refused(call);
                    return Err(error);
                }
                let fact = make(tx, change, fails && !refuses, &talk);
                let fact = fact.inspect_err(|_| talk.refused(call))?;
                if !refuses {
                    talk.made(call, fact);
                }
                let send = Box::new(move |answer: Result<_, WriterError>| match answer {
                    Ok(durability) if !refuses => talk.answered(call, durability),
                    _ => talk.refused(call),
                });
                Ok(Some(WriteReply {
                    refuses,
                    wait,
                    send,
                }))
            },
        );
        Work::Write { run, needs }
    }

    /// What comes beside a mail: the bodies that its sender can read, by name.
    fn bodies_of(&mut self, side: usize, mail: &Mail) -> Vec<Bytes> {
        if !mail.bodies {
            return Vec::new();
        }
        let mut bodies = Vec::new();
        for body in mail.message.bodies() {
            if self.is_read(1 - side, &body) {
                let content = self.contents.get(&body).cloned();
                bodies.push(content.unwrap_or_else(|| Bytes::from(name_of(&body))));
            }
        }
        for (body, piece) in mail.message.pieces() {
            let all = match self.contents.get(&body) {
                Some(content) => content.slice(piece.at as usize..),
                None => Bytes::from_static(&ZEROS),
            };
            bodies.push(match self.is_read(1 - side, &body) {
                true => all.slice(..piece.len as usize),
                false => Bytes::new(),
            });
        }
        bodies
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

/// Makes one change in somebody's write. `None`: nobody can delete what cannot be read.
fn make(
    tx: &mut WriteTx<'_, '_, SimStore>,
    change: Change,
    fails: bool,
    talk: &Talk,
) -> Result<Option<Fact>, LedgerError> {
    tx.change(&change)?;
    let object = tx.tx().object(&change.id())?;
    if let (Change::Set { id, registers }, Some(object)) = (&change, &object)
        && let Some((key, _)) = registers
            .iter()
            .find(|(key, value)| object.get(*key) != Some(value))
    {
        talk.broken("a local write takes effect", format!("{id} {key:?}"));
    }
    if fails {
        return Err(LedgerError("a write fails by itself".into()));
    }
    let n = tx.marked().last().map(|(_, n)| *n);
    let unreadable = &tx.tx().memory().unreadable;
    if matches!(change, Change::Delete { id } if unreadable.contains_key(&id)) {
        return Ok(None);
    }
    Ok(Some((change, n, object)))
}
