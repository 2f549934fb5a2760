//! Speaks to a screen reader: what was done or arrived, and how the connection stands. The regions are there from the first paint.

use crate::connection_line::Spoken;
use crate::context;
use leptos::prelude::*;
use std::time::Duration;

/// A sentence leaves its region after this time, so that the same words can be said again.
const SAID_FOR: Duration = Duration::from_secs(5);

/// What is being said. A handle.
#[derive(Clone, Copy)]
pub struct Announcer {
    /// Politely: arrivals and actions.
    said: RwSignal<String>,
    /// Politely: the connection.
    connection: RwSignal<String>,
    /// At once.
    alert: RwSignal<String>,
}

impl Default for Announcer {
    fn default() -> Self {
        Self {
            said: RwSignal::new(String::new()),
            connection: RwSignal::new(String::new()),
            alert: RwSignal::new(String::new()),
        }
    }
}

impl Announcer {
    /// The announcer of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    /// Says something politely.
    pub fn say(self, words: impl Into<String>) {
        let words = words.into();
        self.said.set(words.clone());
        set_timeout(
            move || {
                if self.said.with_untracked(|said| *said == words) {
                    self.said.set(String::new());
                }
            },
            SAID_FOR,
        );
    }

    /// Says how the connection stands now, in place of how it stood before.
    pub fn say_connection(self, spoken: Spoken) {
        let (region, other) = match spoken.alert {
            true => (self.alert, self.connection),
            false => (self.connection, self.alert),
        };
        other.set(String::new());
        region.set(spoken.words.to_owned());
    }
}

/// The regions through which the announcer speaks.
#[component]
pub fn LiveRegions() -> impl IntoView {
    let Announcer {
        said,
        connection,
        alert,
    } = Announcer::here();
    view! {
        <p class="hidden-words" role="status" aria-live="polite" data-testid="said">{move || said.get()}</p>
        <p class="hidden-words" role="status" aria-live="polite" data-testid="said-connection">{move || connection.get()}</p>
        <p class="hidden-words" role="alert" data-testid="said-alert">{move || alert.get()}</p>
    }
}
