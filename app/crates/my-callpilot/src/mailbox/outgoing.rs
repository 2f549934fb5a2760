//! Sends the reader's changes, each once, one after the other, until none is left or no server answers.

use super::MailboxContext;
use crate::model::words;
use contract::{MessagePatch, MessageRow, ObjectId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::sdk::Trouble;

/// Changes that found no answer are sent again after this time.
const SEND_AGAIN: Duration = Duration::from_secs(5);

impl MailboxContext {
    /// Sends the changes that wait.
    pub(super) fn send_waiting(self) {
        if self.sending.try_get_value() != Some(false) {
            return;
        }
        self.sending.set_value(true);
        spawn_local(async move {
            let first = || {
                self.outbox
                    .with_untracked(|outbox| outbox.waiting().first().copied())
            };
            while let Some((id, patch)) = first() {
                let sent = self.send(id, patch).await;
                if !self.settled(id, patch, sent) {
                    break;
                }
            }
            self.sending.set_value(false);
        });
    }

    /// A change was sent; false if the next must wait.
    fn settled(
        self,
        id: ObjectId,
        patch: MessagePatch,
        sent: Result<Vec<MessageRow>, Trouble>,
    ) -> bool {
        if !self.outbox.with_untracked(|outbox| outbox.holds(id)) {
            // The mailbox was closed meanwhile: what was sent belongs to nobody here.
            return true;
        }
        match sent {
            Ok(rows) => {
                self.outbox.update(|outbox| outbox.confirm(id, &patch));
                self.mail.update(|mail| {
                    self.outbox.with_untracked(|outbox| {
                        for row in rows {
                            mail.put(row, None, outbox);
                        }
                    });
                });
            }
            Err(Trouble::Gone) => {
                self.outbox.update(|outbox| outbox.give_up(id));
                self.mail.update(|mail| mail.remove(id, None));
            }
            Err(Trouble::Refused { message, .. }) => {
                self.outbox.update(|outbox| outbox.give_up(id));
                self.announcer.say(message);
                self.read_lists();
            }
            Err(Trouble::NoAnswer) => {
                // A change of the connection sends them too; this is for a server that was only too slow.
                set_timeout(move || self.send_waiting(), SEND_AGAIN);
                return false;
            }
            Err(Trouble::Ended) => return false,
        }
        true
    }

    async fn send(self, id: ObjectId, patch: MessagePatch) -> Result<Vec<MessageRow>, Trouble> {
        let client = self.connection.client();
        let mut rows = Vec::new();
        if let Some(unread) = patch.unread {
            rows.push(client.messages().set_unread(id, unread).await?);
        }
        match patch.deleted {
            Some(true) => rows.push(client.messages().delete(id).await?),
            Some(false) => rows.push(client.messages().undelete(id).await?),
            None => {}
        }
        Ok(rows)
    }

    /// Empties Deleted in one step. Says how it ended.
    pub fn empty_deleted(self) {
        if self
            .outbox
            .with_untracked(|outbox| !outbox.waiting().is_empty())
        {
            // A message that was taken back here may still lie in Deleted there.
            return self.announcer.say(
                "Changes are still on their way: nothing was deleted. Try again in a moment.",
            );
        }
        spawn_local(async move {
            let emptied = self.connection.client().messages().empty_deleted().await;
            let words = match emptied.map_err(Trouble::from) {
                Ok(emptied) => words::emptied(emptied.messages),
                Err(Trouble::Refused { message, .. }) => message,
                Err(Trouble::Gone) => "This server cannot empty Deleted in one step.".into(),
                Err(Trouble::NoAnswer) => {
                    "No connection: Deleted was not emptied. Try again later.".into()
                }
                Err(Trouble::Ended) => return,
            };
            self.announcer.say(words);
            self.read_lists();
        });
    }

    /// Removes messages for good. Says how it ended.
    pub fn expunge(self, ids: Vec<ObjectId>) {
        spawn_local(async move {
            for id in ids {
                let expunged = self.connection.client().messages().expunge(id).await;
                match expunged.map_err(Trouble::from) {
                    Ok(()) | Err(Trouble::Gone) => self.mail.update(|mail| mail.remove(id, None)),
                    Err(Trouble::Refused { message, .. }) => {
                        self.announcer.say(message);
                        // It may lie elsewhere than this page shows it.
                        return self.read_lists();
                    }
                    Err(Trouble::NoAnswer) => {
                        return self
                            .announcer
                            .say("No connection: not deleted for good. Try again later.");
                    }
                    Err(Trouble::Ended) => return,
                }
            }
        });
    }
}
