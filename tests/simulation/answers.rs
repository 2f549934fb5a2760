//! What callers of writes are told, and whether it is true.
//!
//! A caller who was told that its write is accepted holds the server to it: that is the `250` of a mail and the `201` of a request. Who was
//! told that it is on both servers may lose either. Who was refused may try again, and nothing of the first attempt is there.

use crate::group::Fact;
use crate::node::NAMES;
use crate::oracle::{Failure, failed};
use crate::process::ACCEPT_WAIT_MS;
use crate::sometimes::Sometimes;
use crate::world::World;
use domain::ObjectId;
use gr_proto::Rejected;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use writer::Durability;

/// Somebody who has asked for a write.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    side: usize,
    at: u64,
    id: ObjectId,
    /// The number of its change, if it has one; `None` until it is durable.
    committed: Option<Option<u64>>,
}

impl Call {
    pub(crate) fn new(side: usize, at: u64, id: ObjectId) -> Self {
        Self {
            side,
            at,
            id,
            committed: None,
        }
    }
}

/// What is said while a group is written.
#[derive(Debug, Default)]
struct Said {
    /// What writes have made, before the commit.
    made: Vec<(u64, Option<Fact>)>,
    /// What callers were told; `None`: that it did not happen.
    answers: Vec<(u64, Option<Durability>)>,
    commands: Vec<Result<(), Rejected>>,
    broken: Option<Failure>,
}

/// Where jobs say what becomes of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Talk(Arc<Mutex<Said>>);

impl Talk {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn made(&self, call: u64, fact: Option<Fact>) {
        self.said().made.push((call, fact));
    }

    pub(crate) fn answered(&self, call: u64, durability: Durability) {
        self.said().answers.push((call, Some(durability)));
    }

    pub(crate) fn refused(&self, call: u64) {
        self.said().answers.push((call, None));
    }

    pub(crate) fn commanded(&self, answer: Result<(), Rejected>) {
        self.said().commands.push(answer);
    }

    pub(crate) fn broken(&self, check: &'static str, found: String) {
        self.said().broken = Some(Failure { check, found });
    }
}

/// All callers who wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    next: u64,
    open: BTreeMap<u64, Call>,
    talk: Talk,
    /// Commands were given since their answers were last heard.
    commands: bool,
}

impl Answers {
    /// Somebody asks.
    pub(crate) fn call(&mut self, call: Call) -> u64 {
        self.next += 1;
        self.open.insert(self.next, call);
        self.next
    }

    pub(crate) fn talk(&self) -> Talk {
        self.talk.clone()
    }

    /// Somebody gives a command.
    pub(crate) fn command(&mut self) -> Talk {
        self.commands = true;
        self.talk()
    }

    /// Nobody waits to hear anything: so there is nothing that is said.
    fn is_idle(&self) -> bool {
        self.open.is_empty() && !self.commands
    }

    /// A group is durable: what its writes have made.
    pub(crate) fn committed(&mut self) -> Vec<Fact> {
        if self.is_idle() {
            return Vec::new();
        }
        let made = std::mem::take(&mut self.talk.said().made);
        let mut facts = Vec::with_capacity(made.len());
        for (call, fact) in made {
            if let Some(call) = self.open.get_mut(&call) {
                call.committed = Some(fact.as_ref().and_then(|(_, n, _)| *n));
            }
            facts.extend(fact);
        }
        facts
    }

    /// A group was undone.
    pub(crate) fn undone(&mut self) {
        self.talk.said().made.clear();
    }

    /// A process died before its group was durable, as far as it could tell: nobody may have been told that it is. Returns what it would
    /// have made.
    pub(crate) fn unsaid(&mut self) -> Result<Vec<Fact>, Failure> {
        let mut said = self.talk.said();
        let made = said.made.drain(..).filter_map(|(_, fact)| fact).collect();
        // Of two copies of a server one may have hung up on those whom the other answers.
        let waits = |call: &u64| self.open.contains_key(call);
        let mut answers = said.answers.drain(..);
        let told = answers.find(|(call, answer)| answer.is_some() && waits(call));
        match told {
            Some(told) => failed("an answer is true", format!("before the commit: {told:?}")),
            None => Ok(made),
        }
    }

    /// A process is gone, and whoever waited for its answer will not get one.
    pub(crate) fn hung_up(&mut self, side: usize) {
        self.open.retain(|_, call| call.side != side);
    }
}

impl World {
    /// What jobs have said of themselves while they were run.
    pub(crate) fn listen(&mut self) -> Result<(), Failure> {
        if self.answers.is_idle() {
            return Ok(());
        }
        let (commands, broken) = {
            let mut said = self.answers.talk.said();
            (std::mem::take(&mut said.commands), said.broken.take())
        };
        for declined in commands.into_iter().filter_map(Result::err) {
            self.tell(|| format!("declined, {declined:?}"));
            self.declined(declined);
        }
        broken.map_or(Ok(()), Err)
    }

    /// Callers hear, and what they hear must be true.
    pub(crate) fn hear(&mut self, side: usize) -> Result<(), Failure> {
        if self.answers.is_idle() {
            return Ok(());
        }
        self.answers.commands = false;
        let answers = std::mem::take(&mut self.answers.talk.said().answers);
        for (call, answer) in answers {
            let Some(call) = self.answers.open.remove(&call) else {
                // One of two copies of a server was switched off, and this was the other.
                if self.dials.twin > 0 {
                    continue;
                }
                return failed("everybody is answered once", format!("call {call}"));
            };
            match (answer, call.committed) {
                (Some(_), None) => {
                    let found = format!("{}: {} is not durable", NAMES[side], call.id);
                    return failed("an answer is true", found);
                }
                (None, Some(_)) => {
                    let found = format!("{}: {} has happened", NAMES[side], call.id);
                    return failed("an answer is true", found);
                }
                (Some(Durability::Replicated), Some(Some(n))) => {
                    self.counters.hit(Sometimes::AnsweredReplicated);
                    let met = self.nodes[call.side].session_at;
                    self.is_safe(call.side, call.id, n, met)?;
                }
                (Some(_), Some(_)) => {}
                (None, None) => self.counters.hit(Sometimes::AnsweredUndone),
            }
        }
        Ok(())
    }

    /// Nobody waits for ever.
    pub(crate) fn everybody_is_answered(&self) -> Result<(), Failure> {
        let waited = |call: &&Call| self.time > call.at + ACCEPT_WAIT_MS;
        match self.answers.open.values().find(waited) {
            Some(call) => failed("everybody is answered once", format!("{call:?}")),
            None => Ok(()),
        }
    }
}
