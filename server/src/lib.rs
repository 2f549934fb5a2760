//! One CallPilot server: listeners around pure sessions, delivery, and the shell of the replication engine.
//!
//! [`server::Server`] is what every listener talks to. Below it one thread writes ([`writer::Writer`]), many read. ARCHITECTURE.md has the walk
//! of one voice message through these modules.

pub mod act;
pub mod audit;
pub mod audit_trail;
pub mod cli;
pub mod clock;
pub mod config;
pub mod constraints;
pub mod files;
pub mod gr;
pub mod housekeeping;
pub mod http;
pub mod listen;
pub mod local_socket;
pub mod log;
pub mod login;
pub mod network;
pub mod one_time_code;
pub mod operations;
pub mod outgoing;
pub mod partly_delivered;
pub mod password;
mod processor_turns;
pub mod reading;
pub mod reload;
pub mod run_info;
pub mod scrub;
pub mod secrets;
pub mod sender_rates;
pub mod serve;
pub mod server;
pub mod smtp;
mod smtp_client;
pub mod token;
pub mod upkeep_faults;

mod change_event;
mod counted;
mod writer_thread;
