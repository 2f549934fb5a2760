//! A signal as those see it who do not own it: they read and follow it, its context alone writes it.
//!
//! It does what `ReadSignal` does. That one brings a second copy of the code that each type's `RwSignal` has already: 3 kB of the bundle.

use leptos::prelude::*;

/// A signal to read. A handle.
pub struct ReadOnly<T: 'static>(RwSignal<T>);

impl<T> Clone for ReadOnly<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ReadOnly<T> {}

impl<T> From<RwSignal<T>> for ReadOnly<T> {
    fn from(signal: RwSignal<T>) -> Self {
        Self(signal)
    }
}

impl<T: Send + Sync> ReadOnly<T> {
    /// Looks at the value, and follows it.
    pub fn with<R>(self, look: impl FnOnce(&T) -> R) -> R {
        self.0.with(look)
    }

    /// Looks at the value now.
    pub fn with_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        self.0.with_untracked(look)
    }

    /// Follows the value.
    pub fn track(self) {
        self.0.track();
    }
}

impl<T: Clone + Send + Sync> ReadOnly<T> {
    /// The value, followed.
    pub fn get(self) -> T {
        self.0.get()
    }

    /// The value now.
    pub fn get_untracked(self) -> T {
        self.0.get_untracked()
    }
}
