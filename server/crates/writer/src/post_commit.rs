//! What a group leaves to do when it is durable.

use crate::host::Host;
use crate::job::{Done, WriteReply};
use domain::{ObjectId, ReplicationConstraints};
use gr_proto::Output;

/// What one group leaves to do when it is durable.
pub(crate) struct PostCommit<H: Host> {
    /// What the engine has to say.
    pub(crate) outputs: Vec<Output>,
    /// Callers of writes, each with the changes that the partner has to hear of.
    pub(crate) replies: Vec<(WriteReply, Vec<(ObjectId, u64)>)>,
    /// Changes of the pair.
    pub(crate) paired: Vec<(Option<H::Pair>, Done)>,
    /// The engine's answers to commands.
    pub(crate) commanded: Vec<Box<dyn FnOnce() + Send>>,
    /// Bytes of bodies that may be moved to give disk space back.
    pub(crate) compact: u64,
    /// Rows that turned out unreadable, bodies that turned out missing, and bodies that the disk gives again.
    pub(crate) unreadable_rows: u64,
    pub(crate) lost_bodies: u64,
    pub(crate) found_again: u64,
    /// What the group made of the server's conditions.
    pub(crate) constraints: Option<ReplicationConstraints>,
    /// Whoever has asked the writer to end.
    pub(crate) stopped: Vec<Done>,
}

impl<H: Host> Default for PostCommit<H> {
    fn default() -> Self {
        Self {
            outputs: Vec::new(),
            replies: Vec::new(),
            paired: Vec::new(),
            commanded: Vec::new(),
            compact: 0,
            unreadable_rows: 0,
            lost_bodies: 0,
            found_again: 0,
            constraints: None,
            stopped: Vec::new(),
        }
    }
}

impl<H: Host> PostCommit<H> {
    /// Says once for a whole group what of the disk was found damaged.
    pub(crate) fn tell_damage(&self) {
        let (rows, bodies) = (self.unreadable_rows, self.lost_bodies);
        if rows + bodies > 0 {
            metrics::counter!("callpilot_damaged_total", "what" => "rows").increment(rows);
            metrics::counter!("callpilot_damaged_total", "what" => "bodies").increment(bodies);
            tracing::warn!(
                rows,
                bodies,
                "the disk has damaged what is stored here; it is asked from the GR partner. Look at `callpilot gr status`, and at \
                 the disk"
            );
        }
        if self.found_again > 0 {
            tracing::info!(
                bodies = self.found_again,
                "content that could not be read can be read again"
            );
        }
    }
}
