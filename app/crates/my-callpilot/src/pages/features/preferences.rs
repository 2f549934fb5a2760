//! Preferences: what this browser does for the reader. They stay in this browser, also when one logs out.

use crate::model::preferences::{DIALS, HOMES, IDLE, THEMES, name_of, named};
use crate::preferences::PreferencesContext;
use leptos::prelude::*;
use ui::browser;
use ui::clock::{self, Clock};
use ui::components::panel::panel;
use ui::keyboard::Keyboard;
use ui::router::Router;
use ui::times::moment_words;

type Choices<T, const N: usize> = [(T, &'static str, &'static str); N];
type Choose = Box<dyn Fn(String)>;
type Chosen = Box<dyn Fn() -> &'static str + Send + Sync>;

/// The page.
pub fn page() -> AnyView {
    browser::set_title("Preferences · My CallPilot");
    Router::here().page_shown();
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">"Preferences"</h1>
                <p>"They are kept in this browser, for whoever uses it, and hold at once."</p>
            </div>
        </div>
        <div class="grid grid--wide">
            {panel("look", "Look", look())}
            {panel("work", "Start, keys, log-out", work())}
        </div>
    }
    .into_any()
}

fn words<T, const N: usize>(choices: &Choices<T, N>) -> Vec<(&'static str, &'static str)> {
    choices
        .iter()
        .map(|(_, name, words)| (*name, *words))
        .collect()
}

fn look() -> AnyView {
    let preferences = PreferencesContext::here();
    let clock = Clock::here();
    let sample = move || {
        // It follows what is chosen.
        preferences.get();
        let now = clock::now();
        format!("Now it is {}.", moment_words(&clock.zone(), now, now))
    };
    view! {
        <div class="body">
            {switch(
                "Theme",
                words(&THEMES),
                Box::new(move || name_of(&THEMES, preferences.get().theme)),
                Box::new(move |name| {
                    if let Some(theme) = named(&THEMES, &name) {
                        preferences.change(|chosen| chosen.theme = theme);
                    }
                }),
            )}
            {switch(
                "Times",
                words(&DIALS),
                Box::new(move || name_of(&DIALS, preferences.get().dial)),
                Box::new(move |name| {
                    if let Some(dial) = named(&DIALS, &name) {
                        preferences.change(|chosen| chosen.dial = dial);
                    }
                }),
            )}
            <p class="help">{sample}</p>
        </div>
    }
    .into_any()
}

fn work() -> AnyView {
    let preferences = PreferencesContext::here();
    let keyboard = Keyboard::here();
    view! {
        <div class="body">
            {menu(
                "home",
                "Start with",
                words(&HOMES),
                Box::new(move || name_of(&HOMES, preferences.get().home)),
                Box::new(move |name| {
                    if let Some(home) = named(&HOMES, &name) {
                        preferences.change(|chosen| chosen.home = home);
                    }
                }),
            )}
            {menu(
                "idle",
                "Log me out",
                words(&IDLE),
                Box::new(move || name_of(&IDLE, preferences.get().idle_min)),
                Box::new(move |name| {
                    if let Some(idle_min) = named(&IDLE, &name) {
                        preferences.change(|chosen| chosen.idle_min = idle_min);
                    }
                }),
            )}
            <p class="help">"While you record or listen you are never logged out. What this browser keeps stays."</p>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || keyboard.letters().get()
                    on:change=move |event| keyboard.set_letters(event_target_checked(&event))
                />
                <span>
                    "Single letters act"
                    <small><kbd>"R"</kbd>" record, "<kbd>"/"</kbd>" search, "<kbd>"?"</kbd>" all keys"</small>
                </span>
            </label>
        </div>
    }
    .into_any()
}

/// A few choices side by side.
fn switch(
    label: &'static str,
    choices: Vec<(&'static str, &'static str)>,
    chosen: Chosen,
    choose: Choose,
) -> AnyView {
    let (chosen, choose) = (Signal::derive(chosen), StoredValue::new_local(choose));
    let radios = choices.into_iter().map(|(name, words)| {
        view! {
            <label>
                <input
                    type="radio"
                    name=label
                    prop:checked=move || chosen.get() == name
                    on:change=move |_| choose.with_value(|choose| choose(name.into()))
                />
                {words}
            </label>
        }
    });
    view! {
        <fieldset class="field">
            <legend class="label">{label}</legend>
            <div class="seg">{radios.collect_view()}</div>
        </fieldset>
    }
    .into_any()
}

/// One of several choices.
fn menu(
    id: &'static str,
    label: &'static str,
    choices: Vec<(&'static str, &'static str)>,
    chosen: Chosen,
    choose: Choose,
) -> AnyView {
    let chosen = Signal::derive(chosen);
    let options = choices.into_iter().map(|(name, words)| {
        view! { <option value=name selected=move || chosen.get() == name>{words}</option> }
    });
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select class="select" id=id on:change=move |event| choose(event_target_value(&event))>
                {options.collect_view()}
            </select>
        </div>
    }
    .into_any()
}
