//! Takes keys from the whole page and hands their commands to what is shown, the innermost first.

use crate::browser;
use crate::context;
use crate::keys::{self, Command, Press, PressTarget};
use crate::read_only::ReadOnly;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, KeyboardEvent};

const LETTERS_OFF_KEY: &str = "callpilot.letters-off";

/// A part of the page that takes commands; true if it took this one.
type KeyHandler = Box<dyn Fn(Command) -> bool>;

/// The keyboard. A handle.
#[derive(Clone, Copy)]
pub struct Keyboard {
    /// The parts that take commands, the innermost last.
    handlers: StoredValue<Vec<(usize, KeyHandler)>, LocalStorage>,
    /// Single letters are commands.
    letters: RwSignal<bool>,
}

impl Keyboard {
    /// Listens to the keys of the page.
    pub fn listen() -> Self {
        let keyboard = Self {
            handlers: StoredValue::new_local(Vec::new()),
            letters: RwSignal::new(browser::load(LETTERS_OFF_KEY).is_none()),
        };
        let handle = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
            if keyboard.takes(&event) {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
        keyboard
    }

    /// The keyboard of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    /// Lets the present component take commands for as long as it is shown.
    pub fn handle(self, handler: impl Fn(Command) -> bool + 'static) {
        let key = self
            .handlers
            .with_value(|handlers| handlers.last().map_or(0, |(key, _)| key + 1));
        self.handlers
            .update_value(|handlers| handlers.push((key, Box::new(handler))));
        on_cleanup(move || {
            self.handlers
                .try_update_value(|handlers| handlers.retain(|(handler, _)| *handler != key));
        });
    }

    /// Whether single letters are commands.
    pub fn letters(self) -> ReadOnly<bool> {
        self.letters.into()
    }

    /// Switches single letters on or off, for good.
    pub fn set_letters(self, on: bool) {
        browser::store(LETTERS_OFF_KEY, (!on).then_some("1"));
        self.letters.set(on);
    }

    fn takes(self, event: &KeyboardEvent) -> bool {
        if event.default_prevented() || event.is_composing() {
            return false;
        }
        let command = keys::command(Press {
            key: &event.key(),
            alt: event.alt_key(),
            ctrl: event.ctrl_key() || event.meta_key(),
            shift: event.shift_key(),
            target: target(event),
            letters: self.letters.get_untracked(),
        });
        command.is_some_and(|command| {
            self.handlers
                .with_value(|handlers| handlers.iter().rev().any(|(_, handle)| handle(command)))
        })
    }
}

fn target(event: &KeyboardEvent) -> PressTarget {
    let Some(element) = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok())
    else {
        return PressTarget::Page;
    };
    match element.tag_name().as_str() {
        "INPUT" => match element.unchecked_ref::<HtmlInputElement>().type_().as_str() {
            "range" => PressTarget::Seek,
            "checkbox" | "radio" => PressTarget::Control,
            _ => PressTarget::Field,
        },
        "TEXTAREA" | "SELECT" => PressTarget::Field,
        "BUTTON" | "SUMMARY" => PressTarget::Control,
        "A" if element.class_list().contains("row__open") => PressTarget::Row,
        // Space on any other link scrolls the page, as readers expect.
        "A" => PressTarget::Control,
        _ => PressTarget::Page,
    }
}
