//! Every duration that the connector goes by, in milliseconds.

/// Durations in milliseconds. Tests and demonstrations may shorten them; [`Timing::default`] is what users get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {}

impl Default for Timing {
    fn default() -> Self {
        Self {}
    }
}
