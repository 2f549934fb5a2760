//! The way back after an action: ten seconds after it is made, held while the pointer or the focus is on it. Its region is there from the start.

use crate::mailbox::MailboxContext;
use leptos::prelude::*;
use ui::components::button::button;
use ui::components::icons::Icon;

/// The corner of the list where the toast appears.
#[component]
pub fn ToastCorner(
    /// Takes the last action back.
    on_undo: Callback<()>,
) -> impl IntoView {
    let mailbox = MailboxContext::here();
    let words = Memo::new(move |_| mailbox.last_action());
    // Its words change while it is there; the button stays, and with it the focus.
    let shown = Memo::new(move |_| words.with(Option::is_some));
    let button = move || {
        mailbox
            .can_undo()
            .then(|| button(Icon::Undo, "Undo", move || on_undo.run(())))
    };
    let hold = move |held: bool| mailbox.hold_undo(held);
    view! {
        <div class="toast-corner" role="status" aria-label="Last action">
            {move || {
                shown
                    .get()
                    .then(|| {
                        view! {
                            <div
                                class="toast"
                                on:focusin=move |_| hold(true)
                                on:focusout=move |_| hold(false)
                                on:pointerenter=move |_| hold(true)
                                on:pointerleave=move |_| hold(false)
                            >
                                <span>{move || words.get()}</span>
                                {button()}
                            </div>
                        }
                    })
            }}
        </div>
    }
}
