//! The page's address: it follows what is shown, and what is shown follows it.
//!
//! A module of its own over the History API instead of a router library: an application has a handful of addresses and its pages are
//! chosen by one `match`; what a library brings besides (nested routes, parameters, outlets) cost 8 kB of the bundle's 250.

use crate::browser;
use crate::context;
use crate::links::{LinkPress, stays_inside};
use crate::read_only::ReadOnly;
use js_sys::{Function, Reflect};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, MouseEvent};

/// The address of the page within its application. A handle: copies are the same address.
#[derive(Clone, Copy)]
pub struct Router {
    path: RwSignal<String>,
    /// A page was shown before: the next takes the focus to its heading.
    moved: StoredValue<bool>,
}

/// Where the new address goes in the history of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressChange {
    /// After the present one: Back leads to it.
    Next,
    /// In its place: Back leads to the one before.
    Same,
}

impl Router {
    /// Follows the address of the window from now on, and takes presses of links to pages below `base`.
    pub fn start(base: &'static str) -> Self {
        let router = Self {
            path: RwSignal::new(current_path()),
            moved: StoredValue::new(false),
        };
        // Back and Forward.
        let moved = window_event_listener(ev::popstate, move |_| router.show(current_path()));
        let pressed = window_event_listener(ev::click, move |event: MouseEvent| {
            if let Some(path) = page_of_press(base, &event) {
                event.prevent_default();
                router.go(&path);
            }
        });
        on_cleanup(move || {
            moved.remove();
            pressed.remove();
        });
        router
    }

    /// The router of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    /// The path of the address.
    pub fn path(self) -> ReadOnly<String> {
        self.path.into()
    }

    /// Goes to an address; Back leads here again.
    pub fn go(self, path: &str) {
        self.change(AddressChange::Next, path);
    }

    /// Goes to an address in place of the present one, which Back then leaves out.
    pub fn replace(self, path: &str) {
        self.change(AddressChange::Same, path);
    }

    /// A page calls this when it is made. After the log-in and after a change of page the focus goes to its heading, the element
    /// `heading`; at a reload it stays where the browser puts it.
    pub fn page_shown(self) {
        if self.moved.get_value() {
            return self.part_shown("heading");
        }
        self.moved.set_value(true);
    }

    /// The same for a page whose address leads to one part of it: the focus goes to the element of this id, which is brought into view.
    pub fn part_shown(self, part: &'static str) {
        browser::after_drawing(move || {
            browser::focus(part);
        });
        self.moved.set_value(true);
    }

    /// What is shown now places the focus itself; the page after it takes it to its heading.
    pub fn page_follows(self) {
        self.moved.set_value(true);
    }

    fn change(self, entry: AddressChange, path: &str) {
        if self.path.with_untracked(|now| now == path) {
            return;
        }
        // A window that keeps no history (a frame that forbids it) still shows the page.
        let _ = write_history(entry, path);
        self.show(path.to_owned());
    }

    fn show(self, path: String) {
        if self.path.with_untracked(|now| *now != path) {
            self.path.set(path);
        }
    }
}

fn current_path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Writes the address of the window.
///
/// Scripts that a page may share its window with (office.js does) put null in place of the window's own `pushState` and
/// `replaceState`; those of the prototype stay.
fn write_history(entry: AddressChange, path: &str) -> Result<(), JsValue> {
    let history = window().history()?;
    let name = match entry {
        AddressChange::Next => "pushState",
        AddressChange::Same => "replaceState",
    };
    let prototype = Reflect::get_prototype_of(&history)?;
    let write: Function = Reflect::get(&prototype, &name.into())?.dyn_into()?;
    write.call3(&history, &JsValue::NULL, &"".into(), &path.into())?;
    Ok(())
}

/// The page that a press of a link leads to, if it is one of this application.
fn page_of_press(base: &str, event: &MouseEvent) -> Option<String> {
    if event.default_prevented() {
        return None;
    }
    let pressed: Element = event.target()?.dyn_into().ok()?;
    let link: HtmlAnchorElement = pressed.closest("a[href]").ok()??.dyn_into().ok()?;
    let with_key = event.ctrl_key() || event.shift_key() || event.alt_key() || event.meta_key();
    let path = link.pathname();
    let press = LinkPress {
        plain: event.button() == 0 && !with_key,
        same_origin: window()
            .location()
            .origin()
            .is_ok_and(|origin| origin == link.origin()),
        elsewhere: link.has_attribute("target") || link.has_attribute("download"),
        path: &path,
        hash: &link.hash(),
    };
    stays_inside(base, press).then_some(path)
}
