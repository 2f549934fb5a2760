//! One player: fetches its sound, plays it, and stays in step with the rest of the page.

use super::context::{PlayerContext, SPEEDS};
use super::sounds::{Sound, SoundId};
use crate::components::message_row::row_dom_id;
use crate::mailbox::MailboxContext;
use crate::model::arriving::ArrivingSound;
use crate::model::kept_sounds::KeptSound;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use ui::announcer::Announcer;
use ui::browser;
use ui::connection::ConnectionContext;
use ui::keys::Command;
use ui::sdk::Trouble;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlAudioElement, HtmlElement, KeyboardEvent};

/// Milliseconds of the two buttons beside Play.
pub const STEP_MS: i64 = 10_000;
/// Milliseconds of an arrow key on the seek bar.
const ARROW_MS: i64 = 5_000;
/// A sound that is still coming plays when so many milliseconds of what follows are here.
const AHEAD_MS: u64 = 2_000;
/// The same, after it came slower than it plays.
const AHEAD_SLOW_MS: u64 = 5_000;

/// How far the sound is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Being fetched, and not enough of it is here to play on: per cent, if known.
    Loading(Option<u64>),
    /// Here, or as much of it that it plays.
    Ready,
    /// Not here, and no server answers.
    NotKept,
    /// Not a sound that a browser plays.
    Damaged,
    /// A server refused.
    Refused {
        /// Its sentence.
        message: String,
        /// Finds the story in the server's log.
        reference: String,
    },
}

/// What the parts of a player share. A handle.
#[derive(Clone, Copy)]
pub struct PlayerState {
    context: PlayerContext,
    connection: ConnectionContext,
    mailbox: MailboxContext,
    announcer: Announcer,
    which: SoundId,
    /// The element that plays.
    pub audio: NodeRef<html::Audio>,
    /// What of it is being fetched has come.
    arriving: StoredValue<ArrivingSound, LocalStorage>,
    /// Milliseconds that have to be ahead before it plays while it comes.
    ahead_ms: StoredValue<u64>,
    /// The whole sound, when it is here.
    pub whole: RwSignal<Option<Rc<Sound>>, LocalStorage>,
    /// What plays: the sound, or its beginning.
    pub sound: RwSignal<Option<Rc<Sound>>, LocalStorage>,
    /// How far it is.
    pub stage: RwSignal<Stage>,
    /// Position in milliseconds.
    pub at: RwSignal<u64>,
    /// Milliseconds in all.
    pub length: Memo<u64>,
    /// It sounds.
    pub playing: RwSignal<bool>,
    /// Play as soon as the sound is here.
    pub wanted: StoredValue<bool>,
}

impl PlayerState {
    /// A player of this sound; `duration_ms` is its length until it is here itself.
    pub fn new(which: SoundId, duration_ms: u64) -> Self {
        let context = PlayerContext::here();
        let sound = RwSignal::new_local(None::<Rc<Sound>>);
        let length = Memo::new(move |_| {
            sound.with(|sound| {
                sound
                    .as_ref()
                    .map_or(duration_ms, |sound| sound.wave.duration_ms)
            })
        });
        Self {
            context,
            connection: ConnectionContext::here(),
            mailbox: MailboxContext::here(),
            announcer: Announcer::here(),
            which,
            audio: NodeRef::new(),
            arriving: StoredValue::new_local(ArrivingSound::default()),
            ahead_ms: StoredValue::new(AHEAD_MS),
            whole: RwSignal::new_local(None),
            sound,
            stage: RwSignal::new(Stage::Loading(None)),
            at: RwSignal::new(context.place(which)),
            length,
            playing: RwSignal::new(false),
            wanted: StoredValue::new(false),
        }
    }

