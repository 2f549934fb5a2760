//! Plays a message or one part of it. The sound is fetched in full and played from this browser, so that it goes on when the
//! server stops; the waveform is drawn from the same bytes.

use super::button::{button, sign_button};
use super::icons::{Icon, icon};
use super::message_row::row_dom_id;
use crate::api::Trouble;
use crate::browser;
use crate::model::keys::Command;
use crate::model::{length, wave};
use crate::sounds::{Sound, Which};
use crate::state::App;
use contract::ObjectId;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlAudioElement, HtmlElement, KeyboardEvent};

/// Speeds in thousandths of the usual one, slowest first.
const SPEEDS: [(u64, &str); 4] = [
    (1_000, "1×"),
    (1_250, "1.25×"),
    (1_500, "1.5×"),
    (2_000, "2×"),
];
/// Milliseconds of the two buttons beside Play.
const STEP_MS: i64 = 10_000;
/// Milliseconds of an arrow key on the seek bar.
const ARROW_MS: i64 = 5_000;

/// How far the sound is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Being fetched: per cent, if known.
    Loading(Option<u64>),
    /// Here.
    Ready,
    /// Not here, and no server answers.
    NotKept,
    /// Not a sound that a browser plays.
    Damaged,
    /// A server refused.
    Refused { message: String, reference: String },
}

/// What the parts of a player share. A handle.
#[derive(Clone, Copy)]
struct Deck {
    app: App,
    which: Which,
    audio: NodeRef<html::Audio>,
    sound: RwSignal<Option<Rc<Sound>>, LocalStorage>,
    stage: RwSignal<Stage>,
    /// Position in milliseconds.
    at: RwSignal<u64>,
    length: Memo<u64>,
    playing: RwSignal<bool>,
    /// Play as soon as the sound is here.
    wanted: StoredValue<bool>,
}

impl Deck {
    fn new(app: App, which: Which, duration_ms: u64) -> Self {
        let sound = RwSignal::new_local(None::<Rc<Sound>>);
        let length = Memo::new(move |_| {
            sound.with(|sound| {
                sound
                    .as_ref()
                    .map_or(duration_ms, |sound| sound.wave.duration_ms)
            })
        });
        Self {
            app,
            which,
            audio: NodeRef::new(),
            sound,
            stage: RwSignal::new(Stage::Loading(None)),
            at: RwSignal::new(app.place(which)),
            length,
            playing: RwSignal::new(false),
            wanted: StoredValue::new(false),
        }
    }

    fn load(self) {
        if let Some(sound) = self.app.sounds.with_value(|sounds| sounds.get(self.which)) {
            return self.ready(sound);
        }
        self.stage.set(Stage::Loading(None));
        let progress = move |bytes: u64, of: Option<u64>| {
            let percent = of
                .filter(|of| *of > 0)
                .map(|of| (bytes * 100 / of).min(100));
            self.stage.try_set(Stage::Loading(percent));
        };
        spawn_local(async move {
            let (id, part) = self.which;
            let fetched = self.app.api.sound(id, part, progress).await;
            if self.stage.is_disposed() {
                return;
            }
            match fetched {
                Ok(bytes) => match Sound::new(&bytes) {
                    Ok(sound) => {
                        let sound = Rc::new(sound);
                        self.app
                            .sounds
                            .update_value(|sounds| sounds.hold(self.which, Rc::clone(&sound)));
                        self.app.sounds_changed.notify();
                        self.ready(sound);
                    }
                    Err(_) => self.stage.set(Stage::Damaged),
                },
                Err(Trouble::NoAnswer | Trouble::Ended) => self.stage.set(Stage::NotKept),
                Err(Trouble::Gone) => self.stage.set(Stage::Refused {
                    message: "The sound is not on this server.".into(),
                    reference: String::new(),
                }),
                Err(Trouble::Refused { message, reference }) => {
                    self.stage.set(Stage::Refused { message, reference });
                }
            }
        });
    }

    fn ready(self, sound: Rc<Sound>) {
        self.sound.set(Some(sound));
        self.stage.set(Stage::Ready);
    }

    fn element(self) -> Option<HtmlAudioElement> {
        self.audio.get_untracked()
    }

