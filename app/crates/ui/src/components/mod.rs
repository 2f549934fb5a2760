//! One file for each reusable piece.

pub mod brand;
pub mod button;
pub mod connection_banner;
pub mod dialogs;
pub mod icons;
pub mod key_help;
pub mod panel;
pub mod partner_indicator;
