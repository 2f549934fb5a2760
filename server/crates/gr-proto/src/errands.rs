//! What an engine does a little at a time, beside what people do: marking what was there before the partner, trying again what is
//! held, forgetting what is old, walks.

use crate::engine::Engine;
use crate::tx::Marking;
use crate::{Now, limits, walk};
use domain::{Errand, Ledger, LedgerError, Seeding, Timestamp};

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
    pub(crate) fn errands(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if now.mono >= self.retry_at {
            self.retry_at = now.mono.plus(limits::HELD_RETRY_MS);
            self.retry(now, ledger)?;
            self.forget(now, ledger)?;
        }
        let kept = self.state.kept.map(|kept| kept.at.0);
        if kept.is_some_and(|at| now.wall.0.saturating_sub(at) > limits::KEPT_MS) {
            self.tx(now, ledger).walk(Errand::Purge);
        }
        let retried = walk::step(&mut self.tx(now, ledger))?;
        if let Some(session) = &mut self.session {
            retried
                .into_iter()
                .for_each(|id| session.outbox.retries(id));
        }
        self.mind_task(now, ledger);
        Ok(())
    }

    /// Forgets graves and lives that no backup can be older than, while both clocks say the same of how long ago that was.
    fn forget(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        let heard = self.session.as_ref().and_then(|session| session.heard);
        let agree = heard.is_some_and(|(wall, at)| {
            // What the partner's clock shows now; this server's own may have leapt since it was heard.
            let passed = i64::try_from(now.mono.since(at)).unwrap_or(i64::MAX);
            let there = wall.0.saturating_add(passed);
            now.wall.0.abs_diff(there) < limits::CLOCKS_AGREE_MS
        });
        if !self.is_running() || !agree {
            return Ok(());
        }
        let before = |ms: i64| Timestamp(now.wall.0.saturating_sub(ms));
        ledger.forget_graves(before(limits::GRAVES_MS), self.config.limits.graves_step)?;
        let lives = ledger.lineage()?;
        let Some(present) = lives.last() else {
            return Ok(());
        };
        let surplus = lives.len().saturating_sub(self.config.limits.lineage);
        let old = before(limits::LINEAGE_MS).max(lives[surplus].began);
        if lives[0].began < old.min(present.began) {
            ledger.forget_lives(old.min(present.began))?;
        }
        Ok(())
    }

    /// Tries again what is held, if anything is.
    pub(crate) fn retry(&mut self, now: Now, ledger: &mut dyn Ledger) -> Result<(), LedgerError> {
        if !ledger.held_after(None, 1)?.is_empty() {
            self.tx(now, ledger).walk(Errand::Retry);
        }
        Ok(())
    }
}
