//! The order of sending: users first; then messages marked within the last minute, newest first; then the rest, oldest first. Each
//! fourth message starts with the oldest, so that a steady stream of fresh messages starves nobody.

use crate::limits;
use crate::objects::transaction::Tx;
use domain::{ObjectId, Timestamp};
use ledger::{Lane, LedgerError, Mark, Order};

/// One pass over the marks. Each is offered at least once, some twice; whoever takes them knows what it has taken.
pub(crate) struct Selection {
    users: MarkQueue,
    fresh: MarkQueue,
    oldest: MarkQueue,
}

impl Selection {
    /// A pass over the marks, of which `skipped` are expected to be refused by the taker.
    pub(crate) fn new(tx: &Tx<'_>, skipped: usize) -> Self {
        let limit = skipped + tx.config.limits.batch_items;
        let queue = |lane, order| MarkQueue {
            lane,
            order,
            limit,
            read: None,
            cut: false,
        };
        Self {
            users: queue(Lane::Users, Order::Oldest),
            fresh: queue(Lane::Messages, Order::Newest),
            oldest: queue(Lane::Messages, Order::Oldest),
        }
    }

    /// Whether there may be more marks than this pass offers.
    pub(crate) fn is_cut(&self) -> bool {
        self.users.cut || self.fresh.cut || self.oldest.cut
    }

    /// The next marked object.
    pub(crate) fn next(
        &mut self,
        tx: &mut Tx<'_>,
        oldest_first: bool,
    ) -> Result<Option<(ObjectId, Mark)>, LedgerError> {
        let fresh_from = Timestamp(tx.now.wall.0.saturating_sub(limits::FRESH_MS));
        if oldest_first && let Some(next) = self.oldest.next(tx, Timestamp(i64::MIN))? {
            return Ok(Some(next));
        }
        if let Some(next) = self.users.next(tx, Timestamp(i64::MIN))? {
            return Ok(Some(next));
        }
        if let Some(next) = self.fresh.next(tx, fresh_from)? {
            return Ok(Some(next));
        }
        self.oldest.next(tx, Timestamp(i64::MIN))
    }
}

/// Marks of one lane in one order, read when the first of them is asked for.
struct MarkQueue {
    lane: Lane,
    order: Order,
    limit: usize,
    read: Option<std::vec::IntoIter<(ObjectId, Mark)>>,
    /// There may be more than was read.
    cut: bool,
}

impl MarkQueue {
    fn next(
        &mut self,
        tx: &mut Tx<'_>,
        from: Timestamp,
    ) -> Result<Option<(ObjectId, Mark)>, LedgerError> {
        if self.read.is_none() {
            let marks = tx.ledger.marks(self.lane, self.order, from, self.limit)?;
            self.cut = marks.len() == self.limit;
            self.read = Some(marks.into_iter());
        }
        Ok(self.read.as_mut().and_then(Iterator::next))
    }
}
