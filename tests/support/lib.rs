//! What the tests of whole servers share: real processes on loopback, talked to over real sockets.
//!
//! Everything waits for a state, never for a time, and never longer than [`LIMIT`].

mod authority;
pub mod compose;
mod crowd;
mod http;
mod one_time_code;
mod pair;
mod proxy;
mod receiver;
mod server;
mod smtp;
pub mod voice;
mod wait;
mod wire;

pub use authority::Authority;
pub use crowd::{connect_from, crowd, limit_open_files};
pub use http::{Answer, Events, Http};
pub use one_time_code::{base32, one_time_code};
pub use pair::Pair;
pub use proxy::Proxy;
pub use receiver::{Received, Receiver, Verdict};
pub use server::{PASSWORD, Server, program};
pub use smtp::{Reply, Smtp, transaction};
pub use wait::{LIMIT, until};
pub use wire::{Tls, Wire, certificate};
