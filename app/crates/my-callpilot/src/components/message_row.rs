//! One row of a list: a check box, and one link that opens the message and whose name says everything the row shows.

use crate::mailbox::MailboxContext;
use crate::model::{row_length, words};
use contract::{Kind, MessageRow, ObjectId};
use leptos::prelude::*;
use ui::clock::Clock;
use ui::components::icons::{Icon, icon};
use ui::times::time_words;

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

/// Where a row stands. Most rows of a long list are not drawn: so it is said how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// Its upper edge, as the style sheet takes it.
    pub top: String,
    /// Its number within its day, from 1.
    pub number: usize,
    /// How many messages that day has.
    pub size: usize,
}

/// One row. What can change of a message changes in it piece by piece; the row itself is never made anew, so that focus stays.
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
    /// Where it stands in its day.
    #[prop(into)]
    place: Signal<RowPlace>,
    /// Takes it into the selection, or out of it; with `true` all from the one that was picked last.
    on_pick: Callback<(ObjectId, bool)>,
    /// It has got the focus.
    on_focus: Callback<ObjectId>,
) -> impl IntoView {
    let row = MailboxContext::here()
        .mail()
        .with_untracked(|mail| mail.row(id).cloned())?;
    let now = changing(&row);
    let select = select_name(&row);
    let kind = row_length::main_kind(&row);
    let (who, meta) = (sender_and_subject(&row), time_and_length(&row, now));
    let name = link_name(row, now);
    let tabindex = move || if current.get() { "0" } else { "-1" };
    let view = view! {
        <li
            class="row"
            class:row--new=move || now.get().unread
            class:row--open=move || open.get()
            class:row--picked=move || picked.get()
            style:top=move || place.get().top
            aria-posinset=move || place.get().number.to_string()
            aria-setsize=move || place.get().size.to_string()
        >
            <input
                type="checkbox"
                aria-label=select
                tabindex=tabindex
                prop:checked=move || picked.get()
                on:click=move |event| on_pick.run((id, event.shift_key()))
                on:focus=move |_| on_focus.run(id)
            />
            <span class="kind" title=words::kind(kind) aria-hidden="true">
                {icon(kind_icon(kind))}
            </span>
            <a
                class="row__open"
                id=row_dom_id(id)
                href=href
                aria-label=name
                aria-current=move || open.get().then_some("true")
                tabindex=tabindex
                on:focus=move |_| on_focus.run(id)
            >
                {who}
            </a>
            {meta}
        </li>
    };
    Some(view.into_any())
}

/// The name of the row's check box.
fn select_name(row: &MessageRow) -> String {
    let (sender, subject) = (words::counterpart(row), words::subject(row));
    format!("Select: {sender}, {subject}")
}

/// What may change of a message while its row is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Changing {
    unread: bool,
    one_server_only: bool,
}

/// A message that has just gone is shown as it was until the list has let go of it.
fn changing(row: &MessageRow) -> Memo<Changing> {
    let (id, mail) = (row.id, MailboxContext::here().mail());
    let of = |row: &MessageRow| Changing {
        unread: row.unread,
        one_server_only: row.one_server_only,
    };
    let first = of(row);
    Memo::new(move |before: Option<&Changing>| {
        mail.with(|mail| mail.row(id).map(of))
            .or(before.copied())
            .unwrap_or(first)
    })
}

/// The name of the row's link: everything the row shows, as it is now.
fn link_name(row: MessageRow, now: Memo<Changing>) -> impl Fn() -> String {
    let zone = Clock::here().zone();
    move || {
        let Changing {
            unread,
            one_server_only,
        } = now.get();
        let row = MessageRow {
            unread,
            one_server_only,
            ..row.clone()
        };
        words::row_name(&zone, &row)
    }
}

fn sender_and_subject(row: &MessageRow) -> AnyView {
    let marks = [
        mark(row.urgent, "mark mark--urgent", Icon::Urgent, "Urgent"),
        mark(row.private, "mark", Icon::Lock, "Private"),
        mark(
            row.sender_unverified,
            "mark mark--urgent",
            Icon::Question,
            "Unverified sender",
        ),
        mark(row.attachments > 0, "mark", Icon::Clip, "With attachment"),
    ];
    view! {
        <span class="from">
            <span>{words::counterpart(row)}</span>
            {marks.into_iter().collect_view()}
        </span>
        <span class="subject">{words::subject(row)}</span>
    }
    .into_any()
}

fn time_and_length(row: &MessageRow, now: Memo<Changing>) -> AnyView {
    let far = move || {
        let shown = now.get().one_server_only;
        mark(
            shown,
            "mark mark--far",
            Icon::Sync,
            "On one server only so far",
        )
    };
    view! {
        <span class="meta" aria-hidden="true">
            <span>{time_words(&Clock::here().zone(), row.received_at)}</span>
            <span>
                {far}
                {row_length::length(row)}
            </span>
        </span>
    }
    .into_any()
}
