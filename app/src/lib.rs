//! My CallPilot, the browser client of CallPilot GR: log in, read and hear messages, see which server one is on.
//!
//! [`model`] holds the rules, without a browser. The rest is for wasm32 only: `state` what the page knows, `api` its one way to the
//! servers, `my_callpilot` one file for each page, `components` one file for each reusable piece.

pub mod api;
pub mod model;
