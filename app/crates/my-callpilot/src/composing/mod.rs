//! The messages that are being composed: what is typed and recorded is kept in this browser as it is made, and on the servers a moment later (R28).
//!
//! Here is what is known of them and what the writer does to them. `keeping` writes what this browser keeps, `work` brings it to the servers and hands
//! it in. The rules are in `model::composition`.

mod keeping;
mod work;

pub use keeping::{remove_all, something_waits};

use crate::mailbox::MailboxContext;
use crate::model::answering::{Answer, begin};
use crate::model::composition::{Composition, Leaving, Stage};
use contract::{DraftContent, DraftRow, Event, ObjectId, PartKind, ResolvedAddress};
use keeping::Octets;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::cell::Cell;
use std::time::Duration;
use ui::clock;
use ui::connection::{ConnectionContext, ConnectionEvent};
use ui::context::ApplicationOwner;
use ui::read_only::ReadOnly;
use ui::sdk::Trouble;
use ui::session::SessionContext;

/// What other devices have changed is read so long after word of it: while they write, such word comes each second.
const READ_AFTER: Duration = Duration::from_millis(700);
/// What addresses lead to is known of so many; the oldest go first.
const RESOLVED_MAX: usize = 1_000;

thread_local! {
    /// That of the application that runs here. The first load knows nothing of it (`pages::lazy`).
    static HERE: Cell<Option<ComposingContext>> = const { Cell::new(None) };
}

/// The messages that are being composed. A handle.
#[derive(Clone, Copy)]
pub struct ComposingContext {
    connection: ConnectionContext,
    mailbox: MailboxContext,
    /// Whose they are; none while nobody is logged in.
    number: StoredValue<Option<String>>,
    /// Those that this browser has, the oldest first.
    all: RwSignal<Vec<Composition>>,
    /// What was recorded and attached here.
    octets: StoredValue<Octets>,
    /// The drafts as a server listed them last.
    rows: RwSignal<Option<Vec<DraftRow>>>,
    /// What addresses lead to.
    resolved: RwSignal<Vec<(String, ResolvedAddress)>>,
    /// What this browser keeps has been read.
    ready: RwSignal<bool>,
    /// They are being read.
    reading: StoredValue<bool>,
    /// They are being brought to a server.
    working: StoredValue<bool>,
}

impl ComposingContext {
    fn new() -> Self {
        Self {
            connection: ConnectionContext::here(),
            mailbox: MailboxContext::here(),
            number: StoredValue::new(None),
            all: RwSignal::new(Vec::new()),
            octets: StoredValue::new(Octets::default()),
            rows: RwSignal::new(None),
            resolved: RwSignal::new(Vec::new()),
            ready: RwSignal::new(false),
            reading: StoredValue::new(false),
            working: StoredValue::new(false),
        }
    }

    /// That of the present application. It begins to keep what is composed, and goes on with what was kept, when it is first asked for.
    pub fn here() -> Self {
        Self::of(&ApplicationOwner::here())
    }

    /// That of an application.
    pub fn of(owner: &ApplicationOwner) -> Self {
        if let Some(here) = HERE.get() {
            return here;
        }
        owner.with(|| {
            let here = Self::new();
            HERE.set(Some(here));
            here.start();
            here
        })
    }

    fn start(self) {
        self.connection.listen(move |event| match event {
            ConnectionEvent::Answers => {
                self.work();
                self.read_later();
            }
            ConnectionEvent::Server(Event::Drafts) | ConnectionEvent::ListStale => {
                self.read_later();
            }
            ConnectionEvent::Server(_)
            | ConnectionEvent::SessionRenewed(_)
            | ConnectionEvent::SessionEnded => {}
        });
        // It lives as long as the page.
        window_event_listener_untyped("pagehide", move |_| self.keep_now());
        let who = SessionContext::here().who();
        Effect::new(move || self.opened(who.with(|who| Some(who.as_ref()?.mailbox.clone()))));
    }

    /// Somebody is at work, or nobody any more.
    fn opened(self, number: Option<String>) {
        if self.number.with_value(|now| *now == number) {
            return;
        }
        self.ready.set(false);
        self.all.set(Vec::new());
        self.rows.set(None);
        self.resolved.set(Vec::new());
        self.octets
            .update_value(|octets| *octets = Octets::default());
        self.number.set_value(number.clone());
        if let Some(number) = number {
            self.restore(number);
            self.read_later();
        }
    }

