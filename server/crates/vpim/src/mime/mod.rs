//! The Internet message format: header fields, parameters, transfer encodings, multiparts.
//!
//! Everything here is lenient, linear in the input, and bounded by [`crate::limits`]. Nothing here knows of voice.

pub(crate) mod charset;
pub(crate) mod date;
pub(crate) mod field;
pub(crate) mod multipart;
pub(crate) mod parameter;
pub(crate) mod party;
mod shifted;
pub(crate) mod transfer;
pub(crate) mod utf_7;
pub(crate) mod word;
