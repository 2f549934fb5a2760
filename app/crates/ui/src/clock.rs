//! The time of the page, once a second, and the reader's own zone and dial.

use crate::context;
use crate::read_only::ReadOnly;
use crate::times::Zone;
use contract::Timestamp;
use js_sys::{Array, Date, Intl, Object, Reflect};
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsValue;

/// The time of day by this computer.
pub fn now() -> Timestamp {
    // Milliseconds since 1970 fit an i64 for as long as a Date can hold them.
    Timestamp(Date::now() as i64)
}

/// The time of the page. A handle.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<Timestamp>,
    zone: BrowserZone,
    /// How the reader likes hours to be counted, if not as the browser does.
    dial: StoredValue<Option<bool>>,
}

impl Clock {
    /// Starts to tick.
    pub fn start() -> Self {
        let clock = Self {
            now: RwSignal::new(now()),
            zone: BrowserZone::ask(),
            dial: StoredValue::new(None),
        };
        let second = Duration::from_secs(1);
        if let Ok(every) = set_interval_with_handle(move || clock.now.set(now()), second) {
            on_cleanup(move || every.clear());
        }
        clock
    }

    /// The clock of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    /// The time, once a second.
    pub fn now(self) -> ReadOnly<Timestamp> {
        self.now.into()
    }

    /// The reader's zone and dial.
    pub fn zone(self) -> BrowserZone {
        let twelve = self.dial.get_value().unwrap_or(self.zone.twelve);
        BrowserZone { twelve }
    }

    /// Counts hours to 12, to 24, or with `None` as the browser does. What is shown already stays as it is.
    pub fn set_dial(self, twelve: Option<bool>) {
        self.dial.set_value(twelve);
    }
}

/// The reader's own zone and dial.
#[derive(Clone, Copy)]
pub struct BrowserZone {
    twelve: bool,
}

impl BrowserZone {
    /// Asks the browser's locale once.
    fn ask() -> Self {
        let options = Object::new();
        // Only with hours asked for does a locale say how it counts them.
        let _ = Reflect::set(&options, &"hour".into(), &"numeric".into());
        let resolved = Intl::DateTimeFormat::new(&Array::new(), &options).resolved_options();
        let twelve = Reflect::get(&resolved, &"hour12".into()).is_ok_and(|value| value.is_truthy());
        Self { twelve }
    }
}

impl Zone for BrowserZone {
    fn offset_min(&self, at: Timestamp) -> i32 {
        -(Date::new(&JsValue::from_f64(at.0 as f64)).get_timezone_offset() as i32)
    }

    fn twelve_hours(&self) -> bool {
        self.twelve
    }
}
