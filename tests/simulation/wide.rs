//! What only widened histories have: faults that came later than the others, each drawn from dice of its own, so that what a seed had
//! before stays as it was.

use crate::bounds;
use crate::dials::Dials;
use crate::dice::Dice;
use gr_proto::Limits;

/// Probabilities are in thousandths; where all is 0, the history is not widened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wide {
    /// A call of the store fails in the middle of a transaction.
    pub store_fails: u64,
    /// Operators take servers out of service, and back.
    pub courtesy: u64,
    /// Disks stay full for long: only what needs no room is written.
    pub full_long: u64,
    /// Both servers are off for days, and clocks leap by days meanwhile.
    pub days: u64,
    /// Contents are lost from stores also where servers go back in time: while one server has them, they come back.
    pub damage_all: u64,
    /// The link carries so many bytes a second each way; 0: as many as there are.
    pub bytes_per_s: u64,
    /// Messages are as long as recorded conferences.
    pub long: u64,
    /// The link breaks with all that it holds, and is there again.
    pub link_breaks: u64,
    /// A slow link holds so many messages, and drops what comes after them; 0: as many as a server's link.
    pub link_room: u64,
    /// Bounds of the engines are small.
    pub(crate) limits: Limits,
    /// Bodies are lost from a disk.
    pub bodies_lost: u64,
    /// Bodies rot, and nobody notices before they are read.
    pub bodies_rot: u64,
    /// Rows cannot be read any more.
    pub rows_spoilt: u64,
    /// What is restored from a backup gets its bodies from another moment than its database.
    pub apart: u64,
    /// Whoever writes waits until it is on both servers.
    pub waits: u64,
    /// A write fails or refuses by itself, after it has changed something.
    pub write_fails: u64,
    /// What is asked at one moment goes in the groups that the writer makes of it. 1: so it is.
    pub gathers: u64,
}

/// Faults that can be left out of a widened history, by name.
pub const FAULTS: [&str; 16] = [
    "store errors",
    "courtesy",
    "disks full for long",
    "days",
    "contents lost",
    "bodies lost at rest",
    "bodies rotten",
    "rows unreadable",
    "slow link",
    "long bodies",
    "link breaks",
    "small link queue",
    "restored apart",
    "writes wait for the partner",
    "writes fail",
    "jobs are grouped",
];

/// Dice of widened histories have numbers from here on; those below belong to all histories.
const OWN: u64 = 1 << 40;

/// Each dial has dice of its own.
const DIALS: u64 = 1 << 41;

impl Wide {
    /// What a seed is widened by: nothing for every other seed.
    pub fn of(seed: u64, dials: &Dials) -> Self {
        let dice = |dial| Dice::part(seed, DIALS + dial);
        if !dice(0).chance(500) {
            return Self::default();
        }
        let dial = |no, often, low, high| {
            let mut dice = dice(no);
            let drawn = dice.between(low, high);
            if dice.chance(often) { drawn } else { 0 }
        };
        let limits = match dice(3).chance(400) {
            true => bounds::draw(seed),
            false => Limits::default(),
        };
        let damage_all = dial(6, 500, 1, 1);
        // What a copy of a server is said to have damaged, the other never had; what GR off or a silent loss takes in addition, nobody
        // could name.
        let silent = dials.damage > 0;
        let nameless = dials.twin + dials.off + dials.rewind > 0 || silent;
        let at_rest = |dial: u64| if nameless { 0 } else { dial };
        Self {
            limits,
            store_fails: dial(1, 250, 2, 30),
            courtesy: dial(2, 150, 10, 60),
            full_long: dial(4, 150, 10, 60),
            days: dial(5, 150, 10, 60),
            damage_all,
            bodies_lost: at_rest(dial(11, 200, 10, 150)),
            bodies_rot: at_rest(dial(12, 150, 10, 150)),
            rows_spoilt: at_rest(dial(13, 200, 10, 150)),
            apart: at_rest(dial(14, 250, 300, 900)),
            bytes_per_s: dial(20, 200, 100_000, 500_000),
            long: dial(21, 200, 50, 400),
            link_breaks: dial(22, 200, 5, 60),
            link_room: dial(23, 200, 4, 40),
            waits: dial(30, 400, 300, 1_000),
            write_fails: dial(31, 200, 5, 100),
            gathers: dial(32, 400, 1, 1),
        }
    }

    /// Whether disks damage something.
    pub fn damages_at_rest(&self) -> bool {
        self.bodies_lost + self.bodies_rot + self.rows_spoilt + self.apart > 0
    }

    /// Leaves a fault out, by its place in [`FAULTS`].
    pub fn without(&mut self, fault: usize) {
        *match fault {
            0 => &mut self.store_fails,
            1 => &mut self.courtesy,
            2 => &mut self.full_long,
            3 => &mut self.days,
            4 => &mut self.damage_all,
            5 => &mut self.bodies_lost,
            6 => &mut self.bodies_rot,
            7 => &mut self.rows_spoilt,
            8 => &mut self.bytes_per_s,
            9 => &mut self.long,
            10 => &mut self.link_breaks,
            11 => &mut self.link_room,
            12 => &mut self.apart,
            13 => &mut self.waits,
            14 => &mut self.write_fails,
            15 => &mut self.gathers,
            _ => return bounds::without(&mut self.limits, fault - FAULTS.len()),
        } = 0;
    }
}

/// The dice of a widened history for what happens as so-and-so many-th: beside those that all histories have.
pub fn dice(seed: u64, at: u64) -> Dice {
    Dice::part(seed, OWN + at)
}
