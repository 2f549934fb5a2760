//! Reads the mailbox from the servers: the lists of its folders, older pages, and the parts of one message.

use super::{DETAILS_MAX, ListTrouble, MailboxContext};
use crate::model::mail::Mail;
use crate::model::search::Show;
use contract::{Folder, MessageDetail, MessageRow, ObjectId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::clock;
use ui::sdk::{MessageQuery, Trouble};

/// A list that a server could not give is asked for again after this time.
const LIST_AGAIN: Duration = Duration::from_secs(20);
/// So many messages are enough of a search,
const FOUND_MAX: usize = 200;
/// and so many of the server's pages.
const FIND_PAGES_MAX: usize = 20;
const FOLDERS: [Folder; 3] = [Folder::Inbox, Folder::Sent, Folder::Deleted];

impl MailboxContext {
    /// Reads all folders anew and joins them.
    pub fn read_lists(self) {
        let reading = self.reading.try_update_value(|reading| {
            *reading += 1;
            *reading
        });
        let known = |mail: &Mail| mail.state(Folder::Inbox).known;
        if !self.mail.with_untracked(known) {
            self.loading.set(true);
        }
        for folder in FOLDERS {
            spawn_local(async move {
                let page = self
                    .connection
                    .client()
                    .messages()
                    .page(folder, None, None)
                    .await;
                if reading != self.reading.try_get_value() || !self.is_open() {
                    return;
                }
                match page {
                    Ok(page) => {
                        self.clock_ahead_ms.set(Some(clock::now().0 - page.as_of.0));
                        let fresh = self
                            .mail
                            .with_untracked(|mail| newly_arrived(mail, folder, &page.messages));
                        self.join(folder, None, page);
                        fresh.iter().for_each(|row| self.announce(row));
                        if folder == Folder::Inbox {
                            self.trouble.set(None);
                        }
                    }
                    Err(error) => self.list_failed(folder, error.into()),
                }
                if folder == Folder::Inbox {
                    self.loading.set(false);
                }
            });
        }
    }

    fn join(self, folder: Folder, before: Option<&str>, page: contract::MessageList) {
        self.mail.update(|mail| {
            self.outbox
                .with_untracked(|outbox| mail.join(folder, before, page, outbox));
        });
    }

    fn list_failed(self, folder: Folder, trouble: Trouble) {
        if folder != Folder::Inbox {
            return;
        }
        if let Trouble::Refused {
            message, reference, ..
        } = trouble
        {
            self.trouble.set(Some(ListTrouble { message, reference }));
            let reading = self.reading.try_get_value();
            set_timeout(
                move || {
                    if reading == self.reading.try_get_value() && self.is_open() {
                        self.read_lists();
                    }
                },
                LIST_AGAIN,
            );
        }
    }

    /// Reads the next older page of a folder.
    ///
    /// # Errors
    /// It is not there, and the folder is as it was.
    pub async fn read_older(self, folder: Folder) -> Result<(), Trouble> {
        let Some(before) = self.mail.with_untracked(|mail| mail.state(folder).next) else {
            return Ok(());
        };
        let client = self.connection.client();
        let page = client.messages().page(folder, Some(&before), None).await?;
        self.join(folder, Some(&before), page);
        Ok(())
    }

    /// Where all messages of a folder that are here have left it, those of its next older page take their place.
    pub(super) fn never_looks_empty(self) {
        for folder in FOLDERS {
            let filling = StoredValue::new(false);
            Effect::new(move || {
                self.mail.track();
                if self.connection.is_on() {
                    self.fill(folder, filling);
                }
            });
        }
    }

    /// Reads older pages of a folder until something of it is here. What a server could not give is asked for again later.
    fn fill(self, folder: Folder, filling: StoredValue<bool>) {
        let missing = move || {
            let older = |mail: &Mail| mail.older_only(folder);
            self.is_open() && self.mail.with_untracked(older)
        };
        if filling.get_value() || !missing() {
            return;
        }
        filling.set_value(true);
        spawn_local(async move {
            let mut read = true;
            while read && missing() {
                read = self.read_older(folder).await.is_ok();
            }
            filling.set_value(false);
            if !read {
                set_timeout(move || self.fill(folder, filling), LIST_AGAIN);
            }
        });
    }

    /// Looks for words, and for what is to be shown, over the whole of a folder: the server knows the texts of messages, and messages that are not here. What it finds is here
    /// from then on.
    ///
    /// # Errors
    /// No server looked.
    pub async fn find(
        self,
        folder: Folder,
        words: &str,
        show: Show,
    ) -> Result<Vec<ObjectId>, Trouble> {
        let client = self.connection.client();
        let mut found = Vec::new();
        let mut before = None;
        // A page may be short, or empty, although another one follows.
        for _ in 0..FIND_PAGES_MAX {
            let query = MessageQuery {
                words: (!words.is_empty()).then_some(words),
                kind: show.kind(),
                unread: (show == Show::New).then_some(true),
                urgent: (show == Show::Urgent).then_some(true),
                ..MessageQuery::default()
            };
            let messages = client.messages();
            let page = messages.find(folder, query, before.as_deref(), None);
            let page = page.await?;
            found.extend(page.messages.iter().map(|row| row.id));
            self.mail.update(|mail| {
                self.outbox.with_untracked(|outbox| {
                    for row in page.messages {
                        mail.put(row, None, outbox);
                    }
                });
            });
            before = page.next;
            if before.is_none() || found.len() >= FOUND_MAX {
                break;
            }
        }
        Ok(found)
    }

    /// The parts of a message that was opened before.
    pub fn detail(self, id: ObjectId) -> Option<MessageDetail> {
        self.details.with_untracked(|details| {
            let detail = details.iter().find(|detail| detail.row.id == id);
            detail.cloned()
        })
    }

    /// Reads one message with its parts, and holds it.
    ///
    /// # Errors
    /// No server gave it.
    pub async fn read_detail(self, id: ObjectId) -> Result<MessageDetail, Trouble> {
        let detail = self.connection.client().messages().read(id).await?;
        self.details.update(|details| {
            details.retain(|held| held.row.id != id);
            let surplus = (details.len() + 1).saturating_sub(DETAILS_MAX);
            details.drain(..surplus);
            details.push(detail.clone());
        });
        Ok(detail)
    }
}

/// Rows of a list that came while nobody listened: new ones above what was the newest.
fn newly_arrived(mail: &Mail, folder: Folder, rows: &[MessageRow]) -> Vec<MessageRow> {
    let known = mail.rows(folder);
    let Some(newest) = known.first().filter(|_| mail.state(folder).known) else {
        return Vec::new();
    };
    rows.iter()
        .filter(|row| row.received_at > newest.received_at && mail.row(row.id).is_none())
        .cloned()
        .collect()
}
