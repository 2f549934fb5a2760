//! Configure: the two servers of the pair, which one this browser uses, and what it keeps (R31).

use super::message_list::heading_takes_focus;
use crate::api::{Configure, Row, RowStatus};
use crate::browser;
use crate::components::button::{button, styled};
use crate::components::dialogs::Confirm;
use crate::components::icons::{Icon, icon};
use crate::components::panel::panel;
use crate::components::partner_indicator::partner_indicator;
use crate::model::clock::moment_words;
use crate::model::length::counted;
use crate::state::App;
use contract::Folder;
use leptos::prelude::*;

/// A clock that differs by less is not worth a word.
const CLOCK_DIFFERS_MS: u64 = 20_000;

/// The page.
#[component]
pub fn ConfigurePage() -> impl IntoView {
    let app = App::here();
    browser::set_title("Configure · My CallPilot");
    heading_takes_focus(app);
    let view = Memo::new(move |_| app.status.with(Configure::of));
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">"Configure"</h1>
                <p>"Which servers keep your mailbox, and which one this browser uses now."</p>
            </div>
        </div>
        <div class="grid grid--wide">
            {servers(app, view)}
            {connection(app, view)}
            <div class="stack">
                {kept(app)}
                {checks(app)}
            </div>
        </div>
    }
}

fn servers(app: App, view: Memo<Configure>) -> AnyView {
    let row = move |name: &'static str, row: Row| {
        view! {
            <tr role="row">
                <th scope="row" role="rowheader"><b>{name}</b></th>
                <td role="cell" data-label="Name"><span class="mono">{row.name}</span></td>
                <td role="cell" data-label="Address"><span class="mono">{row.address}</span></td>
                <td role="cell" data-label="Status">{partner_indicator(app, row.status)}</td>
            </tr>
        }
    };
    let foot = move || match view.with(|view| view.partner.status) {
        RowStatus::NotAvailable => {
            "No partner is configured. While your server is down, you see only what this browser keeps."
        }
        _ => {
            "The check mark shows the server you are connected to; the barred circle, the one you are not. \
             You never have to choose: the browser does."
        }
    };
    view! {
        {panel("servers", "Servers", view! {
            <div class="scroll">
                <table class="table table--cards" role="table" aria-labelledby="servers">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th role="columnheader" scope="col">"Server"</th>
                            <th role="columnheader" scope="col">"Name (FQDN)"</th>
                            <th role="columnheader" scope="col">"Address"</th>
                            <th role="columnheader" scope="col">"Status"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        {move || row("Your server", view.with(|view| view.server.clone()))}
                        {move || row("GR partner", view.with(|view| view.partner.clone()))}
                    </tbody>
                </table>
            </div>
            <footer><span>{foot}</span></footer>
        }.into_any())}
    }
    .into_any()
}

fn connection(app: App, view: Memo<Configure>) -> AnyView {
    let paired = move || view.with(|view| view.partner.status != RowStatus::NotAvailable);
    let base = move || match view.with(|view| view.search_base.clone()) {
        base if base.is_empty() => "?".to_owned(),
        base => base,
    };
    let partner_base = move || {
        let base = app
            .status
            .with(|status| {
                status
                    .partner
                    .as_ref()
                    .map(|partner| partner.search_base.clone())
            })
            .filter(|base| !base.is_empty())
            .unwrap_or_else(|| "?".into());
        let same = view.with(|view| view.search_base_same).map(|same| {
            let (class, sign, words) = match same {
                true => ("badge badge--ok", Icon::Check, "The same on both"),
                false => (
                    "badge badge--down",
                    Icon::Cross,
                    "Not the same: an administrator has to change one",
                ),
            };
            view! { <br/><span class=class>{icon(sign)}{words}</span> }
        });
        view! { <span class="mono">{base}</span>{same} }
    };
    let found = move || {
        app.who.with(|who| {
            who.as_ref().map_or_else(String::new, |who| {
                format!(
                    "By itself at log-in, {}",
                    moment_words(&app.here, app.now.get_untracked(), who.at)
                )
            })
        })
    };
    let change = move || match app.change.get() {
        None => "None since this page was opened".to_owned(),
        Some(change) => {
            let to = if change.to_partner {
                "to the partner"
            } else {
                "back to your server"
            };
            format!(
                "{}, {to}",
                moment_words(&app.here, app.now.get_untracked(), change.at)
            )
        }
    };
    let answer = move || {
        let ms = |row: &Row| {
            row.round_trip_ms
                .map_or_else(|| "?".into(), |ms| format!("{ms} ms"))
        };
        view.with(|view| match paired() {
            true => format!(
                "{} at your server, {} at the partner",
                ms(&view.server),
                ms(&view.partner)
            ),
            false => ms(&view.server),
        })
    };
    view! {
        {panel("this-connection", "This connection", view! {
            <div class="body">
                <dl class="pairs">
                    <dt>"Search base"</dt>
                    <dd class="mono">{base}</dd>
                    {move || paired().then(|| view! { <dt>"Partner\u{2019}s search base"</dt><dd>{partner_base}</dd> })}
                    <dt>"Found out"</dt>
                    <dd>{found}</dd>
                    <dt>"Last change of server"</dt>
                    <dd>{change}</dd>
                    <dt>"Answer time"</dt>
                    <dd>{answer}</dd>
                </dl>
            </div>
        }.into_any())}
    }
    .into_any()
}

