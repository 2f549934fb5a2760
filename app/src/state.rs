//! What the page knows: the session, the mailbox, the connection, and what is going on in it.

use crate::api::{Api, Status};
use crate::browser::{self, Here};
use crate::keyboard::Takers;
use crate::model::arrivals::Arrivals;
use crate::model::kept::Kept;
use crate::model::mail::Mail;
use crate::model::outbox::Outbox;
use crate::model::undo::{Deed, Undo};
use crate::sounds::{Sounds, Which};
use contract::{Counts, Folder, MessageDetail, MessagePatch, MessageRow, ObjectId, Timestamp};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const SESSION_KEY: &str = "callpilot.session";
const KEPT_KEY: &str = "callpilot.kept";
/// At most so many places are kept.
const PLACES_MAX: usize = 100;
const LETTERS_OFF_KEY: &str = "callpilot.letters-off";

/// Who is logged in: what is stored of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The Bearer token, good on both servers.
    pub token: String,
    /// Mailbox number.
    pub mailbox: String,
    /// Display name.
    pub name: String,
    /// When the reader logged in here.
    pub at: Timestamp,
}

/// A server answered, but could not give the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTrouble {
    /// The server's sentence.
    pub message: String,
    /// Finds the story in the server's log.
    pub reference: String,
}

/// The last change of server in this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// To the partner, or back.
    pub to_partner: bool,
}

/// Everything the page knows, behind signals. A handle: copies are the same page.
#[derive(Clone, Copy)]
pub struct App {
    /// The way to the servers.
    pub api: Api,
    /// Who is logged in.
    pub who: RwSignal<Option<Who>>,
    /// Why one has to log in again; empty at the first time.
    pub farewell: RwSignal<String>,
    /// The connection.
    pub status: RwSignal<Status>,
    /// The last change of server.
    pub change: RwSignal<Option<Change>>,
    /// The computer's clock less the server's, in milliseconds, as far as lists told.
    pub clock_ahead_ms: RwSignal<Option<i64>>,
    /// The messages.
    pub mail: RwSignal<Mail>,
    /// Changes that wait for a server.
    pub waiting: RwSignal<Outbox>,
    /// A list is being read, and none is known yet.
    pub loading: RwSignal<bool>,
    /// The list could not be read.
    pub trouble: RwSignal<Option<ListTrouble>>,
    /// The deed that can be undone.
    pub undo: RwSignal<Option<Undo>>,
    /// Said politely: arrivals and deeds.
    pub said: RwSignal<String>,
    /// Said politely: the connection.
    pub said_connection: RwSignal<String>,
    /// Said at once.
    pub alert: RwSignal<String>,
    /// Arrivals that are not announced yet.
    pub arrivals: StoredValue<Arrivals>,
    /// Sounds that are here.
    pub sounds: StoredValue<Sounds, LocalStorage>,
    /// Changes whenever [`Self::sounds`] does.
    pub sounds_changed: Trigger,
    /// The sound that plays now.
    pub deck: RwSignal<Option<Which>>,
    /// How fast sounds play, in thousandths of the usual speed.
    pub speed: RwSignal<u64>,
    /// Where the reader stopped in sounds, in milliseconds, the latest last.
    places: StoredValue<Vec<(Which, u64)>>,
    /// Parts of messages that were opened.
    pub details: StoredValue<Vec<MessageDetail>>,
    /// A page was shown before this one: the next takes the focus to its heading.
    pub moved: StoredValue<bool>,
    /// This message shall play as soon as it is open.
    pub to_play: RwSignal<Option<ObjectId>>,
    /// The time, once a second.
    pub now: RwSignal<Timestamp>,
    /// The reader's zone and dial.
    pub here: Here,
    /// Single letters are commands.
    pub letters: RwSignal<bool>,
    /// Who takes the keyboard's commands.
    pub takers: Takers,
}

