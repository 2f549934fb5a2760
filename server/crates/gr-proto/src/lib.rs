//! The replication engine of a GR pair.

mod apply;
mod config;
mod engine;
mod entropy;
mod inbox;
mod io;
pub mod limits;
mod lives;
mod local;
mod meeting;
pub mod memory;
mod message;
mod outbox;
mod ranges;
mod rules;
mod select;
mod session;
mod status;
mod talk;
mod tx;
pub mod wire;

pub use config::{Config, Mono, Now, Timers};
pub use engine::Engine;
pub use io::{Changed, Event, How, Input, NewLife, Output, PartnerState, PartnerStatus};
pub use message::{Ack, Header, Hello, Item, Message, Payload, Reason, Refusal, Report, Seen};
pub use ranges::RangeSet;
pub use rules::{Rule, Rules};