    /// Whose they are.
    fn number(self) -> String {
        self.number.get_value().unwrap_or_default()
    }

    /// One of them (tracked).
    pub fn get(self, id: ObjectId) -> Option<Composition> {
        self.all.with(|all| find(all, id).cloned())
    }

    /// Those that this browser has.
    pub fn all(self) -> ReadOnly<Vec<Composition>> {
        self.all.into()
    }

    /// The drafts as a server listed them last.
    pub fn rows(self) -> ReadOnly<Option<Vec<DraftRow>>> {
        self.rows.into()
    }

    /// A new one, which says this so far.
    pub fn begin(self, content: DraftContent) -> ObjectId {
        let id = self.connection.client().drafts().new_id();
        let begun = Composition::begun(id, clock::now(), content);
        self.all.update(|all| all.push(begun));
        id
    }

    /// One that goes on with a message.
    ///
    /// # Errors
    /// The message is not here, and no server gives it.
    pub async fn answer(self, answer: Answer, message: ObjectId) -> Result<ObjectId, Trouble> {
        let detail = match self.mailbox.detail(message) {
            Some(detail) => detail,
            None => self.mailbox.read_detail(message).await?,
        };
        Ok(self.begin(begin(answer, &detail, &self.number())))
    }

    /// What this browser keeps has been read: before that nothing is known.
    pub fn ready(self) -> ReadOnly<bool> {
        self.ready.into()
    }

    /// Goes on with a draft, of this browser or of the servers.
    ///
    /// # Errors
    /// It is not here, and no server gives it.
    pub async fn open(self, id: ObjectId) -> Result<(), Trouble> {
        if self.all.with_untracked(|all| find(all, id).is_some()) {
            return Ok(());
        }
        let draft = self.connection.client().drafts().get(id).await?;
        self.all.update(|all| {
            if find(all, id).is_none() {
                all.push(Composition::of(&draft));
            }
        });
        Ok(())
    }

    /// A page lets go of one: what servers have whole need not stay in this browser, and what is empty need not stay anywhere.
    pub fn leave(self, id: ObjectId) {
        self.change(id, &mut Composition::finish);
        let left = self
            .all
            .with_untracked(|all| find(all, id).map(Composition::when_left));
        match left {
            Some(Leaving::Discard) => self.discard(id),
            Some(Leaving::Forget) => self.forget(id),
            Some(Leaving::Keep) | None => {}
        }
    }

    /// Changes one: it is kept, and brought to the servers.
    pub fn change(self, id: ObjectId, change: &mut dyn FnMut(&mut Composition)) {
        self.update(id, change);
        self.keep_later(id);
        self.work_later();
    }

    /// What is typed and chosen of one changes.
    pub fn edit(self, id: ObjectId, edit: impl Fn(&mut DraftContent)) {
        let now = clock::now();
        self.change(id, &mut |one| one.edit(now, &edit));
    }

    fn update(self, id: ObjectId, change: &mut dyn FnMut(&mut Composition)) {
        self.all.update(|all| {
            if let Some(one) = all.iter_mut().find(|one| one.id == id) {
                change(one);
            }
        });
    }

    /// Begins a part: a recording, or a file of this name. Its octets come by [`Self::append`].
    pub fn attach(self, id: ObjectId, kind: PartKind, name: &str) -> ObjectId {
        let part = self.connection.client().drafts().new_id();
        let now = clock::now();
        self.change(id, &mut |one| one.attach(now, part, kind, name.to_owned()));
        part
    }

    /// More of a part has come; `whole`: that is all.
    pub fn append(self, id: ObjectId, part: ObjectId, octets: &[u8], whole: bool) {
        let length = self.keep_octets(id, part, octets);
        let now = clock::now();
        self.change(id, &mut |one| one.append(now, part, length, whole));
    }

    /// Takes a part out.
    pub fn take_out(self, id: ObjectId, part: ObjectId) {
        let now = clock::now();
        self.change(id, &mut |one| one.take_out(now, part));
        self.drop_octets(id, part);
    }

    /// What was recorded or attached, as far as it is in this browser.
    pub fn octets(self, part: ObjectId) -> Option<Vec<u8>> {
        self.octets
            .with_value(|octets| octets.get(part).map(<[u8]>::to_vec))
    }

