//! CallPilot Features: what belongs to the mailbox besides its messages, and what this browser prefers.

mod greeting_desk;
mod greetings;
mod greetings_context;
mod lists;
mod lists_context;
mod preferences;

use crate::route::Feature;
use leptos::prelude::*;
use ui::components::button::sign_button;
use ui::components::icons::Icon;

/// The page of a feature.
pub fn features(feature: Feature) -> AnyView {
    match feature {
        Feature::Greetings => greetings::page(),
        Feature::Lists => lists::page(),
        Feature::Preferences => preferences::page(),
    }
}

/// A list, and beside it what is open of it; in a narrow window one or the other.
fn halves(is_open: Signal<bool>, list: AnyView, desk: AnyView) -> AnyView {
    let view = move || if is_open.get() { "open" } else { "list" };
    view! {
        <div class="halves" data-view=view>
            <div class="stack stack--wide">{list}</div>
            {desk}
        </div>
    }
    .into_any()
}

/// What is open, with the way back in a narrow window.
fn framed(
    title: impl IntoView + 'static,
    back: &'static str,
    close: impl Fn() + 'static,
    end: AnyView,
    inside: AnyView,
) -> AnyView {
    let title = title.into_any();
    view! {
        <section class="panel" aria-labelledby="desk">
            <header>
                <span class="only-narrow">{sign_button(Icon::Left, back, close)}</span>
                <h2 id="desk" tabindex="-1">{title}</h2>
                {end}
            </header>
            <div class="body">{inside}</div>
        </section>
    }
    .into_any()
}
