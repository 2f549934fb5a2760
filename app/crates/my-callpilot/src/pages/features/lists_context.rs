//! The personal lists as the servers have them, and what the reader does to them. Each change is saved at once; what cannot be saved stays on the
//! page and is saved when a server answers.

use crate::model::lists;
use contract::{DistributionList, ListContent, ResolvedAddress};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::collections::HashMap;
use ui::announcer::Announcer;
use ui::browser;
use ui::clock::Clock;
use ui::connection::ConnectionContext;
use ui::refusal::Refusal;
use ui::sdk::Trouble;

/// How long the way back from a deletion is offered.
const OFFERED_S: u8 = 10;

/// What stands in the right half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// A new list.
    New,
    /// The list of this number.
    Edit(u8),
}

/// A list that was deleted, and the seconds for which it can be brought back.
#[derive(Clone, Debug)]
pub struct Deleted {
    pub list: DistributionList,
    left_s: u8,
}

/// The page's own state. A handle.
#[derive(Clone, Copy)]
pub struct Lists {
    connection: ConnectionContext,
    announcer: Announcer,
    /// The lists; none while they are not known.
    pub lists: RwSignal<Option<Vec<DistributionList>>>,
    pub refusal: RwSignal<Option<Refusal>>,
    pub desk: RwSignal<Option<Desk>>,
    /// The list at the desk, as the reader wants it.
    pub wanted: RwSignal<DistributionList>,
    /// It is not on a server yet as it is wanted.
    pub unsaved: RwSignal<bool>,
    saving: StoredValue<bool>,
    /// What addresses lead to, as far as a server has said.
    pub resolved: RwSignal<HashMap<String, ResolvedAddress>>,
    pub deleted: RwSignal<Option<Deleted>>,
    pub held: RwSignal<bool>,
}

impl Lists {
    pub fn new() -> Self {
        let page = Self {
            connection: ConnectionContext::here(),
            announcer: Announcer::here(),
            lists: RwSignal::new(None),
            refusal: RwSignal::new(None),
            desk: RwSignal::new(None),
            wanted: RwSignal::new(empty(0)),
            unsaved: RwSignal::new(false),
            saving: StoredValue::new(false),
            resolved: RwSignal::new(HashMap::new()),
            deleted: RwSignal::new(None),
            held: RwSignal::new(false),
        };
        // What waits is saved when a server answers; then it is read what others have changed.
        Effect::new(move || {
            if page.connection.is_on() {
                page.save_waiting();
                page.read();
            }
        });
        page.count_down();
        page
    }

    fn count_down(self) {
        let now = Clock::here().now();
        Effect::new(move || {
            now.track();
            let over = self.deleted.try_maybe_update(|deleted| {
                let Some(deleted) = deleted.as_mut().filter(|_| !self.held.get_untracked()) else {
                    return (false, false);
                };
                deleted.left_s = deleted.left_s.saturating_sub(1);
                (false, deleted.left_s == 0)
            });
            if over == Some(true) {
                self.deleted.set(None);
            }
        });
    }

    fn read(self) {
        spawn_local(async move {
            let read = self.connection.client().lists().all().await;
            if self.lists.is_disposed() {
                return;
            }
            match read {
                Ok(read) => {
                    self.lists.set(Some(read));
                    if let Some(Desk::Edit(number)) = self.desk.get_untracked()
                        && !self.unsaved.get_untracked()
                    {
                        self.show(number);
                    } else if !self.unsaved.get_untracked() {
                        self.refusal.set(None);
                    }
                }
                // What is known already stays.
                Err(_) if self.lists.with_untracked(Option::is_some) => {}
                Err(error) => self.refuse(
                    error,
                    "The lists could not be read.",
                    "They are safe. They are read again by themselves when a server answers.",
                ),
            }
        });
    }

    /// What a failure means for the reader. `what` was not done, and `then` is what comes of it without a connection.
    fn refuse(self, error: impl Into<Trouble>, what: &str, then: &str) {
        let refusal = match error.into() {
            Trouble::Ended => return,
            Trouble::NoAnswer | Trouble::Gone => Refusal::new(what, then),
            Trouble::Refused {
                message,
                passing: false,
                ..
            } => Refusal::new(message, ""),
            Trouble::Refused {
                message, reference, ..
            } => Refusal::new(
                message,
                format!("Reference for an administrator: {reference}"),
            ),
        };
        self.announcer
            .say(format!("{} {}", refusal.what, refusal.then));
        self.refusal.set(Some(refusal));
    }

    /// Opens a list. What waits of another one is saved first, or said to be lost by no one.
    pub fn open(self, number: u8) {
        self.leave();
        self.desk.set(Some(Desk::Edit(number)));
        self.show(number);
        focus_desk();
    }

    /// Opens the form of a new list.
    pub fn open_new(self) {
        self.leave();
        let number = self
            .lists
            .with_untracked(|lists| lists::next_free(lists.as_deref().unwrap_or_default()));
        self.wanted.set(empty(number.unwrap_or(0)));
        self.desk.set(Some(Desk::New));
        focus_desk();
    }

