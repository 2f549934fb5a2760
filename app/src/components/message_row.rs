//! One row of a list: a check box, and one link that opens the message and whose name says everything the row shows.

use super::icons::{Icon, icon};
use crate::model::clock::time_words;
use crate::model::{length, words};
use crate::state::App;
use contract::{Kind, MessageRow, ObjectId};
use leptos::prelude::*;

/// The sign of a kind of message.
pub fn kind_icon(kind: Kind) -> Icon {
    match kind {
        Kind::Voice => Icon::Voice,
        Kind::Fax => Icon::Fax,
        Kind::Text => Icon::Text,
        Kind::Mixed => Icon::Mixed,
        Kind::Report => Icon::Report,
    }
}

/// The id of a row's link in the document.
pub fn row_dom_id(id: ObjectId) -> String {
    format!("row-{id}")
}

/// A mark with its words for a screen reader and the pointer; the link's own name says it too.
fn mark(shown: bool, class: &'static str, sign: Icon, title: &'static str) -> Option<AnyView> {
    shown.then(|| {
        view! {
            <span class=class title=title>
                {icon(sign)}
            </span>
        }
        .into_any()
    })
}

/// One row. It follows the message with its id; a message that has just gone is shown as it was until the list has let go of it.
#[component]
pub fn MessageRowView(
    /// Which message.
    id: ObjectId,
    /// Its page's address.
    href: String,
    /// It is the one that is open.
    #[prop(into)]
    open: Signal<bool>,
    /// It is selected.
    #[prop(into)]
    picked: Signal<bool>,
    /// It is the one that Tab reaches.
    #[prop(into)]
    current: Signal<bool>,
    /// Takes it into the selection, or out of it.
    on_pick: Callback<ObjectId>,
    /// It has got the focus.
    on_focus: Callback<ObjectId>,
) -> impl IntoView {
    let app = App::here();
    let row = Memo::new(move |before: Option<&Option<MessageRow>>| {
        app.mail
            .with(|mail| mail.row(id).cloned())
            .or_else(|| before.cloned().flatten())
    });
    let tabindex = move || if current.get() { "0" } else { "-1" };
    let shown = move |row: MessageRow| {
        let select = format!(
            "Select: {}, {}",
            words::sender(&row.sender),
            words::subject(&row)
        );
        view! {
            <input
                type="checkbox"
                aria-label=select
                tabindex=tabindex
                prop:checked=move || picked.get()
                on:change=move |_| on_pick.run(id)
                on:focus=move |_| on_focus.run(id)
            />
            <span class="kind" title=words::kind(row.kind) aria-hidden="true">
                {icon(kind_icon(row.kind))}
            </span>
            <a
                class="row__open"
                id=row_dom_id(id)
                href=href.clone()
                aria-label=words::row_name(&app.here, &row)
                aria-current=move || open.get().then_some("true")
                tabindex=tabindex
                on:focus=move |_| on_focus.run(id)
            >
                <span class="from">
                    <span>{words::sender(&row.sender)}</span>
                    {mark(row.urgent, "mark mark--urgent", Icon::Urgent, "Urgent")}
                    {mark(row.private, "mark", Icon::Lock, "Private")}
                    {mark(row.attachments > 0, "mark", Icon::Clip, "With attachment")}
                </span>
                <span class="subject">{words::subject(&row)}</span>
            </a>
            <span class="meta" aria-hidden="true">
                <span>{time_words(&app.here, row.received_at)}</span>
                <span>
                    {mark(row.one_server_only, "mark mark--far", Icon::Sync, "On one server only so far")}
                    {length::of_row(&row)}
                </span>
            </span>
        }
        .into_any()
    };
    view! {
        <li
            class="row"
            class:row--new=move || row.with(|row| row.as_ref().is_some_and(|row| row.unread))
            class:row--open=move || open.get()
            class:row--picked=move || picked.get()
        >
            {move || row.get().map(&shown)}
        </li>
    }
}
