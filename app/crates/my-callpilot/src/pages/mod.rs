//! The pages of My CallPilot, one file each, and what the pages of a folder share.

pub mod compose;
pub mod configure;
pub mod drafts;
pub mod features;
pub mod information;
pub mod lazy;
pub mod list_window;
pub mod login;
pub mod messages;
pub mod not_found;
pub mod password;

mod folder_context;
mod list_toolbar;
mod message_content;
mod message_list;
mod message_rows;
mod no_message;
mod reader;
