//! What the recorder looks like: its button, its meter, what can be done now, and what is wrong.

use super::file;
use super::player::{PLAY, SoundAtHand, drawing};
use super::state::{Phase, Recorder, SOON_MS};
use crate::model::loudness::{Hearing, STEPS};
use crate::model::wave;
use leptos::ev;
use leptos::prelude::*;
use ui::browser;
use ui::components::button::{button, styled};
use ui::components::dialogs::Confirm;
use ui::components::icons::{Icon, icon};
use ui::components::panel::{note, words};
use ui::focus_keeper::FocusKeeper;
use ui::keyboard::Keyboard;
use ui::keys::Command;
use ui::length;

/// The id of the round button.
const RECORD: &str = "record";

impl Recorder {
    /// The recorder itself. `save` makes the button that is offered first when something is recorded, if there is one.
    pub fn view(self, save: impl Fn() -> AnyView + Send + 'static) -> AnyView {
        let phase = self.shown();
        let listening = Memo::new(move |_| phase.get() == Phase::Listening);
        let asks = RwSignal::new(None::<bool>);
        self.keep_up();
        view! {
            <div
                class="stack stack--wide"
                role="group"
                aria-label="Recorder"
                on:dragover=|event| file::allow_drop(&event)
                on:drop=move |event| file::dropped(self, &event)
            >
                {move || match listening.get() {
                    true => SoundAtHand { sound: self.sound, at: self.at, plays: self.plays }.view(),
                    false => self.desk(phase),
                }}
                <div class="actions">{move || self.actions(phase.get(), asks, &save)}</div>
                {file::chosen_file(self)}
                <div role="status">{move || self.told(phase.get())}</div>
                {self.asked(asks)}
            </div>
        }
        .into_any()
    }

    /// A sign for the head of what is around the recorder: what it does now.
    pub fn badge(self) -> AnyView {
        let phase = self.shown();
        let left = Memo::new(move |_| {
            let left = self
                .limits
                .recording_ms
                .saturating_sub(self.elapsed_ms.get());
            (left <= SOON_MS && self.limits.recording_ms > 2 * SOON_MS).then_some(left / 1_000)
        });
        let told = move || {
            let (class, sign, words) = match (phase.get(), self.trouble.get()) {
                (Phase::Recording, _) if left.get().is_some() => (
                    "badge badge--unknown",
                    Some(Icon::Mic),
                    length::counted(left.get().unwrap_or(0), "second") + " left",
                ),
                (Phase::Recording | Phase::Ending { .. }, _) => {
                    ("badge badge--down", Some(Icon::Mic), "Recording".into())
                }
                (Phase::Asking, _) => (
                    "badge badge--unknown",
                    Some(Icon::Question),
                    "Asking for the microphone".into(),
                ),
                (_, Some(_)) => (
                    "badge badge--down",
                    Some(Icon::Cross),
                    "No microphone".into(),
                ),
                (Phase::Ready, None) => ("badge", None, "Ready".into()),
                (Phase::Paused, None) => {
                    ("badge badge--unknown", Some(Icon::Pause), "Paused".into())
                }
                (Phase::Listening, None) => ("badge", Some(Icon::Voice), "Recorded".into()),
            };
            view! { <span class=class>{sign.map(icon)}{words}</span> }
        };
        view! { <span class="end">{told}</span> }.into_any()
    }

    /// The phase as it is shown: while the last samples come it still records.
    fn shown(self) -> Memo<Phase> {
        Memo::new(move |_| match self.phase.get() {
            Phase::Ending { .. } => Phase::Recording,
            phase => phase,
        })
    }

    /// Keys, focus, and that nothing is lost when the reader leaves.
    fn keep_up(self) {
        Keyboard::here().handle(move |command| {
            // The question whether to discard is answered first.
            let is_it = command == Command::Record && !browser::dialog_is_open();
            if is_it {
                self.toggle();
            }
            is_it
        });
        FocusKeeper::here().belongs(|| browser::focus(RECORD) || browser::focus(PLAY));
        let leaves = window_event_listener(ev::pagehide, move |_| self.rest());
        on_cleanup(move || {
            leaves.remove();
            self.rest();
        });
    }

