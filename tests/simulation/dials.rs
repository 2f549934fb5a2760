//! How hostile a history is: drawn from its seed, so that some histories are calm, some have one kind of fault, some have all.
//!
//! Half of the histories are *widened*: they have the faults of [`crate::wide`], too, which are drawn from dice of their own. So a new
//! fault changes nothing in the other half, nor in what a seed had before.

use crate::bounds;
use crate::dice::Dice;
use crate::wide::{self, Wide};
use gr_proto::{DeletionGuard, Timers};

/// Probabilities are in thousandths.
#[derive(Clone, Debug)]
pub struct Dials {
    /// What users and administrators do.
    pub actions: u64,
    /// The longest usual pause between two of them, in milliseconds.
    pub pause_ms: u64,
    pub loss: u64,
    pub double: u64,
    pub late: u64,
    /// The longest usual delay of mail, in milliseconds.
    pub delay_ms: u64,
    pub old_copy: u64,
    pub crash: u64,
    pub partition: u64,
    pub clock: u64,
    pub body_lost: u64,
    /// Backups are taken, and restored half as often.
    pub backup: u64,
    pub bad_item: u64,
    pub group: u64,
    pub timers: Timers,
    /// Administrators start and stop tasks.
    pub orders: u64,
    /// Constraints change when somebody orders something.
    pub constraints: u64,
    /// Things are lost from stores. Where servers go back in time, too, only copies of users: of a message that is lost there nobody
    /// could say why.
    pub damage: u64,
    /// Mailbox numbers are drawn from so few that two can be the same.
    pub collide: bool,
    pub deletion_guard: DeletionGuard,
    /// Machines are resumed from a snapshot of their memory and disk.
    pub rewind: u64,
    /// A copy of a server runs at its address, too.
    pub twin: u64,
    /// GR is taken off a server, and put on again.
    pub off: u64,
    /// Mail goes through relays, which hold it for minutes and are started anew.
    pub relay: u64,
    /// Disks are full.
    pub full: u64,
    /// Faults happen at the very moment when a task enters a phase.
    pub aim: u64,
    /// What only widened histories have.
    pub wide: Wide,
}

/// Faults that can be left out of a history, by name; those of widened histories follow ([`crate::wide::FAULTS`]).
const PLAIN: [&str; 23] = [
    "mail lost",
    "mail doubled",
    "mail late",
    "old copies",
    "crashes",
    "partitions",
    "clocks",
    "bodies lost",
    "restores",
    "bad items",
    "groups",
    "orders",
    "conditions",
    "damage",
    "few numbers",
    "small deletion guard",
    "rewinds",
    "twins",
    "GR off",
    "relays",
    "full disks",
    "aimed faults",
    "slow mail",
];

/// How many faults can be left out of a history.
pub const FAULTS: usize = PLAIN.len() + wide::FAULTS.len() + bounds::FAULTS.len();

/// The name of a fault.
pub fn fault_name(fault: usize) -> &'static str {
    let names = PLAIN.iter().chain(&wide::FAULTS).chain(bounds::FAULTS);
    names.copied().nth(fault).unwrap_or("unknown")
}

impl Dials {
    /// The dials of a seed; `narrow`: without what only widened histories have.
    pub fn of(seed: u64, narrow: bool) -> Self {
        let mut dials = Self::draw(&mut Dice::new(seed));
        if !narrow {
            dials.wide = Wide::of(seed, &dials);
        }
        dials
    }

    /// The dials of a seed where stores are real ones on disks that fail: the faults of processes, mail and clocks, and no machine that is
    /// copied or goes back. What callers are told is looked at in each.
    pub fn on_disk(seed: u64) -> Self {
        let plain = Self::of(seed, true);
        let mut dice = wide::dice(seed, 1 << 20);
        Self {
            crash: dice.between(5, 60),
            full: dice.below(30),
            backup: 0,
            rewind: 0,
            twin: 0,
            damage: 0,
            wide: Wide {
                waits: dice.below(1_000),
                write_fails: dice.below(100),
                gathers: 1,
                ..Wide::default()
            },
            ..plain
        }
    }

