//! What the recorder does: from the microphone into the recording, and from there to whoever shows it.

use super::microphone::{Heard, Microphone};
use crate::model::loudness::Reading;
use crate::model::microphone::NoMicrophone;
use crate::model::recording::Recording;
use crate::player::sounds::Sound;
use crate::preferences::PreferencesContext;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use std::time::Duration;
use ui::announcer::Announcer;
use ui::length;

/// Time that is left when it is said that it ends soon.
pub const SOON_MS: u64 = 30_000;
/// The last samples come within so much time after they were asked for, or do not come.
const LAST_WITHIN: Duration = Duration::from_millis(500);

/// What one may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecorderLimits {
    /// The longest recording, in milliseconds.
    pub recording_ms: u64,
    /// The largest file, in octets.
    pub file_octets: u64,
}

/// What becomes of a recording, in order. See the [module](super).
#[derive(Clone, Debug)]
pub enum RecorderEvent {
    /// A recording begins. What came before this is not part of it.
    Begun,
    /// More of it.
    Piece {
        /// Octets before these.
        offset: u64,
        /// The octets.
        octets: Rc<[u8]>,
    },
    /// Nothing more is being said, and all of it was handed on.
    Rests,
    /// The reader has discarded it.
    Discarded,
    /// The reader has chosen a file instead.
    File(SoundFile),
    /// The reader does not want the chosen file any more.
    FileStopped,
}

/// A file that the reader has chosen. Whether it is sound is the server's to say.
#[derive(Clone, Debug)]
pub struct SoundFile {
    /// What it is called.
    pub name: String,
    /// What is in it.
    pub octets: Rc<[u8]>,
}

/// How far the upload of a chosen file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uploading {
    /// So many hundredths have been sent.
    Sending(u8),
    /// It was not taken, for this reason.
    Refused(String),
}

/// Where the recorder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is recorded.
    Ready,
    /// The browser asks for the microphone.
    Asking,
    /// It records.
    Recording,
    /// The last samples are coming; then it is at the phase behind this.
    Ending {
        /// To be listened to.
        listen: bool,
    },
    /// Something is recorded; it may go on.
    Paused,
    /// The same, and it can be listened to.
    Listening,
}

type Tell = Rc<dyn Fn(RecorderEvent)>;

/// A recorder. A handle; it belongs to the component that makes it.
#[derive(Clone, Copy)]
pub struct Recorder {
    /// What one may bring.
    pub(super) limits: RecorderLimits,
    pub(super) announcer: Announcer,
    preferences: PreferencesContext,
    pub(super) phase: RwSignal<Phase>,
    pub(super) trouble: RwSignal<Option<NoMicrophone>>,
    pub(super) reading: RwSignal<Reading>,
    pub(super) elapsed_ms: RwSignal<u64>,
    pub(super) bars: RwSignal<Vec<f32>>,
    /// What the browser calls the microphone.
    pub(super) name: RwSignal<String>,
    /// The recording, to listen to.
    pub(super) sound: RwSignal<Option<Rc<Sound>>, LocalStorage>,
    /// Where one listens, in milliseconds.
    pub(super) at: RwSignal<u64>,
    /// Listening begins by itself.
    pub(super) plays: RwSignal<bool>,
    /// The chosen file, and how far its upload is.
    pub(super) file: RwSignal<Option<(String, Uploading)>>,
    recording: StoredValue<Recording, LocalStorage>,
    microphone: StoredValue<Option<Microphone>, LocalStorage>,
    tell: StoredValue<Option<Tell>, LocalStorage>,
    /// Counts the times that the microphone was asked for: only the last counts.
    asked: StoredValue<u32>,
}

impl Recorder {
    /// A recorder at which nothing is recorded.
    pub fn new(limits: RecorderLimits) -> Self {
        Self {
            limits,
            announcer: Announcer::here(),
            preferences: PreferencesContext::here(),
            phase: RwSignal::new(Phase::Ready),
            trouble: RwSignal::new(None),
            reading: RwSignal::new(Reading::default()),
            elapsed_ms: RwSignal::new(0),
            bars: RwSignal::new(Vec::new()),
            name: RwSignal::new(String::new()),
            sound: RwSignal::new_local(None),
            at: RwSignal::new(0),
            plays: RwSignal::new(false),
            file: RwSignal::new(None),
            recording: StoredValue::new_local(Recording::new(limits.recording_ms)),
            microphone: StoredValue::new_local(None),
            tell: StoredValue::new_local(None),
            asked: StoredValue::new(0),
        }
    }

