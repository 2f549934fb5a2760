//! What stands above a list: its name and counts, the search, or what can be done with a selection.

use super::message_list::folder_name;
use super::messages::Desk;
use crate::components::button::{sign_button, telling, telling_sign};
use crate::components::icons::{Icon, icon};
use crate::model::length::counted;
use crate::model::search::Show as Shown;
use crate::model::undo::Deed;
use contract::Folder;
use leptos::html::Input;
use leptos::prelude::*;

/// The name of the folder, its counts, and the way to search it.
pub fn toolbar(desk: Desk) -> AnyView {
    let app = desk.app;
    let all = move || match desk.folder {
        Folder::Deleted => app.counts().deleted,
        Folder::Inbox | Folder::Sent => app.counts().inbox,
    };
    let new = move || match desk.folder {
        Folder::Inbox => app.counts().unread,
        Folder::Deleted | Folder::Sent => 0,
    };
    view! {
        <div class="toolbar">
            <h1 id="heading" tabindex="-1">{folder_name(desk.folder)}</h1>
            <span class="count">
                {move || (all() > 0).then(|| counted(u64::from(all()), "message"))}
                {move || (new() > 0).then(|| view! { ", "<span class="count--lamp">{new()}" new"</span> })}
            </span>
            <span class="end">
                <button
                    class="btn btn--quiet btn--icon"
                    type="button"
                    aria-label="Search and filter"
                    title="Search and filter"
                    aria-expanded=move || desk.searching.get().to_string()
                    on:click=move |_| if desk.searching.get_untracked() { desk.end_search() } else { desk.search() }
                >
                    {icon(Icon::Search)}
                </button>
            </span>
        </div>
    }
    .into_any()
}

/// What is searched for, and what is shown.
pub fn search_row(desk: Desk) -> AnyView {
    // At once, not with the next frame: what is typed right after the key that opens the row belongs into the field.
    let field = NodeRef::<Input>::new();
    field.on_load(|field| {
        let _ = field.focus(); // nothing is lost but a convenience
    });
    view! {
        <div class="toolbar toolbar--search" role="search">
            <span class="with-icon">
                {icon(Icon::Search)}
                <input
                    class="input"
                    id="search"
                    node_ref=field
                    type="search"
                    aria-label="Search sender, number or subject"
                    placeholder="Sender, number or subject"
                    prop:value=move || desk.query.get()
                    on:input=move |event| desk.query.set(event_target_value(&event))
                />
            </span>
            <select
                class="select"
                aria-label="Show"
                on:change=move |event| {
                    let chosen = event_target_value(&event);
                    desk.show.set(Shown::ALL.into_iter().find(|show| show.words() == chosen).unwrap_or_default());
                }
            >
                {Shown::ALL
                    .into_iter()
                    .map(|show| view! { <option selected=move || desk.show.get() == show>{show.words()}</option> })
                    .collect_view()}
            </select>
        </div>
    }
    .into_any()
}

/// What can be done with the selected messages.
pub fn selection_bar(desk: Desk) -> AnyView {
    let number = move || desk.picked.with(Vec::len) as u64;
    let picked = move || desk.picked.get_untracked();
    let unheard = Memo::new(move |_| {
        let app = desk.app;
        desk.picked.with(|picked| {
            app.mail.with(|mail| {
                picked
                    .iter()
                    .any(|id| mail.row(*id).is_some_and(|row| row.unread))
            })
        })
    });
    view! {
        <div class="toolbar toolbar--selection" role="toolbar" aria-label=move || format!("{} selected", counted(number(), "message"))>
            {sign_button(Icon::Cross, "Clear the selection", move || desk.picked.update(Vec::clear))}
            <h1 id="heading" tabindex="-1" class="nowrap">{number}" selected"</h1>
            <span class="end">
                {telling_sign(
                    Icon::Eye,
                    move || if unheard.get() { "Mark as heard" } else { "Mark as new" },
                    move || desk.app.mark(&desk.picked.get_untracked(), !unheard.get_untracked()),
                )}
                {(desk.folder == Folder::Deleted)
                    .then(|| {
                        telling(
                            Icon::Undo,
                            move || format!("Move {} back", number()),
                            move || desk.shift(Deed::Restored, picked()),
                        )
                    })}
                {telling(Icon::Trash, move || format!("Delete {}", number()), move || desk.delete(picked()))}
            </span>
        </div>
    }
    .into_any()
}
