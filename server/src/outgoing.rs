//! Delivering to other systems: where a domain's mail goes ([`routes`], `mail_exchangers`), one connection there (`transaction`), and what is tried when
//! (`courier`). What becomes of a message, and who is told, are rules of [`crate::operations::outgoing`].

mod courier;
pub mod hop;
mod mail_exchangers;
pub mod routes;
mod transaction;

pub use courier::run;
