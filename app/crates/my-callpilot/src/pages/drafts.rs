//! The drafts: those of the servers, and those that this browser alone has so far or that go out as soon as a server answers.

use crate::composing::ComposingContext;
use crate::model::composition::{Composition, Stage};
use crate::model::words;
use crate::route::Page;
use contract::{Addressee, DraftRow, ObjectId, PartKind, Party};
use leptos::prelude::*;
use ui::browser;
use ui::clock::Clock;
use ui::components::button::sign_button;
use ui::components::dialogs::Confirm;
use ui::components::icons::{Icon, icon};
use ui::components::panel::nothing;
use ui::connection::ConnectionContext;
use ui::length::counted;
use ui::router::Router;
use ui::times::moment_words;

/// A draft in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    row: DraftRow,
    /// What it says of this browser, with its colours.
    badge: Option<(&'static str, String)>,
    kind: Option<PartKind>,
}

/// The page.
pub fn drafts_page() -> AnyView {
    let composing = ComposingContext::here();
    composing.read_later();
    browser::set_title("Drafts · My CallPilot");
    Router::here().page_shown();
    let connection = ConnectionContext::here();
    let all = Memo::new(move |_| {
        let rows = composing.rows().get();
        composing
            .all()
            .with(|here| listed(rows.unwrap_or_default(), here))
    });
    let known = move || composing.rows().with(Option::is_some);
    let pending = RwSignal::new(None::<ObjectId>);
    let asking = RwSignal::new(false);
    let ask = move |id| {
        pending.set(Some(id));
        asking.set(true);
    };
    let foot = move || match (connection.is_on(), known()) {
        (false, _) => "No connection: these are the drafts that this browser has.",
        (true, false) => "Reading the drafts of the servers\u{2026}",
        (true, true) => "A draft stays until you send or discard it, on both servers.",
    };
    let body = move || {
        let all = all.get();
        if all.is_empty() && (known() || !connection.is_on()) {
            return empty();
        }
        view! {
            <ol class="panel drafts">{all.into_iter().map(|one| draft(one, ask)).collect_view()}</ol>
            <p class="help">{foot}</p>
        }
        .into_any()
    };
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">"Drafts"</h1>
                <p>{move || all.with(|all| counted(all.len() as u64, "draft"))}</p>
            </div>
        </div>
        {body}
        <Confirm
            open=asking
            title=Signal::derive(|| "Discard this draft?".to_owned())
            text="It goes from both servers and all your devices, with what was recorded. There is no way back."
            action="Discard"
            on_yes=Callback::new(move |()| pending.get_untracked().into_iter().for_each(|id| composing.discard(id)))
        />
    }
    .into_any()
}

fn empty() -> AnyView {
    let then = view! {
        <p>"A message you begin is kept here as you make it, on both servers, until you send or discard it."</p>
        <a class="btn btn--primary" href=Page::Compose.address()>"Compose"</a>
    };
    nothing(Icon::Draft, "No drafts".into(), then.into_any())
}

/// The drafts of the servers with what this browser knows of them, the one that was changed last first.
fn listed(rows: Vec<DraftRow>, here: &[Composition]) -> Vec<Listed> {
    let shown =
        |one: &&Composition| one.stage != Stage::Discarded && (one.was_saved() || !one.is_blank());
    let mut all: Vec<Listed> = here
        .iter()
        .filter(shown)
        .map(|one| Listed {
            row: one.row(),
            badge: badge(one),
            kind: one.parts.first().map(|part| part.kind),
        })
        .collect();
    for row in rows {
        if !here.iter().any(|one| one.id == row.id) {
            all.push(Listed {
                kind: row.parts.first().map(|part| part.kind),
                badge: None,
                row,
            });
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.row.changed_at));
    all
}

fn badge(one: &Composition) -> Option<(&'static str, String)> {
    let (class, words) = match &one.stage {
        Stage::Sending => ("badge badge--ok", "Being sent".to_owned()),
        Stage::Elsewhere => ("badge badge--unknown", "Sent or discarded elsewhere".into()),
        _ if one.refused.is_some() => ("badge badge--down", "Not sent".into()),
        _ if !one.is_saved() => ("badge", "In this browser only so far".into()),
        _ => return None,
    };
    Some((class, words))
}

fn draft(one: Listed, ask: impl Fn(ObjectId) + Copy + 'static) -> AnyView {
    let clock = Clock::here();
    let Listed { row, badge, kind } = one;
    let sign = match kind {
        Some(PartKind::Voice) => Icon::Voice,
        Some(PartKind::Fax) => Icon::Fax,
        None => Icon::Text,
    };
    let to = recipients(&row);
    let what = match (row.subject.trim(), row.text.trim()) {
        ("", "") => "No subject yet".to_owned(),
        ("", text) => text.to_owned(),
        (subject, _) => subject.to_owned(),
    };
    let when = moment_words(&clock.zone(), clock.now().get_untracked(), row.changed_at);
    let id = row.id;
    view! {
        <li class="sub-row">
            {icon(sign)}
            <a class="grow" href=Page::Compose.address_of(id)>
                <b>{to}</b>
                <br/>
                <span class="help">{what}</span>
                {badge.map(|(class, words)| view! { " "<span class=class>{words}</span> })}
            </a>
            <span class="help">{when}</span>
            {sign_button(Icon::Trash, "Discard", move || ask(id))}
        </li>
    }
    .into_any()
}

/// `Mira Tandell and 1 more`.
fn recipients(row: &DraftRow) -> String {
    let party = |to: &Addressee| Party {
        name: to.name.clone(),
        address: to.address.clone(),
        number: None,
    };
    let Some(first) = row.recipients.first() else {
        return "No address yet".into();
    };
    let name = words::sender(&party(first));
    match row.recipients_count {
        0 | 1 => name,
        many => format!("{name} and {} more", many - 1),
    }
}
