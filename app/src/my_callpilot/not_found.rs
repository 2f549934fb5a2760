//! What is shown at an address that has no page: which address it is, and the way to one that has.

use super::message_list::heading_takes_focus;
use crate::browser;
use crate::components::icons::{Icon, icon};
use crate::model::route::INBOX;
use crate::router::Router;
use crate::state::App;
use leptos::prelude::*;

/// The page.
#[component]
pub fn NotFound() -> impl IntoView {
    browser::set_title("No such page · My CallPilot");
    heading_takes_focus(App::here());
    let path = Router::here().path();
    view! {
        <div class="empty">
            {icon(Icon::Question)}
            <h1 id="heading" tabindex="-1">"There is no page at this address"</h1>
            <p class="mono">{path}</p>
            <p>"It may be cut short or mistyped. Your messages are where they were."</p>
            <a class="btn" href=INBOX.address()>"To the inbox"</a>
        </div>
    }
}
