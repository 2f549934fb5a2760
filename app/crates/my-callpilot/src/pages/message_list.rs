//! The list of a folder in each of its states: filled, empty, loading, error, offline, selecting, searched.

use super::folder_context::{Finding, FolderContext};
use super::list_toolbar::{search_row, selection_bar, toolbar};
use super::list_window::ListWindow;
use super::message_rows::MessageRows;
use crate::components::undo_toast::ToastCorner;
use crate::model::ids::IdSet;
use crate::model::words;
use crate::player::PlayerContext;
use contract::Folder;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::announcer::Announcer;
use ui::components::button::{button, styled};
use ui::components::icons::Icon;
use ui::components::panel::{nothing, words as paragraph};
use ui::connection::ConnectionContext;
use ui::length::counted;
use ui::router::Router;

/// Bones appear when a list takes longer than this.
const BONES_AFTER: Duration = Duration::from_millis(300);

/// So many rows of them.
const BONES: u32 = 8;

/// What stands in the place of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListBody {
    Rows,
    NothingFits,
    Empty,
    Loading,
    Failed,
    NothingKept,
}

/// The list of a folder.
#[component]
pub fn MessageList(
    /// What it shares with the reader.
    folder: FolderContext,
) -> impl IntoView {
    let (mailbox, connection) = (folder.mailbox, ConnectionContext::here());
    let is_empty = Memo::new(move |_| mailbox.mail().with(|mail| mail.is_empty(folder.folder)));
    let all = Memo::new(move |_| mailbox.known(folder.folder));
    let body = Memo::new(move |_| {
        if !folder.groups.with(Vec::is_empty) {
            ListBody::Rows
        } else if all.get() > 0 {
            ListBody::NothingFits
        } else if is_empty.get() {
            ListBody::Empty
        } else if mailbox.trouble().with(Option::is_some) {
            ListBody::Failed
        } else if mailbox.loading().get() || connection.is_on() {
            ListBody::Loading
        } else {
            ListBody::NothingKept
        }
    });
    let selecting = Memo::new(move |_| !folder.picked().with(IdSet::is_empty));
    let window = ListWindow::new(folder.folder, folder.groups);
    Router::here().page_shown();
    view! {
        <section class="list" id="list" aria-label="Messages">
            {move || if selecting.get() { selection_bar(folder) } else { toolbar(folder) }}
            {move || folder.searching().get().then(|| search_row(folder))}
            <div class="list__body" tabindex="-1" node_ref=window.scroller on:scroll=move |_| window.look()>
                {move || match body.get() {
                    ListBody::Rows => rows(folder, window),
                    ListBody::NothingFits => nothing_fits(folder, all.get()),
                    ListBody::Empty => empty(folder.folder),
                    ListBody::Loading => bones(),
                    ListBody::Failed => failed(folder),
                    ListBody::NothingKept => nothing_kept(),
                }}
            </div>
            <ToastCorner on_undo=Callback::new(move |()| folder.take_back())/>
        </section>
    }
}

fn rows(folder: FolderContext, window: ListWindow) -> AnyView {
    view! {
        <MessageRows folder window/>
        {foot(folder)}
    }
    .into_any()
}

