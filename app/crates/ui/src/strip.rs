//! A list of views that is drawn in place: what stays is never taken out of the page, so that focus, and what is being typed or played, stay with it.
//!
//! The list of the framework takes views that stay out and puts them back where several new ones come before them, and the focus is lost then.

use leptos::prelude::*;
use leptos::web_sys::Element;

/// A view that is in the page.
struct Shown<K> {
    key: K,
    owner: Owner,
    view: <AnyView as Render>::State,
}

/// The views of a list, each under its key.
pub struct Strip<K> {
    /// What the views belong to.
    owner: Owner,
    shown: Vec<Shown<K>>,
}

impl<K: PartialEq + Copy> Strip<K> {
    /// An empty list that lives as long as the present component.
    pub fn new() -> Self {
        Self {
            owner: Owner::current().unwrap_or_default(),
            shown: Vec::new(),
        }
    }

    /// Shows these, in this order, as the children of `parent`: what is not among them goes, what is new is made, all else stays as it is.
    pub fn show(&mut self, parent: &Element, keys: &[K], make: impl Fn(K) -> AnyView) {
        let (stay, go) = std::mem::take(&mut self.shown)
            .into_iter()
            .partition(|shown| keys.contains(&shown.key));
        self.shown = stay;
        go.into_iter().for_each(Shown::remove);
        for (place, key) in keys.iter().enumerate() {
            if self.shown.get(place).is_some_and(|at| at.key == *key) {
                continue;
            }
            // It has changed its place among those that stay: it is made anew there.
            if let Some(other) = self.shown.iter().position(|shown| shown.key == *key) {
                self.shown.remove(other).remove();
            }
            let owner = self.owner.child();
            let mut view = owner.with(|| make(*key).build());
            match self.shown.get(place) {
                Some(next) => {
                    next.view.insert_before_this(&mut view);
                }
                None => view.mount(parent, None),
            }
            let key = *key;
            self.shown.insert(place, Shown { key, owner, view });
        }
    }
}

impl<K: PartialEq + Copy> Default for Strip<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Shown<K> {
    fn remove(mut self) {
        self.view.unmount();
        self.owner.cleanup();
    }
}
