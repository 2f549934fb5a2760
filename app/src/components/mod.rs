//! One file for each reusable piece.

pub mod button;
pub mod connection_banner;
pub mod dialogs;
pub mod icons;
pub mod key_help;
pub mod message_row;
pub mod panel;
pub mod partner_indicator;
pub mod player;
pub mod toast;
