//! Useful Information: the keys, the marks, and what happens when a server stops.

use super::message_list::heading_takes_focus;
use crate::browser;
use crate::components::icons::{Icon, icon};
use crate::components::key_help::KeyHelp;
use crate::components::panel::panel;
use crate::model::keys::Command;
use crate::state::App;
use leptos::prelude::*;

const MARKS: [(Icon, &str, &str); 5] = [
    (
        Icon::Urgent,
        "mark mark--urgent",
        "Its sender marked it urgent.",
    ),
    (
        Icon::Lock,
        "mark",
        "It is private: it must not be forwarded.",
    ),
    (
        Icon::Clip,
        "mark",
        "Something came with it: a forwarded message, a fax or a text.",
    ),
    (
        Icon::Sync,
        "mark",
        "It is on one server only so far. It goes to the other by itself.",
    ),
    (
        Icon::Fax,
        "mark",
        "A fax. Viewing faxes is not built yet; the pages are kept.",
    ),
];

/// The page.
#[component]
pub fn Information() -> impl IntoView {
    let app = App::here();
    browser::set_title("Useful Information · My CallPilot");
    heading_takes_focus(app);
    app.takers
        .take(|command| command == Command::Help && browser::focus("keys"));
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">"Useful Information"</h1>
                <p>"The keys, the marks beside a message, and what happens when a server stops."</p>
            </div>
        </div>
        <div class="grid grid--wide">
            {panel("keys", "Keys", view! {
                <div class="body">
                    <KeyHelp/>
                </div>
            }.into_any())}
            <div class="stack">
                {panel("marks", "Marks beside a message", view! {
                    <div class="body">
                        <dl class="marks">
                            <div>
                                <dt><span class="lamp-bar"></span></dt>
                                <dd>"You have not heard or read it yet."</dd>
                            </div>
                            {MARKS
                                .into_iter()
                                .map(|(sign, class, words)| {
                                    view! {
                                        <div>
                                            <dt><span class=class>{icon(sign)}</span></dt>
                                            <dd>{words}</dd>
                                        </div>
                                    }
                                })
                                .collect_view()}
                        </dl>
                    </div>
                }.into_any())}
                {panel("stops", "When a server stops", view! {
                    <div class="body">
                        <p>
                            "Your mailbox is on two servers. If yours stops, this page goes on with the partner by itself: you stay logged in, \
                            and a message that plays goes on playing. The line below the bar always says which server you work on."
                        </p>
                        <p>
                            "If neither answers, you see what this browser keeps. What you delete or mark meanwhile waits here and goes out by \
                            itself, once."
                        </p>
                    </div>
                }.into_any())}
            </div>
        </div>
    }
}
