//! The way back after a deed: ten seconds, held while the pointer or the focus is on it. Its region is there from the start.

use super::button::button;
use super::icons::Icon;
use crate::model::undo::Undo;
use crate::state::App;
use leptos::prelude::*;

/// The corner of the list where the toast appears.
#[component]
pub fn ToastCorner() -> impl IntoView {
    let app = App::here();
    let words = Memo::new(move |_| app.undo.with(|undo| undo.as_ref().map(Undo::words)));
    let hold = move |held: bool| {
        app.undo.try_maybe_update(|undo| {
            if let Some(undo) = undo {
                undo.hold(held);
            }
            (false, ())
        });
    };
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
                                {button(Icon::Undo, "Undo", move || app.take_back())}
                            </div>
                        }
                    })
            }}
        </div>
    }
}
