//! All keys and what they do; in a dialog and on the page Useful Information.

use crate::model::keys::HELP;
use crate::state::App;
use leptos::prelude::*;

/// The table of keys, and the switch for single letters.
#[component]
pub fn KeyHelp() -> impl IntoView {
    let app = App::here();
    view! {
        <dl class="keys">
            {HELP
                .iter()
                .map(|(keys, deed)| {
                    view! {
                        <div>
                            <dt>{keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}</dt>
                            <dd>{*deed}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
        <label class="check">
            <input
                type="checkbox"
                prop:checked=move || app.letters.get()
                on:change=move |event| app.set_letters(event_target_checked(&event))
            />
            <span>
                "Single letters are keys"
                <small>"Switch this off if you speak to your computer or type by mistake. The other keys stay."</small>
            </span>
        </label>
    }
}
