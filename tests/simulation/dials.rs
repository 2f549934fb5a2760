//! How hostile a history is: drawn from its seed, so that some histories are calm, some have one kind of fault, some have all.

use crate::dice::Dice;
use gr_proto::{Fuse, Timers};

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
    /// Conditions change when somebody orders something.
    pub conditions: u64,
    /// Things are lost from stores. Not where servers are restored, too: of what is lost there nobody could say why.
    pub damage: u64,
    /// Mailbox numbers are drawn from so few that two can be the same.
    pub collide: bool,
    pub fuse: Fuse,
}

impl Dials {
    pub fn draw(dice: &mut Dice) -> Self {
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
        let conditions = if orders > 0 { dial(1, 1) } else { 0 };
        let damage = if backup == 0 { dial(5, 60) } else { 0 };
        let collide = dial(1, 1) > 0 && orders > 0;
        let small = Fuse {
            users_min: 1,
            users_percent: 10,
            contents_min: 1,
            contents_percent: 10,
        };
        let fuse = if dial(1, 1) > 0 {
            small
        } else {
            Fuse::default()
        };
        Self {
            orders,
            conditions,
            damage,
            collide,
            fuse,
            actions: dice.between(20, 120),
            pause_ms: [20, 200, 2_000, 20_000][dice.below(4) as usize],
            loss,
            double,
            late,
            delay_ms: [2, 20, 400, 3_000][dice.below(4) as usize],
            old_copy,
            crash,
            partition,
            clock,
            body_lost,
            backup,
            bad_item,
            group: [0, 200, 600][dice.below(3) as usize],
            timers: if dice.chance(600) {
                short
            } else {
                Timers::direct()
            },
        }
    }
}