/// Below the rows: where they are, and the way to older ones.
fn foot(folder: FolderContext) -> AnyView {
    let (mailbox, connection) = (folder.mailbox, ConnectionContext::here());
    let (player, announcer) = (PlayerContext::here(), Announcer::here());
    let busy = RwSignal::new(false);
    let next = move || mailbox.mail().with(|mail| mail.state(folder.folder).next);
    let more = Memo::new(move |_| next().is_some());
    let older = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            if folder.read_older().await.is_err() {
                announcer
                    .say("Older messages could not be read. Try again when there is a connection.");
            }
            busy.try_set(false);
        });
    };
    let words = move || {
        let counts = mailbox.counts();
        let kept = counted(mailbox.known(folder.folder) as u64, "message");
        if folder.is_narrowed() {
            let looked = match folder.finding().get() {
                Finding::Done => "",
                Finding::Busy => " Looking on the server\u{2026}",
                Finding::OnlyHere => " Only what is in this browser was searched.",
            };
            return format!("{} of {kept} shown.{looked}", folder.shown());
        }
        if !connection.is_on() {
            let kept = counted(mailbox.kept() as u64, "message");
            return match player.held() {
                (0, _) => format!("Kept in this browser: {kept}, without sound."),
                (sounds, _) => format!("Kept in this browser: {kept}, the sound of {sounds}."),
            };
        }
        match folder.folder {
            Folder::Deleted => "Deleted messages are kept for 7 days.".into(),
            Folder::Inbox | Folder::Sent => {
                let paired = connection.status().with(|status| status.partner.is_some());
                let (all, one_only) = match folder.folder {
                    Folder::Inbox => (counts.inbox, counts.one_server_only),
                    _ => (counts.sent, mailbox.on_one_server(Folder::Sent)),
                };
                words::both_servers(all, one_only, paired)
            }
        }
    };
    view! {
        <div class="list__foot">
            <p>{words}</p>
            {move || more.get().then(|| styled("btn", None, || "Show older messages".into(), older))}
        </div>
    }
    .into_any()
}

fn nothing_fits(folder: FolderContext, all: usize) -> AnyView {
    let query = folder.query.get();
    let said = match query.trim() {
        "" => format!(
            "No message is shown with \u{201c}{}\u{201d}.",
            folder.show.get().words()
        ),
        query => match folder.finding().get() {
            Finding::Done => format!("No message fits \u{201c}{query}\u{201d}."),
            Finding::Busy => format!("Looking for \u{201c}{query}\u{201d} on the server\u{2026}"),
            Finding::OnlyHere => {
                format!(
                    "No message in this browser fits \u{201c}{query}\u{201d}, and no server answers."
                )
            }
        },
    };
    let clear = move || format!("Clear the search to see all {all}");
    nothing(
        Icon::Search,
        said,
        styled("btn", None, clear, move || folder.end_search()),
    )
}

fn empty(folder: Folder) -> AnyView {
    let (sign, head, text) = match folder {
        Folder::Deleted => (
            Icon::Trash,
            "Nothing is deleted.",
            "A message you delete stays here for 7 days, so that you can take it back.",
        ),
        Folder::Sent => (
            Icon::Sent,
            "Nothing has been sent.",
            "A message you send is kept here, with what became of it.",
        ),
        Folder::Inbox => (
            Icon::Inbox,
            "Nothing here yet.",
            "When someone leaves you a message, it appears here by itself.",
        ),
    };
    nothing(sign, head.into(), paragraph(text))
}

fn nothing_kept() -> AnyView {
    nothing(
        Icon::Server,
        "Nothing is kept here".into(),
        paragraph(
            "No server answers, and this browser has not read your messages yet. They appear by themselves.",
        ),
    )
}

fn failed(folder: FolderContext) -> AnyView {
    let mailbox = folder.mailbox;
    let told = move || {
        mailbox.trouble().get().map(|trouble| {
            view! {
                <p>{trouble.message}" Your messages are safe. Trying again by itself in 20 seconds."</p>
                <p class="small">"Reference for an administrator: "<span class="mono">{trouble.reference}</span></p>
            }
        })
    };
    let then = view! {
        {told}
        {button(Icon::Sync, "Try now", move || mailbox.read_lists())}
    };
    view! { <div role="alert">{nothing(Icon::Warn, "The list could not be read".into(), then.into_any())}</div> }.into_any()
}

fn bones() -> AnyView {
    let shown = RwSignal::new(false);
    set_timeout(
        move || {
            shown.try_set(true);
        },
        BONES_AFTER,
    );
    let bone = |_| {
        view! {
            <li class="row">
                <span></span>
                <span class="bone bone--sign"></span>
                <span class="bone__lines"><span class="bone"></span><span class="bone"></span></span>
                <span class="bone bone--time"></span>
            </li>
        }
    };
    view! {
        <ol aria-busy="true" aria-label="Loading messages" class="list__bones" class:list__bones--shown=move || shown.get()>
            {(0..BONES).map(bone).collect_view()}
        </ol>
    }
    .into_any()
}
