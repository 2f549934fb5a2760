//! The open message: what it is, its player, what came with it, and what was forwarded.

use super::messages::Desk;
use crate::api::Trouble;
use crate::browser;
use crate::components::button::{button, styled, telling};
use crate::components::icons::{Icon, icon, small};
use crate::components::panel::{note, nothing, words as paragraph};
use crate::components::player::{Player, SmallPlayer};
use crate::model::clock::{Zone, machine_time, moment_words, time_words};
use crate::model::length::counted;
use crate::model::outline::{Item, Outline, Said, outline};
use crate::model::undo::Deed;
use crate::model::words;
use crate::state::App;
use contract::{Folder, MessageDetail, MessageRow, ObjectId, Recipient};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The side of the page where a message is read.
#[component]
pub fn Reader(
    /// What it shares with the list.
    desk: Desk,
) -> impl IntoView {
    let selecting = Memo::new(move |_| !desk.picked.with(Vec::is_empty));
    view! {
        {move || match (selecting.get(), desk.open.get()) {
            (true, _) => selection(desk),
            (false, Some(id)) => view! { <OpenMessage desk id/> }.into_any(),
            (false, None) => none_open(),
        }}
    }
}

fn none_open() -> AnyView {
    let then = view! {
        <p>
            "Use "<kbd>"↑"</kbd>" "<kbd>"↓"</kbd>" to go through the list, "<kbd>"Enter"</kbd>" to open, "<kbd>"Space"</kbd>" to play."
        </p>
    };
    aside(
        "Message",
        nothing(Icon::Voice, "No message open".into(), then.into_any()),
    )
}

fn selection(desk: Desk) -> AnyView {
    let number = counted(desk.picked.with(Vec::len) as u64, "message");
    let told = desk.app.mail.with(|mail| {
        desk.picked.with(|picked| {
            words::selection(
                &picked
                    .iter()
                    .filter_map(|id| mail.row(*id))
                    .collect::<Vec<_>>(),
            )
        })
    });
    let then = view! {
        <p>{told}</p>
        <p class="actions"><span><kbd>"Del"</kbd>" delete"</span><span><kbd>"Esc"</kbd>" clear"</span></p>
    };
    aside(
        "Selection",
        nothing(Icon::List, format!("{number} selected"), then.into_any()),
    )
}

/// What stands beside the list while no message is read; narrow windows have no room for it.
fn aside(name: &'static str, inside: AnyView) -> AnyView {
    view! { <section class="reader hide-narrow" aria-label=name>{inside}</section> }.into_any()
}

/// One message. It is made anew only for another message: what arrives meanwhile changes words, not the player.
#[component]
fn OpenMessage(desk: Desk, id: ObjectId) -> impl IntoView {
    let app = desk.app;
    let detail = RwSignal::new(app.details.with_value(|details| {
        details
            .iter()
            .find(|found: &&MessageDetail| found.row.id == id)
            .cloned()
    }));
    let trouble = RwSignal::new(None::<Trouble>);
    let row = Memo::new(move |before: Option<&Option<MessageRow>>| {
        app.mail
            .with(|mail| mail.row(id).cloned())
            .or_else(|| detail.with(|detail| detail.as_ref().map(|detail| detail.row.clone())))
            .or_else(|| before.cloned().flatten())
    });
    let load = move || {
        trouble.set(None);
        spawn_local(async move {
            let answer = app.api.message(id).await;
            if detail.is_disposed() {
                return;
            }
            match answer {
                Ok(found) => {
                    app.details.update_value(|details| {
                        details.retain(|known| known.row.id != id);
                        details.push(found.clone());
                    });
                    // Without sound, opening it is reading it.
                    if found.row.duration_ms == 0 && found.row.folder == Folder::Inbox {
                        app.mark(&[id], false);
                    }
                    detail.set(Some(found));
                }
                Err(failed) => trouble.set(Some(failed)),
            }
        });
    };
    // Asked for when it is opened, and again when a server answers after none did.
    Effect::new(move || {
        let answered = app.status.with(|status| status.on.is_some());
        let missing = detail.with_untracked(Option::is_none);
        if missing && (answered || trouble.with_untracked(Option::is_none)) {
            load();
        }
    });
    // Where the list is not beside it, the reader has just gone to another view.
    browser::after_drawing(|| {
        if !browser::element("list").is_some_and(|list| browser::is_shown(&list)) {
            browser::focus("subject");
        }
    });
    let sound = Memo::new(move |_| row.with(|row| row.as_ref().map_or(0, |row| row.duration_ms)));
    let sounds = Memo::new(move |_| sound.get() > 0);
    let save_as = move || {
        let sender = row.with_untracked(|row| row.as_ref().map(|row| words::sender(&row.sender)));
        let safe = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        };
        format!(
            "{}.wav",
            sender
                .unwrap_or_default()
                .chars()
                .map(safe)
                .collect::<String>()
        )
    };
    let shown = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(outline)));
    view! {
        <section class="reader" aria-labelledby="subject">
            {toolbar(desk, id, row)}
            <div class="stack reader__head">
                <h2 class="title" id="subject" tabindex="-1">
                    {move || row.with(|row| row.as_ref().map(words::subject))}
                </h2>
                {move || row.get().map(|row| facts(app, &row, detail.with(|detail| detail.as_ref().map(addressees))))}
            </div>
            {move || sounds.get().then(|| view! { <Player id duration_ms=sound.get_untracked() save_as=save_as()/> })}
            {move || shown.get().map(|outline| content(app, id, outline))}
            {move || trouble.get().filter(|_| detail.with(Option::is_none)).map(|trouble| told(trouble, load))}
        </section>
    }
}

