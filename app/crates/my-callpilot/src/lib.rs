//! My CallPilot, the browser client of CallPilot GR: log in, read and hear messages, see which server one is on.
//!
//! [`model`] and [`route`] hold the rules, without a browser. The rest is for wasm32 only: `app` puts the contexts together, `frame` is
//! what stands around every page, `pages` has one file for each page, `mailbox` owns the messages, `composing` those that are being written,
//! `player` the sounds, `recorder` what is spoken into the microphone, `preferences` what this browser prefers, `components` one file for each
//! reusable piece. What other applications share is in the crate `ui`.

pub mod model;
pub mod route;

#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod components;
#[cfg(target_arch = "wasm32")]
mod composing;
#[cfg(target_arch = "wasm32")]
mod frame;
#[cfg(target_arch = "wasm32")]
mod mailbox;
#[cfg(target_arch = "wasm32")]
mod pages;
#[cfg(target_arch = "wasm32")]
mod player;
#[cfg(target_arch = "wasm32")]
mod preferences;
#[cfg(target_arch = "wasm32")]
mod recorder;
#[cfg(target_arch = "wasm32")]
mod waiting_lists;

/// Starts the application. Called by the script that loads the WASM module.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    ui::browser::register_service_worker(&format!("{}/sw.js", route::BASE));
    leptos::mount::mount_to_body(app::MyCallPilot);
}