fn kept(app: App) -> AnyView {
    let asking = RwSignal::new(false);
    let number = move || {
        app.mail
            .with(|mail| mail.rows(Folder::Inbox).len() + mail.rows(Folder::Deleted).len())
            as u64
    };
    let messages = move || {
        app.sounds_changed.track();
        let (sounds, bytes) = app
            .sounds
            .with_value(|sounds| (sounds.messages(), sounds.bytes()));
        match sounds {
            0 => number().to_string(),
            sounds => format!(
                "{}, with the sound of {sounds} ({}.{} MB)",
                number(),
                bytes / 1_000_000,
                bytes / 100_000 % 10
            ),
        }
    };
    let waiting = move || match app.waiting.with(|waiting| waiting.len()) {
        0 => "none".to_owned(),
        waiting => counted(waiting as u64, "change"),
    };
    view! {
        {panel("kept", "Kept in this browser", view! {
            <div class="body">
                <dl class="pairs">
                    <dt>"Messages"</dt>
                    <dd>{messages}</dd>
                    <dt>"Waiting to be sent"</dt>
                    <dd>{waiting}</dd>
                </dl>
                <div class="actions">
                    {styled("btn btn--danger", Some(Icon::Trash), || "Remove what is kept".into(), move || asking.set(true))}
                </div>
                <p class="help">{move || format!("Removes {} from this browser, none from the servers.", counted(number(), "message"))}</p>
            </div>
        }.into_any())}
        <Confirm
            open=asking
            title="Remove what is kept?"
            text="The messages leave this browser, none leaves the servers. They come back when you open the list."
            deed=Signal::derive(move || format!("Remove {}", counted(number(), "message")))
            on_yes=Callback::new(move |()| app.forget())
        />
    }
    .into_any()
}

fn checks(app: App) -> AnyView {
    let answer = move || {
        app.status.with(|status| {
            let good = |server: &crate::api::ServerStatus| server.health.is_good();
            match (&status.partner, good(&status.primary)) {
                (_, false) => (false, "Your server does not answer this browser"),
                (None, true) => (true, "Your server answers this browser"),
                (Some(partner), true) if good(partner) => {
                    (true, "Both servers answer this browser")
                }
                (Some(_), true) => (false, "The partner does not answer this browser"),
            }
        })
    };
    let clock = move || {
        let ahead = app.clock_ahead_ms.get()?;
        let seconds = ahead.unsigned_abs() / 1000;
        Some(match ahead.unsigned_abs() < CLOCK_DIFFERS_MS {
            true => check_row(true, "This computer\u{2019}s clock is right".into(), ""),
            false => check_row(
                false,
                format!(
                    "This computer\u{2019}s clock is {} {}",
                    counted(seconds, "second"),
                    if ahead > 0 { "fast" } else { "slow" }
                ),
                "No harm: times come from the servers.",
            ),
        })
    };
    view! {
        {panel("wrong", "If something looks wrong", view! {
            <div class="body body--rows">
                {move || {
                    let (good, words) = answer();
                    check_row(good, words.into(), "")
                }}
                {clock}
            </div>
            <footer>
                {button(Icon::Sync, "Check again", move || {
                    app.api.retry();
                    app.api.read_lists(app);
                    app.say("Checking again.");
                })}
            </footer>
        }.into_any())}
    }
    .into_any()
}

fn check_row(good: bool, words: String, help: &'static str) -> AnyView {
    let (class, sign) = match good {
        true => ("sign sign--ok", Icon::Check),
        false => ("sign sign--unknown", Icon::Question),
    };
    view! {
        <div class="sub-row">
            <span class=class>{icon(sign)}</span>
            <span class="grow">{words}{(!help.is_empty()).then(|| view! { <br/><span class="help">{help}</span> })}</span>
        </div>
    }
    .into_any()
}
