//! The mailbox: its messages, the changes that wait for a server, and the way back after the last action.
//!
//! Here is what the mailbox knows and what the reader does to it. `lists` reads it from the servers, `outgoing` sends changes,
//! `keeping` writes the copy that this browser keeps.

mod keeping;
mod lists;
mod outgoing;

use crate::model::arrivals::Arrivals;
use crate::model::mail::Mail;
use crate::model::outbox::Outbox;
use crate::model::undo::{Action, Undo};
use crate::model::words;
use contract::{Counts, Event, Folder, MessageDetail, MessagePatch, MessageRow, ObjectId};
use leptos::prelude::*;
use ui::announcer::Announcer;
use ui::clock::{self, Clock};
use ui::connection::{ConnectionContext, ConnectionEvent};
use ui::read_only::ReadOnly;

/// Parts of at most so many opened messages are held; the oldest go first.
const DETAILS_MAX: usize = 100;

/// A server answered, but could not give the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTrouble {
    /// The server's sentence.
    pub message: String,
    /// Finds the story in the server's log.
    pub reference: String,
}

/// The mailbox. A handle.
#[derive(Clone, Copy)]
pub struct MailboxContext {
    connection: ConnectionContext,
    announcer: Announcer,
    /// Whose it is; none while nobody is logged in.
    number: StoredValue<Option<String>>,
    mail: RwSignal<Mail>,
    /// Changes that wait for a server.
    outbox: RwSignal<Outbox>,
    /// Parts of messages that were opened, the latest last.
    details: RwSignal<Vec<MessageDetail>>,
    /// A list is being read, and none is known yet.
    loading: RwSignal<bool>,
    /// The list could not be read.
    trouble: RwSignal<Option<ListTrouble>>,
    /// The action that can be undone.
    undo: RwSignal<Option<Undo>>,
    /// Messages that were to be brought back and are gone for good, until it is told.
    lost: RwSignal<Vec<ObjectId>>,
    /// Arrivals that are not announced yet.
    arrivals: StoredValue<Arrivals>,
    /// The computer's clock less the server's, in milliseconds, as far as lists told.
    clock_ahead_ms: RwSignal<Option<i64>>,
    /// Counts the readings of the lists: only the newest counts.
    reading: StoredValue<u64>,
    /// Waiting changes are being sent.
    sending: StoredValue<bool>,
}

impl MailboxContext {
    /// A mailbox that is closed until [`Self::open`].
    pub fn new(connection: ConnectionContext, clock: Clock, announcer: Announcer) -> Self {
        let mailbox = Self {
            connection,
            announcer,
            number: StoredValue::new(None),
            mail: RwSignal::new(Mail::default()),
            outbox: RwSignal::new(Outbox::default()),
            details: RwSignal::new(Vec::new()),
            loading: RwSignal::new(false),
            trouble: RwSignal::new(None),
            undo: RwSignal::new(None),
            lost: RwSignal::new(Vec::new()),
            arrivals: StoredValue::new(Arrivals::default()),
            clock_ahead_ms: RwSignal::new(None),
            reading: StoredValue::new(0),
            sending: StoredValue::new(false),
        };
        mailbox.keep();
        mailbox.never_looks_empty();
        mailbox.share_outbox();
        mailbox.follow(clock);
        mailbox
    }

    /// The mailbox of the present application.
    pub fn here() -> Self {
        ui::context::provided()
    }

    /// Takes what the connection tells of the messages.
    pub fn hear(self, event: ConnectionEvent<'_>) {
        match event {
            ConnectionEvent::Answers if self.is_open() => self.catch_up(),
            ConnectionEvent::ListStale => self.read_lists(),
            ConnectionEvent::Server(event) => self.happened(event),
            ConnectionEvent::Answers
            | ConnectionEvent::SessionRenewed(_)
            | ConnectionEvent::SessionEnded => {}
        }
    }

    /// Servers can be asked: sends what waits, and reads what is new.
    pub fn catch_up(self) {
        self.send_waiting();
        self.read_lists();
    }

    /// The messages.
    pub fn mail(self) -> ReadOnly<Mail> {
        self.mail.into()
    }

    /// The counts to show (tracked).
    pub fn counts(self) -> Counts {
        self.mail.with(Mail::counts)
    }

