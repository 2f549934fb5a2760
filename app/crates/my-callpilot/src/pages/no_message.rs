//! What stands beside the list while no message is read; narrow windows have no room for it.

use leptos::prelude::*;
use ui::components::icons::Icon;
use ui::components::panel::nothing;

/// No message is open.
pub fn none_open() -> AnyView {
    let then = view! {
        <p>
            "Use "<kbd>"↑"</kbd>" "<kbd>"↓"</kbd>" to go through the list, "<kbd>"Enter"</kbd>" to open, "<kbd>"Space"</kbd>" to play."
        </p>
    };
    aside(
        "Message",
        nothing(Icon::Voice, "No message open".into(), then.into_any()),
    )
}

/// Something of this name beside the list.
pub fn aside(name: &'static str, inside: AnyView) -> AnyView {
    view! { <section class="reader hide-narrow" aria-label=name>{inside}</section> }.into_any()
}
