//! What a group leaves to do when it is durable.

use super::job::{Reply, Said};
use crate::gr::pairing::Pairing;
use domain::{Conditions, ObjectId};
use gr_proto::Output;
use tokio::sync::oneshot;

/// What one group leaves to do when it is durable.
#[derive(Default)]
pub(super) struct Aftermath {
    /// What the engine has to say.
    pub(super) outputs: Vec<Output>,
    pub(super) replies: Vec<(Reply, Vec<(ObjectId, u64)>)>,
    pub(super) paired: Vec<(Option<Pairing>, oneshot::Sender<()>)>,
    pub(super) ordered: Vec<(Said, oneshot::Sender<Said>)>,
    pub(super) compact: u64,
    /// Rows that turned out unreadable, bodies that turned out missing, and bodies that the disk gives again.
    pub(super) unreadable_rows: u64,
    pub(super) lost_bodies: u64,
    pub(super) found_again: u64,
    /// What the group made of the server's conditions.
    pub(super) conditions: Option<Conditions>,
    pub(super) stopped: Vec<oneshot::Sender<()>>,
}

impl Aftermath {
    /// Says once for a whole group what of the disk was found damaged.
    pub(super) fn tell_damage(&self) {
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