    fn play(self) {
        if self.stage.get_untracked() != Stage::Ready {
            self.wanted.set_value(true);
            if !matches!(self.stage.get_untracked(), Stage::Loading(_)) {
                self.load();
            }
            return;
        }
        let Some(audio) = self.element() else { return };
        self.wanted.set_value(false);
        let start = self.at.get_untracked();
        if start + 200 >= self.length.get_untracked() {
            self.go_to(0);
        }
        audio.set_playback_rate(self.app.speed.get_untracked() as f64 / 1000.0);
        if let Ok(started) = audio.play() {
            spawn_local(async move {
                // A browser may refuse to play without a click; then it simply has not started.
                let _ = JsFuture::from(started).await;
            });
        }
    }

    fn pause(self) {
        self.wanted.set_value(false);
        if let Some(audio) = self.element() {
            let _ = audio.pause();
        }
    }

    fn toggle(self) {
        if self.playing.get_untracked() || self.wanted.get_value() {
            self.pause();
        } else {
            self.play();
        }
    }

    /// Sets the position, in milliseconds from the beginning.
    fn go_to(self, at: u64) {
        let at = at.min(self.length.get_untracked());
        self.at.set(at);
        if let Some(audio) = self.element() {
            audio.set_current_time(at as f64 / 1000.0);
        }
    }

    fn move_by(self, step_ms: i64) {
        self.go_to(self.at.get_untracked().saturating_add_signed(step_ms));
    }

    /// Reads the position from the sound, and again with every drawing while it plays.
    fn follow(self) {
        if self.at.is_disposed() {
            return;
        }
        let Some(audio) = self.element() else { return };
        let at = (audio.current_time() * 1000.0) as u64;
        if at != self.at.get_untracked() {
            self.at.set(at);
        }
        if self.playing.get_untracked() {
            request_animation_frame(move || self.follow());
        }
    }

    fn started(self) {
        self.playing.set(true);
        self.app.deck.set(Some(self.which));
        self.app.api.playback(true);
        self.app.mark(&[self.which.0], false);
        self.follow();
    }

    fn stopped(self, ended: bool) {
        if !self.playing.try_get_untracked().unwrap_or(false) {
            return;
        }
        self.playing.set(false);
        let (at, length) = (self.at.get_untracked(), self.length.get_untracked());
        let begun = at > 1_000 && at + 1_000 < length && !ended;
        self.app.keep_place(self.which, begun.then_some(at));
        // Another player that has just started keeps the pair where it is.
        if self.app.deck.get_untracked() == Some(self.which) {
            self.app.deck.set(None);
            self.app.api.playback(false);
        }
    }

    fn change_speed(self, faster: bool) {
        let now = self.app.speed.get_untracked();
        let place = SPEEDS
            .iter()
            .position(|(speed, _)| *speed == now)
            .unwrap_or(0);
        let place = if faster {
            place + 1
        } else {
            place.saturating_sub(1)
        };
        if let Some((speed, name)) = SPEEDS.get(place) {
            self.app.speed.set(*speed);
            self.app.say(format!("Speed {name}"));
        }
    }

    /// Everything that keeps a player in step with the rest of the page.
    fn connect(self) {
        // When the sound arrives and somebody waits for it, it plays.
        Effect::new(move || {
            if self.stage.get() == Stage::Ready && self.audio.get().is_some() {
                let at = self.at.get_untracked();
                if at > 0 {
                    self.go_to(at);
                }
                if self.wanted.get_value() {
                    self.play();
                }
            }
        });
        // The speed is the same for all sounds.
        Effect::new(move || {
            let speed = self.app.speed.get();
            if let Some(audio) = self.audio.get() {
                audio.set_playback_rate(speed as f64 / 1000.0);
            }
        });
        // Only one sound plays at a time.
        Effect::new(move || {
            let other = self.app.deck.get().is_some_and(|deck| deck != self.which);
            if other && self.playing.get_untracked() {
                self.pause();
            }
        });
        // What could not be fetched is fetched when a server answers again.
        Effect::new(move || {
            let answered = self.app.status.with(|status| status.on.is_some());
            if answered && self.stage.get_untracked() == Stage::NotKept {
                self.load();
            }
        });
        on_cleanup(move || {
            // The element leaves the page with its owner: it must not sound on.
            self.pause();
            self.stopped(false);
        });
        self.load();
    }

