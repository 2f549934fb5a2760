//! The way back after an action, offered for ten seconds, and held while the reader is at it.

use contract::{MessagePatch, ObjectId};
use ui::length::counted;

/// How long the way back is offered.
pub const OFFERED_MS: u32 = 10_000;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Moved to Deleted.
    Deleted,
    /// Moved out of Deleted.
    Restored,
}

/// An action that can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// What was done.
    pub action: Action,
    /// To which messages.
    pub ids: Vec<ObjectId>,
    left_ms: u32,
    held: bool,
}

impl Undo {
    /// Offers the way back from an action that was just done.
    pub fn new(action: Action, ids: Vec<ObjectId>) -> Self {
        Self {
            action,
            ids,
            left_ms: OFFERED_MS,
            held: false,
        }
    }

    /// The sentence beside the button.
    pub fn words(&self) -> String {
        let messages = counted(self.ids.len() as u64, "message");
        match self.action {
            Action::Deleted => format!("{messages} moved to Deleted."),
            Action::Restored => format!("{messages} moved back to Inbox."),
        }
    }

    /// The change that takes it back.
    pub fn patch(&self) -> MessagePatch {
        MessagePatch {
            deleted: Some(self.action == Action::Restored),
            unread: None,
        }
    }

    /// The pointer or the focus is on it (or no longer): its time stands still meanwhile.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Time passes; true when the offer has ended.
    pub fn tick(&mut self, passed_ms: u32) -> bool {
        if !self.held {
            self.left_ms = self.left_ms.saturating_sub(passed_ms);
        }
        self.left_ms == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::id;

    #[test]
    fn the_offer_ends_after_ten_seconds() {
        let mut undo = Undo::new(Action::Deleted, vec![id(1)]);
        assert!(!undo.tick(9_999));
        assert!(undo.tick(1));
    }

    #[test]
    fn it_is_held_while_the_reader_is_at_it() {
        let mut undo = Undo::new(Action::Deleted, vec![id(1)]);
        undo.tick(9_000);
        undo.hold(true);
        assert!(!undo.tick(60_000));
        undo.hold(false);
        assert!(undo.tick(1_000));
    }

    #[test]
    fn the_words_carry_the_number_and_the_change_is_the_opposite_of_the_action() {
        let one = Undo::new(Action::Deleted, vec![id(1)]);
        let three = Undo::new(Action::Restored, vec![id(1), id(2), id(3)]);
        assert_eq!(one.words(), "1 message moved to Deleted.");
        assert_eq!(three.words(), "3 messages moved back to Inbox.");
        assert_eq!(one.patch().deleted, Some(false));
        assert_eq!(three.patch().deleted, Some(true));
    }
}
