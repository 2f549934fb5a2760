//! What is shown at an address that has no page: which address it is, and the way to one that has.

use crate::route::INBOX;
use leptos::prelude::*;
use ui::browser;
use ui::components::icons::{Icon, icon};
use ui::router::Router;

/// The page.
#[component]
pub fn NotFound() -> impl IntoView {
    browser::set_title("No such page · My CallPilot");
    let router = Router::here();
    router.page_shown();
    let path = router.path();
    view! {
        <div class="empty">
            {icon(Icon::Question)}
            <h1 id="heading" tabindex="-1">"There is no page at this address"</h1>
            <p class="mono">{move || path.get()}</p>
            <p>"It may be cut short or mistyped. Your messages are where they were."</p>
            <a class="btn" href=INBOX.address()>"To the inbox"</a>
        </div>
    }
}
