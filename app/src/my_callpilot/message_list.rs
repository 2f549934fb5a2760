//! The list of a folder in each of its states: filled, empty, loading, error, offline, selecting, searched.

use super::messages::{Desk, address};
use crate::browser;
use crate::components::icons::{Icon, icon};
use crate::components::message_row::MessageRowView;
use crate::components::toast::ToastCorner;
use crate::model::clock::Day;
use crate::model::length::counted;
use crate::model::mail::DayGroup;
use crate::model::search::Show as Shown;
use crate::model::undo::Deed;
use crate::model::words;
use contract::Folder;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

/// Bones appear when a list takes longer than this.
const BONES_AFTER: Duration = Duration::from_millis(300);

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
    heading_takes_focus(app);
    Effect::new(move || {
        let name = folder_name(desk.folder);
        browser::set_title(&match app.counts().unread {
            new if new > 0 && desk.folder == Folder::Inbox => {
                format!("{name} ({new} new) · My CallPilot")
            }
            _ => format!("{name} · My CallPilot"),
        });
    });
    view! {
        <section class="list" id="list" aria-label="Messages">
            {move || if desk.picked.with(Vec::is_empty) { toolbar(desk) } else { selection_bar(desk) }}
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

fn toolbar(desk: Desk) -> AnyView {
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

fn search_row(desk: Desk) -> AnyView {
    view! {
        <div class="toolbar toolbar--search" role="search">
            <span class="with-icon">
                {icon(Icon::Search)}
                <input
                    class="input"
                    id="search"
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

fn selection_bar(desk: Desk) -> AnyView {
    let number = move || desk.picked.with(Vec::len) as u64;
    let picked = move || desk.picked.get_untracked();
    let unheard = move || {
        let app = desk.app;
        desk.picked.with(|picked| {
            app.mail.with(|mail| {
                picked
                    .iter()
                    .any(|id| mail.row(*id).is_some_and(|row| row.unread))
            })
        })
    };
    view! {
        <div class="toolbar toolbar--selection" role="toolbar" aria-label=move || format!("{} selected", counted(number(), "message"))>
            <button
                class="btn btn--quiet btn--icon"
                type="button"
                aria-label="Clear the selection"
                title="Clear the selection"
                on:click=move |_| desk.picked.update(Vec::clear)
            >
                {icon(Icon::Cross)}
            </button>
            <h1 id="heading" tabindex="-1" class="nowrap">{number}" selected"</h1>
            <span class="end">
                {move || {
                    let unheard = unheard();
                    let name = if unheard { "Mark as heard" } else { "Mark as new" };
                    view! {
                        <button
                            class="btn btn--quiet btn--icon"
                            type="button"
                            aria-label=name
                            title=name
                            on:click=move |_| desk.app.mark(&picked(), !unheard)
                        >
                            {icon(Icon::Eye)}
                        </button>
                    }
                }}
                {(desk.folder == Folder::Deleted)
                    .then(|| {
                        view! {
                            <button class="btn" type="button" on:click=move |_| desk.shift(Deed::Restored, picked())>
                                {icon(Icon::Undo)}
                                <span class="btn__text">{move || format!("Move {} back", number())}</span>
                            </button>
                        }
                    })}
                <button class="btn" type="button" on:click=move |_| desk.delete(picked())>
                    {icon(Icon::Trash)}
                    <span class="btn__text">{move || format!("Delete {}", number())}</span>
                </button>
            </span>
        </div>
    }
    .into_any()
}

fn rows(desk: Desk) -> AnyView {
    let app = desk.app;
    let today = Memo::new(move |_| Day::of(&app.here, app.now.get()));
    let days = move || {
        desk.groups
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
                    <For each=move || desk.groups.with(find) key=|id| *id let:id>
                        <MessageRowView
                            id
                            href=address(desk.folder, Some(id))
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
    let older = move |_| {
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
            <Show when=move || more.get()>
                <button class="btn" type="button" aria-busy=move || busy.get().then_some("true") on:click=older>
                    "Show older messages"
                </button>
            </Show>
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
    view! {
        <div class="empty">
            {icon(Icon::Search)}
            <h2>{said}</h2>
            <button class="btn" type="button" on:click=move |_| desk.end_search()>
                {format!("Clear the search to see all {all}")}
            </button>
        </div>
    }
    .into_any()
}

fn empty(folder: Folder) -> AnyView {
    let (head, text) = match folder {
        Folder::Deleted => (
            "Nothing is deleted.",
            "A message you delete stays here for 7 days, so that you can take it back.",
        ),
        Folder::Inbox | Folder::Sent => (
            "Nothing here yet.",
            "When someone leaves you a message, it appears here by itself.",
        ),
    };
    view! {
        <div class="empty">
            {icon(if folder == Folder::Deleted { Icon::Trash } else { Icon::Inbox })}
            <h2>{head}</h2>
            <p>{text}</p>
        </div>
    }
    .into_any()
}

fn nothing_kept() -> AnyView {
    view! {
        <div class="empty">
            {icon(Icon::Server)}
            <h2>"Nothing is kept here"</h2>
            <p>"No server answers, and this browser has not read your messages yet. They appear by themselves."</p>
        </div>
    }
    .into_any()
}

fn failed(desk: Desk) -> AnyView {
    let app = desk.app;
    view! {
        <div class="empty" role="alert">
            {icon(Icon::Warn)}
            <h2>"The list could not be read"</h2>
            {move || {
                app.trouble
                    .get()
                    .map(|trouble| {
                        view! {
                            <p>{trouble.message}" Your messages are safe. Trying again by itself in 20 seconds."</p>
                            <p class="small">"Reference for an administrator: "<span class="mono">{trouble.reference}</span></p>
                        }
                    })
            }}
            <button class="btn" type="button" on:click=move |_| app.api.read_lists(app)>
                {icon(Icon::Sync)}
                <span class="btn__text">"Try now"</span>
            </button>
        </div>
    }
    .into_any()
}

fn bones() -> AnyView {
    let shown = RwSignal::new(false);
    set_timeout(
        move || {
            shown.try_set(true);
        },
        BONES_AFTER,
    );
    let bone = |(first, second): (&'static str, &'static str)| {
        view! {
            <li class="row">
                <span></span>
                <span class="bone bone--sign"></span>
                <span class="bone__lines">
                    <span class="bone" style:width=first></span>
                    <span class="bone" style:width=second></span>
                </span>
                <span class="bone bone--time"></span>
            </li>
        }
    };
    let widths = [
        ("46%", "80%"),
        ("62%", "66%"),
        ("38%", "74%"),
        ("54%", "58%"),
        ("70%", "84%"),
        ("44%", "62%"),
        ("58%", "70%"),
        ("40%", "77%"),
    ];
    view! {
        <ol aria-busy="true" aria-label="Loading messages" class="list__bones" class:list__bones--shown=move || shown.get()>
            {widths.map(bone).collect_view()}
        </ol>
    }
    .into_any()
}
