//! My CallPilot, the browser client of CallPilot GR: log in, read and hear messages, see which server one is on.
//!
//! [`model`] holds the rules, without a browser. The rest is for wasm32 only: `state` what the page knows, `api` its one way to the
//! servers, `my_callpilot` one file for each page, `components` one file for each reusable piece, `browser` what is asked of the
//! browser itself.

pub mod api;
pub mod model;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod components;
#[cfg(target_arch = "wasm32")]
mod frame;
#[cfg(target_arch = "wasm32")]
mod keyboard;
#[cfg(target_arch = "wasm32")]
mod my_callpilot;
#[cfg(target_arch = "wasm32")]
mod router;
#[cfg(target_arch = "wasm32")]
mod sounds;
#[cfg(target_arch = "wasm32")]
mod state;

/// Starts the page. Called by the script that loads the WASM module.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    browser::register_service_worker();
    leptos::mount::mount_to_body(frame::MyCallPilot);
}