    pub fn close(self) {
        self.leave();
        self.desk.set(None);
    }

    fn leave(self) {
        self.save_waiting();
        self.unsaved.set(false);
        self.refusal.set(None);
    }

    /// The list of this number as the servers have it.
    fn show(self, number: u8) {
        let list = self.lists.with_untracked(|lists| {
            lists::find(lists.as_deref().unwrap_or_default(), number).cloned()
        });
        match list {
            Some(list) => {
                self.resolve(list.addresses.clone());
                self.wanted.set(list);
            }
            None => self.desk.set(None),
        }
    }

    /// Asks what addresses lead to, those that are not known yet.
    pub fn resolve(self, mut addresses: Vec<String>) {
        self.resolved
            .with_untracked(|known| addresses.retain(|address| !known.contains_key(address)));
        if addresses.is_empty() {
            return;
        }
        spawn_local(async move {
            let answer = self
                .connection
                .client()
                .drafts()
                .resolve(addresses.clone())
                .await;
            // Without an answer they are shown as they were typed.
            if let (Ok(answer), false) = (answer, self.resolved.is_disposed()) {
                self.resolved
                    .update(|known| known.extend(addresses.into_iter().zip(answer)));
            }
        });
    }

    /// Changes the list at the desk, and saves it.
    pub fn change(self, change: impl FnOnce(&mut DistributionList)) {
        self.wanted.update(change);
        if matches!(self.desk.get_untracked(), Some(Desk::Edit(_))) {
            self.unsaved.set(true);
            self.save_waiting();
        }
    }

    /// Makes the new list of this number.
    pub fn create(self, number: u8) {
        self.wanted.update(|wanted| wanted.number = number);
        self.desk.set(Some(Desk::Edit(number)));
        self.unsaved.set(true);
        self.save_waiting();
        focus_desk();
    }

    /// Saves the list at the desk if it is not saved as it is wanted.
    pub fn save_waiting(self) {
        if !self.unsaved.get_untracked() || self.saving.get_value() {
            return;
        }
        self.saving.set_value(true);
        let wanted = self.wanted.get_untracked();
        spawn_local(async move {
            let content = ListContent {
                title: wanted.title.clone(),
                addresses: wanted.addresses.clone(),
            };
            let saved = self
                .connection
                .client()
                .lists()
                .set(wanted.number, &content)
                .await;
            if self.saving.is_disposed() {
                return;
            }
            self.saving.set_value(false);
            match saved {
                Ok(saved) => self.saved(&wanted, saved),
                Err(error) => self.refuse(
                    error,
                    "Not saved yet: no server answers.",
                    "It stays here, and is saved by itself when there is a connection.",
                ),
            }
        });
    }

    fn saved(self, sent: &DistributionList, saved: DistributionList) {
        self.resolve(saved.addresses.clone());
        let is_newest = self.wanted.with_untracked(|wanted| wanted == sent);
        if is_newest {
            self.unsaved.set(false);
            self.refusal.set(None);
            self.wanted.set(saved.clone());
            self.announcer
                .say(format!("{} saved.", lists::title(&saved)));
        }
        self.lists
            .update(|lists| lists::put(lists.get_or_insert_default(), saved));
        // It was changed while it was being saved.
        self.save_waiting();
    }

    /// Deletes a list, and offers the way back.
    pub fn delete(self, number: u8) {
        let list = self.lists.with_untracked(|lists| {
            lists::find(lists.as_deref().unwrap_or_default(), number).cloned()
        });
        let Some(list) = list else { return };
        spawn_local(async move {
            let removed = self.connection.client().lists().remove(number).await;
            if self.lists.is_disposed() {
                return;
            }
            if let Err(error) = removed {
                return self.refuse(
                    error,
                    "Not deleted: no server answers.",
                    "The list is as it was. Try again when there is a connection.",
                );
            }
            if self.desk.get_untracked() == Some(Desk::Edit(number)) {
                self.unsaved.set(false);
                self.desk.set(None);
            }
            self.refusal.set(None);
            self.lists.update(|lists| {
                lists
                    .get_or_insert_default()
                    .retain(|list| list.number != number);
            });
            self.held.set(false);
            self.deleted.set(Some(Deleted {
                list,
                left_s: OFFERED_S,
            }));
        });
    }

    /// Brings the deleted list back.
    pub fn take_back(self) {
        let Some(Deleted { list, .. }) = self.deleted.get_untracked() else {
            return;
        };
        self.deleted.set(None);
        self.wanted.set(list.clone());
        self.create(list.number);
    }
}

fn empty(number: u8) -> DistributionList {
    DistributionList {
        number,
        title: String::new(),
        addresses: Vec::new(),
    }
}

fn focus_desk() {
    browser::after_drawing(|| {
        browser::focus("desk");
    });
}
