//! The right half of the greetings: the recorder of one of them, or how long the temporary one stays.

use super::framed;
use super::greetings_context::{Desk, Greetings};
use crate::model::greetings;
use crate::recorder;
use contract::{GreetingSlot, Timestamp};
use js_sys::Date;
use leptos::html;
use leptos::prelude::*;
use ui::clock;
use ui::components::button::styled;
use ui::components::icons::{Icon, icon};
use ui::components::panel::nothing;

const BACK: &str = "Back to Greetings";

/// The half.
pub(super) fn desk(page: Greetings) -> AnyView {
    (move || match page.desk.get() {
        None => view! {
            <section class="panel" aria-label="Record">
                {nothing(Icon::Mic, "Nothing being recorded".into(), view! { <p>"Choose a greeting and press Record."</p> }.into_any())}
            </section>
        }
        .into_any(),
        Some(Desk::Record(slot)) => record(page, slot),
        Some(Desk::Ends) => ends(page),
    })
    .into_any()
}

fn record(page: Greetings, slot: GreetingSlot) -> AnyView {
    let words = match slot {
        GreetingSlot::RecordedName => "Save",
        _ => "Save: callers hear this",
    };
    let save = move || {
        let busy = move || page.saving.get().then_some("true");
        view! {
            <button class="btn btn--primary" type="button" aria-busy=busy on:click=move |_| page.save()>
                {icon(Icon::Check)}
                <span class="btn__text">{words}</span>
            </button>
        }
        .into_any()
    };
    let until = move || {
        match page.recorder.duration_ms() {
        0 => greetings::example(slot, &page.owner()),
        _ => "What you have said is kept in this browser. Until you save, nothing changes for callers.".into(),
    }
    };
    let until = Memo::new(move |_| until());
    let inside = view! {
        {page.recorder.view(save)}
        <p class="help">{until}</p>
        {recorder::keys()}
    };
    framed(
        greetings::heading(slot),
        BACK,
        move || page.close(),
        page.recorder.badge(),
        inside.into_any(),
    )
}

fn ends(page: Greetings) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let zone = page.clock.zone();
    let end = move || {
        page.rows.with(|rows| {
            let row = greetings::of(rows.as_deref()?, GreetingSlot::Temporary)?;
            row.ends_at
        })
    };
    let end = Memo::new(move |_| end());
    let value = move || {
        end.get()
            .map_or_else(String::new, |end| greetings::field_value(&zone, end))
    };
    let is_on = move || {
        let now = page.clock.now().get();
        page.rows.with(|rows| {
            rows.as_deref()
                .is_some_and(|rows| greetings::in_force(rows, now).is_some())
        })
    };
    let is_on = Memo::new(move |_| is_on());
    let inside = view! {
        <div class="field">
            <label for="until">"Switches itself off"</label>
            <input class="input" id="until" type="datetime-local" node_ref=field prop:value=value aria-describedby="until-help"/>
            <span class="help" id="until-help">"Your time. Empty: it stays until you switch it off. The recording is kept."</span>
        </div>
        {usual_ends(page)}
        <div class="actions">
            {styled("btn btn--primary", None, || "Save".into(), move || save_end(page, field))}
            {move || is_on.get().then(|| styled("btn", None, || "Switch off now".into(), move || page.set_end(Some(clock::now()))))}
            {styled("btn btn--quiet", Some(Icon::Mic), || "Record again".into(), move || page.open(GreetingSlot::Temporary))}
        </div>
    };
    let badge = move || match is_on.get() {
        true => view! { <span class="badge badge--ok">{icon(Icon::Check)}"on"</span> }.into_any(),
        false => view! { <span class="badge">"off"</span> }.into_any(),
    };
    let badge = view! { <span class="end">{badge}</span> };
    framed(
        "Temporary greeting",
        BACK,
        move || page.close(),
        badge.into_any(),
        inside.into_any(),
    )
}

fn usual_ends(page: Greetings) -> AnyView {
    let usual = greetings::usual_ends(&page.clock.zone(), clock::now())
        .into_iter()
        .map(|(words, end)| {
            styled(
                "btn",
                None,
                move || words.clone(),
                move || page.set_end(Some(end)),
            )
        })
        .collect_view();
    view! {
        <div class="actions" role="group" aria-label="Ends often chosen">
            {usual}
            {styled("btn", None, || "No end".into(), move || page.set_end(None))}
        </div>
    }
    .into_any()
}

fn save_end(page: Greetings, field: NodeRef<html::Input>) {
    // What is half typed is no end, and not the absence of one; the browser says what is missing.
    let Some(field) = field
        .get_untracked()
        .filter(|field| field.report_validity())
    else {
        return;
    };
    if field.value().is_empty() {
        return page.set_end(None);
    }
    // The browser reads it in the reader's own zone.
    let at = Date::new(&field.value().into()).get_time();
    if at.is_finite() {
        page.set_end(Some(Timestamp(at as i64)));
    }
}
