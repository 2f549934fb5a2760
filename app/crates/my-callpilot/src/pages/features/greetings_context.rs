//! The greetings as the servers have them, and what the reader does to them.

use crate::model::greetings;
use crate::recorder::kept::KeptRecording;
use crate::recorder::{Recorder, RecorderEvent, RecorderLimits, SoundFile, Uploading};
use contract::{GreetingRow, GreetingSlot, Timestamp};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use ui::announcer::Announcer;
use ui::browser;
use ui::clock::{self, Clock};
use ui::connection::ConnectionContext;
use ui::refusal::Refusal;
use ui::sdk::{Progress, Trouble};
use ui::session::SessionContext;
use ui::stoppable::Stopper;

/// What stands in the right half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// The recorder of a greeting.
    Record(GreetingSlot),
    /// How long the temporary greeting stays.
    Ends,
}

/// The page's own state. A handle.
#[derive(Clone, Copy)]
pub struct Greetings {
    session: SessionContext,
    connection: ConnectionContext,
    announcer: Announcer,
    pub clock: Clock,
    /// What is recorded; none while it is not known.
    pub rows: RwSignal<Option<Vec<GreetingRow>>>,
    /// Why it is not known, or why a change was not made.
    pub refusal: RwSignal<Option<Refusal>>,
    /// Said after a change.
    pub done: RwSignal<String>,
    pub desk: RwSignal<Option<Desk>>,
    pub recorder: Recorder,
    pub saving: RwSignal<bool>,
    /// The greeting that is being played.
    pub playing: RwSignal<Option<GreetingSlot>>,
    pub audio: NodeRef<html::Audio>,
    kept: StoredValue<Option<KeptRecording>, LocalStorage>,
    upload: StoredValue<Stopper, LocalStorage>,
}

impl Greetings {
    pub fn new() -> Self {
        let page = Self {
            session: SessionContext::here(),
            connection: ConnectionContext::here(),
            announcer: Announcer::here(),
            clock: Clock::here(),
            rows: RwSignal::new(None),
            refusal: RwSignal::new(None),
            done: RwSignal::new(String::new()),
            desk: RwSignal::new(None),
            recorder: Recorder::new(RecorderLimits {
                recording_ms: greetings::LENGTH_MS_MAX,
                file_octets: greetings::FILE_OCTETS_MAX,
            }),
            saving: RwSignal::new(false),
            playing: RwSignal::new(None),
            audio: NodeRef::new(),
            kept: StoredValue::new_local(None),
            upload: StoredValue::new_local(Stopper::default()),
        };
        page.recorder.tell(move |event| page.recorded(event));
        // Again whenever a server answers that did not: the other one may know more.
        let answers = Memo::new(move |_| page.connection.is_on());
        Effect::new(move || {
            if answers.get() {
                page.read();
            }
        });
        page
    }

    /// The name of whoever is logged in.
    pub fn owner(self) -> String {
        let who = self.session.who();
        who.with_untracked(|who| {
            who.as_ref()
                .map_or_else(String::new, |who| who.name.clone())
        })
    }

    pub fn read(self) {
        spawn_local(async move {
            let rows = self.connection.client().greetings().all().await;
            if self.rows.is_disposed() {
                return;
            }
            match rows {
                Ok(rows) => {
                    self.refusal.set(None);
                    self.rows.set(Some(rows));
                }
                // What is known already stays.
                Err(_) if self.rows.with_untracked(Option::is_some) => {}
                Err(error) => self.refuse(
                    error,
                    "The greetings could not be read.",
                    "They are safe. They are read again by themselves when a server answers.",
                ),
            }
        });
    }

