//! The SDK's client behind signals: its events become the page's state, the page's wishes become its calls.

use super::{Side, State, Status};
use crate::browser;
use crate::model::connection::{self, Look};
use crate::model::mail::Mail;
use crate::model::words::Refusal;
use crate::state::{App, Change, ListTrouble, Who};
use contract::{ErrorCode, Event, Folder, MessageDetail, MessagePatch, ObjectId, Session};
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin_sdk::transport::browser::{Browser, page_origin, watch_page};
use plugin_sdk::{Client, ClientEvent, Config, Error, Progress};
use std::rc::Rc;
use std::time::Duration;

/// A list that a server could not give is asked for again after this time.
const LIST_AGAIN: Duration = Duration::from_secs(20);
/// Changes that found no answer are sent again after this time.
const SEND_AGAIN: Duration = Duration::from_secs(5);
const FOLDERS: [Folder; 2] = [Folder::Inbox, Folder::Deleted];

/// The way to the servers. A handle: copies are the same way.
#[derive(Clone, Copy)]
pub struct Api {
    client: StoredValue<Client, LocalStorage>,
    /// Counts the readings of the lists: only the newest counts.
    reading: StoredValue<u64>,
    /// Waiting changes are being sent.
    sending: StoredValue<bool>,
}

/// Why a page does not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No server answers, or not in time.
    NoAnswer,
    /// It is not there (any more).
    Gone,
    /// A server refused or failed.
    Refused {
        /// Its sentence.
        message: String,
        /// Finds the story in the server's log.
        reference: String,
    },
    /// The session is over; the log-in is shown anyway.
    Ended,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) if refusal.code == ErrorCode::NotFound => Self::Gone,
            Error::Refused(refusal) => Self::Refused {
                message: refusal.message,
                reference: refusal.reference,
            },
            Error::SessionEnded => Self::Ended,
            Error::NoServer { .. } | Error::Timeout { .. } => Self::NoAnswer,
            other @ (Error::Malformed { .. } | Error::BadConfig { .. } | Error::OutcomeUnknown) => {
                Self::Refused {
                    message: other.to_string(),
                    reference: "client".into(),
                }
            }
        }
    }
}

impl Api {
    /// Starts the client; it looks for its servers at once. `None` if the page was not opened from a server.
    pub fn start() -> Option<(Self, Status)> {
        let client = Client::new(Rc::new(Browser::new()), Config::new(page_origin()?)).ok()?;
        watch_page(&client);
        let status = client.status();
        let api = Self {
            client: StoredValue::new_local(client),
            reading: StoredValue::new(0),
            sending: StoredValue::new(false),
        };
        Some((api, status))
    }

    fn client(self) -> Client {
        self.client.get_value()
    }

    /// Listens for as long as the page lives, and takes up the stored session.
    pub fn listen(self, app: App) {
        let on_event = move |event: &ClientEvent| match event {
            ClientEvent::Status(status) => self.status_changed(app, status.clone()),
            ClientEvent::Server(event) => happened(app, event),
            ClientEvent::ListStale => self.read_lists(app),
            ClientEvent::SessionRenewed(session) => {
                if let Some(who) = app.who.get_untracked() {
                    let renewed = entered(session, who.at);
                    app.remember(&renewed);
                    app.who.set(Some(renewed));
                }
            }
            ClientEvent::SessionEnded => {
                app.leave("Your session has ended. Log in again; your messages stay.")
            }
        };
        self.client().subscribe(on_event).forever();
        if let Some(who) = app.who.get_untracked() {
            spawn_local(async move {
                if let Ok(session) = self.client().restore(&who.token).await {
                    let renewed = entered(&session, who.at);
                    app.remember(&renewed);
                    app.who.set(Some(renewed));
                }
                self.read_lists(app);
            });
        }
    }

    fn status_changed(self, app: App, status: Status) {
        let before = app.status.get_untracked();
        let works = |status: &Status| status.on.is_some() && status.state != State::Switching;
        if let (Some(from), Some(to)) = (before.on, status.on)
            && from != to
        {
            app.change.set(Some(Change {
                at: browser::now(),
                to_partner: to == Side::Partner,
            }));
        }
        let again = works(&status) && (!works(&before) || before.on != status.on);
        app.status.set(status);
        if again && app.who.with_untracked(Option::is_some) {
            self.send_waiting(app);
            self.read_lists(app);
        }
    }