    /// The round button, and the key.
    fn toggle(self) {
        match self.phase.get_untracked() {
            Phase::Ready | Phase::Paused => self.record(),
            Phase::Listening => self.record_from_here(),
            Phase::Recording => self.end(false),
            Phase::Asking => self.cancel(),
            Phase::Ending { .. } => {}
        }
    }

    fn desk(self, phase: Memo<Phase>) -> AnyView {
        let name = move || match phase.get() {
            Phase::Recording => "Pause recording",
            Phase::Paused => "Go on recording",
            Phase::Asking => "Cancel",
            _ => "Record",
        };
        let sign = move || match phase.get() {
            Phase::Recording => view! { <i></i> }.into_any(),
            Phase::Ready => view! { <i class="round"></i> }.into_any(),
            Phase::Asking => icon(Icon::Question),
            _ => icon(Icon::Mic),
        };
        let limit = length::clock(self.limits.recording_ms);
        let path = Memo::new(move |_| self.bars.with(|bars| wave::path(bars, 300)));
        view! {
            <div class="recorder">
                <button class="record" id=RECORD type="button" aria-label=name title=name on:click=move |_| self.toggle()>
                    {sign}
                </button>
                <div class="stack">
                    <div class="spread">
                        <span class="time" role="timer" aria-label="Recorded time">
                            {move || length::clock_at(self.elapsed_ms.get())}
                        </span>
                        <span class="help">"of at most "{limit}</span>
                    </div>
                    {self.meter(phase)}
                </div>
            </div>
            {move || (self.elapsed_ms.get() > 0).then(|| view! { <div class="wave wave--said">{drawing(path)}</div> })}
        }
        .into_any()
    }

    fn meter(self, phase: Memo<Phase>) -> AnyView {
        let level = move || match phase.get() {
            Phase::Recording => self.reading.get().level,
            _ => 0,
        };
        let held = move || match phase.get() {
            Phase::Recording => self.reading.get().held,
            _ => 0,
        };
        let told = Memo::new(move |_| match (phase.get(), self.reading.get()) {
            (Phase::Asking, _) => "not known",
            (Phase::Paused, _) => "paused",
            (Phase::Recording, reading) => match reading.hearing {
                Hearing::Good if reading.held == 0 => "nothing yet",
                Hearing::Good => "good",
                Hearing::Nothing => "nothing is heard",
                Hearing::TooQuiet => "too quiet",
                Hearing::TooLoud => "too loud",
            },
            _ => "nothing yet",
        });
        view! {
            <div
                class="meter"
                role="meter"
                aria-label="Level"
                aria-valuemin="0"
                aria-valuemax=STEPS.to_string()
                aria-valuenow=move || level().to_string()
                aria-valuetext=told
                style=("--level", move || level().to_string())
                style=("--held", move || held().to_string())
            ></div>
            <p class="spread help">
                <span>"Level: "{told}</span>
                {move || {
                    let name = self.name.get();
                    (!name.is_empty()).then(|| view! { <span>"Microphone: "{name}</span> })
                }}
            </p>
        }
        .into_any()
    }

