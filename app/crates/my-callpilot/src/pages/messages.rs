//! The page of a folder: the list, beside it the message that is open, and the dialogs of both.

use super::folder_context::FolderContext;
use super::lazy;
use super::message_list::MessageList;
use super::no_message::none_open;
use crate::components::message_row::row_dom_id;
use crate::model::ids::IdSet;
use crate::model::words;
use contract::{Folder, ObjectId};
use leptos::prelude::*;
use ui::browser;
use ui::components::dialogs::{Confirm, Dialog};
use ui::focus_keeper::FocusKeeper;
use ui::keyboard::Keyboard;
use ui::length::counted;

/// The window is called after the open message, else after the folder and what is new in it.
fn titles(folder: FolderContext) {
    let title = Memo::new(move |_| {
        let name = words::folder(folder.folder);
        let row = folder.open.get().and_then(|open| folder.mailbox.row(open));
        let subject = row.as_ref().map(words::subject);
        match (subject, folder.mailbox.counts().unread) {
            (Some(subject), _) => format!("{subject} · {name} · My CallPilot"),
            (None, new) if new > 0 && folder.folder == Folder::Inbox => {
                format!("{name} ({new} new) · My CallPilot")
            }
            (None, _) => format!("{name} · My CallPilot"),
        }
    });
    Effect::new(move || title.with(|title| browser::set_title(title)));
}

/// The page of a folder.
#[component]
pub fn Messages(
    /// Which folder.
    folder: Folder,
    /// The message that is open.
    open: Memo<Option<ObjectId>>,
) -> impl IntoView {
    let folder = FolderContext::new(folder, open);
    titles(folder);
    // Where the list takes the reader's place, the focus that was in it goes to the row one comes from.
    Effect::new(move |before: Option<Option<ObjectId>>| {
        let open = folder.open.get();
        if let (Some(Some(before)), None) = (before, open) {
            browser::after_drawing(move || {
                if browser::focus_is_lost() {
                    browser::focus(&row_dom_id(before));
                }
            });
        }
        open
    });
    FocusKeeper::here().belongs(move || folder.take_focus());
    Keyboard::here().handle(move |command| {
        // An open dialog has the keys. It is asked itself: word of its closing comes a little later.
        let free = !browser::dialog_is_open();
        free && folder.command(command)
    });
    let pending = move || folder.pending_expunge().with(Vec::len) as u64;
    let messages = move || counted(pending(), "message");
    let in_deleted = move || u64::from(folder.mailbox.counts().deleted);
    let lying = move || counted(in_deleted(), "message");
    // What reads messages comes with the first of them.
    let reads =
        Memo::new(move |_| folder.open.get().is_some() || !folder.picked().with(IdSet::is_empty));
    view! {
        <div class="mail" data-view=move || if folder.open.get().is_some() { "open" } else { "list" }>
            <MessageList folder/>
            {move || if reads.get() { lazy::reader(folder) } else { none_open() }}
        </div>
        <Dialog open=folder.help title="Keys">
            <div class="body">
                {move || folder.help.get().then(lazy::key_help)}
            </div>
        </Dialog>
        <Confirm
            open=folder.asking
            title=Signal::derive(move || format!("Delete {} for good?", messages()))
            text=Signal::derive(move || words::expunging(pending()).to_owned())
            action=Signal::derive(move || format!("Delete {}", messages()))
            on_yes=Callback::new(move |()| folder.expunge())
        />
        <Confirm
            open=folder.emptying
            title=Signal::derive(move || format!("Empty Deleted: {}?", lying()))
            text=Signal::derive(move || words::emptying(in_deleted()).to_owned())
            action=Signal::derive(move || format!("Delete {}", lying()))
            on_yes=Callback::new(move |()| folder.empty())
        />
    }
}
