//! What happens to objects: a local change, what the partner sent, and what of them leaves in the next message.

pub(crate) mod apply;
pub(crate) mod batch;
pub(crate) mod local;
pub(crate) mod select;
pub(crate) mod transaction;
