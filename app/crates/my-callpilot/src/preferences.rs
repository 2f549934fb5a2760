//! What the reader prefers in this browser: kept there, and put into effect.

use crate::model::preferences::{Dial, Preferences, Theme};
use leptos::ev;
use leptos::prelude::*;
use ui::browser;
use ui::clock::{self, Clock};
use ui::session::SessionContext;

/// Where they are kept. `boot.js` reads the theme there, so that the page does not change its colours when it has started.
const KEY: &str = "callpilot.preferences";

/// The preferences. A handle.
#[derive(Clone, Copy)]
pub struct PreferencesContext {
    chosen: RwSignal<Preferences>,
    clock: Clock,
    /// When the reader last did something, in milliseconds.
    active_at: StoredValue<i64>,
}

impl PreferencesContext {
    /// As this browser keeps them.
    pub fn new(clock: Clock) -> Self {
        let context = Self {
            chosen: RwSignal::new(Preferences::read(&browser::load(KEY).unwrap_or_default())),
            clock,
            active_at: StoredValue::new(clock::now().0),
        };
        context.put_into_effect();
        browser::when_stored_elsewhere(move |key| {
            if key.is_none_or(|key| key == KEY) {
                let kept = browser::load(KEY).unwrap_or_default();
                context.chosen.set(Preferences::read(&kept));
                context.put_into_effect();
            }
        });
        context
    }

    /// The preferences of the present application.
    pub fn here() -> Self {
        ui::context::provided()
    }

    /// What is chosen (tracked).
    pub fn get(self) -> Preferences {
        self.chosen.get()
    }

    /// Chooses otherwise, for good.
    pub fn change(self, change: impl FnOnce(&mut Preferences)) {
        self.chosen.update(change);
        let kept = self.chosen.with_untracked(Preferences::write);
        browser::store(KEY, Some(&kept));
        self.put_into_effect();
    }

    fn put_into_effect(self) {
        let chosen = self.chosen.get_untracked();
        browser::set_theme(match chosen.theme {
            Theme::System => "",
            Theme::Light => "light",
            Theme::Dark => "dark",
        });
        self.clock.set_dial(match chosen.dial {
            Dial::Browser => None,
            Dial::Hours24 => Some(false),
            Dial::Hours12 => Some(true),
        });
    }

    /// The reader does something, or speaks.
    pub fn active(self) {
        self.active_at.try_update_value(|at| *at = clock::now().0);
    }

    /// Logs out whoever does nothing for the chosen time, and does not listen.
    pub fn watch(self, session: SessionContext, listens: impl Fn() -> bool + 'static) {
        let keys = window_event_listener(ev::keydown, move |_| self.active());
        let clicks = window_event_listener(ev::pointerdown, move |_| self.active());
        on_cleanup(move || {
            keys.remove();
            clicks.remove();
        });
        let now = self.clock.now();
        Effect::new(move || {
            if listens() {
                self.active();
            }
            let quiet_ms = now.get().0 - self.active_at.get_value();
            let in_use = session.who().with_untracked(Option::is_some);
            if in_use
                && self
                    .chosen
                    .with_untracked(|chosen| chosen.is_idle(quiet_ms))
            {
                session.log_out_idle();
            }
        });
    }
}
