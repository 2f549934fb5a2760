//! The personal lists as the servers have them, and what the reader does to them. Each change is saved at once; what cannot be saved waits in this
//! browser, also when the reader leaves the page, and is saved when a server answers.

use crate::model::lists;
use crate::waiting_lists;
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
use ui::session::SessionContext;

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
    mailbox: StoredValue<String>,
    /// The lists; none while they are not known.
    pub lists: RwSignal<Option<Vec<DistributionList>>>,
    pub refusal: RwSignal<Option<Refusal>>,
    pub desk: RwSignal<Option<Desk>>,
    /// The list at the desk, as the reader wants it.
    pub wanted: RwSignal<DistributionList>,
    /// Lists that are not on a server yet as they are wanted.
    waiting: RwSignal<Vec<DistributionList>>,
    saving: StoredValue<bool>,
    /// What addresses lead to, as far as a server has said.
    pub resolved: RwSignal<HashMap<String, ResolvedAddress>>,
    pub deleted: RwSignal<Option<Deleted>>,
    pub held: RwSignal<bool>,
}

impl Lists {
    pub fn new() -> Self {
        let mailbox = SessionContext::here().mailbox();
        let page = Self {
            connection: ConnectionContext::here(),
            announcer: Announcer::here(),
            lists: RwSignal::new(None),
            refusal: RwSignal::new(None),
            desk: RwSignal::new(None),
            wanted: RwSignal::new(empty(0)),
            waiting: RwSignal::new(waiting_lists::read(&mailbox)),
            saving: StoredValue::new(false),
            mailbox: StoredValue::new(mailbox),
            resolved: RwSignal::new(HashMap::new()),
            deleted: RwSignal::new(None),
            held: RwSignal::new(false),
        };
        // What waits is saved when a server answers; then it is read what others have changed.
        let answers = Memo::new(move |_| page.connection.is_on());
        Effect::new(move || {
            if answers.get() {
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
                    if self.waiting.with_untracked(Vec::is_empty) {
                        self.refusal.set(None);
                    }
                    if let Some(Desk::Edit(number)) = self.desk.get_untracked() {
                        self.show(number);
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

    /// The lists as the reader wants them (tracked); none while they are not known.
    pub fn all(self) -> Option<Vec<DistributionList>> {
        let mut all = self.lists.get()?;
        for waiting in self.waiting.get() {
            lists::put(&mut all, waiting);
        }
        Some(all)
    }

    /// How many lists are not on a server yet as they are wanted (tracked).
    pub fn count_waiting(self) -> usize {
        self.waiting.with(Vec::len)
    }

    fn all_now(self) -> Vec<DistributionList> {
        untrack(|| self.all()).unwrap_or_default()
    }

    /// Whether a list is not on a server yet as it is wanted (tracked).
    pub fn is_waiting(self, number: u8) -> bool {
        self.waiting
            .with(|waiting| lists::find(waiting, number).is_some())
    }

    /// Opens a list.
    pub fn open(self, number: u8) {
        self.desk.set(Some(Desk::Edit(number)));
        self.show(number);
        focus_desk();
    }

    /// Opens the form of a new list.
    pub fn open_new(self) {
        let number = lists::next_free(&self.all_now());
        self.wanted.set(empty(number.unwrap_or(0)));
        self.desk.set(Some(Desk::New));
        focus_desk();
    }

    pub fn close(self) {
        self.desk.set(None);
    }

    /// Shows the list of this number at the desk.
    fn show(self, number: u8) {
        match lists::find(&self.all_now(), number).cloned() {
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
            self.save(self.wanted.get_untracked());
        }
    }

    /// Makes the new list of this number.
    pub fn create(self, number: u8) {
        self.wanted.update(|wanted| wanted.number = number);
        self.desk.set(Some(Desk::Edit(number)));
        self.save(self.wanted.get_untracked());
        focus_desk();
    }

    fn save(self, list: DistributionList) {
        self.change_waiting(|waiting| lists::put(waiting, list));
        self.save_waiting();
    }

    fn change_waiting(self, change: impl FnOnce(&mut Vec<DistributionList>)) {
        self.waiting.update(change);
        self.waiting.with_untracked(|waiting| {
            self.mailbox
                .with_value(|mailbox| waiting_lists::keep(mailbox, waiting));
        });
    }

    /// Saves what waits, one list after the other.
    pub fn save_waiting(self) {
        let next = self
            .waiting
            .with_untracked(|waiting| waiting.first().cloned());
        let (Some(wanted), false) = (next, self.saving.get_value()) else {
            return;
        };
        self.saving.set_value(true);
        spawn_local(async move {
            let content = ListContent {
                title: wanted.title.clone(),
                addresses: wanted.addresses.clone(),
            };
            let client = self.connection.client();
            let saved = client.lists().set(wanted.number, &content).await;
            if self.saving.is_disposed() {
                return;
            }
            self.saving.set_value(false);
            match saved {
                Ok(saved) => self.saved(&wanted, saved),
                Err(error) => self.refuse(
                    error,
                    "Not saved yet: no server answers.",
                    "It waits in this browser, and is saved by itself when there is a connection.",
                ),
            }
        });
    }

    fn saved(self, sent: &DistributionList, saved: DistributionList) {
        self.resolve(saved.addresses.clone());
        // It may have been changed while it was on its way.
        self.change_waiting(|waiting| waiting.retain(|list| list != sent));
        let number = saved.number;
        self.lists
            .update(|lists| lists::put(lists.get_or_insert_default(), saved));
        if self.waiting.with_untracked(Vec::is_empty) {
            self.refusal.set(None);
            self.announcer.say("Saved.");
        }
        if self.desk.get_untracked() == Some(Desk::Edit(number)) {
            self.show(number);
        }
        self.save_waiting();
    }

    /// Deletes a list, and offers the way back.
    pub fn delete(self, number: u8) {
        let Some(list) = lists::find(&self.all_now(), number).cloned() else {
            return;
        };
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
            self.change_waiting(|waiting| waiting.retain(|list| list.number != number));
            if self.desk.get_untracked() == Some(Desk::Edit(number)) {
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
