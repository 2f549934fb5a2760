//! All keys and what they do; in a dialog and on the page Useful Information.

use crate::keyboard::Keyboard;
use crate::keys::HELP;
use leptos::prelude::*;

/// The table of keys, and the switch for single letters.
#[component]
pub fn KeyHelp() -> impl IntoView {
    let keyboard = Keyboard::here();
    view! {
        <dl class="keys">
            {HELP
                .iter()
                .map(|(keys, action)| {
                    view! {
                        <div>
                            <dt>{keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}</dt>
                            <dd>{*action}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
        <label class="check">
            <input
                type="checkbox"
                prop:checked=move || keyboard.letters().get()
                on:change=move |event| keyboard.set_letters(event_target_checked(&event))
            />
            <span>
                "Single letters are keys"
                <small>"Switch this off if you speak to your computer or type by mistake. The other keys stay."</small>
            </span>
        </label>
    }
}
