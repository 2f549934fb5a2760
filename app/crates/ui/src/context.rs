//! The contexts of an application, found by their types.
//!
//! As `expect_context` of Leptos, which names the missing type in a form for which the page would carry Unicode's tables: 4 kB of the bundle.

use leptos::prelude::*;

/// The context that the application has provided.
///
/// # Panics
/// It has provided none of this type: an error of the application, which provides all of them before it shows anything.
pub fn provided<T: Clone + 'static>() -> T {
    use_context().expect("the application provides its contexts before it shows anything")
}

/// What lives as long as the application. A page's own signals and effects end with the page.
#[derive(Clone)]
pub struct ApplicationOwner(Owner);

impl ApplicationOwner {
    /// That of whoever calls this: the application itself, when it starts.
    pub fn present() -> Self {
        Self(Owner::current().unwrap_or_default())
    }

    /// That of the present application.
    pub fn here() -> Self {
        provided()
    }

    /// Runs something whose signals and effects stay.
    pub fn with<T>(&self, run: impl FnOnce() -> T) -> T {
        self.0.with(run)
    }
}
