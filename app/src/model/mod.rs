//! The rules of the browser client that need no browser. They take what they work on (rows, the time, the reader's zone) and
//! give back what to show; nothing here touches the DOM, a clock or the network, so that everything is tested natively.

pub mod arrivals;
pub mod clock;
pub mod connection;
pub mod kept;
pub mod keys;
pub mod length;
pub mod links;
pub mod mail;
pub mod outbox;
pub mod outline;
pub mod route;
pub mod search;
pub mod steps;
pub mod undo;
pub mod wave;
pub mod words;

#[cfg(test)]
mod samples;