    fn on_seek_key(self, event: &KeyboardEvent) {
        let step = match event.key().as_str() {
            "ArrowLeft" | "ArrowDown" => -ARROW_MS,
            "ArrowRight" | "ArrowUp" => ARROW_MS,
            "PageDown" => -STEP_MS,
            "PageUp" => STEP_MS,
            _ => return,
        };
        event.prevent_default();
        self.move_by(step);
    }
}

/// The player of a whole message.
#[component]
pub fn Player(
    /// The message.
    id: ObjectId,
    /// Length as the list has it, until the sound itself is here.
    duration_ms: u64,
    /// File name for saving.
    save_as: String,
) -> impl IntoView {
    let app = App::here();
    let deck = Deck::new(app, (id, None), duration_ms);
    deck.connect();
    app.takers.take(move |command| commanded(deck, command));
    Effect::new(move || {
        if app.to_play.get() == Some(id) {
            app.to_play.set(None);
            deck.play();
        }
    });
    let place = app.place((id, None));
    view! {
        <div class="player" role="group" aria-label="Player">
            {audio(deck)}
            {seek_bar(deck, 560, "Position".into(), place)}
            <div class="player__keys">
                {play_button(deck, String::new())}
                {sign_button(Icon::Back10, "Back 10 seconds", move || deck.move_by(-STEP_MS))}
                {sign_button(Icon::Forward10, "Forward 10 seconds", move || deck.move_by(STEP_MS))}
                <span class="clock">
                    <b>{move || length::clock_at(deck.at.get())}</b>
                    " / "
                    {move || length::clock(deck.length.get())}
                </span>
                {speeds(app)}
                {move || {
                    deck.sound
                        .get()
                        .map(|sound| {
                            view! {
                                <a
                                    class="btn btn--icon player__save"
                                    href=sound.url.clone()
                                    download=save_as.clone()
                                    aria-label="Save the sound"
                                    title="Save the sound"
                                >
                                    {icon(Icon::Download)}
                                </a>
                            }
                        })
                }}
            </div>
            {trouble(deck)}
        </div>
        <p class="help">
            {(place > 0).then(|| format!("Goes on at {}, where you stopped last time.", length::clock_at(place)))}
        </p>
    }
}

/// The player of one part.
#[component]
pub fn SmallPlayer(
    /// The message.
    id: ObjectId,
    /// The part's position, for the audio request.
    part: u32,
    /// Its length, until the sound itself is here.
    duration_ms: u64,
    /// What it is: `introduction by Lena Corvick`.
    label: String,
) -> impl IntoView {
    let deck = Deck::new(App::here(), (id, Some(part)), duration_ms);
    deck.connect();
    let position = format!("Position: {label}");
    view! {
        <div class="player player--small" role="group" aria-label=label.clone()>
            {audio(deck)}
            <div class="inline-player">
                {play_button(deck, format!(": {label}"))}
                {seek_bar(deck, 300, position, 0)}
                <span class="clock">
                    {move || match deck.at.get() {
                        0 => length::clock(deck.length.get()),
                        at => format!("{} / {}", length::clock_at(at), length::clock(deck.length.get())),
                    }}
                </span>
            </div>
            {trouble(deck)}
        </div>
    }
}

/// The keyboard's commands for the open message; a row elsewhere that has the focus is asked first.
fn commanded(deck: Deck, command: Command) -> bool {
    let on_other_row = || {
        browser::focused().is_some_and(|focused: HtmlElement| {
            focused.class_list().contains("row__open") && focused.id() != row_dom_id(deck.which.0)
        })
    };
    match command {
        Command::PlayPause if on_other_row() => return false,
        Command::PlayPause => deck.toggle(),
        Command::Slower => deck.change_speed(false),
        Command::Faster => deck.change_speed(true),
        _ => return false,
    }
    true
}

