//! What the writer of a store and its readers share.

use crate::noted::SharedNoted;
use crate::secrets::Secrets;

/// A handle.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// What readers find damaged.
    pub noted: SharedNoted,
    /// How secrets go to the disk.
    pub secrets: Secrets,
}