    fn actions(
        self,
        phase: Phase,
        asks: RwSignal<Option<bool>>,
        save: &impl Fn() -> AnyView,
    ) -> AnyView {
        let quiet = |sign, words: &'static str, again| {
            styled(
                "btn btn--quiet",
                Some(sign),
                move || words.into(),
                move || asks.set(Some(again)),
            )
        };
        let ends = move || {
            (
                quiet(Icon::Undo, "Start again", true),
                quiet(Icon::Trash, "Discard", false),
            )
        };
        let listen = move || button(Icon::Play, "Listen", move || self.listen(true));
        match phase {
            Phase::Ready => (
                styled(
                    "btn btn--primary",
                    Some(Icon::Mic),
                    || "Record".into(),
                    move || self.record(),
                ),
                file::upload_button(self),
            )
                .into_any(),
            Phase::Asking => button(Icon::Cross, "Cancel", move || self.cancel()),
            Phase::Recording | Phase::Ending { .. } => (
                button(Icon::Pause, "Pause", move || self.end(false)),
                styled(
                    "btn btn--primary",
                    Some(Icon::Check),
                    || "Stop and listen".into(),
                    move || self.end(true),
                ),
                ends(),
            )
                .into_any(),
            Phase::Paused => {
                let full = self.elapsed_ms.get_untracked() + 1 >= self.limits.recording_ms;
                let go_on = (!full).then(|| button(Icon::Mic, "Go on", move || self.record()));
                (save(), go_on, listen(), ends()).into_any()
            }
            Phase::Listening => (save(), self.record_here(), ends()).into_any(),
        }
    }

    /// Record again from where one listens, or go on behind the end.
    fn record_here(self) -> AnyView {
        let words = move || match self.cut_place() {
            Some(at) => format!("Record from {}", length::clock_at(at)),
            None => "Go on".into(),
        };
        let can = move || {
            self.cut_place().is_some() || self.elapsed_ms.get() + 1 < self.limits.recording_ms
        };
        view! {
            <button class="btn" type="button" hidden=move || !can() on:click=move |_| self.record_from_here()>
                {icon(Icon::Mic)}
                <span class="btn__text">{words}</span>
            </button>
        }
        .into_any()
    }

    /// What is to be known now.
    fn told(self, phase: Phase) -> Option<AnyView> {
        if let Some(why) = self.trouble.get() {
            let (what, then) = why.words();
            return Some(note(
                "note note--down",
                Icon::Warn,
                what.into(),
                words(then),
            ));
        }
        // Not with every measurement, or the note would be said again and again.
        let hearing = Memo::new(move |_| self.reading.get().hearing);
        let soon = Memo::new(move |_| {
            let limit = self.limits.recording_ms;
            limit > 2 * SOON_MS && self.elapsed_ms.get() + SOON_MS >= limit
        });
        let (what, then) = match phase {
            Phase::Asking => {
                return Some(note(
                    "note note--info",
                    Icon::Question,
                    "The browser asks whether it may use the microphone.".into(),
                    words(
                        "Press Allow beside the address. The sound stays between this browser and your servers.",
                    ),
                ));
            }
            Phase::Recording => match hearing.get() {
                Hearing::Nothing => (
                    "Nothing is heard.",
                    "Is the microphone switched off, or another one chosen in the browser? The recording goes on.",
                ),
                Hearing::TooQuiet => (
                    "Too quiet: you would hardly be heard.",
                    "Come closer to the microphone, or choose another one in the browser. The recording goes on.",
                ),
                Hearing::TooLoud => (
                    "Too loud: what you say is cut off.",
                    "Go back from the microphone a little. The recording goes on.",
                ),
                Hearing::Good if soon.get() => (
                    "Less than 30 seconds are left.",
                    "At the limit it stops by itself and keeps all of it.",
                ),
                Hearing::Good => return None,
            },
            _ => return None,
        };
        Some(note(
            "note note--unknown",
            Icon::Warn,
            what.into(),
            words(then),
        ))
    }

    /// Asks before what was said goes.
    fn asked(self, asks: RwSignal<Option<bool>>) -> AnyView {
        let open = RwSignal::new(false);
        Effect::new(move || {
            if asks.get().is_some() {
                // What is said while one thinks about it would be in it.
                self.end(false);
                open.set(true);
            }
        });
        let again = Memo::new(move |before: Option<&bool>| {
            asks.get().unwrap_or(before.copied().unwrap_or(false))
        });
        let said = move || length::clock(self.elapsed_ms.get());
        let title = Signal::derive(move || match again.get() {
            true => format!("Start again, without these {}?", said()),
            false => format!("Discard {}?", said()),
        });
        let action = Signal::derive(move || match again.get() {
            true => "Start again".into(),
            false => format!("Discard {}", said()),
        });
        Effect::new(move || {
            if !open.get() && asks.with_untracked(Option::is_some) {
                asks.set(None);
            }
        });
        view! {
            <Confirm
                open
                title
                text="What you have said is kept nowhere else."
                action
                on_yes=Callback::new(move |()| self.discard(again.get_untracked()))
            />
        }
        .into_any()
    }
}

/// The keys of the recorder, for the help beneath it.
pub fn keys() -> AnyView {
    view! {
        <p class="help"><kbd>"R"</kbd>" records and pauses, "<kbd>"Space"</kbd>" plays."</p>
    }
    .into_any()
}
