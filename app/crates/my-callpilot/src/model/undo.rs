//! The way back after an action, offered for ten seconds after the servers have made it, and held while the reader is at it.

use super::outbox::Outbox;
use contract::{MessagePatch, ObjectId};
use ui::length::counted;

/// How long the way back is offered.
pub const OFFERED_MS: u32 = 10_000;
/// A change of more messages takes so long that it is told while it is made.
const AT_ONCE_MAX: usize = 20;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Moved to Deleted.
    Deleted,
    /// Moved out of Deleted.
    Restored,
    /// Nothing: the messages were gone for good when they were to be brought back. There is no way back from it.
    Lost,
    /// Something else that is only told.
    Told,
}

/// How far an action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionStage {
    /// All of it is made.
    Made,
    /// The servers are making it.
    Making,
    /// No server answers: it waits in this browser.
    Waiting,
}

/// An action that can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// What was done.
    pub action: Action,
    /// To which messages.
    pub ids: Vec<ObjectId>,
    /// What is said of what is only told.
    told: String,
    left_ms: u32,
    held: bool,
}

impl Undo {
    /// Offers the way back from an action that was just done.
    pub fn new(action: Action, ids: Vec<ObjectId>) -> Self {
        Self {
            action,
            ids,
            told: String::new(),
            left_ms: OFFERED_MS,
            held: false,
        }
    }

    /// Tells something for as long as a way back is offered.
    pub fn told(words: String) -> Self {
        Self {
            told: words,
            ..Self::new(Action::Told, Vec::new())
        }
    }

    /// How far the action has come, with the changes that wait and whether a server answers.
    pub fn stage(&self, waiting: &Outbox, connected: bool) -> ActionStage {
        match (waiting.holds_any(&self.ids), connected) {
            (false, _) => ActionStage::Made,
            (true, true) => ActionStage::Making,
            (true, false) => ActionStage::Waiting,
        }
    }

    /// The sentences beside the button. `home` is the folder to which messages come back.
    pub fn words(&self, stage: ActionStage, home: &str) -> String {
        let number = self.ids.len();
        let messages = counted(number as u64, "message");
        let one = number == 1;
        let whereto = match self.action {
            Action::Told => return self.told.clone(),
            Action::Deleted => "to Deleted".to_owned(),
            Action::Restored => format!("back to {home}"),
            Action::Lost => {
                let were = if one { "it was" } else { "they were" };
                return format!("{messages} cannot be brought back: {were} deleted for good.");
            }
        };
        if stage == ActionStage::Making && number > AT_ONCE_MAX {
            return format!("Moving {messages} {whereto}\u{2026}");
        }
        let mut words = format!("{messages} moved {whereto}.");
        if stage == ActionStage::Waiting {
            words.push_str(match one {
                true => " Not sent yet: no connection. It goes out by itself, once.",
                false => " Not sent yet: no connection. They go out by themselves, once.",
            });
        }
        words
    }

    /// The change that takes it back, if there is one.
    pub fn patch(&self) -> Option<MessagePatch> {
        let deleted = match self.action {
            Action::Deleted => false,
            Action::Restored => true,
            Action::Lost | Action::Told => return None,
        };
        Some(MessagePatch {
            deleted: Some(deleted),
            unread: None,
        })
    }

    /// The pointer or the focus is on it (or no longer): its time stands still meanwhile.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Time passes; true when the offer has ended. Its time begins when all of the action is made.
    pub fn tick(&mut self, passed_ms: u32, waiting: &Outbox) -> bool {
        if !self.held && !waiting.holds_any(&self.ids) {
            self.left_ms = self.left_ms.saturating_sub(passed_ms);
        }
        self.left_ms == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::id;

    const DELETED: MessagePatch = MessagePatch {
        deleted: Some(true),
        unread: None,
    };

    fn of(action: Action, number: u8) -> Undo {
        Undo::new(action, (0..number).map(id).collect())
    }

    #[test]
    fn the_offer_ends_after_ten_seconds() {
        let mut undo = of(Action::Deleted, 1);
        let nothing = Outbox::default();
        assert!(!undo.tick(9_999, &nothing));
        assert!(undo.tick(1, &nothing));
    }

    #[test]
    fn it_is_held_while_the_reader_is_at_it() {
        let mut undo = of(Action::Deleted, 1);
        let nothing = Outbox::default();
        undo.tick(9_000, &nothing);
        undo.hold(true);
        assert!(!undo.tick(60_000, &nothing));
        undo.hold(false);
        assert!(undo.tick(1_000, &nothing));
    }

    #[test]
    fn its_time_begins_when_the_last_message_has_been_moved() {
        let mut undo = of(Action::Deleted, 50);
        let mut waiting = Outbox::default();
        waiting.add(id(49), DELETED);
        waiting.add(id(99), DELETED);
        assert!(!undo.tick(60_000, &waiting));
        assert_eq!(undo.stage(&waiting, true), ActionStage::Making);
        assert_eq!(undo.stage(&waiting, false), ActionStage::Waiting);
        waiting.confirm(id(49), &DELETED);
        assert_eq!(undo.stage(&waiting, true), ActionStage::Made);
        assert!(!undo.tick(9_999, &waiting));
        assert!(undo.tick(1, &waiting));
    }

    #[test]
    fn the_words_carry_the_number_and_the_change_is_the_opposite_of_the_action() {
        let (one, three) = (of(Action::Deleted, 1), of(Action::Restored, 3));
        assert_eq!(
            one.words(ActionStage::Made, "Inbox"),
            "1 message moved to Deleted."
        );
        assert_eq!(
            three.words(ActionStage::Made, "Sent"),
            "3 messages moved back to Sent."
        );
        let deleted = |undo: &Undo| undo.patch().and_then(|patch| patch.deleted);
        assert_eq!(deleted(&one), Some(false));
        assert_eq!(deleted(&three), Some(true));
    }

    #[test]
    fn what_is_not_made_yet_is_not_told_as_done() {
        let (one, many) = (of(Action::Deleted, 1), of(Action::Deleted, 200));
        assert_eq!(
            one.words(ActionStage::Waiting, "Inbox"),
            "1 message moved to Deleted. Not sent yet: no connection. It goes out by itself, once."
        );
        assert!(
            many.words(ActionStage::Waiting, "Inbox")
                .ends_with("They go out by themselves, once.")
        );
        assert_eq!(
            many.words(ActionStage::Making, "Inbox"),
            "Moving 200 messages to Deleted\u{2026}"
        );
        // A few take less than a moment.
        assert_eq!(
            one.words(ActionStage::Making, "Inbox"),
            one.words(ActionStage::Made, "Inbox")
        );
    }

    #[test]
    fn what_is_gone_for_good_cannot_be_brought_back() {
        let lost = of(Action::Lost, 2);
        assert_eq!(
            lost.words(ActionStage::Made, "Inbox"),
            "2 messages cannot be brought back: they were deleted for good."
        );
        assert_eq!(lost.patch(), None);
    }
}