    /// Sends one, as soon as a server answers.
    pub fn send(self, id: ObjectId) {
        let submission = self.connection.client().drafts().new_id();
        self.change(id, &mut |one| one.send(submission));
        // Whoever has pressed Send may close the page at once.
        self.keep_now();
        self.work();
    }

    /// Takes one back that has not gone out yet.
    pub fn hold(self, id: ObjectId) {
        self.change(id, &mut Composition::hold);
        self.keep_now();
    }

    /// Discards one, here at once and on the servers as soon as one answers.
    pub fn discard(self, id: ObjectId) {
        self.rows.update(|rows| {
            if let Some(rows) = rows {
                rows.retain(|row| row.id != id);
            }
        });
        if self.all.with_untracked(|all| find(all, id).is_none()) {
            let gone = Composition::new(id, clock::now());
            self.all.update(|all| all.push(gone));
        }
        self.change(id, &mut |one| one.stage = Stage::Discarded);
        self.keep_now();
        self.work();
    }

    /// Goes on under another identity with what this browser has of one that was sent or discarded elsewhere.
    pub fn copy(self, id: ObjectId) -> Option<ObjectId> {
        let old = self.all.with_untracked(|all| find(all, id).cloned())?;
        let copy = old.copied(self.connection.client().drafts().new_id(), clock::now());
        let new = copy.id;
        self.all.update(|all| all.push(copy));
        for part in old.parts.iter().filter(|part| part.here) {
            if let Some(octets) = self.octets(part.id) {
                let copied = self.attach(new, part.kind, &part.name);
                self.append(new, copied, &octets, part.whole);
            }
        }
        self.forget(id);
        self.keep_later(new);
        Some(new)
    }

    /// What an address leads to, as far as it is known (tracked).
    pub fn resolved(self, address: &str) -> Option<ResolvedAddress> {
        self.resolved.with(|resolved| {
            let known = resolved.iter().find(|(known, _)| known == address);
            known.map(|(_, found)| found.clone())
        })
    }

    /// Asks what these addresses lead to, where that is not known.
    pub fn resolve(self, addresses: Vec<String>) {
        let known = |address: &String| {
            self.resolved
                .with_untracked(|resolved| resolved.iter().any(|(known, _)| known == address))
        };
        let asked: Vec<String> = addresses.into_iter().filter(|one| !known(one)).collect();
        if asked.is_empty() {
            return;
        }
        spawn_local(async move {
            let client = self.connection.client();
            let Ok(found) = client.drafts().resolve(asked.clone()).await else {
                // The server says it when it is sent.
                return;
            };
            self.resolved.update(|resolved| {
                resolved.extend(asked.into_iter().zip(found));
                let surplus = resolved.len().saturating_sub(RESOLVED_MAX);
                resolved.drain(..surplus);
            });
        });
    }

    /// Users whose names or numbers begin with what is typed; nobody while no server answers.
    pub async fn address_book(self, typed: &str) -> Vec<ResolvedAddress> {
        let drafts = self.connection.client().drafts();
        drafts.address_book(typed).await.unwrap_or_default()
    }

    /// Reads the drafts of the servers, a moment later.
    pub fn read_later(self) {
        if self.reading.get_value() {
            return;
        }
        self.reading.set_value(true);
        set_timeout(
            move || {
                self.reading.set_value(false);
                spawn_local(self.read());
            },
            READ_AFTER,
        );
    }

    async fn read(self) {
        let number = self.number.get_value();
        if number.is_none() {
            return;
        }
        let drafts = self.connection.client().drafts();
        let Ok(rows) = drafts.all().await else {
            return;
        };
        if self.number.get_value() != number {
            return;
        }
        let newer: Vec<ObjectId> = self.all.with_untracked(|all| {
            let open = all.iter().filter(|one| one.is_open() && one.was_saved());
            open.map(|one| one.id).collect()
        });
        self.rows.set(Some(rows));
        for id in newer {
            match drafts.get(id).await {
                Ok(draft) => self.update(id, &mut |one| one.join(&draft)),
                Err(error) if ui::sdk::is_conflict(&error) => self.went_elsewhere(id),
                // It is on the other server alone so far, or none answers.
                Err(_) => {}
            }
        }
    }

    /// One was sent or discarded on another device.
    fn went_elsewhere(self, id: ObjectId) {
        self.change(id, &mut |one| one.stage = Stage::Elsewhere);
    }
}

fn find(all: &[Composition], id: ObjectId) -> Option<&Composition> {
    all.iter().find(|one| one.id == id)
}
