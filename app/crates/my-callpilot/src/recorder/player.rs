//! A small player of what was just recorded.

use crate::model::wave;
use crate::player::sounds::Sound;
use leptos::html;
use leptos::prelude::*;
use std::rc::Rc;
use ui::components::icons::{Icon, icon};
use ui::keyboard::Keyboard;
use ui::keys::Command;
use ui::length;
use wasm_bindgen_futures::JsFuture;

/// The id of its button.
pub(super) const PLAY: &str = "recorder-play";

/// A sound to play. A handle.
#[derive(Clone, Copy)]
pub struct SoundAtHand {
    /// The sound.
    pub sound: RwSignal<Option<Rc<Sound>>, LocalStorage>,
    /// Where it is played, in milliseconds.
    pub at: RwSignal<u64>,
    /// It begins by itself when it is there.
    pub plays: RwSignal<bool>,
}

impl SoundAtHand {
    /// A player for it. Space plays and pauses.
    pub fn view(self) -> AnyView {
        let audio = NodeRef::<html::Audio>::new();
        let playing = RwSignal::new(false);
        let toggle = move || match audio.get_untracked() {
            Some(audio) if audio.paused() => play(&audio),
            Some(audio) => {
                let _ = audio.pause(); // it is paused already
            }
            None => {}
        };
        Effect::new(move || {
            let (Some(sound), Some(audio)) = (self.sound.get(), audio.get()) else {
                return;
            };
            audio.set_src(&sound.url);
            if self.plays.get_untracked() {
                play(&audio);
            }
        });
        Keyboard::here().handle(move |command| {
            let is_it = command == Command::PlayPause;
            if is_it {
                toggle();
            }
            is_it
        });
        let follow = move |_| {
            if let (Some(audio), false) = (audio.get_untracked(), self.at.is_disposed()) {
                self.at.set((audio.current_time() * 1000.0) as u64);
            }
        };
        let verb = move || if playing.get() { "Pause" } else { "Play" };
        view! {
            <div class="player player--small" role="group" aria-label="Player: the recording">
                <audio
                    node_ref=audio
                    preload="auto"
                    on:playing=move |_| playing.set(true)
                    on:pause=move |_| playing.set(false)
                    on:timeupdate=follow
                ></audio>
                <div class="inline-player">
                    <button
                        class="play"
                        id=PLAY
                        type="button"
                        aria-label=move || format!("{}: the recording", verb())
                        on:click=move |_| toggle()
                    >
                        {move || icon(if playing.get() { Icon::Pause } else { Icon::Play })}
                    </button>
                    {self.position(audio)}
                </div>
            </div>
        }
        .into_any()
    }

    /// Its shape, with the place where it is played, and the figures of both.
    fn position(self, audio: NodeRef<html::Audio>) -> AnyView {
        let length = Memo::new(move |_| {
            self.sound
                .with(|sound| sound.as_ref().map_or(0, |sound| sound.wave.duration_ms))
        });
        let path = Memo::new(move |_| {
            let peaks = self.sound.with(|sound| {
                sound
                    .as_ref()
                    .map_or_else(|| vec![0.0; 60], |sound| sound.wave.peaks.clone())
            });
            wave::path(&peaks, 300)
        });
        let seek = move |event| {
            let to: Option<u64> = event_target_value(&event).parse().ok();
            if let (Some(to), Some(audio)) = (to, audio.get_untracked()) {
                audio.set_current_time(to as f64 / 1000.0);
                self.at.set(to);
            }
        };
        let percent = move || format!("{}%", self.at.get() * 100 / length.get().max(1));
        view! {
            <div class="wave" style=("--at", percent)>
                {drawing(path)}
                <div class="heard">{drawing(path)}</div>
                <span class="needle"></span>
                <input
                    type="range"
                    min="0"
                    step="100"
                    max=move || length.get().to_string()
                    prop:value=move || self.at.get().to_string()
                    aria-label="Position: the recording"
                    aria-valuetext=move || length::spoken_position(self.at.get(), length.get())
                    on:input=seek
                />
            </div>
            <span class="clock">
                {move || format!("{} / {}", length::clock_at(self.at.get()), length::clock(length.get()))}
            </span>
        }
        .into_any()
    }
}

/// The bars of a sound.
pub(super) fn drawing(path: Memo<String>) -> AnyView {
    view! {
        <svg viewBox=format!("0 0 {} 300", wave::BOX_WIDTH) preserveAspectRatio="none" aria-hidden="true">
            <path d=move || path.get()></path>
        </svg>
    }
    .into_any()
}

fn play(audio: &web_sys::HtmlAudioElement) {
    if let Ok(playing) = audio.play() {
        leptos::task::spawn_local(async move {
            let _ = JsFuture::from(playing).await; // a browser that does not let it begin shows Play
        });
    }
}
