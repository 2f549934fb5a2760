//! What stands above a list: its name and counts, the search, or what can be done with a selection.

use super::folder_context::FolderContext;
use crate::model::ids::IdSet;
use crate::model::row_length::main_kind;
use crate::model::search::Show;
use crate::model::undo::Action;
use crate::model::words;
use contract::Folder;
use leptos::html::Input;
use leptos::prelude::*;
use ui::components::button::{button, sign_button, telling, telling_sign};
use ui::components::icons::{Icon, icon};
use ui::length::counted;

/// The name of the folder, its counts, and the way to search it.
pub fn toolbar(folder: FolderContext) -> AnyView {
    let all = move || match folder.folder {
        Folder::Deleted => folder.mailbox.counts().deleted,
        Folder::Inbox => folder.mailbox.counts().inbox,
        Folder::Sent => folder.mailbox.counts().sent,
    };
    let has_any = Memo::new(move |_| all() > 0);
    let new = move || match folder.folder {
        Folder::Inbox => folder.mailbox.counts().unread,
        Folder::Deleted | Folder::Sent => 0,
    };
    view! {
        <div class="toolbar">
            <h1 id="heading" tabindex="-1">{words::folder(folder.folder)}</h1>
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
                    aria-expanded=move || folder.searching().get().to_string()
                    on:click=move |_| if folder.searching().get_untracked() { folder.end_search() } else { folder.search() }
                >
                    {icon(Icon::Search)}
                </button>
                {move || {
                    (folder.folder == Folder::Deleted && has_any.get())
                        .then(|| button(Icon::Trash, "Empty", move || folder.emptying.set(true)))
                }}
            </span>
        </div>
    }
    .into_any()
}

/// What is searched for, and what is shown.
pub fn search_row(folder: FolderContext) -> AnyView {
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
                    aria-label="Search sender, number, subject or text"
                    placeholder="Sender, number, subject, text"
                    prop:value=move || folder.query.get()
                    on:input=move |event| folder.query.set(event_target_value(&event))
                />
            </span>
            <select
                class="select"
                aria-label="Show"
                on:change=move |event| {
                    let chosen = event_target_value(&event);
                    folder.show.set(Show::ALL.into_iter().find(|show| show.words() == chosen).unwrap_or_default());
                }
            >
                {Show::ALL
                    .into_iter()
                    .map(|show| view! { <option selected=move || folder.show.get() == show>{show.words()}</option> })
                    .collect_view()}
            </select>
        </div>
    }
    .into_any()
}

/// Takes all into the selection. Where there is little room, the word *Select* is said and not shown.
fn all_button(folder: FolderContext) -> AnyView {
    view! {
        <button class="btn btn--quiet nowrap" type="button" on:click=move |_| folder.pick_all()>
            <span><span class="said-if-narrow">"Select "</span><span>"all"</span></span>
        </button>
    }
    .into_any()
}

/// What can be done with the selected messages.
pub fn selection_bar(folder: FolderContext) -> AnyView {
    let number = move || folder.picked().with(IdSet::len) as u64;
    let picked = move || folder.picked_rows();
    let unheard = Memo::new(move |_| {
        folder.picked().with(|picked| {
            folder.mailbox.mail().with(|mail| {
                picked
                    .iter()
                    .any(|id| mail.row(*id).is_some_and(|row| row.unread))
            })
        })
    });
    let voice = Memo::new(move |_| {
        folder.picked().with(|picked| {
            folder.mailbox.mail().with(|mail| {
                let mut rows = picked.iter().filter_map(|id| mail.row(*id));
                rows.all(|row| words::is_heard(main_kind(row)))
            })
        })
    });
    view! {
        <div class="toolbar toolbar--selection" role="toolbar" aria-label=move || format!("{} selected", counted(number(), "message"))>
            {sign_button(Icon::Cross, "Clear the selection", move || folder.clear_selection())}
            <h1 id="heading" tabindex="-1" class="nowrap">{number}" selected"</h1>
            <span class="end">
                {move || (folder.shown() as u64 > number()).then(|| all_button(folder))}
                {telling_sign(
                    Icon::Eye,
                    move || if unheard.get() { words::mark_done(voice.get()) } else { "Mark as new" },
                    move || folder.mailbox.mark(&folder.picked_rows(), !unheard.get_untracked()),
                )}
                {(folder.folder == Folder::Deleted)
                    .then(|| {
                        telling(
                            Icon::Undo,
                            move || format!("Move {} back", number()),
                            move || folder.shift(Action::Restored, picked()),
                        )
                    })}
                {telling(Icon::Trash, move || format!("Delete {}", number()), move || folder.delete(picked()))}
            </span>
        </div>
    }
    .into_any()
}
