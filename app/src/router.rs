//! The page's address: it follows what is shown, and what is shown follows it.
//!
//! A module of its own over the History API instead of a router library: an application has a handful of addresses, its pages are
//! chosen by one `match`, and what a library brings besides (nested routes, parameters, outlets) is a tenth of the bundle.

use crate::model::links::{LinkPress, stays_inside};
use js_sys::{Function, Reflect};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, MouseEvent};

/// The address of the page within its application. A handle: copies are the same address.
#[derive(Clone, Copy)]
pub struct Router {
    path: RwSignal<String>,
}

/// What becomes of the address that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Back leads to it.
    Push,
    /// It is forgotten: Back leads to the one before.
    Replace,
}

impl Router {
    /// Follows the address of the window from now on, and takes presses of links to pages below `base`.
    pub fn start(base: &'static str) -> Self {
        let router = Self {
            path: RwSignal::new(current_path()),
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
        expect_context()
    }

    /// The path of the address.
    pub fn path(self) -> Signal<String> {
        self.path.into()
    }

    /// Goes to an address; Back leads here again.
    pub fn go(self, path: &str) {
        self.change(Step::Push, path);
    }

    /// Goes to an address in place of the present one, which Back then leaves out.
    pub fn replace(self, path: &str) {
        self.change(Step::Replace, path);
    }

    fn change(self, step: Step, path: &str) {
        if self.path.with_untracked(|now| now == path) {
            return;
        }
        // A window that keeps no history (a frame that forbids it) still shows the page.
        let _ = write_history(step, path);
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
fn write_history(step: Step, path: &str) -> Result<(), JsValue> {
    let history = window().history()?;
    let name = match step {
        Step::Push => "pushState",
        Step::Replace => "replaceState",
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