fn toolbar(desk: Desk, id: ObjectId, row: Memo<Option<MessageRow>>) -> AnyView {
    let app = desk.app;
    let unread = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| row.unread)));
    let deleted = desk.folder == Folder::Deleted;
    let mark = move || {
        if unread.get() {
            "Mark as heard"
        } else {
            "Mark as new"
        }
        .to_owned()
    };
    view! {
        <div class="actions actions--tight" role="toolbar" aria-label="This message">
            <a class="btn btn--quiet only-narrow" href=desk.address(None) aria-label="Back to the list">
                {icon(Icon::Left)}
            </a>
            {deleted
                .then(|| button(Icon::Undo, "Move back to Inbox", move || desk.shift(Deed::Restored, vec![id])))}
            {telling(Icon::Eye, mark, move || app.mark(&[id], !unread.get_untracked()))}
            {button(Icon::Trash, if deleted { "Delete for good" } else { "Delete" }, move || desk.delete(vec![id]))}
        </div>
    }
    .into_any()
}

fn facts(app: App, row: &MessageRow, to: Option<String>) -> AnyView {
    let marks = [
        (
            row.urgent,
            "badge badge--down",
            Icon::Urgent,
            "Urgent".to_owned(),
        ),
        (row.private, "badge", Icon::Lock, "Private".to_owned()),
        (
            row.attachments > 0,
            "badge",
            Icon::Clip,
            counted(u64::from(row.attachments), "attachment"),
        ),
        (
            row.one_server_only,
            "badge",
            Icon::Sync,
            "On one server only so far".to_owned(),
        ),
    ];
    view! {
        <p class="facts">
            <span class="facts__who">{words::sender_in_full(&row.sender)}</span>
            {to.map(|to| view! { <span>{to}</span> })}
            <time datetime=machine_time(row.received_at)>{moment_words(&app.here, app.now.get_untracked(), row.received_at)}</time>
            {marks
                .into_iter()
                .filter(|(set, ..)| *set)
                .map(|(_, class, sign, words)| view! { <span class=class>{icon(sign)}{words}</span> })
                .collect_view()}
        </p>
    }
    .into_any()
}

/// `to you and Warehouse list`; empty names are left out.
fn addressees(detail: &MessageDetail) -> String {
    let app = App::here();
    let own = app
        .who
        .with_untracked(|who| who.as_ref().map(|who| who.mailbox.clone()));
    let name = |recipient: &Recipient| match &recipient.party.number {
        Some(number) if Some(number) == own.as_ref() => "you".to_owned(),
        _ => words::sender(&recipient.party),
    };
    let mut names: Vec<String> = detail.recipients.iter().map(name).collect();
    names.dedup();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!("to {only}"),
        Some((last, rest)) => format!("to {} and {last}", rest.join(", ")),
    }
}

fn content(app: App, id: ObjectId, outline: Outline) -> AnyView {
    let items = outline
        .items
        .into_iter()
        .map(|part| item(id, part))
        .collect_view();
    let forwarded = (!outline.forwarded.is_empty()).then(|| {
        view! {
            <section class="stack" aria-label=outline.enclosed_as>
                <h3>{outline.enclosed_as}</h3>
                {chain(app, id, outline.forwarded)}
            </section>
        }
    });
    view! {
        {items}
        {forwarded}
    }
    .into_any()
}

