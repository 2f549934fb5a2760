//! The connection line: always there, always at the same height, changing in place. Beside it the regions that say a settled
//! change aloud, once.

use super::button::button;
use super::icons::{Icon, icon};
use crate::announcer::Announcer;
use crate::clock::{self, Clock};
use crate::connection::ConnectionContext;
use crate::connection_line::{self, Around, Line, Look};
use crate::keyboard::Keyboard;
use crate::keys::Command;
use crate::length::counted;
use crate::sdk::{FailbackWait, Status};
use crate::times::since_words;
use contract::Timestamp;
use leptos::prelude::*;
use std::time::Duration;

/// A change is said when it has lasted this long: what only wavers is not said.
const SETTLED: Duration = Duration::from_millis(900);

/// What the application shows and keeps, as far as the line speaks of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// Messages that this browser keeps.
    pub messages: usize,
    /// When a server last gave its word on them.
    pub as_of: Option<Timestamp>,
    /// Messages of the inbox, as the server counts them.
    pub inbox: u32,
    /// Changes that wait here to be sent.
    pub waiting: usize,
}

/// The sign of the pair: your server at the left, the partner at the right, and which of them one is on.
fn pair_sign(look: Look) -> AnyView {
    let (home, mate) = match look {
        Look::Connecting => ("dot", "dot"),
        Look::Primary => ("check", "dot"),
        Look::Switching => ("ask", "dot"),
        Look::SwitchingHome => ("dot", "ask"),
        Look::Partner => ("out", "check"),
        Look::Returning => ("dot", "check"),
        Look::Offline => ("out", "out"),
        Look::Courtesy => ("pause", "check"),
    };
    let link = match look {
        Look::Switching | Look::SwitchingHome | Look::Returning => Some("link link--moving"),
        Look::Connecting | Look::Primary | Look::Courtesy => Some("link"),
        Look::Partner | Look::Offline => None,
    };
    view! {
        <svg class="pair" viewBox="0 0 44 20" aria-hidden="true">
            {half("home", home, 0)}
            {link.map(|class| view! { <path class=class d="M18 10h8"></path> })}
            {half("mate", mate, 26)}
        </svg>
    }
    .into_any()
}

fn half(side: &'static str, sign: &'static str, x: u32) -> AnyView {
    let frame = match sign {
        "check" => format!("{side} on-{side}"),
        "out" => format!("{side} out"),
        "ask" | "pause" => format!("{side} wait"),
        _ => side.to_owned(),
    };
    let (class, path) = match sign {
        "check" => (format!("sign sign--on-{side}"), "M5 10.2l2.6 2.7L13 7.2"),
        "out" => ("sign out".into(), "M4.2 5.2l9.6 9.6"),
        "ask" => (
            "sign wait".into(),
            "M6.8 8.2a2.3 2.3 0 1 1 3.3 2c-.8.4-1.1.8-1.1 1.7M9 14.4v.1",
        ),
        "pause" => ("sign wait".into(), "M7 7v6M11 7v6"),
        _ => (side.to_owned(), "M9 8.8a1.2 1.2 0 1 0 .01 0z"),
    };
    view! {
        <g transform=format!("translate({x})")>
            <rect class=frame x="1" y="2" width="16" height="16" rx="4.5"></rect>
            <path class=class d=path></path>
        </g>
    }
    .into_any()
}

/// The sign and the words of a line.
fn line_words(line: Memo<Line>) -> impl IntoView {
    let look = Memo::new(move |_| line.with(|line| line.look));
    view! {
        {move || pair_sign(look.get())}
        <b>{move || line.with(|line| line.short)}</b>
        <span class="detail">{move || line.with(|line| line.detail.clone())}</span>
    }
}

/// The line on the log-in page.
#[component]
pub fn GateLine() -> impl IntoView {
    let status = ConnectionContext::here().status();
    let line = Memo::new(move |_| status.with(connection_line::line_before_login));
    view! {
        <div class="line line--boxed" role="status" aria-label="Connection" data-state=move || line.with(|line| line.look.name())>
            {line_words(line)}
        </div>
    }
}