    fn draw(dice: &mut Dice) -> Self {
        let mut dial = |low, high| {
            if dice.chance(500) {
                dice.between(low, high)
            } else {
                0
            }
        };
        let (loss, double, late, old_copy) =
            (dial(10, 400), dial(10, 300), dial(10, 150), dial(5, 100));
        let (crash, partition, clock) = (dial(2, 40), dial(5, 60), dial(5, 60));
        let backup = dial(20, 120);
        let (body_lost, bad_item) = (dial(10, 200), dial(1, 20));
        let short = Timers {
            heartbeat_ms: 500,
            unknown_ms: 2_000,
            down_ms: 6_000,
            probe_unknown_ms: 500,
            probe_down_ms: 1_000,
            retransmit_ms_min: 300,
            retransmit_ms_max: 5_000,
        };
        let orders = dial(10, 300);
        let constraints = if orders > 0 { dial(1, 1) } else { 0 };
        let damage = dial(20, 150);
        let collide = dial(1, 1) > 0 && orders > 0;
        let small = DeletionGuard {
            users_min: 1,
            users_percent: 10,
            contents_max: 5,
        };
        let deletion_guard = if dial(1, 1) > 0 {
            small
        } else {
            DeletionGuard::default()
        };
        let (rewind, twin, off) = (rare(dice, 20, 60), rare(dice, 10, 40), rare(dice, 10, 40));
        // A copy that is wound back as well is more than anybody can tell apart.
        let rewind = if twin > 0 { 0 } else { rewind };
        // What a copy of a server is said to have lost, it may never have had: of such damage nobody could say how it should end.
        let damage = if twin > 0 { 0 } else { damage };
        // Whoever takes GR off forgets what was known of the partner: a restore is not noticed then.
        let off = if backup + rewind + twin > 0 { 0 } else { off };
        // Copies that hear each other's mail doubled would never end their HELLOs.
        let double = if twin > 0 { 0 } else { double };
        let relay = rare(dice, 5, 60);
        let (full, aim) = (
            rare(dice, 2, 30),
            if orders > 0 {
                dice.between(20, 400) * dice.below(2)
            } else {
                0
            },
        );
        let timers = match relay {
            0 if dice.chance(600) => short,
            0 => Timers::direct(),
            _ => Timers::relay(),
        };
        Self {
            rewind,
            twin,
            off,
            relay,
            full,
            aim,
            orders,
            constraints,
            damage,
            collide,
            deletion_guard,
            actions: dice.between(20, 120),
            pause_ms: if relay > 0 {
                200_000
            } else {
                [20, 200, 2_000, 20_000][dice.below(4) as usize]
            },
            loss,
            double,
            late,
            delay_ms: if relay > 0 {
                90_000
            } else {
                [2, 20, 400, 3_000][dice.below(4) as usize]
            },
            old_copy,
            crash,
            partition,
            clock,
            body_lost,
            backup,
            bad_item,
            group: [0, 200, 600][dice.below(3) as usize],
            timers,
            wide: Wide::default(),
        }
    }

    /// Leaves a fault out.
    pub fn without(&mut self, fault: usize) {
        let zero = match fault {
            14 => return self.collide = false,
            15 => return self.deletion_guard = DeletionGuard::default(),
            22 => return self.delay_ms = 2,
            0 => &mut self.loss,
            1 => &mut self.double,
            2 => &mut self.late,
            3 => &mut self.old_copy,
            4 => &mut self.crash,
            5 => &mut self.partition,
            6 => &mut self.clock,
            7 => &mut self.body_lost,
            8 => &mut self.backup,
            9 => &mut self.bad_item,
            10 => &mut self.group,
            11 => &mut self.orders,
            12 => &mut self.constraints,
            13 => &mut self.damage,
            16 => &mut self.rewind,
            17 => &mut self.twin,
            18 => &mut self.off,
            19 => &mut self.relay,
            20 => &mut self.full,
            21 => &mut self.aim,
            _ => return self.wide.without(fault - PLAIN.len()),
        };
        *zero = 0;
    }

    /// Whether a fault can happen.
    pub fn has(&self, fault: usize) -> bool {
        let mut without = self.clone();
        without.without(fault);
        format!("{without:?}") != format!("{self:?}")
    }
}

/// A fault that one history in eight has.
fn rare(dice: &mut Dice, low: u64, high: u64) -> u64 {
    let drawn = dice.between(low, high);
    if dice.chance(125) { drawn } else { 0 }
}
