//! Changes of the reader that no server has confirmed yet. They wait here, survive a reload, and go out by themselves.
//!
//! Each is the wanted state of one message, so sending it twice, or to the other server, does the same as sending it once.

use contract::{Folder, MessagePatch, MessageRow, ObjectId};
use serde::{Deserialize, Serialize};
use ui::sdk::json;

/// The waiting changes, oldest first; at most one for each message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox(Vec<(ObjectId, MessagePatch)>);

impl Outbox {
    /// Adds a change. What it says of a message replaces what waited for it; the rest of what waited stays.
    pub fn add(&mut self, id: ObjectId, patch: MessagePatch) {
        match self.0.iter_mut().find(|(waiting, _)| *waiting == id) {
            Some((_, waiting)) => {
                waiting.unread = patch.unread.or(waiting.unread);
                waiting.deleted = patch.deleted.or(waiting.deleted);
            }
            None => self.0.push((id, patch)),
        }
    }

    /// A server has confirmed a change: what it said no longer waits, what was wanted since does.
    pub fn confirm(&mut self, id: ObjectId, sent: &MessagePatch) {
        for (_, waiting) in self.0.iter_mut().filter(|(waiting, _)| *waiting == id) {
            if waiting.unread == sent.unread {
                waiting.unread = None;
            }
            if waiting.deleted == sent.deleted {
                waiting.deleted = None;
            }
        }
        self.0
            .retain(|(_, waiting)| *waiting != MessagePatch::default());
    }

    /// A server has refused it for good: it is given up.
    pub fn give_up(&mut self, id: ObjectId) {
        self.0.retain(|(waiting, _)| *waiting != id);
    }

    /// Whether a change of this message waits.
    pub fn holds(&self, id: ObjectId) -> bool {
        self.0.iter().any(|(waiting, _)| *waiting == id)
    }

    /// Whether a change of any of these messages waits.
    pub fn holds_any(&self, ids: &[ObjectId]) -> bool {
        // Both are in the order in which they were asked for, so that the first that waits is found soon.
        self.0.iter().any(|(waiting, _)| ids.contains(waiting))
    }

    /// Whether this message waits to be brought back from Deleted.
    pub fn brings_back(&self, id: ObjectId) -> bool {
        let mut waiting = self.0.iter();
        waiting.any(|(waiting, patch)| *waiting == id && patch.deleted == Some(false))
    }

    /// Shows what waits over a row as a server has it.
    pub fn overlay(&self, row: &mut MessageRow) {
        if let Some((_, patch)) = self.0.iter().find(|(id, _)| *id == row.id) {
            overlay(patch, row);
        }
    }

    /// What is to be sent, oldest first.
    pub fn waiting(&self) -> &[(ObjectId, MessagePatch)] {
        &self.0
    }

    /// As it is stored.
    pub fn to_json(&self) -> Option<String> {
        json::write(self)
    }

    /// Reads what was stored.
    pub fn from_json(json: &str) -> Option<Self> {
        json::read(json.as_bytes()).ok()
    }

    /// How many messages have a change that waits.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows a patch on a row as the server will.
pub fn overlay(patch: &MessagePatch, row: &mut MessageRow) {
    if let Some(unread) = patch.unread {
        row.unread = unread;
    }
    match patch.deleted {
        Some(true) => row.folder = Folder::Deleted,
        Some(false) if row.folder == Folder::Deleted => row.folder = home_of(row),
        _ => {}
    }
}

/// The folder to which a message comes back from Deleted: what one has sent lies in Sent.
fn home_of(row: &MessageRow) -> Folder {
    match row.sent_to.is_empty() {
        true => Folder::Inbox,
        false => Folder::Sent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{id, row};

    const HEARD: MessagePatch = MessagePatch {
        unread: Some(false),
        deleted: None,
    };
    const DELETED: MessagePatch = MessagePatch {
        unread: None,
        deleted: Some(true),
    };
    const BACK: MessagePatch = MessagePatch {
        unread: None,
        deleted: Some(false),
    };

    #[test]
    fn changes_of_one_message_become_one() {
        let mut outbox = Outbox::default();
        outbox.add(id(1), HEARD);
        outbox.add(id(1), DELETED);
        outbox.add(id(1), BACK);
        let both = MessagePatch {
            unread: Some(false),
            deleted: Some(false),
        };
        assert_eq!(outbox.waiting(), [(id(1), both)]);
    }

    #[test]
    fn an_undo_made_while_the_deletion_was_on_its_way_still_goes_out() {
        let mut outbox = Outbox::default();
        outbox.add(id(1), DELETED);
        let sent = outbox.waiting()[0].1;
        outbox.add(id(1), BACK);
        outbox.confirm(id(1), &sent);
        assert_eq!(outbox.waiting(), [(id(1), BACK)]);
        outbox.confirm(id(1), &BACK);
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_waits_is_seen_over_the_servers_row_and_survives_a_reload() {
        let mut outbox = Outbox::default();
        outbox.add(id(1), DELETED);
        let outbox = Outbox::from_json(&outbox.to_json().unwrap()).unwrap();
        let (mut changed, mut other) = (row(1, 0), row(2, 0));
        outbox.overlay(&mut changed);
        outbox.overlay(&mut other);
        assert_eq!(
            (changed.folder, other.folder),
            (Folder::Deleted, Folder::Inbox)
        );
    }

    #[test]
    fn what_one_has_sent_comes_back_to_sent() {
        let mut sent = MessageRow {
            sent_to: vec![contract::Party::default()],
            folder: Folder::Sent,
            ..row(1, 0)
        };
        overlay(&DELETED, &mut sent);
        assert_eq!(sent.folder, Folder::Deleted);
        overlay(&BACK, &mut sent);
        assert_eq!(sent.folder, Folder::Sent);
    }
}
