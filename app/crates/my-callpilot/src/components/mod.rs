//! One file for each reusable piece.

pub mod message_row;
pub mod undo_toast;