fn chain(app: App, id: ObjectId, links: Vec<Said>) -> AnyView {
    let link = move |said: Said| {
        let when = said.at.map(|at| {
            let words = when_words(app, at);
            view! { <time class="muted small" datetime=machine_time(at)>{words}</time> }
        });
        let name = format!("{} {}", said.who, said.did);
        view! {
            <article aria-label=name>
                <p class="spread">
                    <span><b>{said.who}</b>" "<span class="muted">{said.did}</span></span>
                    {when}
                </p>
                {(!said.subject.is_empty()).then(|| view! { <p class="muted small">{said.subject}</p> })}
                {said.items.into_iter().map(|part| item(id, part)).collect_view()}
                {(!said.inner.is_empty()).then(|| chain(app, id, said.inner))}
            </article>
        }
        .into_any()
    };
    view! { <div class="chain">{links.into_iter().map(link).collect_view()}</div> }.into_any()
}

/// Within the day of the message only the hour is said.
fn when_words(app: App, at: contract::Timestamp) -> String {
    use crate::model::clock::Day;
    fn same_day(zone: &impl Zone, a: contract::Timestamp, b: contract::Timestamp) -> bool {
        Day::of(zone, a) == Day::of(zone, b)
    }
    let now = app.now.get_untracked();
    if same_day(&app.here, at, now) {
        time_words(&app.here, at)
    } else {
        moment_words(&app.here, now, at)
    }
}

fn item(id: ObjectId, item: Item) -> AnyView {
    match item {
        Item::Sound {
            index,
            label,
            duration_ms,
        } => view! { <SmallPlayer id part=index duration_ms label/> }.into_any(),
        Item::Text(text) => view! { <p class="text-part">{text}</p> }.into_any(),
        Item::Fax(pages) => fax(pages),
        Item::Card(name) => {
            let name = if name.trim().is_empty() { "without a name".into() } else { name };
            view! { <p class="attached">{small(Icon::User)}<span>"Visiting card: "<b>{name}</b></span></p> }.into_any()
        }
        Item::Report {
            summary,
            recipient,
            status,
        } => report(summary, recipient, status),
        Item::Other(media_type) => view! {
            <p class="attached">
                {small(Icon::Clip)}
                <span>"An attachment that cannot be shown here ("<span class="mono">{media_type}</span>"). It stays with the message."</span>
            </p>
        }
        .into_any(),
    }
}

/// What there is instead of the pages of a fax.
fn fax(pages: Option<u32>) -> AnyView {
    let head = match pages {
        Some(pages) => format!("A fax of {}", counted(u64::from(pages), "page")),
        None => "A fax; its pages cannot be counted".into(),
    };
    let then =
        "Viewing faxes is not built yet. The pages are kept with the message; nothing is lost.";
    note("note note--info", Icon::Fax, head, paragraph(then))
}

/// A delivery report or a disposition report, in plain words with the code for an administrator.
fn report(summary: String, recipient: String, status: String) -> AnyView {
    let then = view! {
        {(!recipient.is_empty()).then(|| view! { <p>"About your message to "<span class="mono">{recipient}</span>"."</p> })}
        {(!status.is_empty()).then(|| view! { <p>"Code for an administrator: "<span class="mono">{status}</span></p> })}
    };
    note("note", Icon::Report, summary, then.into_any())
}

fn told(trouble: Trouble, again: impl Fn() + 'static) -> AnyView {
    let (what, then, reference) = match trouble {
        Trouble::NoAnswer => (
            "The rest of this message is not kept here.".to_owned(),
            "It appears by itself when there is a connection.",
            String::new(),
        ),
        Trouble::Gone => (
            "This message is not on this server.".to_owned(),
            "It was deleted for good, or only the other server has it so far.",
            String::new(),
        ),
        Trouble::Refused { message, reference } => (message, "The message is safe.", reference),
        Trouble::Ended => return ().into_any(),
    };
    let reference =
        (!reference.is_empty()).then(|| format!("Reference for an administrator: {reference}"));
    let then = view! {
        <p>{then}</p>
        {reference.map(|words| view! { <p>{words}</p> })}
        {styled("btn", None, || "Try again".into(), again)}
    };
    note("note note--unknown", Icon::Warn, what, then.into_any())
}