fn audio(deck: Deck) -> AnyView {
    view! {
        <audio
            node_ref=deck.audio
            preload="auto"
            src=move || deck.sound.with(|sound| sound.as_ref().map(|sound| sound.url.clone()))
            on:playing=move |_| deck.started()
            on:pause=move |_| deck.stopped(false)
            on:ended=move |_| {
                deck.stopped(true);
                deck.go_to(0);
            }
            on:timeupdate=move |_| {
                if deck.playing.get_untracked() {
                    deck.follow();
                }
            }
            on:error=move |_| deck.stage.set(Stage::Damaged)
        ></audio>
    }
    .into_any()
}

fn play_button(deck: Deck, of: String) -> AnyView {
    let busy = move || matches!(deck.stage.get(), Stage::Loading(_));
    let name = move || {
        if deck.playing.get() {
            format!("Pause{of}")
        } else {
            format!("Play{of}")
        }
    };
    view! {
        <button class="play" type="button" aria-label=name aria-busy=move || busy().then_some("true") on:click=move |_| deck.toggle()>
            {move || icon(if deck.playing.get() { Icon::Pause } else { Icon::Play })}
        </button>
    }
    .into_any()
}

fn seek_bar(deck: Deck, height: u32, name: String, kept: u64) -> AnyView {
    let percent = move |ms: u64| {
        let hundredths = ms * 10_000 / deck.length.get().max(1);
        format!("{}.{:02}%", hundredths / 100, hundredths % 100)
    };
    let bars = Memo::new(move |_| {
        deck.sound.with(|sound| match sound {
            Some(sound) => wave::path(&sound.wave.peaks, height),
            // Until the sound is here, a still line of the same bars.
            None => wave::path(&[0.0; 60], height),
        })
    });
    let drawing = move || {
        view! {
            <svg viewBox=format!("0 0 {} {height}", wave::BOX_WIDTH) preserveAspectRatio="none" aria-hidden="true">
                <path d=move || bars.get()></path>
            </svg>
        }
    };
    view! {
        <div class="wave" class:wave--fresh=move || height < 500 && deck.at.get() == 0 style=("--at", move || percent(deck.at.get())) style=("--kept", move || percent(kept))>
            {drawing()}
            <div class="heard">{drawing()}</div>
            <span class="needle"></span>
            {(kept > 0).then(|| view! { <span class="kept"></span> })}
            <input
                type="range"
                min="0"
                step="100"
                max=move || deck.length.get().to_string()
                prop:value=move || deck.at.get().to_string()
                aria-label=name
                aria-valuetext=move || length::spoken_position(deck.at.get(), deck.length.get())
                on:input=move |event| {
                    if let Ok(at) = event_target_value(&event).parse() {
                        deck.go_to(at);
                    }
                }
                on:keydown=move |event| deck.on_seek_key(event.unchecked_ref())
            />
        </div>
    }
    .into_any()
}

fn speeds(app: App) -> AnyView {
    view! {
        <div class="seg" role="radiogroup" aria-label="Speed">
            {SPEEDS
                .into_iter()
                .map(|(speed, name)| {
                    view! {
                        <label>
                            <input
                                type="radio"
                                name="speed"
                                prop:checked=move || app.speed.get() == speed
                                on:change=move |_| app.speed.set(speed)
                            />
                            {name}
                        </label>
                    }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}

/// What stands below the keys while there is no sound; otherwise nothing, which takes no room.
fn trouble(deck: Deck) -> AnyView {
    let told = move || {
        let (class, words) = match deck.stage.get() {
            Stage::Ready | Stage::Loading(None) => return None,
            Stage::Loading(Some(_)) if !deck.wanted.get_value() => return None,
            Stage::Loading(Some(percent)) => ("help", format!("Fetching the sound, {percent} %")),
            Stage::NotKept => (
                "help",
                "The sound of this message is not kept here. It plays when there is a connection."
                    .into(),
            ),
            Stage::Damaged => (
                "help help--error",
                "This sound is damaged and cannot be played. The message itself is safe.".into(),
            ),
            Stage::Refused { message, reference } => {
                ("help help--error", format!("{message} {reference}"))
            }
        };
        Some(view! { <p class=class>{words}</p> })
    };
    let again = move || {
        let refused = matches!(deck.stage.get(), Stage::Refused { .. });
        refused.then(|| button(Icon::Sync, "Try again", move || deck.load()))
    };
    view! {
        <div class="player__words" role="status">{told}</div>
        {again}
    }
    .into_any()
}