    /// Gets the sound: from what is held, else from a server.
    pub fn load(self) {
        if let Some(sound) = self.context.sound(self.which) {
            self.whole.set(Some(Rc::clone(&sound)));
            return self.ready(sound);
        }
        self.stage.set(Stage::Loading(None));
        self.arriving.set_value(ArrivingSound::default());
        let received = move |octets: &[u8], of: Option<u64>| {
            if self.stage.is_disposed() {
                return;
            }
            self.arriving.update_value(|sound| sound.take(octets));
            if matches!(self.stage.get_untracked(), Stage::Loading(_)) {
                let of = of.filter(|of| *of > 0);
                let percent = of.map(|of| (octets.len() as u64 * 100 / of).min(100));
                self.stage.set(Stage::Loading(percent));
                if self.wanted.get_value() {
                    self.take_beginning();
                }
            }
        };
        spawn_local(async move {
            let kept = self.context.kept.get(self.which).await;
            if self.stage.is_disposed() || kept.is_some_and(|octets| self.has_come(&octets)) {
                return;
            }
            let fetched = self.context.fetch(self.which, received).await;
            if self.stage.is_disposed() {
                return;
            }
            match fetched {
                Ok(octets) if self.has_come(&octets) => {
                    self.context.kept.keep(self.which, &octets).await;
                }
                Ok(_) => self.stage.set(Stage::Damaged),
                Err(Trouble::NoAnswer | Trouble::Ended) => self.stage.set(Stage::NotKept),
                Err(Trouble::Gone) => self.stage.set(Stage::Refused {
                    message: "The sound is not on this server.".into(),
                    reference: String::new(),
                }),
                Err(Trouble::Refused {
                    message, reference, ..
                }) => {
                    self.stage.set(Stage::Refused { message, reference });
                }
            }
        });
    }

    /// All octets of the sound are here; false if they are none.
    fn has_come(self, octets: &[u8]) -> bool {
        let arriving = self.arriving.try_update_value(std::mem::take);
        let samples = arriving.unwrap_or_default().finish(octets);
        let Some(sound) = samples.and_then(|samples| Sound::new(&samples, samples.len())) else {
            return false;
        };
        let sound = Rc::new(sound);
        self.context.hold(self.which, Rc::clone(&sound));
        self.whole.set(Some(Rc::clone(&sound)));
        // A beginning that sounds, or is about to, goes on to its end, which is in a pause of the speaker.
        if self.is_paused() {
            self.ready(sound);
        }
        true
    }

    /// Makes what has come ready to play, if it is enough to go on from the present position. Says whether it is.
    fn take_beginning(self) -> bool {
        let (at, ahead) = (self.at.get_untracked(), self.ahead_ms.get_value());
        let beginning = self.arriving.with_value(|arriving| {
            let samples = arriving.beginning(at, ahead)?;
            Sound::new(samples, arriving.total()?)
        });
        let enough = beginning.is_some();
        if let Some(beginning) = beginning {
            self.ready(Rc::new(beginning));
        }
        enough
    }

    /// What is here ends before the position that is wanted: goes on with what has come since, or waits for it.
    fn go_on(self, playing: bool) {
        self.wanted.set_value(playing);
        if let Some(whole) = self.whole.get_untracked() {
            return self.ready(whole);
        }
        if self.take_beginning() {
            return;
        }
        self.pause();
        self.stopped(false);
        self.wanted.set_value(playing);
        self.ahead_ms.set_value(AHEAD_SLOW_MS);
        if self.stage.get_untracked() == Stage::Ready {
            self.stage.set(Stage::Loading(None));
        }
    }

    /// Whether the element does not play. It plays from the moment in which it is told to, some time before it is heard.
    fn is_paused(self) -> bool {
        self.element().is_none_or(|audio| audio.paused())
    }

    /// Whether there is a server to ask (tracked).
    pub fn is_connected(self) -> bool {
        self.connection.is_on()
    }

    /// Whether the sound is there after a reload, too (tracked).
    pub fn is_kept(self) -> bool {
        let (id, part) = self.which;
        let is_it = |(sound, _): &(KeptSound, bool)| (sound.id, sound.part) == (id, part);
        self.context.kept.with(|kept| kept.iter().any(is_it))
    }

    /// Whether all of the sound is here.
    fn is_whole(self) -> bool {
        let is_whole = |sound: &Option<Rc<Sound>>| sound.as_ref().is_none_or(|s| s.is_whole());
        self.sound.with_untracked(is_whole)
    }

    fn ready(self, sound: Rc<Sound>) {
        self.sound.set(Some(sound));
        self.stage.set(Stage::Ready);
    }

    fn element(self) -> Option<HtmlAudioElement> {
        self.audio.get_untracked()
    }

