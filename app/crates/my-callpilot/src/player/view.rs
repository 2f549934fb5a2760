//! What a player looks like: its button, its seek bar with the shape of the sound, its speeds, and what is wrong.

use super::context::{PlayerContext, SPEEDS};
use super::state::{PlayerState, STEP_MS, Stage, commanded};
use crate::model::wave;
use contract::ObjectId;
use leptos::prelude::*;
use ui::components::button::{button, sign_button};
use ui::components::icons::{Icon, icon};
use ui::keyboard::Keyboard;
use ui::length;
use wasm_bindgen::JsCast;

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
    let context = PlayerContext::here();
    let player = PlayerState::new((id, None), duration_ms);
    player.connect();
    Keyboard::here().handle(move |command| commanded(player, command));
    Effect::new(move || {
        if context.shall_play(id) {
            player.play();
        }
    });
    let place = context.place((id, None));
    view! {
        <div class="player" role="group" aria-label="Player">
            {audio(player)}
            {seek_bar(player, 560, "Position".into(), place)}
            <div class="player__keys">
                {play_button(player, String::new())}
                {sign_button(Icon::Back10, "Back 10 seconds", move || player.move_by(-STEP_MS))}
                {sign_button(Icon::Forward10, "Forward 10 seconds", move || player.move_by(STEP_MS))}
                <span class="clock">
                    <b>{move || length::clock_at(player.at.get())}</b>
                    " / "
                    {move || length::clock(player.length.get())}
                </span>
                {speeds(context)}
                {move || {
                    player.whole
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
            {trouble(player)}
        </div>
        <p class="help">
            {(place > 0).then(|| format!("Goes on at {}, where it stopped last time.", length::clock_at(place)))}
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
    let player = PlayerState::new((id, Some(part)), duration_ms);
    player.connect();
    let position = format!("Position: {label}");
    view! {
        <div class="player player--small" role="group" aria-label=label.clone()>
            {audio(player)}
            <div class="inline-player">
                {play_button(player, format!(": {label}"))}
                {seek_bar(player, 300, position, 0)}
                <span class="clock">
                    {move || match player.at.get() {
                        0 => length::clock(player.length.get()),
                        at => format!("{} / {}", length::clock_at(at), length::clock(player.length.get())),
                    }}
                </span>
            </div>
            {trouble(player)}
        </div>
    }
}

fn audio(player: PlayerState) -> AnyView {
    view! {
        <audio
            node_ref=player.audio
            preload="auto"
            on:playing=move |_| player.started()
            on:pause=move |_| player.paused()
            on:ended=move |_| player.ended()
            on:timeupdate=move |_| {
                if player.playing.get_untracked() {
                    player.follow();
                }
            }
            on:error=move |_| player.stage.set(Stage::Damaged)
        ></audio>
    }
    .into_any()
}

fn play_button(player: PlayerState, of: String) -> AnyView {
    let busy = move || matches!(player.stage.get(), Stage::Loading(_));
    let name = move || {
        if player.playing.get() {
            format!("Pause{of}")
        } else {
            format!("Play{of}")
        }
    };
    view! {
        <button class="play" type="button" aria-label=name aria-busy=move || busy().then_some("true") on:click=move |_| player.toggle()>
            {move || icon(if player.playing.get() { Icon::Pause } else { Icon::Play })}
        </button>
    }
    .into_any()
}

fn seek_bar(player: PlayerState, height: u32, name: String, kept: u64) -> AnyView {
    let percent = move |ms: u64| {
        let hundredths = ms * 10_000 / player.length.get().max(1);
        format!("{}.{:02}%", hundredths / 100, hundredths % 100)
    };
    let bars = Memo::new(move |_| {
        match player.whole.get().or_else(|| player.sound.get()) {
            Some(sound) => wave::path(&sound.wave.peaks, height),
            // Until the sound is here, a still line of the same bars.
            None => wave::path(&[0.0; 60], height),
        }
    });
    let drawing = move || {
        view! {
            <svg viewBox=format!("0 0 {} {height}", wave::BOX_WIDTH) preserveAspectRatio="none" aria-hidden="true">
                <path d=move || bars.get()></path>
            </svg>
        }
    };
    view! {
        <div class="wave" class:wave--fresh=move || height < 500 && player.at.get() == 0 style=("--at", move || percent(player.at.get())) style=("--kept", move || percent(kept))>
            {drawing()}
            <div class="heard">{drawing()}</div>
            <span class="needle"></span>
            {(kept > 0).then(|| view! { <span class="kept"></span> })}
            <input
                type="range"
                min="0"
                step="100"
                max=move || player.length.get().to_string()
                prop:value=move || player.at.get().to_string()
                aria-label=name
                aria-valuetext=move || length::spoken_position(player.at.get(), player.length.get())
                on:input=move |event| {
                    if let Ok(at) = event_target_value(&event).parse() {
                        player.go_to(at);
                    }
                }
                on:keydown=move |event| player.on_seek_key(event.unchecked_ref())
            />
        </div>
    }
    .into_any()
}

fn speeds(context: PlayerContext) -> AnyView {
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
                                prop:checked=move || context.speed().get() == speed
                                on:change=move |_| context.set_speed(speed)
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
fn trouble(player: PlayerState) -> AnyView {
    let told = move || {
        let (class, words) = match player.stage.get() {
            Stage::Ready if !player.is_connected() && player.is_kept() => (
                "help",
                "The sound of this message is kept in this browser.".into(),
            ),
            Stage::Ready | Stage::Loading(None) => return None,
            Stage::Loading(Some(_)) if !player.wanted.get_value() => return None,
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
        let refused = matches!(player.stage.get(), Stage::Refused { .. });
        refused.then(|| button(Icon::Sync, "Try again", move || player.load()))
    };
    view! {
        <div class="player__words" role="status">{told}</div>
        {again}
    }
    .into_any()
}