impl App {
    /// A page as it starts: logged in if it was before, with what this browser keeps.
    pub fn new(api: Api, status: Status) -> Self {
        let who: Option<Who> = browser::load(SESSION_KEY)
            .and_then(|json| serde_json::from_slice(json.as_bytes()).ok());
        let app = Self {
            api,
            farewell: RwSignal::new(String::new()),
            status: RwSignal::new(status),
            change: RwSignal::new(None),
            clock_ahead_ms: RwSignal::new(None),
            mail: RwSignal::new(Mail::default()),
            waiting: RwSignal::new(Outbox::default()),
            loading: RwSignal::new(false),
            trouble: RwSignal::new(None),
            undo: RwSignal::new(None),
            said: RwSignal::new(String::new()),
            said_connection: RwSignal::new(String::new()),
            alert: RwSignal::new(String::new()),
            arrivals: StoredValue::new(Arrivals::default()),
            sounds: StoredValue::new_local(Sounds::default()),
            sounds_changed: Trigger::new(),
            deck: RwSignal::new(None),
            speed: RwSignal::new(1_000),
            places: StoredValue::new(Vec::new()),
            details: StoredValue::new(Vec::new()),
            moved: StoredValue::new(false),
            to_play: RwSignal::new(None),
            now: RwSignal::new(browser::now()),
            here: Here::new(),
            letters: RwSignal::new(browser::load(LETTERS_OFF_KEY).is_none()),
            takers: Takers::new(),
            who: RwSignal::new(None),
        };
        if let Some(who) = who {
            app.enter(who);
        }
        app.keep();
        app.tick();
        app
    }

    /// The app of the present page.
    pub fn here() -> Self {
        expect_context()
    }

    /// Somebody is logged in: shows what this browser keeps of the mailbox.
    pub fn enter(self, who: Who) {
        let kept = browser::load(KEPT_KEY).and_then(|json| Kept::from_json(&json, &who.mailbox));
        if let Some(kept) = kept {
            self.mail.set(kept.mail());
            self.waiting.set(kept.waiting);
        }
        self.remember(&who);
        self.farewell.set(String::new());
        self.who.set(Some(who));
    }

    /// Stores a session, new or renewed.
    pub fn remember(self, who: &Who) {
        browser::store(SESSION_KEY, serde_json::to_string(who).ok().as_deref());
    }

    /// The session is over; `why` is shown at the log-in. Nothing of the mailbox stays behind but changes that still wait, and
    /// those only if the reader did not end the session.
    pub fn leave(self, why: &'static str) {
        let who = self.who.get_untracked();
        let waiting = self.waiting.get_untracked();
        browser::store(SESSION_KEY, None);
        self.who.set(None);
        self.farewell.set(why.to_owned());
        self.forget();
        self.waiting.set(Outbox::default());
        self.trouble.set(None);
        self.undo.set(None);
        if let Some(who) = who.filter(|_| !why.is_empty() && !waiting.is_empty()) {
            let kept = Kept::of(&who.mailbox, &Mail::default(), &waiting);
            browser::store(KEPT_KEY, kept.to_json().as_deref());
        }
    }

    /// Removes what is kept of messages; changes that wait stay.
    pub fn forget(self) {
        self.sounds.update_value(Sounds::clear);
        self.sounds_changed.notify();
        self.details.set_value(Vec::new());
        self.places.set_value(Vec::new());
        self.mail.set(Mail::default());
        browser::store(KEPT_KEY, None);
    }

    /// Where the reader stopped in a sound, in milliseconds; 0 if nowhere.
    pub fn place(self, which: Which) -> u64 {
        self.places.with_value(|places| {
            places
                .iter()
                .find(|(place, _)| *place == which)
                .map_or(0, |(_, at)| *at)
        })
    }

    /// Keeps where the reader stopped, or that it was heard to the end.
    pub fn keep_place(self, which: Which, at_ms: Option<u64>) {
        self.places.update_value(|places| {
            places.retain(|(place, _)| *place != which);
            places.extend(at_ms.map(|at| (which, at)));
            let surplus = places.len().saturating_sub(PLACES_MAX);
            places.drain(..surplus);
        });
    }