    /// What a failure means for the reader. `what` was not done, and `then` is what to do without a connection.
    fn refuse(self, error: impl Into<Trouble>, what: &str, then: &str) {
        let refusal = match error.into() {
            Trouble::Ended => return,
            Trouble::NoAnswer => Refusal::new(what, then),
            Trouble::Gone => {
                Refusal::new(what, "It was deleted on another device or by telephone.")
            }
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
        self.done.set(String::new());
        self.refusal.set(Some(refusal));
    }

    fn tell_done(self, words: String) {
        self.refusal.set(None);
        self.announcer.say(words.clone());
        self.done.set(words);
    }

    fn put(self, row: GreetingRow) {
        self.rows.update(|rows| {
            let rows = rows.get_or_insert_default();
            rows.retain(|other| other.slot != row.slot);
            rows.push(row);
        });
    }

    /// Opens the recorder of a greeting, with what is kept of it in this browser.
    pub fn open(self, slot: GreetingSlot) {
        if self.desk.get_untracked() != Some(Desk::Record(slot)) {
            self.close();
            let mailbox = self.session.mailbox();
            let kept = KeptRecording::new(&mailbox, greetings::name(slot));
            self.kept.set_value(Some(kept.clone()));
            spawn_local(async move {
                let stored = kept.read().await;
                let is_still_here = self.desk.try_get_untracked() == Some(Some(Desk::Record(slot)));
                if let (Some(stored), true) = (stored, is_still_here)
                    && self.recorder.octets().is_none()
                {
                    self.recorder.open(&stored);
                }
            });
        }
        self.show(Desk::Record(slot));
    }

    /// Opens how long the temporary greeting stays.
    pub fn open_ends(self) {
        self.close();
        self.show(Desk::Ends);
    }

    fn show(self, desk: Desk) {
        self.done.set(String::new());
        self.refusal.set(None);
        self.desk.set(Some(desk));
        browser::after_drawing(|| {
            browser::focus("desk");
        });
    }

    /// Closes the right half. What was recorded is kept.
    pub fn close(self) {
        self.upload.with_value(Stopper::stop);
        self.recorder.rest();
        self.recorder.clear();
        self.kept.set_value(None);
        self.desk.set(None);
    }

    fn slot(self) -> Option<GreetingSlot> {
        match self.desk.try_get_untracked().flatten() {
            Some(Desk::Record(slot)) => Some(slot),
            Some(Desk::Ends) | None => None,
        }
    }

    fn recorded(self, event: RecorderEvent) {
        match event {
            RecorderEvent::Piece { .. } | RecorderEvent::Rests => {
                self.keep(self.recorder.octets());
            }
            RecorderEvent::Discarded => self.keep(None),
            RecorderEvent::Begun => {}
            RecorderEvent::File(file) => self.send_file(file),
            RecorderEvent::FileStopped => self.upload.with_value(Stopper::stop),
        }
    }

    fn keep(self, octets: Option<Rc<[u8]>>) {
        self.kept.with_value(|kept| {
            if let Some(kept) = kept {
                kept.keep(octets);
            }
        });
    }

    /// Saves what was recorded: callers hear it.
    pub fn save(self) {
        self.recorder.rest();
        let (Some(slot), Some(octets)) = (self.slot(), self.recorder.octets()) else {
            return;
        };
        if self.saving.get_untracked() {
            return;
        }
        self.saving.set(true);
        spawn_local(async move {
            let client = self.connection.client();
            let saved = client.greetings().record(slot, octets, |_| {}).await;
            if self.saving.is_disposed() {
                return;
            }
            self.saving.set(false);
            match saved {
                Ok(row) => self.saved(row),
                Err(error) => self.refuse(
                    error,
                    "Not saved: no server answers.",
                    "What you have said is kept in this browser. Press Save again when there is a connection.",
                ),
            }
        });
    }

    fn saved(self, row: GreetingRow) {
        let slot = row.slot;
        self.put(row);
        if self.slot() == Some(slot) {
            self.keep(None);
            self.close();
        }
        if slot == GreetingSlot::Temporary {
            self.open_ends();
        }
        self.tell_done(match slot {
            GreetingSlot::RecordedName => "Recorded name saved.".into(),
            slot => format!("{} greeting saved.", greetings::name(slot)),
        });
    }

    fn send_file(self, file: SoundFile) {
        let Some(slot) = self.slot() else { return };
        let stopper = self.upload.get_value();
        let progress = move |progress: Progress| {
            if let Some(percent) = percent(progress) {
                self.recorder.uploaded(Some(Uploading::Sending(percent)));
            }
        };
        spawn_local(async move {
            let client = self.connection.client();
            let greetings = client.greetings();
            let sent = stopper.run(greetings.record(slot, file.octets, progress));
            let Some(sent) = sent.await else { return };
            if self.saving.is_disposed() {
                return;
            }
            match sent.map_err(Trouble::from) {
                Ok(row) => {
                    self.recorder.uploaded(None);
                    self.saved(row);
                }
                Err(Trouble::Refused { message, .. }) => {
                    self.recorder.uploaded(Some(Uploading::Refused(message)));
                }
                Err(_) => self.recorder.uploaded(Some(Uploading::Refused(
                    "No server answers. Choose it again when there is a connection.".into(),
                ))),
            }
        });
    }

    /// Takes a recording away.
    pub fn delete(self, slot: GreetingSlot) {
        self.stop_playing();
        spawn_local(async move {
            let removed = self.connection.client().greetings().remove(slot).await;
            if self.rows.is_disposed() {
                return;
            }
            match removed {
                Ok(()) => {
                    self.rows.update(|rows| {
                        if let Some(rows) = rows {
                            rows.retain(|row| row.slot != slot);
                        }
                    });
                    if self.desk.get_untracked() == Some(Desk::Ends) {
                        self.close();
                    }
                    self.tell_done(format!("{} deleted.", greetings::name(slot)));
                }
                Err(error) => self.refuse(
                    error,
                    "Not deleted: no server answers.",
                    "Try again when there is a connection.",
                ),
            }
        });
    }

    /// Says when the temporary greeting switches itself off.
    pub fn set_end(self, ends_at: Option<Timestamp>) {
        if self.saving.get_untracked() {
            return;
        }
        self.saving.set(true);
        spawn_local(async move {
            let client = self.connection.client();
            let set = client
                .greetings()
                .set_end(GreetingSlot::Temporary, ends_at)
                .await;
            if self.saving.is_disposed() {
                return;
            }
            self.saving.set(false);
            match set {
                Ok(row) => {
                    let now = clock::now();
                    let words = match row.ends_at {
                        None => "Temporary is on until you switch it off.".into(),
                        Some(end) if end.0 <= now.0 => {
                            "Temporary is off. Its recording is kept.".into()
                        }
                        Some(end) => {
                            let end = greetings::end_words(&self.clock.zone(), now, end);
                            format!("Temporary is on until {end}.")
                        }
                    };
                    self.put(row);
                    self.tell_done(words);
                }
                Err(error) => self.refuse(
                    error,
                    "Not changed: no server answers.",
                    "Try again when there is a connection.",
                ),
            }
        });
    }

    /// Plays a greeting, or stops it.
    pub fn play(self, slot: GreetingSlot) {
        let plays_it = self.playing.get_untracked() == Some(slot);
        self.stop_playing();
        if plays_it {
            return;
        }
        self.playing.set(Some(slot));
        spawn_local(async move {
            let sound = self
                .connection
                .client()
                .greetings()
                .audio(slot, |_| {})
                .await;
            if self.playing.try_get_untracked() != Some(Some(slot)) {
                return;
            }
            let sound = match sound {
                Ok(sound) => sound,
                Err(error) => {
                    self.playing.set(None);
                    return self.refuse(
                        error,
                        "The greeting could not be fetched.",
                        "It plays when there is a connection.",
                    );
                }
            };
            let url = browser::object_url(&sound, "audio/wav");
            if let (Some(url), Some(audio)) = (url, self.audio.get_untracked()) {
                audio.set_src(&url);
                if let Ok(begun) = audio.play() {
                    // A browser that does not let it begin leaves it silent.
                    let _ = wasm_bindgen_futures::JsFuture::from(begun).await;
                }
            }
        });
    }

    pub fn stop_playing(self) {
        self.playing.try_set(None);
        if let Some(Some(audio)) = self.audio.try_get_untracked() {
            let _ = audio.pause(); // it is paused already
            browser::revoke(&audio.src());
        }
    }
}

fn percent(progress: Progress) -> Option<u8> {
    let of = progress.of.filter(|of| *of > 0)?;
    u8::try_from(progress.bytes.min(of) * 100 / of).ok()
}
