//! The rules of My CallPilot that need no browser. They take what they work on (rows, the time, the reader's zone) and
//! give back what to show; nothing here touches the DOM, a clock or the network, so that everything is tested natively.

pub mod answering;
pub mod arrivals;
pub mod arriving;
pub mod attaching;
pub mod composition;
pub mod greetings;
pub mod ids;
pub mod kept;
pub mod kept_sounds;
pub mod list_window;
pub mod lists;
pub mod loudness;
pub mod mail;
pub mod microphone;
pub mod outbox;
pub mod outline;
pub mod preferences;
pub mod recording;
pub mod row_length;
pub mod search;
pub mod suggesting;
pub mod telephone;
pub mod undo;
pub mod wave;
pub mod words;

#[cfg(test)]
pub(crate) mod samples;
