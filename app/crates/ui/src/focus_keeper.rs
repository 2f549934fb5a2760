//! Keeps the focus in the page: where the element that had it is taken out (a message that went, a button that has done its work, the page of whoever
//! logged out), a screen reader and the keyboard would begin again at the top of the document. It goes to where the shown part says it belongs.

use crate::browser;
use crate::context;
use js_sys::Array;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{HtmlElement, MutationObserver, MutationObserverInit};

/// Gives something the focus; false if it has nothing to give it to.
type Restore = Box<dyn Fn() -> bool>;

/// The keeper of the focus. A handle.
#[derive(Clone, Copy)]
pub struct FocusKeeper {
    /// What had the focus last.
    last: StoredValue<Option<HtmlElement>, LocalStorage>,
    /// Where it belongs, the innermost part of the page last.
    places: StoredValue<Vec<(usize, Restore)>, LocalStorage>,
}

impl FocusKeeper {
    /// Watches the whole page for as long as the application lives.
    pub fn watch() -> Self {
        let keeper = Self {
            last: StoredValue::new_local(None),
            places: StoredValue::new_local(Vec::new()),
        };
        let took = window_event_listener(ev::focusin, move |event| {
            let target = event.target().and_then(|target| target.dyn_into().ok());
            keeper.last.set_value(target);
        });
        // When something loses the focus it is not yet known why.
        let left = window_event_listener(ev::focusout, move |_| {
            spawn_local(async move { keeper.put_away() });
        });
        on_cleanup(move || {
            took.remove();
            left.remove();
        });
        let changed = move |_: Array| {
            if keeper.is_lost() {
                // Whoever took the element out may place the focus with the next drawing.
                browser::after_drawing(move || keeper.restore());
            }
        };
        let changed = Closure::<dyn FnMut(Array)>::new(changed).into_js_value();
        let observer = MutationObserver::new(changed.unchecked_ref());
        let body = web_sys::window()
            .and_then(|window| window.document())
            .and_then(|document| document.body());
        if let (Ok(observer), Some(body)) = (observer, body) {
            let all = MutationObserverInit::new();
            all.set_child_list(true);
            all.set_subtree(true);
            // A page that cannot be watched works as it is.
            let _ = observer.observe_with_options(&body, &all);
        }
        keeper
    }

    /// The keeper of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    /// For as long as the present component is shown, a lost focus goes where `restore` gives it.
    pub fn belongs(self, restore: impl Fn() -> bool + 'static) {
        let key = self
            .places
            .with_value(|places| places.last().map_or(0, |(key, _)| key + 1));
        self.places
            .update_value(|places| places.push((key, Box::new(restore))));
        on_cleanup(move || {
            self.places
                .try_update_value(|places| places.retain(|(place, _)| *place != key));
        });
    }

    /// Whoever clicks beside everything has put the focus away: then it is not lost.
    fn put_away(self) {
        let stays =
            |last: &Option<HtmlElement>| last.as_ref().is_some_and(|last| last.is_connected());
        if browser::focus_is_lost() && self.last.try_with_value(stays) == Some(true) {
            self.last.set_value(None);
        }
    }

    /// Nothing has the focus because what had it is no longer in the page.
    fn is_lost(self) -> bool {
        let gone =
            |last: &Option<HtmlElement>| last.as_ref().is_some_and(|last| !last.is_connected());
        browser::focus_is_lost() && self.last.try_with_value(gone).unwrap_or(false)
    }

    fn restore(self) {
        if self.is_lost() {
            self.places
                .with_value(|places| places.iter().rev().any(|(_, restore)| restore()));
        }
    }
}
