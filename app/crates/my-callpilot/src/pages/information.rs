//! Useful Information: the keys, the marks, and what happens when a server stops.

use leptos::prelude::*;
use ui::browser;
use ui::components::icons::{Icon, icon};
use ui::components::key_help::KeyHelp;
use ui::components::panel::panel;
use ui::keyboard::Keyboard;
use ui::keys::Command;
use ui::router::Router;

const MARKS: [(Icon, &str, &str); 7] = [
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
        Icon::Question,
        "mark mark--urgent",
        "It claims to come from a mailbox of this system, and nothing proves it: it may be from somebody else.",
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
    (
        Icon::Report,
        "mark",
        "A report: what became of a message that was sent.",
    ),
];

/// The page.
#[component]
pub fn Information() -> impl IntoView {
    browser::set_title("Useful Information · My CallPilot");
    Router::here().page_shown();
    Keyboard::here().handle(|command| command == Command::Help && browser::focus("keys"));
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