    /// How many messages of a folder are here (tracked).
    pub fn known(self, folder: Folder) -> usize {
        self.mail.with(|mail| mail.rows(folder).len())
    }

    /// How many messages of a folder that are here are on one server only so far (tracked).
    pub fn on_one_server(self, folder: Folder) -> u32 {
        self.mail.with(|mail| {
            let rows = mail.rows(folder);
            let here = rows.iter().filter(|row| row.one_server_only).count();
            u32::try_from(here).unwrap_or(u32::MAX)
        })
    }

    /// How many messages are here in all (tracked).
    pub fn kept(self) -> usize {
        self.known(Folder::Inbox) + self.known(Folder::Sent) + self.known(Folder::Deleted)
    }

    /// How many messages have a change that waits for a server (tracked).
    pub fn waiting(self) -> usize {
        self.outbox.with(Outbox::len)
    }

    /// One message, from a list or because it was opened (tracked).
    pub fn row(self, id: ObjectId) -> Option<MessageRow> {
        self.mail.with(|mail| mail.row(id).cloned()).or_else(|| {
            self.details.with(|details| {
                let detail = details.iter().find(|detail| detail.row.id == id);
                detail.map(|detail| detail.row.clone())
            })
        })
    }

    /// A list is being read, and none is known yet.
    pub fn loading(self) -> ReadOnly<bool> {
        self.loading.into()
    }

    /// Why the list could not be read.
    pub fn trouble(self) -> ReadOnly<Option<ListTrouble>> {
        self.trouble.into()
    }

    /// The computer's clock less the server's, in milliseconds, as far as lists told.
    pub fn clock_ahead_ms(self) -> ReadOnly<Option<i64>> {
        self.clock_ahead_ms.into()
    }

    /// The action that can be undone.
    pub fn undo(self) -> ReadOnly<Option<Undo>> {
        self.undo.into()
    }

    /// What is said of the last action (tracked).
    pub fn last_action(self) -> Option<String> {
        self.undo.with(|undo| {
            let undo = undo.as_ref()?;
            let connected = self.connection.is_on();
            let stage = self.outbox.with(|outbox| undo.stage(outbox, connected));
            let home = self.mail.with(|mail| home(mail, &undo.ids));
            Some(undo.words(stage, home))
        })
    }

    /// Whether there is a way back from the last action (tracked).
    pub fn can_undo(self) -> bool {
        let can = |undo: &Option<Undo>| undo.as_ref().is_some_and(|undo| undo.patch().is_some());
        self.undo.with(can)
    }

    /// The reader is at the way back (or no longer): its time stands still meanwhile.
    pub fn hold_undo(self, held: bool) {
        self.undo.try_maybe_update(|undo| {
            if let Some(undo) = undo {
                undo.hold(held);
            }
            (false, ())
        });
    }

    /// Changes messages: shown at once, sent now or as soon as a server answers.
    pub fn enqueue(self, ids: &[ObjectId], patch: MessagePatch) {
        self.mail.update(|mail| {
            for id in ids {
                mail.change(*id, &patch);
            }
        });
        self.change_outbox(&|outbox| {
            for id in ids {
                outbox.add(*id, patch);
            }
        });
        self.send_waiting();
    }

    /// Marks messages as new or as heard, where they are not yet.
    pub fn mark(self, ids: &[ObjectId], unread: bool) {
        // An opened message need not be on a list that is here.
        let row = |id: &ObjectId| untrack(|| self.row(*id));
        let differ = |id: &ObjectId| row(id).is_some_and(|row| row.unread != unread);
        let ids: Vec<ObjectId> = ids.iter().copied().filter(differ).collect();
        if !ids.is_empty() {
            let patch = MessagePatch {
                unread: Some(unread),
                deleted: None,
            };
            self.enqueue(&ids, patch);
        }
    }

    /// Moves messages to Deleted or back, and offers the way back.
    pub fn shift(self, action: Action, ids: Vec<ObjectId>) {
        if ids.is_empty() {
            return;
        }
        let patch = MessagePatch {
            unread: None,
            deleted: Some(action == Action::Deleted),
        };
        self.enqueue(&ids, patch);
        self.undo.set(Some(Undo::new(action, ids)));
    }

