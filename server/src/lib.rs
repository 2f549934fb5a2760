//! One CallPilot server: listeners around pure sessions, delivery, and the shell of the replication engine.
//!
//! [`site::Site`] is what every listener talks to. Below it one thread writes (`commit`), many read. ARCHITECTURE.md has the walk
//! of one voice message through these modules.

pub mod clock;
pub mod config;
pub mod gr;
pub mod login;
pub mod password;
pub mod site;
pub mod token;
pub mod upkeep;

mod commit;
