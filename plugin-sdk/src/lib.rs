//! The client's side of a CallPilot GR pair: finds the partner, stays connected and says so honestly (R29-R34).
//!
//! [`Client`] is what an application uses: log in, read the mailbox, listen. Behind it the [`Connector`] decides which of the
//! two servers is asked; it is a pure state machine without clock, random or IO. A [`Transport`] does the IO: one for
//! browsers, one for native programs (feature `native`).
//!
//! ```text
//! application -> Client -> Connector   (decides: which server, when to probe, when to go back)
//!                      \-> Transport   (does: fetch, sleep, store)
//! ```
//!
//! What is not here: pages, words, sound. The wire types are those of the `contract` crate, re-exported as [`contract`].

pub mod client;
pub mod connector;
pub mod dialog;
mod error;
mod pair;
pub mod status;
pub mod transport;

pub use client::{Client, ClientEvent, Config, Progress, Subscription};
pub use connector::{Connector, Millis, Replay, Timing};
pub use contract;
pub use error::Error;
pub use pair::{Endpoint, Pair, Side};
#[doc(hidden)]
pub use status::FailbackWait as BackWait;
pub use status::{FailbackWait, Health, ServerStatus, State, Status, Why};
pub use transport::Transport;
