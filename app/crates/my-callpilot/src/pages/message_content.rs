//! What came with a message, piece by piece, and what was forwarded with it, one inside the other.

use crate::model::outline::{ForwardedPart, Item, Outline};
use crate::model::search::holds;
use crate::player::SmallPlayer;
use contract::{ObjectId, Timestamp};
use leptos::prelude::*;
use ui::clock::Clock;
use ui::components::icons::{Icon, small};
use ui::components::panel::{note, words as paragraph};
use ui::length::counted;
use ui::times::{machine_time, since_words};

/// The pieces of a message in their order, and below them what was forwarded.
pub fn content(id: ObjectId, outline: Outline) -> AnyView {
    let items = outline
        .items
        .into_iter()
        .map(|piece| item(id, piece))
        .collect_view();
    let forwarded = (!outline.forwarded.is_empty()).then(|| {
        view! {
            <section class="stack" aria-label=outline.enclosed_as>
                <h3>{outline.enclosed_as}</h3>
                {chain(id, outline.forwarded)}
            </section>
        }
    });
    view! {
        {items}
        {forwarded}
    }
    .into_any()
}

fn chain(id: ObjectId, links: Vec<ForwardedPart>) -> AnyView {
    let link = move |part: ForwardedPart| {
        let when = part.at.map(|at| {
            let words = when_words(at);
            view! { <time class="muted small" datetime=machine_time(at)>{words}</time> }
        });
        let name = format!("{} {}", part.who, part.did);
        view! {
            <article aria-label=name>
                <p class="spread">
                    <span><b>{part.who}</b>" "<span class="muted">{part.did}</span></span>
                    {when}
                </p>
                {(!part.subject.is_empty()).then(|| view! { <p class="muted small">{part.subject}</p> })}
                {part.items.into_iter().map(|piece| item(id, piece)).collect_view()}
                {(!part.inner.is_empty()).then(|| chain(id, part.inner))}
            </article>
        }
        .into_any()
    };
    view! { <div class="chain">{links.into_iter().map(link).collect_view()}</div> }.into_any()
}

/// Within the present day only the hour is said.
fn when_words(at: Timestamp) -> String {
    let clock = Clock::here();
    since_words(&clock.zone(), clock.now().get_untracked(), at)
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
        Item::Remark(words) => view! { <p class="help">{words}</p> }.into_any(),
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
    // Many a summary names the recipient already.
    let named = recipient.is_empty() || holds(&summary, &recipient);
    let then = view! {
        {(!named).then(|| view! { <p>"About your message to "<span class="mono">{recipient}</span>"."</p> })}
        {(!status.is_empty()).then(|| view! { <p>"Code for an administrator: "<span class="mono">{status}</span></p> })}
    };
    note("note", Icon::Report, summary, then.into_any())
}
