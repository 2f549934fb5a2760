//! What happens to servers beside all else in widened histories: operators take them out of service, disks stay full, days pass.

use crate::group::Asked;
use crate::net::Mail;
use crate::node::{EPOCH_MS, NAMES, Node};
use crate::oracle::{Failure, failed};
use crate::sometimes::Sometimes;
use crate::world::World;
use domain::{Change, Kind};
use gr_proto::{Command, Limits, ObjectChange, Output, Timers};
use ledger::{BackgroundJob, DeletionRecord, Task, TaskKind};

const DAY_MS: u64 = 86_400_000;
/// Backups are restored while deletion records are remembered: 90 days.
const BACKUP_DAYS_MAX: u64 = GRAVES_DAYS - 1;
const GRAVES_DAYS: u64 = 90;
/// What was deleted by a machine can be brought back for 7 days, by clocks that may differ by an hour and still agree.
const UNDO_MS_MIN: u64 = 7 * DAY_MS - 7_200_000;

impl World {
    /// What only widened histories have, and what comes from neither mail nor transactions.
    pub(crate) fn wear(&mut self) -> Result<(), Failure> {
        if self.dice.chance(self.dials.wide.courtesy) {
            self.courtesy()?;
        }
        let side = self.dice.below(2) as usize;
        if self.dice.chance(self.dials.wide.full_long) {
            let length = [5_000, 300_000, 7_200_000][self.dice.below(3) as usize];
            self.nodes[side].full_until = self.time + length;
            self.tell(|| format!("the disk of {} is full for {length} ms", NAMES[side]));
        }
        if self.dice.chance(self.dials.wide.days) {
            self.days_pass();
        }
        if self.dials.wide.damages_at_rest() {
            self.damage_at_rest();
        }
        self.link_breaks()
    }

    /// Both servers are off for days. When they come back their clocks may be wrong by days, and are set right some time later.
    fn days_pass(&mut self) {
        self.counters.hit(Sometimes::DaysPass);
        let days = [1, 6, 9, 40][self.dice.below(4) as usize];
        self.tell(|| format!("both are off for {days} days"));
        self.time += days * DAY_MS;
        for side in [0, 1] {
            if self.nodes[side].process.is_some() {
                self.kill(side);
            }
            let off = [0, 8, -8, 100, 0][self.dice.below(5) as usize];
            self.nodes[side].wall_offset = off * DAY_MS as i64;
            self.tell(|| format!("the clock of {} is {off} days ahead", NAMES[side]));
            // Nobody restores a backup that is older than the memory of what was deleted.
            let node = &mut self.nodes[side];
            let old = |at: u64| self.time - at > BACKUP_DAYS_MAX * DAY_MS;
            node.backup.take_if(|backup| old(backup.at));
            node.frozen.take_if(|frozen| old(frozen.backup.at));
        }
    }

    /// What nobody deleted and is gone all the same was removed by a machine, and is kept.
    pub(crate) fn keeps_what_it_removes(
        &self,
        side: usize,
        outputs: &[Output],
    ) -> Result<(), Failure> {
        let changed = outputs.iter().filter_map(|output| match output {
            Output::Changed(changed) => Some(changed),
            _ => None,
        });
        let kept = &self.nodes[side].ledger.kept;
        let mut gone = changed
            .flatten()
            .filter(|changed| changed.how == ObjectChange::Gone);
        let lost = gone.find(|gone| {
            let known = self.oracle.born.contains_key(&gone.id);
            known && self.oracle.is_wanted(&gone.id) && !kept.contains_key(&gone.id)
        });
        match lost {
            Some(lost) => failed("what a machine deletes is kept", format!("{}", lost.id)),
            None => Ok(()),
        }
    }

    /// What was deleted by a machine can be undone for 7 days by anyone's clock, unless an administrator undoes it or rebuilds.
    pub(crate) fn keeps_long_enough(&mut self, side: usize) -> Result<(), Failure> {
        if self.dials.wide.days == 0 {
            return Ok(());
        }
        let Node {
            ledger,
            kept_since,
            gives_way,
            ..
        } = &mut self.nodes[side];
        let scans = |job| ledger.state.scans.iter().any(|scan| scan.job == job);
        let rebuilds = |task: &Task| task.kind == TaskKind::Rebuild;
        *gives_way = ledger.state.task.as_ref().is_some_and(rebuilds)
            || (*gives_way && scans(BackgroundJob::Purge));
        let asked_for = *gives_way || scans(BackgroundJob::Undo);
        let time = self.time;
        let early = kept_since.iter().find(|(id, since)| {
            !asked_for && !ledger.kept.contains_key(id) && time - **since < UNDO_MS_MIN
        });
        if let Some((id, since)) = early {
            let found = format!("{}: {id} after {} ms", NAMES[side], time - since);
            return failed("what a machine deleted can be undone", found);
        }
        kept_since.retain(|id, _| ledger.kept.contains_key(id));
        for id in ledger.kept.keys() {
            kept_since.entry(*id).or_insert(time);
        }
        Ok(())
    }

