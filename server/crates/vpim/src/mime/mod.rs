//! The Internet message format: header fields, parameters, transfer encodings, multiparts.
//!
//! Everything here is lenient, linear in the input, and bounded by the limits below. Nothing here knows of voice.

pub(crate) mod date;
pub(crate) mod field;
pub(crate) mod multipart;
pub(crate) mod parameter;
pub(crate) mod party;
pub(crate) mod transfer;
pub(crate) mod word;

/// Deepest nesting of multiparts and enclosed messages that is followed.
pub const DEPTH_MAX: usize = 16;
/// Most body parts of a message, those of enclosed messages and the containers included.
pub const PARTS_MAX: usize = 256;
/// Longest header block of a message or of a part, in bytes.
pub const HEADER_LEN_MAX: usize = 256 * 1024;