    /// Says who is told of what comes.
    pub fn tell(self, tell: impl Fn(RecorderEvent) + 'static) {
        self.tell.set_value(Some(Rc::new(tell)));
    }

    /// Milliseconds that are recorded (tracked).
    pub fn duration_ms(self) -> u64 {
        self.elapsed_ms.get()
    }

    /// All of the recording, stored sound; `None` while there is nothing.
    pub fn octets(self) -> Option<Rc<[u8]>> {
        self.recording
            .with_value(|recording| (!recording.is_empty()).then(|| Rc::from(recording.octets())))
    }

    /// Opens what was recorded before, of which its owner knows: nothing of it is handed on. False if these octets are no recording.
    pub fn open(self, stored: &[u8]) -> bool {
        let Some(recording) = Recording::of(stored, self.limits.recording_ms) else {
            return false;
        };
        self.let_go();
        let is_empty = recording.is_empty();
        self.recording.set_value(recording);
        self.show_recorded();
        self.phase.set(if is_empty {
            Phase::Ready
        } else {
            Phase::Paused
        });
        true
    }

    /// Empties the recorder: its recording is at home elsewhere. Tells nobody.
    pub fn clear(self) {
        self.let_go();
        self.recording
            .set_value(Recording::new(self.limits.recording_ms));
        self.sound.set(None);
        self.at.set(0);
        self.file.set(None);
        self.trouble.set(None);
        self.show_recorded();
        self.phase.set(Phase::Ready);
    }

    /// How far the upload of the chosen file is; `None`: it is there, and no file is shown any more.
    pub fn uploaded(self, how_far: Option<Uploading>) {
        self.file.try_update(|file| match (how_far, file.take()) {
            (Some(how_far), Some((name, _))) => *file = Some((name, how_far)),
            _ => *file = None,
        });
    }

    /// Stops at once, with all that has come; [`RecorderEvent::Rests`] follows before this returns. For whoever sends now.
    pub fn rest(self) {
        if matches!(self.phase.try_get_untracked(), Some(Phase::Asking)) {
            return self.cancel();
        }
        if self.is_live() {
            self.let_go();
            self.rests(Phase::Paused);
        }
    }

    pub(super) fn is_live(self) -> bool {
        let phase = self.phase.try_get_untracked();
        matches!(phase, Some(Phase::Recording | Phase::Ending { .. }))
    }

    /// Records, or goes on.
    pub(super) fn record(self) {
        let phase = self.phase.get_untracked();
        if !matches!(phase, Phase::Ready | Phase::Paused | Phase::Listening)
            || self.recording.with_value(Recording::is_full)
        {
            return;
        }
        self.trouble.set(None);
        self.sound.set(None);
        if self.microphone.with_value(Option::is_some) {
            return self.begin();
        }
        self.phase.set(Phase::Asking);
        self.asked.update_value(|times| *times += 1);
        let time = self.asked.get_value();
        spawn_local(async move {
            let microphone = Microphone::open(move |heard| self.hear(heard)).await;
            // The reader may have cancelled, or left.
            if self.asked.try_get_value() != Some(time)
                || self.phase.try_get_untracked() != Some(Phase::Asking)
            {
                return;
            }
            match microphone {
                Ok(microphone) => {
                    self.name.set(microphone.name());
                    self.microphone.set_value(Some(microphone));
                    self.begin();
                }
                Err(why) => {
                    self.cancel();
                    self.trouble.set(Some(why));
                }
            }
        });
    }

    /// The microphone is there.
    fn begin(self) {
        let rate_hz = self.microphone.with_value(|microphone| {
            microphone.as_ref().map_or(0, |microphone| {
                microphone.go_on();
                microphone.rate_hz()
            })
        });
        let new = self.recording.with_value(Recording::is_empty);
        let goes_on = |recording: &mut Recording| recording.go_on(rate_hz);
        if self.recording.try_update_value(goes_on) != Some(true) {
            self.cancel();
            return self.trouble.set(Some(NoMicrophone::NoSound));
        }
        self.reading.set(Reading::default());
        self.phase.set(Phase::Recording);
        self.announcer.say("Recording.");
        if new {
            self.say(RecorderEvent::Begun);
        }
    }

    /// Does not ask for the microphone any more.
    pub(super) fn cancel(self) {
        self.let_go();
        let empty = self.recording.with_value(Recording::is_empty);
        self.phase
            .set(if empty { Phase::Ready } else { Phase::Paused });
    }

    fn hear(self, heard: Heard) {
        if !self.is_live() {
            return;
        }
        match heard {
            Heard::Samples(samples) => self.take(&samples),
            Heard::All => self.ended(),
            Heard::Gone => {
                self.rest();
                self.trouble.set(Some(NoMicrophone::Gone));
            }
        }
    }