    /// Logs in and shows the mailbox.
    pub async fn log_in(self, app: App, mailbox: &str, password: &str) -> Result<(), Refusal> {
        match self.client().login(mailbox, password).await {
            Ok(session) => {
                app.enter(entered(&session, browser::now()));
                self.read_lists(app);
                Ok(())
            }
            Err(Error::Refused(refusal)) => Err(Refusal::of_login(&refusal)),
            Err(Error::NoServer { .. } | Error::Timeout { .. }) => Err(Refusal::no_answer()),
            Err(other) => Err(Refusal {
                what: other.to_string(),
                then: String::new(),
            }),
        }
    }

    /// Logs out here, and on the servers if one answers.
    pub fn log_out(self, app: App) {
        app.leave("");
        spawn_local(async move {
            // It is forgotten here in any case; a server that does not answer lets the session run out.
            let _ = self.client().logout().await;
        });
    }

    /// Reads all folders anew and joins them.
    pub fn read_lists(self, app: App) {
        let reading = self.reading.try_update_value(|reading| {
            *reading += 1;
            *reading
        });
        if !app
            .mail
            .with_untracked(|mail| mail.state(Folder::Inbox).known)
        {
            app.loading.set(true);
        }
        for folder in FOLDERS {
            spawn_local(async move {
                let page = self.client().messages().page(folder, None, None).await;
                if reading != self.reading.try_get_value()
                    || app.who.with_untracked(Option::is_none)
                {
                    return;
                }
                match page {
                    Ok(page) => {
                        app.clock_ahead_ms
                            .set(Some(browser::now().0 - page.as_of.0));
                        let fresh =
                            newly_arrived(&app.mail.get_untracked(), folder, &page.messages);
                        app.mail.update(|mail| {
                            app.waiting
                                .with_untracked(|waiting| mail.join(folder, None, page, waiting));
                        });
                        fresh.iter().for_each(|row| app.announce(row));
                        if folder == Folder::Inbox {
                            app.trouble.set(None);
                        }
                    }
                    Err(error) => self.list_failed(app, folder, error.into()),
                }
                if folder == Folder::Inbox {
                    app.loading.set(false);
                }
            });
        }
    }

    fn list_failed(self, app: App, folder: Folder, trouble: Trouble) {
        if folder != Folder::Inbox {
            return;
        }
        if let Trouble::Refused { message, reference } = trouble {
            app.trouble.set(Some(ListTrouble { message, reference }));
            let reading = self.reading.try_get_value();
            set_timeout(
                move || {
                    if reading == self.reading.try_get_value()
                        && app.who.with_untracked(Option::is_some)
                    {
                        self.read_lists(app);
                    }
                },
                LIST_AGAIN,
            );
        }
    }

    /// Reads the next older page of a folder.
    pub async fn read_older(self, app: App, folder: Folder) -> Result<(), Trouble> {
        let Some(before) = app.mail.with_untracked(|mail| mail.state(folder).next) else {
            return Ok(());
        };
        let page = self
            .client()
            .messages()
            .page(folder, Some(&before), None)
            .await?;
        app.mail.update(|mail| {
            app.waiting
                .with_untracked(|waiting| mail.join(folder, Some(&before), page, waiting));
        });
        Ok(())
    }

    /// One message with its parts.
    pub async fn message(self, id: ObjectId) -> Result<MessageDetail, Trouble> {
        Ok(self.client().message(id).await?)
    }

    /// WAV bytes of a message or one part of it; `progress` is told bytes and, if known, bytes in all.
    pub async fn sound(
        self,
        id: ObjectId,
        part: Option<u32>,
        progress: impl Fn(u64, Option<u64>) + 'static,
    ) -> Result<Vec<u8>, Trouble> {
        let told = move |Progress { bytes, of }| progress(bytes, of);
        Ok(self.client().audio_with_progress(id, part, told).await?)
    }

