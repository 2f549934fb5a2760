//! The only place that talks to the SDK: its types as the app uses them, and (in the browser) its client behind signals.

#[cfg(target_arch = "wasm32")]
mod live;

#[cfg(target_arch = "wasm32")]
pub(crate) use live::{Api, Trouble, look};
pub use plugin_sdk::dialog::{Configure, Row, RowStatus};
pub use plugin_sdk::{BackWait, Health, ServerStatus, Side, State, Status, Why};
