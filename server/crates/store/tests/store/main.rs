//! The store from outside: what it keeps, what it finds after a crash, and what it says when the disk fails.

mod before;
mod bodies;
mod compaction;
mod conformance;
mod crash;
mod damage;
mod faults;
mod held;
mod log;
mod mailbox;
mod pieces;
mod room;
mod secrets;
mod spaces;
mod start;
mod support;
