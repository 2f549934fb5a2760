//! The pages of My CallPilot, one file each.

pub mod configure;
pub mod information;
pub mod list_toolbar;
pub mod login;
pub mod message_list;
pub mod messages;
pub mod not_found;
pub mod reader;
