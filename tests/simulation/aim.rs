//! Faults and stops that are aimed: they happen at the very moment when a task enters a phase. At random times the short phases would
//! never be hit.

use crate::group::Asked;
use crate::oracle::Failure;
use crate::sometimes::Sometimes;
use crate::world::World;
use gr_proto::Command;
use ledger::{Phase, TaskId};

/// Phases that few tasks come to are struck more often.
fn often(phase: Phase) -> u64 {
    match phase {
        Phase::Waiting | Phase::Deleting | Phase::Fetching => 5,
        Phase::Comparing | Phase::Settling | Phase::Clearing => 1,
    }
}

impl World {
    /// Looks whether a task has come further, and may strike then.
    pub(crate) fn aim(&mut self) -> Result<(), Failure> {
        if self.net.good || self.dials.aim == 0 {
            return Ok(());
        }
        for side in [0, 1] {
            let ledger = &self.nodes[side].ledger;
            let task = ledger.state.task.as_ref();
            let seen = task.map(|task| (task.id, task.phase, !ledger.staged.is_empty()));
            if self.aimed[side] == seen {
                continue;
            }
            self.aimed[side] = seen;
            if let Some((id, phase, staged)) = seen
                && self.dice.chance(self.dials.aim * often(phase))
            {
                match phase == Phase::Fetching && self.dice.chance(600) {
                    true => self.strike_fetching(side, staged)?,
                    false => self.strike(side, id, phase)?,
                }
            }
        }
        Ok(())
    }

    /// The partner changes something just before it is asked, and loses it just after it has answered.
    fn strike_fetching(&mut self, side: usize, staged: bool) -> Result<(), Failure> {
        let partner = 1 - side;
        if self.dials.backup == 0 {
            return Ok(());
        }
        if staged {
            self.counters.hit(Sometimes::AimedRestore);
            self.restore(partner);
            return Ok(());
        }
        self.back_up(partner);
        self.acts(partner)
    }

    fn strike(&mut self, side: usize, id: TaskId, phase: Phase) -> Result<(), Failure> {
        match self.dice.below(8) {
            0 | 1 => self.stop(side, id, phase, false),
            2 | 3 => self.stop(1 - side, id, phase, true),
            n @ (4 | 5) => {
                let whom = if n == 4 { side } else { 1 - side };
                if self.nodes[whom].process.is_some() {
                    self.counters.hit(Sometimes::AimedKill);
                    self.kill(whom);
                }
                Ok(())
            }
            n => {
                let whom = if n == 6 { side } else { 1 - side };
                if self.dials.backup > 0 && self.nodes[whom].backup.is_some() {
                    self.counters.hit(Sometimes::AimedRestore);
                    self.restore(whom);
                }
                Ok(())
            }
        }
    }

    /// An administrator stops a task; `there`: of the partner.
    fn stop(&mut self, side: usize, id: TaskId, phase: Phase, there: bool) -> Result<(), Failure> {
        use Sometimes as S;
        let Some(engine) = &self.nodes[side].process else {
            return Ok(());
        };
        if there
            && engine
                .view()
                .tasks()
                .serving
                .is_none_or(|serving| serving.id != id)
        {
            return Ok(());
        }
        self.counters.hit(match (phase, there) {
            (Phase::Comparing, false) => S::AbortComparing,
            (Phase::Comparing, true) => S::AbortComparingThere,
            (Phase::Settling, false) => S::AbortSettling,
            (Phase::Settling, true) => S::AbortSettlingThere,
            (Phase::Waiting, false) => S::AbortWaiting,
            (Phase::Waiting, true) => S::AbortWaitingThere,
            (Phase::Deleting, false) => S::AbortDeleting,
            (Phase::Deleting, true) => S::AbortDeletingThere,
            (Phase::Clearing, false) => S::AbortClearing,
            (Phase::Clearing, true) => S::AbortClearingThere,
            (Phase::Fetching, false) => S::AbortFetching,
            (Phase::Fetching, true) => S::AbortFetchingThere,
        });
        let orders = vec![Command::Abort(id)];
        let work = Asked {
            orders,
            ..Asked::default()
        };
        self.transact(side, work)
    }
}
