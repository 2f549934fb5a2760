//! Dialogs on the browser's own `<dialog>`: it holds the focus and gives it back to the button that opened it.

use super::button::{sign_button, styled};
use super::icons::Icon;
use leptos::html;
use leptos::prelude::*;

/// A dialog that is shown while `open`. It closes by Esc, by its cross and by whatever is in it.
#[component]
pub fn Dialog(
    /// Whether it is shown.
    open: RwSignal<bool>,
    /// Its heading.
    #[prop(into)]
    title: Signal<String>,
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let (Some(dialog), open) = (node.get(), open.get()) else {
            return;
        };
        if open && !dialog.open() {
            // It fails only for a dialog that is open already or not in the page.
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    view! {
        <dialog class="dialog" node_ref=node aria-label=title on:close=move |_| open.set(false)>
            // A dialog has no landmarks, wherever in the page it stands.
            <header role="presentation">
                <h2>{title}</h2>
                {sign_button(Icon::Cross, "Close", move || open.set(false))}
            </header>
            {move || open.get().then(|| children())}
        </dialog>
    }
}

/// Asks before an action that cannot be undone. The numbers stand in the title, the action on its button.
#[component]
pub fn Confirm(
    /// Whether it is shown.
    open: RwSignal<bool>,
    /// The question, with its number.
    #[prop(into)]
    title: Signal<String>,
    /// What it means.
    #[prop(into)]
    text: Signal<String>,
    /// What the safe button says. It has the focus.
    #[prop(default = "Keep")]
    keep: &'static str,
    /// What the button does.
    #[prop(into)]
    action: Signal<String>,
    /// Does it.
    on_yes: Callback<()>,
) -> impl IntoView {
    view! {
        <Dialog open title>
            <div class="body">
                <p>{text}</p>
            </div>
            <footer role="presentation">
                <button class="btn" type="button" autofocus=true on:click=move |_| open.set(false)>
                    <span class="btn__text">{keep}</span>
                </button>
                {styled("btn btn--danger-full", None, move || action.get(), move || {
                    open.set(false);
                    on_yes.run(());
                })}
            </footer>
        </Dialog>
    }
}
