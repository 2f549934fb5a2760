//! The copy of the mailbox that this browser keeps, so that a page opened without a connection shows what it last knew.

use super::outbox::Outbox;
use contract::{Folder, MessageList, MessageRow, Timestamp};
use serde::{Deserialize, Serialize};
use ui::sdk::json;

/// At most this many rows of a folder are kept: about 100 kB of text.
const ROWS_MAX: usize = 250;

/// What is kept. An unreadable or differently shaped copy is simply not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineCopy {
    /// Number of the mailbox it belongs to: another one's is never shown.
    pub mailbox: String,
    /// When a server last gave its word on it.
    pub as_of: Timestamp,
    /// Newest rows of the inbox.
    pub inbox: Vec<MessageRow>,
    /// Newest rows of Sent; what was kept by pages of before has none.
    #[serde(default)]
    pub sent: Vec<MessageRow>,
    /// Newest rows of Deleted.
    pub deleted: Vec<MessageRow>,
}

impl OfflineCopy {
    /// The copy of a mailbox as it is known now.
    pub fn of(mailbox: &str, mail: &super::mail::Mail) -> Self {
        let newest = |folder| {
            mail.rows(folder)
                .into_iter()
                .take(ROWS_MAX)
                .cloned()
                .collect()
        };
        Self {
            mailbox: mailbox.to_owned(),
            as_of: mail.as_of.unwrap_or_default(),
            inbox: newest(Folder::Inbox),
            sent: newest(Folder::Sent),
            deleted: newest(Folder::Deleted),
        }
    }

    /// As it is stored.
    pub fn to_json(&self) -> Option<String> {
        json::write(self)
    }

    /// Reads what was stored, if it is of this mailbox.
    pub fn from_json(json: &str, mailbox: &str) -> Option<Self> {
        let kept: Self = json::read(json.as_bytes()).ok()?;
        (kept.mailbox == mailbox).then_some(kept)
    }

    /// A mailbox filled from the copy, with the changes over it that wait.
    pub fn mail(&self, waiting: &Outbox) -> super::mail::Mail {
        let mut mail = super::mail::Mail::default();
        for (folder, rows) in [
            (Folder::Inbox, &self.inbox),
            (Folder::Sent, &self.sent),
            (Folder::Deleted, &self.deleted),
        ] {
            let page = MessageList {
                messages: rows.clone(),
                as_of: self.as_of,
                ..MessageList::default()
            };
            mail.join(folder, None, page, waiting);
        }
        mail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mail::Mail;
    use crate::model::samples::{NOON, id, row};

    fn sample() -> OfflineCopy {
        let mut mail = Mail::default();
        let page = MessageList {
            messages: vec![row(1, 60), row(2, 30)],
            as_of: NOON,
            ..MessageList::default()
        };
        mail.join(Folder::Inbox, None, page, &Outbox::default());
        OfflineCopy::of("7200", &mail)
    }

    #[test]
    fn a_reload_without_a_connection_shows_what_was_kept() {
        let json = sample().to_json().unwrap();
        let mail = OfflineCopy::from_json(&json, "7200").unwrap();
        let mail = mail.mail(&Outbox::default());
        let ids: Vec<_> = mail.rows(Folder::Inbox).iter().map(|row| row.id).collect();
        assert_eq!(ids, [id(2), id(1)]);
        assert_eq!(mail.as_of, Some(NOON));
        assert!(mail.state(Folder::Inbox).known);
    }

    #[test]
    fn what_was_deleted_without_a_connection_is_deleted_after_a_reload() {
        let mut waiting = Outbox::default();
        let deleted = contract::MessagePatch {
            unread: None,
            deleted: Some(true),
        };
        waiting.add(id(1), deleted);
        let mail = sample().mail(&waiting);
        assert_eq!(mail.row(id(1)).unwrap().folder, Folder::Deleted);
        assert_eq!(mail.row(id(2)).unwrap().folder, Folder::Inbox);
    }

    #[test]
    fn another_mailboxs_copy_or_a_damaged_one_is_not_shown() {
        let json = sample().to_json().unwrap();
        assert_eq!(OfflineCopy::from_json(&json, "7201"), None);
        assert_eq!(
            OfflineCopy::from_json(&json[..json.len() / 2], "7200"),
            None
        );
    }

    #[test]
    fn what_is_kept_has_a_limit_and_keeps_the_newest() {
        let mut mail = Mail::default();
        for n in 0..=u8::MAX {
            mail.put(row(n, i64::from(n)), None, &Outbox::default());
        }
        let kept = OfflineCopy::of("7200", &mail);
        assert_eq!(kept.inbox.len(), ROWS_MAX);
        assert_eq!(kept.inbox[0].id, id(0));
    }
}
