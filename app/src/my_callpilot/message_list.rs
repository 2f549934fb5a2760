//! The list of a folder in each of its states: filled, empty, loading, error, offline, selecting, searched.

use super::list_toolbar::{search_row, selection_bar, toolbar};
use super::messages::Desk;
use crate::browser;
use crate::components::button::{button, styled};
use crate::components::icons::Icon;
use crate::components::message_row::MessageRowView;
use crate::components::panel::{nothing, words as paragraph};
use crate::components::toast::ToastCorner;
use crate::model::clock::Day;
use crate::model::length::counted;
use crate::model::mail::DayGroup;
use crate::model::words;
use contract::Folder;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

/// Bones appear when a list takes longer than this.
const BONES_AFTER: Duration = Duration::from_millis(300);

/// So many rows of them.
const BONES: u32 = 8;

/// What stands in the place of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Rows,
    NothingFits,
    Empty,
    Loading,
    Failed,
    NothingKept,
}

/// The name of a folder.
pub fn folder_name(folder: Folder) -> &'static str {
    match folder {
        Folder::Inbox => "Inbox",
        Folder::Sent => "Sent",
        Folder::Deleted => "Deleted",
    }
}

/// The list of a folder.
#[component]
pub fn MessageList(
    /// What it shares with the reader.
    desk: Desk,
) -> impl IntoView {
    let app = desk.app;
    let known = Memo::new(move |_| app.mail.with(|mail| mail.state(desk.folder).known));
    let all = Memo::new(move |_| app.mail.with(|mail| mail.rows(desk.folder).len()));
    let body = Memo::new(move |_| {
        if !desk.groups.with(Vec::is_empty) {
            Body::Rows
        } else if all.get() > 0 {
            Body::NothingFits
        } else if known.get() {
            Body::Empty
        } else if app.trouble.with(Option::is_some) {
            Body::Failed
        } else if app.loading.get() || app.status.with(|status| status.on.is_some()) {
            Body::Loading
        } else {
            Body::NothingKept
        }
    });
    let selecting = Memo::new(move |_| !desk.picked.with(Vec::is_empty));
    heading_takes_focus(app);
    view! {
        <section class="list" id="list" aria-label="Messages">
            {move || if selecting.get() { selection_bar(desk) } else { toolbar(desk) }}
            {move || desk.searching.get().then(|| search_row(desk))}
            <div class="list__body" tabindex="-1">
                {move || match body.get() {
                    Body::Rows => rows(desk),
                    Body::NothingFits => nothing_fits(desk, all.get()),
                    Body::Empty => empty(desk.folder),
                    Body::Loading => bones(),
                    Body::Failed => failed(desk),
                    Body::NothingKept => nothing_kept(),
                }}
            </div>
            <ToastCorner/>
        </section>
    }
}

/// After the log-in and after a change of page the focus is on the heading; at a reload it stays where the browser puts it.
pub fn heading_takes_focus(app: crate::state::App) {
    if app.moved.get_value() {
        browser::after_drawing(|| {
            browser::focus("heading");
        });
    }
    app.moved.set_value(true);
}

fn rows(desk: Desk) -> AnyView {
    let app = desk.app;
    let today = Memo::new(move |_| Day::of(&app.here, app.now.get()));
    let days = move || {
        desk.drawn
            .with(|groups| groups.iter().map(|group| group.day).collect::<Vec<_>>())
    };
    let reachable = Memo::new(move |_| desk.reachable());
    let group = move |day: Day| {
        let find = move |groups: &Vec<DayGroup>| {
            groups
                .iter()
                .find(|group| group.day == day)
                .map(|group| group.ids.clone())
                .unwrap_or_default()
        };
        let head = format!("day-{}", day.0);
        view! {
            <div>
                <h2 class="day" id=head.clone()>{move || day.heading(today.get())}</h2>
                <ol aria-labelledby=head>
                    <For each=move || desk.drawn.with(find) key=|id| *id let:id>
                        <MessageRowView
                            id
                            href=desk.address(Some(id))
                            open=Signal::derive(move || desk.open.get() == Some(id))
                            picked=Signal::derive(move || desk.picked.with(|picked| picked.contains(&id)))
                            current=Signal::derive(move || reachable.get() == Some(id))
                            on_pick=Callback::new(move |id| desk.pick(id))
                            on_focus=Callback::new(move |id| desk.current.set(Some(id)))
                        />
                    </For>
                </ol>
            </div>
        }
    };
    view! {
        <For each=days key=|day| *day children=group/>
        {foot(desk)}
    }
    .into_any()
}

/// Below the rows: where they are, and the way to older ones.
fn foot(desk: Desk) -> AnyView {
    let app = desk.app;
    let busy = RwSignal::new(false);
    let more = Memo::new(move |_| app.mail.with(|mail| mail.state(desk.folder).next.is_some()));
    let older = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            if app.api.read_older(app, desk.folder).await.is_err() {
                app.say("Older messages could not be read. Try again when there is a connection.");
            }
            busy.try_set(false);
        });
    };
    let words = move || {
        let counts = app.counts();
        if app.status.with(|status| status.on.is_none()) {
            let kept = app.mail.with(|mail| mail.rows(desk.folder).len()) as u64;
            app.sounds_changed.track();
            let sounds = app.sounds.with_value(|sounds| sounds.messages());
            return format!(
                "Kept in this browser: {}, the sound of {sounds}.",
                counted(kept, "message")
            );
        }
        match desk.folder {
            Folder::Deleted => "Deleted messages are kept for 7 days.".into(),
            Folder::Inbox | Folder::Sent => {
                let paired = app.status.with(|status| status.partner.is_some());
                words::both_servers(counts.inbox, counts.one_server_only, paired)
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

fn nothing_fits(desk: Desk, all: usize) -> AnyView {
    let query = desk.query.get();
    let said = match query.trim() {
        "" => format!(
            "No message is shown with \u{201c}{}\u{201d}.",
            desk.show.get().words()
        ),
        query => format!("No message fits \u{201c}{query}\u{201d}."),
    };
    let clear = move || format!("Clear the search to see all {all}");
    nothing(
        Icon::Search,
        said,
        styled("btn", None, clear, move || desk.end_search()),
    )
}

fn empty(folder: Folder) -> AnyView {
    let (sign, head, text) = match folder {
        Folder::Deleted => (
            Icon::Trash,
            "Nothing is deleted.",
            "A message you delete stays here for 7 days, so that you can take it back.",
        ),
        Folder::Inbox | Folder::Sent => (
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

fn failed(desk: Desk) -> AnyView {
    let app = desk.app;
    let told = move || {
        app.trouble.get().map(|trouble| {
            view! {
                <p>{trouble.message}" Your messages are safe. Trying again by itself in 20 seconds."</p>
                <p class="small">"Reference for an administrator: "<span class="mono">{trouble.reference}</span></p>
            }
        })
    };
    let then = view! {
        {told}
        {button(Icon::Sync, "Try now", move || app.api.read_lists(app))}
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