    /// House-keeping goes on, whatever is refused and held for good: when both clocks have agreed for as long as backups may be old,
    /// deletion records are gone, and so is what was kept for a week.
    pub(crate) fn keep_house(&mut self) -> Result<(), Failure> {
        let few =
            self.dials.wide.limits.deletion_records_step < Limits::default().deletion_records_step;
        if self.dials.wide.days == 0 || few || !self.own.chance(60) {
            return Ok(());
        }
        self.counters.hit(Sometimes::QuarterPasses);
        self.dials.timers = Timers {
            heartbeat_ms: DAY_MS / 2,
            unknown_ms: 2 * DAY_MS,
            down_ms: 4 * DAY_MS,
            ..Timers::direct()
        };
        for side in [0, 1] {
            self.nodes[side].wall_offset = 0;
            self.begin_anew(side);
        }
        let until = self.time + (GRAVES_DAYS + 3) * DAY_MS;
        let dug = EPOCH_MS + self.time as i64;
        self.pass(until)?;
        self.time = until;
        for side in [0, 1] {
            let ledger = &self.nodes[side].ledger;
            let old = |deletion_record: &DeletionRecord| {
                deletion_record.kind != Kind::USER && deletion_record.at.0 < dug
            };
            let left = ledger
                .deletion_records
                .values()
                .filter(|deletion_record| old(deletion_record))
                .count();
            if left + ledger.kept.len() > 0 {
                let found = format!(
                    "{}: {left} deletion records, {} kept",
                    NAMES[side],
                    ledger.kept.len()
                );
                return failed("house-keeping goes on", found);
            }
        }
        Ok(())
    }

    /// Whether a disk has no room for what a transaction would write: bodies, and objects that are new. What is small is written all the
    /// same, into what was put aside for that.
    pub(crate) fn lacks_room(&mut self, side: usize, work: &Asked) -> bool {
        if self.net.good || self.time >= self.nodes[side].full_until {
            return false;
        }
        let large = |change: &Change| matches!(change, Change::Create { .. });
        let bodies = |mail: &Mail| {
            let message = &mail.message;
            mail.bodies && !(message.bodies().is_empty() && message.pieces().is_empty())
        };
        let full = work.changes.iter().any(large) || work.mails.iter().any(bodies);
        if full {
            self.counters.hit(Sometimes::DiskStaysFull);
        }
        full
    }

    /// A server goes out of service, or comes back. I19: if nobody forces it, nothing is left to be sent.
    fn courtesy(&mut self) -> Result<(), Failure> {
        let side = self.dice.below(2) as usize;
        let force = self.dice.chance(300);
        if self.nodes[side].process.is_none() {
            return Ok(());
        }
        if self.nodes[side].ledger.state.courtesy {
            return self.courtesy_up(side);
        }
        let work = Asked {
            orders: vec![Command::CourtesyDown { force }],
            ..Asked::default()
        };
        let steps = self.steps;
        self.transact(side, work)?;
        let ledger = &self.nodes[side].ledger;
        if ledger.state.courtesy && self.steps == steps + 1 {
            self.counters.hit(Sometimes::Courtesy);
            // Without a partner nothing can be handed over.
            let paired = self.nodes[side].paired;
            if !force && paired && !ledger.marks.is_empty() {
                let found = format!("{} owes {}", NAMES[side], ledger.marks.len());
                return failed("courtesy leaves nothing behind", found);
            }
        }
        Ok(())
    }

    /// A server comes back into service.
    pub(crate) fn courtesy_up(&mut self, side: usize) -> Result<(), Failure> {
        self.transact(
            side,
            Asked {
                orders: vec![Command::CourtesyUp],
                ..Asked::default()
            },
        )
    }

    /// When the faults have ended, whoever is out of service comes back.
    pub(crate) fn end_courtesy(&mut self) -> Result<(), Failure> {
        while self
            .nodes
            .iter()
            .any(|node| node.ledger.state.courtesy && node.process.is_none())
        {
            let until = self.time + self.dials.timers.heartbeat_ms;
            self.pass(until)?;
            self.time = self.time.max(until);
        }
        for side in [0, 1] {
            if self.nodes[side].ledger.state.courtesy {
                self.courtesy_up(side)?;
            }
        }
        Ok(())
    }
}
