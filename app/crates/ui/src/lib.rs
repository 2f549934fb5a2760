//! What every page of every browser application shares; no page.
//!
//! The rules come first and need no browser: how times and lengths read, what the connection line says, which key is which
//! command, which press of a link stays inside. The rest is for wasm32: **contexts**, each the one owner of what it knows
//! ([`session`], [`connection`], [`announcer`], [`keyboard`], [`router`], [`clock`]), **components**, one file each, and
//! [`browser`], what is asked of the browser itself. A context is a handle that is given to the page once by its application and
//! found again by `here()`; its signals are its own, others read them and call its methods.

pub mod connection_line;
pub mod keys;
pub mod length;
pub mod links;
pub mod refusal;
pub mod sdk;
pub mod stoppable;
pub mod times;

#[cfg(target_arch = "wasm32")]
pub mod announcer;
#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod byte_store;
#[cfg(target_arch = "wasm32")]
pub mod clock;
#[cfg(target_arch = "wasm32")]
pub mod components;
#[cfg(target_arch = "wasm32")]
pub mod connection;
#[cfg(target_arch = "wasm32")]
pub mod context;
#[cfg(target_arch = "wasm32")]
pub mod focus_keeper;
#[cfg(target_arch = "wasm32")]
pub mod keyboard;
#[cfg(target_arch = "wasm32")]
pub mod lazy_page;
#[cfg(target_arch = "wasm32")]
pub mod read_only;
#[cfg(target_arch = "wasm32")]
pub mod router;
#[cfg(target_arch = "wasm32")]
pub mod session;
#[cfg(target_arch = "wasm32")]
pub mod strip;

#[cfg(test)]
mod samples;
