//! The replication engine of a GR pair.

mod config;
mod engine;
mod io;
pub mod limits;
mod message;
mod ranges;
mod rules;

pub use config::{Config, Mono, Now, Timers};
pub use engine::Engine;
pub use io::{Changed, Event, How, Input, NewLife, Output, PartnerState, PartnerStatus};
pub use message::{Ack, Header, Hello, Item, Message, Payload, Reason, Refusal, Report, Seen};
pub use ranges::RangeSet;
pub use rules::{Rule, Rules};
