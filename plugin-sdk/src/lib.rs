//! The client's side of a CallPilot GR pair: finds the partner, stays connected and says so honestly (R29-R34).
//!
//! [`Client`] is what an application uses, by resource: `client.messages().page(…)`, `client.users().create(…)`. Behind it the
//! [`Connector`] decides which of the two servers is asked, when it fails over and when it goes back; it is a pure state machine without
//! clock, random or IO. A [`Transport`] does the IO: one for browsers, one for native programs (feature `native`). A program with
//! threads uses a `Handle`: the same client on a thread of its own.
//!
//! ```text
//! application -> Handle -> Client -> Connector   (decides: which server, when to probe, when to fail over and back, what is repeated)
//!                                \-> Transport   (does: fetch, sleep, store)
//! ```
//!
//! Each call says its [`Replay`] class, so what a caller does once does not happen twice, whatever fails in the middle of it.
//!
//! What is not here: pages, words, sound. The wire types are those of the `contract` crate, re-exported as [`contract`].

pub mod client;
pub mod connector;
pub mod dialog;
mod error;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod handle;
pub mod json;
mod pair;
pub mod status;
pub mod transport;

pub use client::{Client, ClientEvent, Config, Progress, Subscription};
pub use connector::{Connector, Millis, Replay, Timing};
pub use contract;
pub use error::Error;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub use handle::Handle;
pub use pair::{Endpoint, Pair, Side};
#[doc(hidden)]
pub use status::{FailbackWait, Health, ServerStatus, State, Status, Why};
pub use transport::Transport;
