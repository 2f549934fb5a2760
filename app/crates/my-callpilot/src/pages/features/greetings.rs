//! Greetings: what callers hear now, the recordings, and beside them the desk where one is recorded or its end is set.

use super::greeting_desk::desk;
use super::greetings_context::Greetings;
use super::halves;
use crate::model::greetings::{self, SLOTS};
use contract::GreetingSlot;
use leptos::prelude::*;
use ui::browser;
use ui::components::button::{button, sign_button};
use ui::components::dialogs::Confirm;
use ui::components::icons::{Icon, icon};
use ui::components::panel::{note, panel, refused};
use ui::focus_keeper::FocusKeeper;
use ui::length;
use ui::router::Router;

/// The page.
pub fn page() -> AnyView {
    browser::set_title("Greetings · My CallPilot");
    Router::here().page_shown();
    FocusKeeper::here().belongs(|| browser::focus("greetings"));
    let page = Greetings::new();
    on_cleanup(move || page.stop_playing());
    let asks = RwSignal::new(None::<GreetingSlot>);
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">"Greetings"</h1>
                <p>"What callers hear before they leave you a message. A change is on both servers within seconds."</p>
            </div>
        </div>
        <div role="status" class="told">
            {move || page.refusal.get().map(refused)}
            {move || {
                let done = page.done.get();
                (!done.is_empty()).then(|| note("note note--ok", Icon::Check, done, ().into_any()))
            }}
        </div>
        {halves(
            Signal::derive(move || page.desk.get().is_some()),
            (panel("now", "What callers hear now", now(page)), panel("greetings", "Your greetings", all(page, asks))).into_any(),
            desk(page),
        )}
        <audio node_ref=page.audio on:ended=move |_| page.stop_playing()></audio>
        {delete_question(page, asks)}
    }
    .into_any()
}

/// What callers hear at this moment.
fn now(page: Greetings) -> AnyView {
    let line = move |who: &'static str, own: GreetingSlot| {
        let heard = move || {
            let rows = page.rows.get()?;
            let (zone, now) = (page.clock.zone(), page.clock.now().get());
            Some(greetings::heard(&rows, own, &zone, now))
        };
        let heard = Memo::new(move |_| heard());
        view! {
            <div class="sub-row">
                <span class="grow">
                    <b>{who}</b>
                    <br/>
                    {move || match heard.get() {
                        Some((name, then)) => view! { <span class="help">"hear "<b>{name}</b>{then}</span> }.into_any(),
                        None => view! { <span class="help">"?"</span> }.into_any(),
                    }}
                </span>
            </div>
        }
        .into_any()
    };
    let left = move || {
        let rows = page.rows.get()?;
        let now = page.clock.now().get();
        let temporary = greetings::in_force(&rows, now)?;
        let left = temporary.ends_at.map(|end| greetings::time_left(now, end));
        Some(left.map_or_else(|| "Temporary".into(), |left| format!("Temporary, {left}")))
    };
    let left = Memo::new(move |_| left());
    view! {
        <div class="body body--rows">
            {line("Callers from outside", GreetingSlot::External)}
            {line("Colleagues", GreetingSlot::Internal)}
            {move || left.get().map(|left| view! { <p><span class="badge badge--info">{icon(Icon::Voice)}{left}</span></p> })}
        </div>
    }
    .into_any()
}

fn all(page: Greetings, asks: RwSignal<Option<GreetingSlot>>) -> AnyView {
    view! {
        <div class="body body--rows">
            {SLOTS.into_iter().map(|slot| row(page, slot, asks)).collect_view()}
        </div>
        <footer>
            <span>"No greeting recorded? Then callers hear the system’s, with your recorded name."</span>
        </footer>
    }
    .into_any()
}

fn row(page: Greetings, slot: GreetingSlot, asks: RwSignal<Option<GreetingSlot>>) -> AnyView {
    let name = greetings::name(slot);
    let recorded = move || {
        page.rows.with(|rows| {
            rows.as_ref()
                .and_then(|rows| greetings::of(rows, slot).cloned())
        })
    };
    let recorded = Memo::new(move |_| recorded());
    let is_recorded = Memo::new(move |_| recorded.with(Option::is_some));
    let about = move || match page.rows.with(Option::is_some) {
        false => "?".into(),
        true => {
            let now = page.clock.now().get();
            recorded.with(|row| greetings::about(row.as_ref(), slot, &page.clock.zone(), now))
        }
    };
    let about = Memo::new(move |_| about());
    let state = move || {
        let now = page.clock.now().get();
        let on = recorded.with(|row| row.as_ref().map(|row| greetings::is_on(row, now)))?;
        (slot == GreetingSlot::Temporary).then_some(on)
    };
    let state = Memo::new(move |_| state());
    view! {
        <div class="sub-row" role="group" aria-label=name>
            {move || is_recorded.get().then(|| play_button(page, slot))}
            <span class="grow">
                <b>{name}</b>
                {move || state.get().map(|on| match on {
                    true => view! { " "<span class="badge badge--ok">{icon(Icon::Check)}"on"</span> }.into_any(),
                    false => view! { " "<span class="badge">"off"</span> }.into_any(),
                })}
                <br/>
                <span class="help">{about}</span>
            </span>
            {move || state.get().map(|on| {
                button(Icon::Sync, if on { "Change" } else { "Switch on" }, move || page.open_ends())
            })}
            {move || state.get().is_none().then(|| button(Icon::Mic, "Record", move || page.open(slot)))}
            {move || is_recorded.get().then(|| sign_button(Icon::Trash, "Delete", move || asks.set(Some(slot))))}
        </div>
    }
    .into_any()
}

fn play_button(page: Greetings, slot: GreetingSlot) -> AnyView {
    let name = greetings::name(slot);
    let plays = move || page.playing.get() == Some(slot);
    view! {
        <button
            class="play play--small"
            type="button"
            aria-label=move || format!("{}: {name}", if plays() { "Stop" } else { "Play" })
            on:click=move |_| page.play(slot)
        >
            {move || icon(if plays() { Icon::Pause } else { Icon::Play })}
        </button>
    }
    .into_any()
}

/// Asks before a recording goes for good.
fn delete_question(page: Greetings, asks: RwSignal<Option<GreetingSlot>>) -> AnyView {
    let open = RwSignal::new(false);
    // The words stay while it closes.
    let asked = Memo::new(move |before: Option<&GreetingSlot>| {
        asks.get()
            .or(before.copied())
            .unwrap_or(GreetingSlot::External)
    });
    Effect::new(move || open.set(asks.get().is_some()));
    Effect::new(move || {
        if !open.get() && asks.with_untracked(Option::is_some) {
            asks.set(None);
        }
    });
    let title = Signal::derive(move || {
        let long = page.rows.with(|rows| {
            let row = rows
                .as_ref()
                .and_then(|rows| greetings::of(rows, asked.get()));
            row.map_or(0, |row| row.duration_ms)
        });
        format!(
            "Delete {}, {}?",
            greetings::name(asked.get()),
            length::clock(long)
        )
    });
    view! {
        <Confirm
            open
            title
            text="The recording goes for good, on both servers."
            action="Delete"
            on_yes=Callback::new(move |()| page.delete(asked.get_untracked()))
        />
    }
    .into_any()
}
