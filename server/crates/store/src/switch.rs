//! What a rebuild has staged becomes live, and what was live is kept, by renaming tables (E18).

use crate::space::{STAGED, Space};
use crate::{StoreError, Tx, view};
use domain::ObjectId;

/// What was live is kept, what was staged is live, and the table of what was kept, which is empty, waits for the next rebuild.
pub(crate) const SWITCH: &str = "
    ALTER TABLE kept          RENAME TO spare;
    ALTER TABLE object        RENAME TO kept;
    ALTER TABLE staged        RENAME TO object;
    ALTER TABLE spare         RENAME TO staged;
    ALTER TABLE digest        RENAME TO spare;
    ALTER TABLE digest_staged RENAME TO digest;
    ALTER TABLE spare         RENAME TO digest_staged;
    DELETE FROM digest_staged;
";

impl Tx<'_> {
    /// Removes at most `limit` objects from what is staged, and returns how many.
    pub(crate) fn unstage_some(&mut self, limit: usize) -> Result<usize, StoreError> {
        let first: &[u8] = &[];
        let ids: Vec<ObjectId> = view::ids(&self.writer.conn, STAGED.ids, (first, limit))?;
        for id in &ids {
            self.remove_from(Space::Staged, id)?;
        }
        if ids.is_empty() {
            self.mend_live()?;
        }
        Ok(ids.len())
    }

    /// Makes what is staged live, and keeps what was live.
    ///
    /// SQLite prepares every statement anew that was prepared before the switch, here and in the readers; a reader in the middle of
    /// a snapshot goes on in the old one.
    pub(crate) fn switch_spaces(&mut self) -> Result<(), StoreError> {
        if !self.view().is_empty(Space::Kept)? {
            return Err(StoreError::StillKept);
        }
        self.flush_sums()?;
        self.writer.conn.execute_batch(SWITCH)?;
        self.users = self.view().user_count(None)?;
        self.mend_live()
    }
}