    /// Takes the last action back. Messages that are gone for good meanwhile are told when a server has said so.
    pub fn take_back(self) {
        let Some(undo) = self.undo.get_untracked() else {
            return;
        };
        let Some(patch) = undo.patch() else { return };
        self.undo.set(None);
        self.enqueue(&undo.ids, patch);
        let here = |mail: &Mail| undo.ids.iter().any(|id| mail.row(*id).is_some());
        if self.mail.with_untracked(here) {
            let back_in = match undo.action {
                Action::Restored => words::folder(Folder::Deleted),
                Action::Deleted | Action::Lost | Action::Told => {
                    self.mail.with_untracked(|mail| home(mail, &undo.ids))
                }
            };
            self.announcer.say(format!("Back in {back_in}."));
        }
    }

    /// Tells something where the last action is told, in place of it.
    pub fn tell(self, words: String) {
        self.undo.set(Some(Undo::told(words)));
    }

    /// A message is gone for good, and with it what waited for it.
    fn give_up(self, id: ObjectId) {
        if self.outbox.with_untracked(|outbox| outbox.brings_back(id)) {
            self.lost.update(|lost| lost.push(id));
        }
        self.change_outbox(&|outbox| outbox.give_up(id));
    }

    /// Says how many messages could not be brought back, if any.
    fn tell_lost(self) {
        let told = self.undo.get_untracked();
        if self.lost.with_untracked(Vec::is_empty)
            || told.as_ref().is_some_and(|undo| undo.patch().is_some())
        {
            // A way back that is offered is not taken away for it.
            return;
        }
        // What is still told stays told.
        let mut lost = self.lost.get_untracked();
        lost.extend(told.map_or_else(Vec::new, |undo| undo.ids));
        self.lost.set(Vec::new());
        self.undo.set(Some(Undo::new(Action::Lost, lost)));
    }

    fn is_open(self) -> bool {
        self.number.with_value(Option::is_some)
    }

    fn happened(self, event: &Event) {
        match event {
            Event::Message {
                row,
                arrived,
                counts,
            } => {
                let outbox = self.outbox.get_untracked();
                let new = self
                    .mail
                    .try_update(|mail| mail.put(row.clone(), Some(*counts), &outbox));
                if *arrived && new == Some(true) {
                    self.announce(row);
                }
            }
            Event::Gone { id, counts } => {
                // It is gone for good: nothing of it waits any more.
                if self.outbox.with_untracked(|outbox| outbox.holds(*id)) {
                    self.give_up(*id);
                    self.tell_lost();
                }
                self.mail.update(|mail| mail.remove(*id, Some(*counts)));
            }
            // No page shows them yet.
            Event::Drafts => {}
            // The SDK turns these into its own events.
            Event::Server { .. } | Event::Resync | Event::Ended => {}
        }
    }

    /// A message has come that was not here before.
    fn announce(self, row: &MessageRow) {
        if row.folder == Folder::Inbox && row.unread {
            let now_ms = u64::try_from(clock::now().0).unwrap_or(0);
            self.arrivals
                .update_value(|arrivals| arrivals.add(now_ms, row));
        }
    }

    /// Once a second: the way back ends, arrivals are announced.
    fn follow(self, clock: Clock) {
        Effect::new(move |before: Option<i64>| {
            let now = clock.now().get().0;
            let passed = u32::try_from(now - before.unwrap_or(now)).unwrap_or(1_000);
            let ended = self.undo.try_maybe_update(|undo| {
                let tick = |undo: &mut Undo| {
                    self.outbox
                        .with_untracked(|outbox| undo.tick(passed, outbox))
                };
                (false, undo.as_mut().is_some_and(tick))
            });
            if ended == Some(true) {
                self.undo.set(None);
                self.tell_lost();
            }
            let now_ms = u64::try_from(now).unwrap_or(0);
            let announcement = self
                .arrivals
                .try_update_value(|arrivals| arrivals.take(now_ms));
            if let Some(words) = announcement.flatten() {
                self.announcer.say(words);
            }
            now
        });
    }
}

/// The folder to which these messages come back from Deleted.
fn home(mail: &Mail, ids: &[ObjectId]) -> &'static str {
    let sent = |id: &ObjectId| mail.row(*id).is_some_and(|row| !row.sent_to.is_empty());
    match (ids.iter().any(sent), ids.iter().all(sent)) {
        (false, _) => words::folder(Folder::Inbox),
        (true, true) => words::folder(Folder::Sent),
        (true, false) => "Inbox and Sent",
    }
}
