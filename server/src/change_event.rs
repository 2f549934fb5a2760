//! What has changed: told to whoever listens, after the commit.

use domain::{Kind, ObjectId};

/// Something that a listener's user may want to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeEvent {
    /// An object is new or has changed, here or by the partner's word.
    Object {
        /// Which.
        id: ObjectId,
        /// The user it belongs to.
        owner: Option<ObjectId>,
        /// What it is.
        kind: Kind,
        /// It was not there before.
        arrived: bool,
    },
    /// An object is on both servers now.
    Safe {
        /// Which.
        id: ObjectId,
    },
    /// An object is gone for good.
    Gone {
        /// Which.
        id: ObjectId,
        /// The user it belonged to.
        owner: Option<ObjectId>,
        /// What it was.
        kind: Kind,
    },
    /// The pair's state has changed.
    Pair,
    /// A rebuild has replaced everything: what was read before is worth nothing.
    Rebuilt,
}
