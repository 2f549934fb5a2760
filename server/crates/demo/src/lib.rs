//! What `callpilot demo` shows: twelve people on two servers, twenty-one messages among them, and a report for whoever tries the pair.
//!
//! This package makes the content and nothing else: it starts no server, opens no connection, and is given the time and random bytes. The
//! command in `server/src/cli/demo` does the rest; a server that serves uses none of this. One thing here reaches out of the program: the
//! speech of the messages is made by espeak-ng and kept in the account's cache.
//!
//! - [`people`]: who has a mailbox on a server;
//! - [`posts()`]: the messages as mail, ready to be handed over by SMTP;
//! - [`Half`]: one of the two servers, with its files and its configuration;
//! - [`SavedDemo`]: what a folder keeps so that the same pair comes up again;
//! - [`Report`]: what the command prints.
//!
//! ```no_run
//! let sent = vpim::Date { unix_s: 1_764_000_000, zone_min: 0 };
//! for post in demo::posts(sent, || [7; 12])? {
//!     println!("{} bytes for {} on {}", post.mail.len(), post.recipient, post.home);
//! }
//! # Ok::<(), demo::PostError>(())
//! ```
#![forbid(unsafe_code)]

mod cast;
mod fax;
mod half;
mod post;
mod report;
mod speech;

pub use cast::{NORTH, Person, SOUTH, people};
pub use half::{Half, SavedDemo};
pub use post::{Post, PostError, posts};
pub use report::Report;
