//! The mail service: voice messages in, and the partner's GR mail.
//!
//! `listener` gives the rules by which connections are taken, `connection` moves bytes around a pure [`session`], `recipients` says who has a mailbox here,
//! `submission` who signs in, `gr_gate` whose mail to the replication engine is taken and how much of it,
//! `intake` takes whole mails, `replies` keeps the answers in order. Accepted means durable here and, while the partner is
//! running, on the partner too.

mod connection;
mod gr_gate;
mod intake;
mod listener;
mod recipients;
mod replies;
mod reply;
pub mod session;
mod submission;

pub use connection::gr_size_max;
pub use listener::{Beginning, Service, gate, places, run};
pub use reply::{Reply, Status};
