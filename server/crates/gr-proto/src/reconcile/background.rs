//! What an engine does a little at a time, beside what people do: marking what was there before the partner, trying again what is
//! held, forgetting what is old, scans.

use crate::engine::Engine;
use crate::objects::transaction::Marking;
use crate::reconcile::scan;
use crate::{Now, limits};
use ledger::{BackgroundJob, Ledger, LedgerError, Seeding};

impl Engine {
    /// Marks what was here before there was a partner, some of it in each transaction.
    pub(crate) fn seed(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        let Some(Seeding { after }) = self.state.seeding else {
            return Ok(());
        };
        let ids = ledger.ids_after(after.as_ref(), self.config.limits.seeding)?;
        self.state.seeding = ids.last().map(|last| Seeding { after: Some(*last) });
        let mut tx = self.tx(now, ledger);
        for id in ids {
            if let Some(object) = tx.ledger.object(&id)?
                && tx.ledger.mark(&id)?.is_none()
            {
                tx.mark(&id, &object, Marking::Whole)?;
            }
        }
        Ok(())
    }

    /// Everything that is done a little at a time, beside what people do.
    pub(crate) fn background_jobs(
        &mut self,
        now: Now,
        ledger: &mut dyn Ledger,
    ) -> Result<(), LedgerError> {
        self.watch_clocks(now);
        self.mind_serving(now);
        self.twice
            .take_if(|at| now.mono >= at.plus(limits::TWICE_MS));
        if now.mono >= self.retry_at {
            self.retry_at = now.mono.plus(limits::HELD_RETRY_MS);
            self.count_agreement(now);
            self.retry(now, ledger)?;
            self.forget(now, ledger)?;
        }
        let damage = ledger.damage()?;
        if damage.bodies < self.damage.bodies {
            // What waits for its body may go (test `what_neither_has_is_held_until_its_body_is_back`).
            self.retry(now, ledger)?;
        }
        self.damage = damage;
        self.mind_kept(now, ledger);
        let retried = scan::step(&mut self.tx(now, ledger))?;
        if let Some(session) = &mut self.session {
            retried
                .into_iter()
                .for_each(|id| session.outbox.retries(id));
        }
        self.mind_task(now, ledger);
        Ok(())
    }

    /// What tasks have removed goes after a week.
    fn mind_kept(&mut self, now: Now, ledger: &mut dyn Ledger) {
        let before = self.destroyable(now, limits::KEPT_MS);
        let Some(kept) = &mut self.state.kept else {
            return;
        };
        // Dated by a clock that was ahead: the week begins anew, for otherwise it would take as long as the clock was wrong.
        kept.at = kept.at.min(now.wall);
        if before.is_some_and(|before| kept.at < before) {
            self.tx(now, ledger).scan(BackgroundJob::Purge);
        }
    }

    /// Forgets deletion records and incarnations that no backup can be older than.
    fn forget(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if !self.is_running() {
            return Ok(());
        }
        if let Some(before) = self.destroyable(now, limits::GRAVES_MS) {
            ledger.forget_deletion_records(before, self.config.limits.deletion_records_step)?;
        }
        // It may know only an older incarnation of this server, until it has acknowledged something of this one.
        let met = self
            .session
            .as_ref()
            .is_some_and(|s| s.outbox.settled() > 0);
        if !met {
            return Ok(());
        }
        let incarnations = ledger.history()?;
        let Some(present) = incarnations.last() else {
            return Ok(());
        };
        let surplus = incarnations
            .len()
            .saturating_sub(self.config.limits.history);
        let aged = self.destroyable(now, limits::HISTORY_MS);
        let old = incarnations[surplus].began.max(aged.unwrap_or_default());
        if incarnations[0].began < old.min(present.began) {
            ledger.forget_incarnations(old.min(present.began))?;
        }
        Ok(())
    }

    /// Tries again what is held, if anything is.
    pub(crate) fn retry(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if !ledger.held_after(None, 1)?.is_empty() {
            self.tx(now, ledger).scan(BackgroundJob::Retry);
        }
        Ok(())
    }
}
