//! The way back after an action: ten seconds, held while the pointer or the focus is on it. Its region is there from the start.

use crate::mailbox::MailboxContext;
use crate::model::undo::Undo;
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
    let words = Memo::new(move |_| mailbox.undo().with(|undo| undo.as_ref().map(Undo::words)));
    let hold = move |held: bool| mailbox.hold_undo(held);
    view! {
        <div class="toast-corner" role="status" aria-label="Last action">
            {move || {
                words
                    .get()
                    .map(|words| {
                        view! {
                            <div
                                class="toast"
                                on:focusin=move |_| hold(true)
                                on:focusout=move |_| hold(false)
                                on:pointerenter=move |_| hold(true)
                                on:pointerleave=move |_| hold(false)
                            >
                                {words}
                                {button(Icon::Undo, "Undo", move || on_undo.run(()))}
                            </div>
                        }
                    })
            }}
        </div>
    }
}