    /// Sends the changes that wait, one after the other, until none is left or no server answers.
    pub fn send_waiting(self, app: App) {
        if self.sending.try_get_value() != Some(false) {
            return;
        }
        self.sending.set_value(true);
        spawn_local(async move {
            while let Some((id, patch)) = app
                .waiting
                .with_untracked(|waiting| waiting.waiting().first().copied())
            {
                match self.send(id, patch).await {
                    Ok(rows) => {
                        app.waiting.update(|waiting| waiting.confirm(id, &patch));
                        app.mail.update(|mail| {
                            app.waiting.with_untracked(|waiting| {
                                for row in rows {
                                    mail.put(row, None, waiting);
                                }
                            });
                        });
                    }
                    Err(Trouble::Gone) => {
                        app.waiting.update(|waiting| waiting.give_up(id));
                        app.mail.update(|mail| mail.remove(id, None));
                    }
                    Err(Trouble::Refused { message, .. }) => {
                        app.waiting.update(|waiting| waiting.give_up(id));
                        app.say(message);
                        self.read_lists(app);
                    }
                    Err(Trouble::NoAnswer) => {
                        // A change of the connection sends them too; this is for a server that was only too slow.
                        set_timeout(move || self.send_waiting(app), SEND_AGAIN);
                        break;
                    }
                    Err(Trouble::Ended) => break,
                }
            }
            self.sending.set_value(false);
        });
    }

    async fn send(
        self,
        id: ObjectId,
        patch: MessagePatch,
    ) -> Result<Vec<contract::MessageRow>, Trouble> {
        let client = self.client();
        let mut rows = Vec::new();
        if let Some(unread) = patch.unread {
            rows.push(client.set_unread(id, unread).await?);
        }
        match patch.deleted {
            Some(true) => rows.push(client.delete(id).await?),
            Some(false) => rows.push(client.undelete(id).await?),
            None => {}
        }
        Ok(rows)
    }

    /// Removes messages for good. Says how it ended.
    pub fn expunge(self, app: App, ids: Vec<ObjectId>) {
        spawn_local(async move {
            for id in ids {
                match self.client().expunge(id).await.map_err(Trouble::from) {
                    Ok(()) | Err(Trouble::Gone) => app.mail.update(|mail| mail.remove(id, None)),
                    Err(Trouble::Refused { message, .. }) => return app.say(message),
                    Err(Trouble::NoAnswer) => {
                        return app.say("No connection: not deleted for good. Try again later.");
                    }
                    Err(Trouble::Ended) => return,
                }
            }
        });
    }

    /// Sound starts or stops: one does not change back to the primary in the middle of it.
    pub fn playback(self, playing: bool) {
        self.client().playback(playing);
    }

    /// Tries the servers again now.
    pub fn retry(self) {
        self.client().retry_now();
    }
}

fn entered(session: &Session, at: contract::Timestamp) -> Who {
    Who {
        token: session.token.clone(),
        mailbox: session.mailbox.number.clone(),
        name: session.mailbox.name.clone(),
        at,
    }
}

/// Rows of a list that came while nobody listened: new ones above what was the newest.
fn newly_arrived(
    mail: &Mail,
    folder: Folder,
    rows: &[contract::MessageRow],
) -> Vec<contract::MessageRow> {
    let known = mail.rows(folder);
    let Some(newest) = known.first().filter(|_| mail.state(folder).known) else {
        return Vec::new();
    };
    rows.iter()
        .filter(|row| row.received_at > newest.received_at && mail.row(row.id).is_none())
        .cloned()
        .collect()
}

fn happened(app: App, event: &Event) {
    let waiting = app.waiting.get_untracked();
    match event {
        Event::Message {
            row,
            arrived,
            counts,
        } => {
            let new = app
                .mail
                .try_update(|mail| mail.put(row.clone(), Some(*counts), &waiting));
            if *arrived && new == Some(true) {
                app.announce(row);
            }
        }
        Event::Gone { id, counts } => app.mail.update(|mail| mail.remove(*id, Some(*counts))),
        // The SDK turns these into its own events.
        Event::Server { .. } | Event::Resync | Event::Ended => {}
    }
}

/// The look of the connection now.
pub fn look(app: App) -> Look {
    app.status.with(connection::look)
}
