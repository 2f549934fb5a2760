//! Panels, notes and what stands where there is nothing to show.

use super::icons::{Icon, icon};
use crate::refusal::Refusal;
use leptos::prelude::*;

/// A panel with a heading; `id` names the heading.
pub fn panel(id: &'static str, title: &'static str, inside: AnyView) -> AnyView {
    view! {
        <section class=format!("panel panel--{id}") aria-labelledby=id>
            <header>
                <h2 id=id tabindex="-1">{title}</h2>
            </header>
            {inside}
        </section>
    }
    .into_any()
}

/// A note: what is, in heavy letters, and what it means; `class` picks its colours.
pub fn note(class: &'static str, sign: Icon, what: String, then: AnyView) -> AnyView {
    view! {
        <div class=class>
            {icon(sign)}
            <div>
                <p><b>{what}</b></p>
                {then}
            </div>
        </div>
    }
    .into_any()
}

/// A refusal, in the colours of what failed.
pub fn refused(refusal: Refusal) -> AnyView {
    let then = (!refusal.then.is_empty()).then(|| view! { <p>{refusal.then}</p> });
    note("note note--down", Icon::Warn, refusal.what, then.into_any())
}

/// A sign, a heading and what follows, in the place of what is not there.
pub fn nothing(sign: Icon, what: String, then: AnyView) -> AnyView {
    view! {
        <div class="empty">
            {icon(sign)}
            <h2>{what}</h2>
            {then}
        </div>
    }
    .into_any()
}

/// A paragraph.
pub fn words(words: &'static str) -> AnyView {
    view! { <p>{words}</p> }.into_any()
}