    /// Plays, as soon as the sound is here.
    pub fn play(self) {
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
        audio.set_playback_rate(self.context.speed().get_untracked() as f64 / 1000.0);
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

    /// Plays or pauses.
    pub fn toggle(self) {
        if self.playing.get_untracked() || self.wanted.get_value() {
            self.pause();
        } else {
            self.play();
        }
    }

    /// Sets the position, in milliseconds from the beginning.
    pub fn go_to(self, at: u64) {
        let at = at.min(self.length.get_untracked());
        self.at.set(at);
        let here = |sound: &Option<Rc<Sound>>| sound.as_ref().map_or(0, |sound| sound.here_ms);
        if !self.is_whole() && at >= self.sound.with_untracked(here) {
            return self.go_on(self.wanted.get_value() || !self.is_paused());
        }
        if let Some(audio) = self.element() {
            audio.set_current_time(at as f64 / 1000.0);
        }
    }

    /// Moves on, or back where negative.
    pub fn move_by(self, step_ms: i64) {
        self.go_to(self.at.get_untracked().saturating_add_signed(step_ms));
    }

    /// Reads the position from the sound, and again with every drawing while it plays.
    pub fn follow(self) {
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

    /// The element has begun to sound.
    pub fn started(self) {
        self.playing.set(true);
        self.context.started(self.which);
        self.mailbox.mark(&[self.which.0], false);
        self.follow();
    }

    /// The element was paused. At the end of a beginning it goes on.
    pub fn paused(self) {
        let ended = self.element().is_some_and(|audio| audio.ended());
        if !ended || self.is_whole() {
            self.stopped(false);
        }
    }

    /// The element has come to the end of what is here.
    pub fn ended(self) {
        if self.is_whole() {
            self.stopped(true);
            return self.go_to(0);
        }
        self.follow();
        self.go_on(true);
    }

    /// It does not sound any more, and was heard to its end or not.
    fn stopped(self, ended: bool) {
        if !self.playing.try_get_untracked().unwrap_or(false) {
            return;
        }
        self.playing.set(false);
        let (at, length) = (self.at.get_untracked(), self.length.get_untracked());
        let begun = at > 1_000 && at + 1_000 < length && !ended;
        self.context.stopped(self.which, begun.then_some(at));
    }

    fn change_speed(self, faster: bool) {
        let now = self.context.speed().get_untracked();
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
            self.context.set_speed(*speed);
            self.announcer.say(format!("Speed {name}"));
        }
    }

    /// Everything that keeps a player in step with the rest of the page.
    pub fn connect(self) {
        // When the sound arrives, or more of it, it goes on where it was; if somebody waits for it, it plays.
        Effect::new(move || {
            let (Some(sound), Some(audio)) = (self.sound.get(), self.audio.get()) else {
                return;
            };
            let plays = self.wanted.get_value() || !audio.paused();
            audio.set_src(&sound.url);
            let at = self.at.get_untracked();
            if at > 0 {
                self.go_to(at);
            }
            if plays {
                self.play();
            }
        });
        // The speed is the same for all sounds.
        Effect::new(move || {
            let speed = self.context.speed().get();
            if let Some(audio) = self.audio.get() {
                audio.set_playback_rate(speed as f64 / 1000.0);
            }
        });
        // Only one sound plays at a time.
        Effect::new(move || {
            let playing = self.context.playing().get();
            let other = playing.is_some_and(|playing| playing != self.which);
            if other && self.playing.get_untracked() {
                self.pause();
            }
        });
        // What could not be fetched is fetched when a server answers again.
        Effect::new(move || {
            let answered = self.connection.is_on();
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

    /// An arrow or page key on the seek bar.
    pub fn on_seek_key(self, event: &KeyboardEvent) {
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

/// The keyboard's commands for the open message; a row elsewhere that has the focus is asked first.
pub fn commanded(player: PlayerState, command: Command) -> bool {
    let on_other_row = || {
        browser::focused().is_some_and(|focused: HtmlElement| {
            focused.class_list().contains("row__open") && focused.id() != row_dom_id(player.which.0)
        })
    };
    match command {
        Command::PlayPause if on_other_row() => return false,
        Command::PlayPause => player.toggle(),
        Command::Slower => player.change_speed(false),
        Command::Faster => player.change_speed(true),
        _ => return false,
    }
    true
}
