//! One server: an engine over a ledger, with a process that can die and a wall clock that can jump.

use crate::dials::Dials;
use crate::process::Process;
use crate::store::SimStore;
use domain::{BodyRef, Incarnation, ObjectId, ReplicationConstraints, ServerId, Timestamp};
use gr_proto::{Config, Mono, Now, PartnerState, Rules};
use ledger::memory::Memory;
use std::collections::{BTreeMap, BTreeSet};

/// One server of the pair.
#[derive(Clone, Debug)]
pub struct Node {
    pub side: usize,
    pub(crate) ledger: SimStore,
    /// The process, if it lives.
    pub(crate) process: Option<Process>,
    /// When it wants to be woken: asked once after each transaction.
    wakes_at: Option<u64>,
    /// When a dead process starts again.
    pub back_at: u64,
    /// Until then there is no room on its disk.
    pub full_until: u64,
    /// The link was last reported broken then, and not repaired since.
    pub broken_at: Option<u64>,
    /// When the process of the present incarnation started.
    pub started: u64,
    /// The last time at which the process lived.
    pub last_up: u64,
    /// The wall clock is ahead of the true time by so many milliseconds.
    pub wall_offset: i64,
    /// The latest that the wall clock has shown.
    pub wall_max: i64,
    /// Incarnations of this server, and when each ended.
    pub incarnations: Vec<(Incarnation, Option<u64>)>,
    /// What is kept of it for a disaster.
    pub backup: Option<Backup>,
    /// The bodies that were there when they were last backed up by themselves.
    pub segments: BTreeSet<BodyRef>,
    /// A snapshot of the running machine.
    pub frozen: Option<Box<Frozen>>,
    /// The incarnation with which it was last resumed from a snapshot.
    pub resumed: Option<Incarnation>,
    /// GR is on.
    pub paired: bool,
    /// It was restored at least once; since when it speaks with its partner after that is in `session_at`.
    pub restored_at: Option<u64>,
    /// When it last began a session.
    pub session_at: u64,
    /// With which incarnation of its partner the present process did.
    pub session_with: Option<Incarnation>,
    /// Local changes that were committed here: in which transaction, and to what.
    pub history: Vec<(u64, ObjectId)>,
    /// The state of the partner that was last told.
    pub told: PartnerState,
    /// What was kept when something was last kept.
    pub seen_kept: BTreeSet<ObjectId>,
    /// When each of what is kept began to be kept.
    pub kept_since: BTreeMap<ObjectId, u64>,
    /// What is kept gives way to what a rebuild will keep.
    pub gives_way: bool,
    /// What its configuration says of who can be replicated.
    pub constraints: ReplicationConstraints,
    /// It has been behind since it last said that it had caught up.
    pub behind: bool,
}

/// What a backup holds, and the history up to it.
#[derive(Clone, Debug)]
pub struct Backup {
    /// When it was taken.
    pub at: u64,
    pub ledger: Memory,
    pub history: Vec<(u64, ObjectId)>,
}

/// A snapshot of a running machine: memory and disk.
#[derive(Clone, Debug)]
pub struct Frozen {
    pub(crate) process: Process,
    pub backup: Backup,
    pub started: u64,
    /// When the session began that it was in.
    pub session_at: u64,
    /// With which incarnation.
    pub session_with: Option<Incarnation>,
    pub paired: bool,
    pub told: PartnerState,
    pub constraints: ReplicationConstraints,
}

/// The true time at which histories begin, in Unix milliseconds.
pub const EPOCH_MS: i64 = 1_760_000_000_000;

/// The identity of a side.
pub fn server(side: usize) -> ServerId {
    ServerId(0xA0 + side as u64)
}

pub const NAMES: [&str; 2] = ["north", "south"];

impl Node {
    pub fn new(side: usize) -> Self {
        Self {
            side,
            ledger: SimStore::default(),
            process: None,
            wakes_at: None,
            back_at: 0,
            full_until: 0,
            broken_at: None,
            started: 0,
            last_up: 0,
            wall_offset: 0,
            wall_max: 0,
            incarnations: Vec::new(),
            backup: None,
            segments: BTreeSet::new(),
            frozen: None,
            resumed: None,
            paired: true,
            restored_at: None,
            session_at: 0,
            session_with: None,
            history: Vec::new(),
            told: PartnerState::NotConfigured,
            seen_kept: BTreeSet::new(),
            kept_since: BTreeMap::new(),
            gives_way: false,
            constraints: ReplicationConstraints::default(),
            behind: false,
        }
    }

    pub fn start(&mut self, time: u64, incarnation: u64, dials: &Dials, rules: Rules) {
        let config = Config {
            me: server(self.side),
            partner: self.paired.then(|| server(1 - self.side)),
            timers: dials.timers,
            constraints: self.constraints.clone(),
            deletion_guard: dials.deletion_guard,
            limits: dials.wide.limits,
            rules,
        };
        self.runs(Process::new(config, incarnation));
        self.incarnations.push((Incarnation(incarnation), None));
        (self.started, self.last_up) = (time, time);
        (self.broken_at, self.session_with) = (None, None);
    }

    /// A process is at work, or at work again.
    pub(crate) fn runs(&mut self, process: Process) {
        self.wakes_at = process.due();
        self.process = Some(process);
    }

    /// What a backup would hold.
    pub fn snapshot(&self, at: u64) -> Backup {
        Backup {
            at,
            ledger: self.ledger.snapshot(),
            history: self.history.clone(),
        }
    }

    /// Takes a snapshot of the running machine.
    pub fn freeze(&mut self, time: u64) {
        self.frozen = self.process.clone().map(|process| {
            Box::new(Frozen {
                process,
                backup: self.snapshot(time),
                started: self.started,
                session_at: self.session_at,
                session_with: self.session_with,
                paired: self.paired,
                told: self.told,
                constraints: self.constraints.clone(),
            })
        });
    }

    pub fn die(&mut self, time: u64, back_at: u64) {
        self.process = None;
        self.last_up = time;
        self.back_at = back_at;
        self.end_incarnation(time);
    }

    /// The present incarnation has ended.
    pub fn end_incarnation(&mut self, time: u64) {
        if let Some((_, end @ None)) = self.incarnations.last_mut() {
            *end = Some(time);
        }
    }

    pub fn now(&mut self, time: u64) -> Now {
        let wall = EPOCH_MS + time as i64 + self.wall_offset;
        self.wall_max = self.wall_max.max(wall);
        Now {
            wall: Timestamp(wall),
            mono: Mono(time),
        }
    }

    /// When something happens here by itself.
    pub fn next_at(&self, time: u64) -> Option<u64> {
        match &self.process {
            Some(_) => self.wakes_at.map(|at| at.max(time)),
            None => Some(self.back_at.max(time)),
        }
    }
}
