//! Takes keys from the whole page and hands their commands to what is shown, the innermost first.

use crate::model::keys::{self, Command, Press, Target};
use crate::state::App;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, KeyboardEvent};

/// A part of the page that takes commands; true if it took this one.
type Taker = Box<dyn Fn(Command) -> bool>;

/// The parts that take commands, the innermost last.
#[derive(Clone, Copy)]
pub struct Takers(StoredValue<Vec<(usize, Taker)>, LocalStorage>);

impl Takers {
    /// No part yet.
    pub fn new() -> Self {
        Self(StoredValue::new_local(Vec::new()))
    }

    /// Lets the present component take commands for as long as it is shown.
    pub fn take(self, take: impl Fn(Command) -> bool + 'static) {
        let key = self
            .0
            .with_value(|takers| takers.last().map_or(0, |(key, _)| key + 1));
        self.0
            .update_value(|takers| takers.push((key, Box::new(take))));
        on_cleanup(move || {
            self.0
                .try_update_value(|takers| takers.retain(|(taker, _)| *taker != key));
        });
    }

    fn offer(self, command: Command) -> bool {
        self.0
            .with_value(|takers| takers.iter().rev().any(|(_, take)| take(command)))
    }
}

/// Listens to the keys of the page.
pub fn listen(app: App) {
    let handle = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
        if event.default_prevented() || event.is_composing() {
            return;
        }
        let command = keys::command(Press {
            key: &event.key(),
            alt: event.alt_key(),
            ctrl: event.ctrl_key() || event.meta_key(),
            target: target(&event),
            letters: app.letters.get_untracked(),
        });
        if command.is_some_and(|command| app.takers.offer(command)) {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

fn target(event: &KeyboardEvent) -> Target {
    let Some(element) = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok())
    else {
        return Target::Page;
    };
    match element.tag_name().as_str() {
        "INPUT" => match element.unchecked_ref::<HtmlInputElement>().type_().as_str() {
            "range" => Target::Seek,
            "checkbox" | "radio" => Target::Control,
            _ => Target::Field,
        },
        "TEXTAREA" | "SELECT" => Target::Field,
        "BUTTON" | "SUMMARY" => Target::Control,
        "A" if element.class_list().contains("row__open") => Target::Row,
        // Space on any other link scrolls the page, as readers expect.
        "A" => Target::Control,
        _ => Target::Page,
    }
}
