//! Decides which server of the pair is asked.
pub mod timing;
pub use timing::Timing;

/// Milliseconds of a clock that never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

/// The state machine.
#[derive(Debug)]
pub struct Connector {}