    /// Writes the kept copy after every change, a moment later.
    fn keep(self) {
        let pending = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move || {
            self.mail.track();
            self.waiting.track();
            self.who.track();
            if let Some(pending) = pending.get_value() {
                pending.clear();
            }
            let later =
                set_timeout_with_handle(move || self.keep_now(), Duration::from_millis(400));
            pending.set_value(later.ok());
        });
    }

    fn keep_now(self) {
        let Some(who) = self.who.get_untracked() else {
            return;
        };
        let kept = self.mail.with_untracked(|mail| {
            self.waiting
                .with_untracked(|waiting| Kept::of(&who.mailbox, mail, waiting))
        });
        if kept.inbox.is_empty() && kept.deleted.is_empty() && kept.waiting.is_empty() {
            browser::store(KEPT_KEY, None);
        } else {
            browser::store(KEPT_KEY, kept.to_json().as_deref());
        }
    }

    /// Once a second: the time goes on, offers end, arrivals are announced.
    fn tick(self) {
        let every = set_interval_with_handle(
            move || {
                let now = browser::now();
                let passed = now.0 - self.now.get_untracked().0;
                self.now.set(now);
                let passed = u32::try_from(passed).unwrap_or(1_000);
                let ended = self.undo.try_maybe_update(|undo| {
                    (false, undo.as_mut().is_some_and(|undo| undo.tick(passed)))
                });
                if ended == Some(true) {
                    self.undo.set(None);
                }
                let now_ms = u64::try_from(now.0).unwrap_or(0);
                let announcement = self
                    .arrivals
                    .try_update_value(|arrivals| arrivals.take(now_ms));
                if let Some(words) = announcement.flatten() {
                    self.say(words);
                }
            },
            Duration::from_millis(1_000),
        );
        if let Ok(every) = every {
            on_cleanup(move || every.clear());
        }
    }

    /// Says something politely. The region is emptied afterwards, so that the same words can be said again.
    pub fn say(self, words: impl Into<String>) {
        let words = words.into();
        self.said.set(words.clone());
        set_timeout(
            move || {
                if self.said.with_untracked(|said| *said == words) {
                    self.said.set(String::new());
                }
            },
            Duration::from_secs(5),
        );
    }

    /// A message has come that was not here before.
    pub fn announce(self, row: &MessageRow) {
        if row.folder == Folder::Inbox && row.unread {
            let now_ms = u64::try_from(browser::now().0).unwrap_or(0);
            self.arrivals
                .update_value(|arrivals| arrivals.add(now_ms, row));
        }
    }

    /// The counts to show.
    pub fn counts(self) -> Counts {
        self.mail.with(Mail::counts)
    }

    /// Wishes a change of messages: shown at once, sent now or as soon as a server answers.
    pub fn wish(self, ids: &[ObjectId], patch: MessagePatch) {
        self.mail.update(|mail| {
            for id in ids {
                mail.change(*id, &patch);
            }
        });
        self.waiting.update(|waiting| {
            for id in ids {
                waiting.add(*id, patch);
            }
        });
        self.api.send_waiting(self);
    }

    /// Marks messages as new or as heard, where they are not yet.
    pub fn mark(self, ids: &[ObjectId], unread: bool) {
        let differ = |id: &ObjectId| {
            self.mail
                .with_untracked(|mail| mail.row(*id).is_some_and(|row| row.unread != unread))
        };
        let ids: Vec<ObjectId> = ids.iter().copied().filter(differ).collect();
        if !ids.is_empty() {
            let patch = MessagePatch {
                unread: Some(unread),
                deleted: None,
            };
            self.wish(&ids, patch);
        }
    }

    /// Moves messages to Deleted or back, and offers the way back.
    pub fn shift(self, deed: Deed, ids: Vec<ObjectId>) {
        if ids.is_empty() {
            return;
        }
        let patch = MessagePatch {
            unread: None,
            deleted: Some(deed == Deed::Deleted),
        };
        self.wish(&ids, patch);
        self.undo.set(Some(Undo::new(deed, ids)));
    }

    /// Takes the last deed back.
    pub fn take_back(self) {
        if let Some(undo) = self.undo.get_untracked() {
            self.undo.set(None);
            self.wish(&undo.ids, undo.patch());
            self.say(match undo.deed {
                Deed::Deleted => "Back in Inbox.",
                Deed::Restored => "Back in Deleted.",
            });
        }
    }

    /// Switches single letters on or off, for good.
    pub fn set_letters(self, on: bool) {
        browser::store(LETTERS_OFF_KEY, (!on).then_some("1"));
        self.letters.set(on);
    }
}
