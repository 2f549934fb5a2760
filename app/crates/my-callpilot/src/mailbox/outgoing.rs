//! Sends the reader's changes, each once, one after the other, until none is left or no server answers.

use super::MailboxContext;
use crate::model::words;
use contract::{MessagePatch, MessageRow, ObjectId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::sdk::Trouble;

/// Changes that could not be made yet are sent again after this time.
const SEND_AGAIN: Duration = Duration::from_secs(5);

/// What became of a change that was sent.
enum Sent {
    /// It waits no longer.
    Settled,
    /// Something of the moment stands in its way. Others may be made meanwhile.
    Later,
    /// No server answers: the others wait as well.
    Unanswered,
    /// There is nobody to make changes.
    Ended,
}

impl MailboxContext {
    /// Sends the changes that wait.
    pub(super) fn send_waiting(self) {
        if self.sending.try_get_value() != Some(false) {
            return;
        }
        self.sending.set_value(true);
        spawn_local(async move {
            let some_wait = self.send_each().await;
            self.tell_lost();
            self.sending.set_value(false);
            if some_wait {
                // A change of the connection sends them too; this is for a server that was only too slow or too busy.
                self.send_later();
            }
        });
    }

    /// Sends what waits in some seconds, if it still does.
    pub(super) fn send_later(self) {
        set_timeout(move || self.send_waiting(), SEND_AGAIN);
    }

    /// Sends each change that waits; true if some have to wait on.
    async fn send_each(self) -> bool {
        let mut put_off: Vec<(ObjectId, MessagePatch)> = Vec::new();
        loop {
            let next = self.outbox.with_untracked(|outbox| {
                let mut waiting = outbox.waiting().iter();
                waiting.find(|change| !put_off.contains(change)).copied()
            });
            let Some((id, patch)) = next else {
                return !put_off.is_empty();
            };
            let sent = self.send(id, patch).await;
            match self.settled(id, patch, sent) {
                Sent::Settled => {}
                Sent::Later => put_off.push((id, patch)),
                Sent::Unanswered => return true,
                Sent::Ended => return false,
            }
        }
    }

    /// A change was sent.
    fn settled(
        self,
        id: ObjectId,
        patch: MessagePatch,
        sent: Result<Vec<MessageRow>, Trouble>,
    ) -> Sent {
        if !self.outbox.with_untracked(|outbox| outbox.holds(id)) {
            // The mailbox was closed meanwhile, or another tab was quicker: what was sent waits no longer.
            return Sent::Settled;
        }
        match sent {
            Ok(rows) => {
                self.change_outbox(&|outbox| outbox.confirm(id, &patch));
                self.mail.update(|mail| {
                    self.outbox.with_untracked(|outbox| {
                        for row in rows {
                            mail.put(row, None, outbox);
                        }
                    });
                });
            }
            // What the partner does not have may be on the primary: it is asked when it is there again.
            Err(Trouble::Gone) if self.connection.is_on_partner() => return Sent::Later,
            Err(Trouble::Gone) => {
                self.give_up(id);
                self.mail.update(|mail| mail.remove(id, None));
            }
            Err(Trouble::Refused { passing: true, .. }) => return Sent::Later,
            Err(Trouble::Refused { message, .. }) => {
                self.change_outbox(&|outbox| outbox.give_up(id));
                self.announcer.say(message);
                self.read_lists();
            }
            Err(Trouble::NoAnswer) => return Sent::Unanswered,
            Err(Trouble::Ended) => return Sent::Ended,
        }
        Sent::Settled
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
