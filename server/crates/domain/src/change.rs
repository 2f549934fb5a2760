//! Every local mutation, as data.

use crate::{BodyRef, Key, Kind, Value};
use contract::ObjectId;

/// One mutation of one object. Applied by the engine in the transaction that also marks the object (E1); the engine gives each
/// register its version, so a change carries values only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new object. If the id is there already, nothing happens: a retry cannot make it twice.
    Create {
        /// Its identity, chosen by whoever makes it.
        id: ObjectId,
        /// What it is.
        kind: Kind,
        /// The user it belongs to.
        owner: Option<ObjectId>,
        /// Its body, durable or appended in the same transaction (E16).
        body: Option<BodyRef>,
        /// Its first registers.
        registers: Vec<(Key, Value)>,
    },
    /// Other values for some registers. A value equal to the present one changes nothing.
    Set {
        /// Which object.
        id: ObjectId,
        /// What is set.
        registers: Vec<(Key, Value)>,
    },
    /// The object goes for good. Deleting what is not there does nothing.
    Delete {
        /// Which object.
        id: ObjectId,
    },
}

impl Change {
    /// The object it is about.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::Create { id, .. } | Self::Set { id, .. } | Self::Delete { id } => *id,
        }
    }
}