    fn take(self, samples: &[i16]) {
        let reading = self
            .recording
            .try_update_value(|recording| recording.hear(samples));
        if let Some(reading) = reading.flatten() {
            self.preferences.active();
            let before = self.elapsed_ms.get_untracked();
            self.reading.set(reading);
            self.show_recorded();
            let limit = self.limits.recording_ms;
            let left = |elapsed: u64| limit.saturating_sub(elapsed);
            let now = self.elapsed_ms.get_untracked();
            if limit > 2 * SOON_MS && left(before) > SOON_MS && left(now) <= SOON_MS {
                self.announcer.say("30 seconds are left.");
            }
        }
        self.hand_on(false);
        if self.recording.with_value(Recording::is_full) {
            self.let_go();
            self.rests(Phase::Listening);
            self.announcer
                .say("The limit is reached. All of it is kept.");
        }
    }

    /// Pauses, or ends to be listened to, when the last samples have come.
    pub(super) fn end(self, listen: bool) {
        if self.phase.get_untracked() != Phase::Recording {
            return;
        }
        self.phase.set(Phase::Ending { listen });
        self.microphone.with_value(|microphone| {
            if let Some(microphone) = microphone {
                microphone.pause();
            }
        });
        // A microphone that has just gone does not answer.
        set_timeout(move || self.ended(), LAST_WITHIN);
    }

    fn ended(self) {
        let Some(Phase::Ending { listen }) = self.phase.try_get_untracked() else {
            return;
        };
        if listen {
            self.let_go();
        }
        self.rests(if listen {
            Phase::Listening
        } else {
            Phase::Paused
        });
        let so_far = length::spoken(self.elapsed_ms.get_untracked());
        self.announcer.say(match listen {
            true => format!("Stopped. {so_far} recorded."),
            false => format!("Paused at {so_far}."),
        });
    }

    /// All that was said is handed on.
    fn rests(self, phase: Phase) {
        self.recording.update_value(Recording::rest);
        self.show_recorded();
        self.hand_on(true);
        // Whoever pauses before anything was heard has recorded nothing.
        let empty = self.recording.with_value(Recording::is_empty);
        self.phase.set(match empty {
            true => Phase::Ready,
            false => phase,
        });
        self.say(RecorderEvent::Rests);
        if phase == Phase::Listening && !empty {
            self.listen(false);
        }
    }

    /// Makes the recording ready to be heard.
    pub(super) fn listen(self, plays: bool) {
        self.let_go();
        let samples = self.recording.with_value(Recording::decoded);
        self.at.set(0);
        self.plays.set(plays);
        self.sound
            .set(Sound::new(&samples, samples.len()).map(Rc::new));
        self.phase.set(Phase::Listening);
    }

    /// Records again from where one listens; at the beginning and at the end one goes on behind it.
    pub(super) fn record_from_here(self) {
        if let Some(at) = untrack(|| self.cut_place()) {
            self.recording.update_value(|recording| recording.cut(at));
            self.show_recorded();
            self.say(RecorderEvent::Begun);
            self.hand_on(true);
        }
        self.record();
    }

    /// Where it would be cut (tracked).
    pub(super) fn cut_place(self) -> Option<u64> {
        let (at, length) = (self.at.get(), self.elapsed_ms.get());
        (at >= 500 && at + 500 <= length).then_some(at)
    }

    /// Discards the recording; with `again` another one begins at once.
    pub(super) fn discard(self, again: bool) {
        self.clear();
        self.say(RecorderEvent::Discarded);
        if again {
            self.record();
        } else {
            self.announcer.say("Discarded.");
        }
    }

    fn hand_on(self, all: bool) {
        let next = || {
            let next = self.recording.try_update_value(|recording| {
                let (offset, octets) = recording.hand_on(all)?;
                Some((offset, Rc::from(octets)))
            });
            next.flatten()
        };
        while let Some((offset, octets)) = next() {
            self.say(RecorderEvent::Piece { offset, octets });
        }
    }

    pub(super) fn say(self, event: RecorderEvent) {
        if let Some(Some(tell)) = self.tell.try_get_value() {
            tell(event);
        }
    }

    fn show_recorded(self) {
        let (duration_ms, bars) = self
            .recording
            .with_value(|recording| (recording.duration_ms(), recording.bars()));
        self.elapsed_ms.set(duration_ms);
        self.bars.set(bars);
    }

    fn let_go(self) {
        self.microphone.try_update_value(|microphone| {
            *microphone = None;
        });
    }
}