/// The line under the bar.
#[component]
pub fn ConnectionBanner(
    /// What the application shows and keeps.
    keeping: Memo<Keeping>,
) -> impl IntoView {
    let (connection, clock) = (ConnectionContext::here(), Clock::here());
    let announcer = Announcer::here();
    let line = Memo::new(move |_| {
        let keeping = keeping.get();
        let around = Around {
            now: clock.now().get(),
            kept: keeping.messages,
            kept_as_of: keeping.as_of,
        };
        connection
            .status()
            .with(|status| connection_line::line(&clock.zone(), status, around))
    });
    let look = Memo::new(move |_| connection.look());
    let offline = Memo::new(move |_| look.get() == Look::Offline);
    let more = Memo::new(move |_| look.get().has_details());
    say_what_settles(announcer, look);
    Keyboard::here().handle(move |command| {
        let reads = command == Command::ReadConnection;
        if reads {
            let line = line.get_untracked();
            announcer.say(format!("{}. {}", line.short, line.detail));
        }
        reads
    });
    view! {
        // Its words change with every second of waiting; what is to be said aloud is said by the hidden regions.
        <div class="line-slot" role="status" aria-live="off" aria-label="Connection">
            <div class="line" data-state=move || look.get().name()>
                {line_words(line)}
                <span class="end">
                    {move || offline.get().then(|| button(Icon::Sync, "Try now", move || connection.retry()))}
                    {move || more.get().then(|| view! {
                        <button class="btn btn--quiet" type="button" popovertarget="connection-details" aria-haspopup="dialog">
                            <span class="btn__text">"Details"</span>
                        </button>
                    })}
                </span>
            </div>
        </div>
        <div class="popover popover--line" id="connection-details" popover="auto" role="dialog" aria-label="Connection details">
            {move || details(look.get(), connection, clock, keeping)}
        </div>
    }
}

/// Says a change of the connection when it has settled.
fn say_what_settles(announcer: Announcer, look: Memo<Look>) {
    let said = StoredValue::new(Look::Connecting);
    Effect::new(move || {
        let now = look.get();
        let later = move || {
            if let Some(spoken) = connection_line::spoken(said.get_value(), now) {
                announcer.say_connection(spoken);
            }
            if !matches!(now, Look::Returning | Look::Connecting) {
                said.set_value(now);
            }
        };
        // The next change comes in its place, and after a log-out there is nothing left to say.
        if let Ok(settling) = set_timeout_with_handle(later, SETTLED) {
            on_cleanup(move || settling.clear());
        }
    });
}

fn details(
    look: Look,
    connection: ConnectionContext,
    clock: Clock,
    keeping: Memo<Keeping>,
) -> Option<AnyView> {
    let status = connection.status().get();
    Some(match look {
        Look::Partner | Look::Courtesy => on_partner(look, &status, clock, keeping),
        Look::Returning => {
            let head = match status.waiting_for {
                Some(FailbackWait::CatchUp) => "Your server is catching up",
                _ => "Your server is back",
            };
            view! {
                <h3>{head}</h3>
                <p>{connection_line::going_back(status.waiting_for)}</p>
            }
            .into_any()
        }
        Look::Offline => view! {
            <h3>"Which side is it?"</h3>
            <p>
                {if status.network_offline {
                    "This computer says that it has no network. It comes back by itself when there is one."
                } else {
                    "This computer has a network, but no server answers it. An administrator can tell more."
                }}
            </p>
            <p>{waiting_here(keeping.get().waiting)}</p>
        }
        .into_any(),
        _ => return None,
    })
}

fn on_partner(look: Look, status: &Status, clock: Clock, keeping: Memo<Keeping>) -> AnyView {
    let since = status.primary.out_since.map_or_else(String::new, |at| {
        format!(" since {}", since_words(&clock.zone(), clock::now(), at))
    });
    let (head, badge, yours) = match look {
        Look::Courtesy => (
            "Your server is in maintenance",
            "badge badge--unknown",
            format!("Out of service{since}"),
        ),
        _ => (
            "You are working on the partner server",
            "badge badge--down",
            format!("No answer{since}"),
        ),
    };
    let partner = status.partner.as_ref();
    let answer = partner
        .and_then(|partner| partner.round_trip_ms)
        .map_or_else(String::new, |ms| format!(", {ms} ms"));
    view! {
        <h3>{head}</h3>
        <dl class="pairs">
            <dt>"Your server"</dt>
            <dd><span class=badge>{icon(Icon::Barred)}{yours}</span></dd>
            <dt>"Partner"</dt>
            <dd><span class="badge badge--ok">{icon(Icon::Check)}{format!("Connected{answer}")}</span></dd>
            <dt>"Your messages"</dt>
            <dd>{move || format!("{} are here", counted(u64::from(keeping.get().inbox), "message"))}</dd>
        </dl>
        <p>"You go back by yourself when your server has caught up."</p>
    }
    .into_any()
}

fn waiting_here(waiting: usize) -> String {
    match waiting {
        0 => "Nothing waits here to be sent.".into(),
        waiting => format!(
            "Waiting here: {}. They go out by themselves, once.",
            counted(waiting as u64, "change")
        ),
    }
}
