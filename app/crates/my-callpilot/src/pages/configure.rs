//! Configure: the two servers of the pair, which one this browser uses, and what it keeps (R31).

use super::password::password_panel;
use crate::mailbox::MailboxContext;
use crate::model::words;
use crate::player::PlayerContext;
use leptos::prelude::*;
use std::time::Duration;
use ui::announcer::Announcer;
use ui::browser;
use ui::clock::Clock;
use ui::components::button::{button, styled};
use ui::components::dialogs::Confirm;
use ui::components::icons::{Icon, icon};
use ui::components::panel::panel;
use ui::components::partner_indicator::partner_indicator;
use ui::connection::ConnectionContext;
use ui::length::counted;
use ui::router::Router;
use ui::sdk::{Configure, Row, RowStatus, ServerStatus};
use ui::session::SessionContext;
use ui::times::moment_words;

/// While the page is shown, both servers are asked so often whether they answer.
const CHECKED_EVERY: Duration = Duration::from_secs(15);
/// A clock that differs by less is not worth a word.
const CLOCK_DIFFERS_MS: u64 = 20_000;

/// The page.
#[component]
pub fn ConfigurePage(
    /// Its address leads to the form that changes the password.
    at_password: bool,
) -> impl IntoView {
    browser::set_title("Configure · My CallPilot");
    match at_password {
        true => Router::here().part_shown("password"),
        false => Router::here().page_shown(),
    }
    keep_checking();
    let status = ConnectionContext::here().status();
    let view = Memo::new(move |_| status.with(Configure::of));
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">"Configure"</h1>
                <p>"Which servers keep your mailbox, and which one this browser uses now."</p>
            </div>
        </div>
        <div class="grid grid--wide">
            {servers(view)}
            {connection(view)}
            <div class="stack">
                {kept()}
                {checks()}
                {password_panel()}
            </div>
        </div>
    }
}

/// What the page says of the servers is asked when it opens, and again while somebody may look at it.
fn keep_checking() {
    let connection = ConnectionContext::here();
    connection.retry();
    let check = move || {
        if browser::page_is_visible() {
            connection.retry();
        }
    };
    if let Ok(every) = set_interval_with_handle(check, CHECKED_EVERY) {
        on_cleanup(move || every.clear());
    }
}

fn servers(view: Memo<Configure>) -> AnyView {
    let clock = Clock::here();
    let row = move |name: &'static str, row: Row| {
        view! {
            <tr role="row">
                <th scope="row" role="rowheader"><b>{name}</b></th>
                <td role="cell" data-label="Name"><span class="mono">{row.name}</span></td>
                <td role="cell" data-label="Address"><span class="mono">{row.address}</span></td>
                <td role="cell" data-label="Status">{partner_indicator(clock, row.status)}</td>
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

fn connection(view: Memo<Configure>) -> AnyView {
    let (connection, session, clock) = (
        ConnectionContext::here(),
        SessionContext::here(),
        Clock::here(),
    );
    let has_partner = move || view.with(is_paired);
    let own_base = move || view.with(|view| known_base(&view.search_base));
    let answer = move || view.with(answer_times);
    view! {
        {panel("this-connection", "This connection", view! {
            <div class="body">
                <dl class="pairs">
                    <dt>"Search base"</dt>
                    <dd class="mono">{own_base}</dd>
                    {move || has_partner().then(|| view! {
                        <dt>"Partner\u{2019}s search base"</dt>
                        <dd>{move || partner_base(connection, view)}</dd>
                    })}
                    <dt>"Found out"</dt>
                    <dd>{move || found_out(session, clock)}</dd>
                    <dt>"Last change of server"</dt>
                    <dd>{move || last_change(connection, clock)}</dd>
                    <dt>"Answer time"</dt>
                    <dd>{answer}</dd>
                </dl>
            </div>
        }.into_any())}
    }
    .into_any()
}

fn is_paired(view: &Configure) -> bool {
    view.partner.status != RowStatus::NotAvailable
}

/// A search base; `?` until a server has told it.
fn known_base(base: &str) -> String {
    if base.is_empty() { "?" } else { base }.to_owned()
}

/// The partner's search base, and whether it is the one of the own server (tracked).
fn partner_base(connection: ConnectionContext, view: Memo<Configure>) -> AnyView {
    let base = connection.status().with(|status| {
        let base = status.partner.as_ref().map(|partner| &*partner.search_base);
        known_base(base.unwrap_or_default())
    });
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
    view! { <span class="mono">{base}</span>{same} }.into_any()
}

/// How and when this browser found out about the partner (tracked).
fn found_out(session: SessionContext, clock: Clock) -> String {
    session.who().with(|who| {
        who.as_ref().map_or_else(String::new, |who| {
            format!(
                "By itself at log-in, {}",
                moment_words(&clock.zone(), clock.now().get_untracked(), who.at)
            )
        })
    })
}

/// When this page last changed its server, and in which direction (tracked).
fn last_change(connection: ConnectionContext, clock: Clock) -> String {
    let Some(change) = connection.change().get() else {
        return "None since this page was opened".to_owned();
    };
    let to = if change.to_partner {
        "To the partner"
    } else {
        "Back to your server"
    };
    format!(
        "{to}, {}",
        moment_words(&clock.zone(), clock.now().get_untracked(), change.at)
    )
}

/// How long the servers take to answer. What one took before it fell silent is not how long it takes now.
fn answer_times(view: &Configure) -> String {
    let ms = |row: &Row| match (row.status, row.round_trip_ms) {
        (RowStatus::Out { .. }, _) | (_, None) => "?".to_owned(),
        (_, Some(ms)) => format!("{ms} ms"),
    };
    match is_paired(view) {
        true => format!(
            "{} at your server, {} at the partner",
            ms(&view.server),
            ms(&view.partner)
        ),
        false => ms(&view.server),
    }
}

fn kept() -> AnyView {
    let (mailbox, player) = (MailboxContext::here(), PlayerContext::here());
    let asking = RwSignal::new(false);
    let number = move || mailbox.kept() as u64;
    let messages = move || {
        let (sounds, bytes) = player.held();
        words::kept(number(), sounds, bytes)
    };
    let waiting = move || match mailbox.waiting() {
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
            text=Signal::derive(move || words::removing_kept(mailbox.waiting() as u64))
            action=Signal::derive(move || format!("Remove {}", counted(number(), "message")))
            on_yes=Callback::new(move |()| {
                mailbox.forget();
                player.forget();
            })
        />
    }
    .into_any()
}

fn checks() -> AnyView {
    let (mailbox, connection) = (MailboxContext::here(), ConnectionContext::here());
    let announcer = Announcer::here();
    let answer = move || {
        connection.status().with(|status| {
            let good = |server: &ServerStatus| server.health.is_good();
            match (&status.partner, good(&status.primary)) {
                (Some(partner), false) if !good(partner) => {
                    (false, "Neither server answers this browser")
                }
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
        let ahead = mailbox.clock_ahead_ms().get()?;
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
                    connection.retry();
                    mailbox.read_lists();
                    announcer.say("Checking again.");
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
