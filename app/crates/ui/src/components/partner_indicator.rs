//! How a server of the pair stands: a sign and its words. The check mark is the server one is connected to, the barred circle
//! one that one is not: calm while that one is well or out on purpose, in the colour of alarm when it does not answer; the question mark is not known; the X says that there is no partner.

use super::icons::{Icon, icon};
use crate::clock::{self, Clock};
use crate::sdk::RowStatus;
use crate::times::since_words;
use contract::Timestamp;
use leptos::prelude::*;

/// Sign and words of a row of the table of servers.
pub fn partner_indicator(clock: Clock, status: RowStatus) -> AnyView {
    let since = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| {
            format!(" since {}", since_words(&clock.zone(), clock::now(), at))
        })
    };
    let (class, sign, words) = match status {
        RowStatus::Connected => ("sign sign--ok", Icon::Check, "Connected".into()),
        RowStatus::Ready => (
            "sign sign--barred sign--calm",
            Icon::Barred,
            "Not connected, ready".into(),
        ),
        RowStatus::Out { since: at } => (
            "sign sign--barred",
            Icon::Barred,
            format!("Not connected{}", since(at)),
        ),
        RowStatus::OutOfService { since: at } => (
            "sign sign--barred sign--calm",
            Icon::Barred,
            format!("Out of service{}", since(at)),
        ),
        RowStatus::Unknown => ("sign sign--unknown", Icon::Question, "Not known yet".into()),
        RowStatus::NotAvailable => ("sign sign--down", Icon::Cross, "Not available".into()),
    };
    view! {
        <span class="status">
            <span class=class>{icon(sign)}</span>
            <span>{words}</span>
        </span>
    }
    .into_any()
}
