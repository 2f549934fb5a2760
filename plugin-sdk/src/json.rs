//! JSON as it is read from servers and from what was stored, and as it is written.
//!
//! Native programs read with `serde_json`. A browser has parsed JSON all its life, so there the page asks it, and `parsed` takes out of
//! the browser's values what a type wants: a tenth of the code that a parser in the page takes.

#[cfg(target_arch = "wasm32")]
mod parsed;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a value from its text.
///
/// # Errors
/// What is wrong with the text, in a few words.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    #[cfg(target_arch = "wasm32")]
    return parsed::read(text);
    #[cfg(not(target_arch = "wasm32"))]
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// The text of a value; `None` for one that JSON cannot hold, as a map whose keys are no strings.
pub fn write(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}
