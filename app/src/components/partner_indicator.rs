//! How a server of the pair stands: a sign and its words. The check mark is the server one is connected to, the barred circle
//! one that one is not; the question mark is not known; the X says that there is no partner.

use super::icons::{Icon, icon};
use crate::api::RowStatus;
use crate::browser;
use crate::model::clock::since_words;
use crate::state::App;
use contract::Timestamp;
use leptos::prelude::*;

/// Sign and words of a row of the table of servers.
pub fn partner_indicator(app: App, status: RowStatus) -> AnyView {
    let since = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| {
            format!(" since {}", since_words(&app.here, browser::now(), at))
        })
    };
    let (class, sign, words) = match status {
        RowStatus::Connected => ("sign sign--ok", Icon::Check, "Connected".into()),
        RowStatus::Ready => (
            "sign sign--barred",
            Icon::Barred,
            "Not connected, ready".into(),
        ),
        RowStatus::Out { since: at } => (
            "sign sign--barred",
            Icon::Barred,
            format!("Not connected{}", since(at)),
        ),
        RowStatus::OutOfService { since: at } => (
            "sign sign--barred",
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
