//! Buttons: a sign with words, or a sign alone with its name.

use super::icons::{Icon, icon};
use leptos::prelude::*;

/// A button with a sign and words.
pub fn button(sign: Icon, words: &'static str, press: impl Fn() + 'static) -> AnyView {
    worded(
        "btn",
        Some(sign),
        Box::new(move || words.to_owned()),
        Box::new(press),
    )
}

/// A button whose words follow what they are about.
pub fn telling(
    sign: Icon,
    words: impl Fn() -> String + Send + 'static,
    press: impl Fn() + 'static,
) -> AnyView {
    worded("btn", Some(sign), Box::new(words), Box::new(press))
}

/// A button of another look, without a sign where it needs none.
pub fn styled(
    class: &'static str,
    sign: Option<Icon>,
    words: impl Fn() -> String + Send + 'static,
    press: impl Fn() + 'static,
) -> AnyView {
    worded(class, sign, Box::new(words), Box::new(press))
}

/// A quiet button with a sign alone, for toolbars; its name is said and shown under the pointer.
pub fn sign_button(sign: Icon, name: &'static str, press: impl Fn() + 'static) -> AnyView {
    signed(sign, Box::new(move || name), Box::new(press))
}

/// The same with a name that follows what it is about.
pub fn telling_sign(
    sign: Icon,
    name: impl Fn() -> &'static str + Send + Sync + 'static,
    press: impl Fn() + 'static,
) -> AnyView {
    signed(sign, Box::new(name), Box::new(press))
}

// One body each for all buttons of the page.

fn worded(
    class: &'static str,
    sign: Option<Icon>,
    words: Box<dyn Fn() -> String + Send>,
    press: Box<dyn Fn()>,
) -> AnyView {
    view! {
        <button class=class type="button" on:click=move |_| press()>
            {sign.map(icon)}
            <span class="btn__text">{words}</span>
        </button>
    }
    .into_any()
}

fn signed(
    sign: Icon,
    name: Box<dyn Fn() -> &'static str + Send + Sync>,
    press: Box<dyn Fn()>,
) -> AnyView {
    let name = Signal::derive(name);
    view! {
        <button class="btn btn--quiet btn--icon" type="button" aria-label=move || name.get() title=move || name.get() on:click=move |_| press()>
            {icon(sign)}
        </button>
    }
    .into_any()
}
